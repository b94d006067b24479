//! Cookies, read and written. Values are percent-encoded, so any text can be kept.

use std::borrow::Cow;

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The browser SDK uses the same cookie, so that both mean one person.
pub(super) const ANONYMOUS_ID: &str = "mercer_anonymous_id";
pub(super) const CART: &str = "shop_basket";
pub(super) const CHANGE: &str = "shop_change";
pub(super) const CUSTOMER: &str = "shop_customer";
pub(super) const NOTICE: &str = "shop_notice";
pub(super) const ORDER: &str = "shop_order";
pub(super) const PERSONALIZATION: &str = "shop_personalization";
pub(super) const VIEW_AS: &str = "shop_view_as";

pub(super) const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;
/// Browsers drop cookies over 4 KB.
const MAX_BYTES: usize = 3_800;

/// The value of a cookie of the request; none when it is absent or empty.
pub(super) fn get(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    let value = pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name)?.1;
    let decoded = percent_decode_str(value.trim_matches('"')).decode_utf8().ok()?;
    (!decoded.is_empty()).then(|| Cow::into_owned(decoded))
}

/// `Set-Cookie` lines of a response.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(Vec<String>);

impl Jar {
    /// Keeps a value for a year, readable by scripts of the page.
    pub(super) fn keep_shared(&mut self, name: &str, value: &str) {
        self.add(name, value, &format!("; Max-Age={YEAR_SECONDS}"));
    }

    /// Keeps a value for a year, unreadable for scripts.
    pub(super) fn keep(&mut self, name: &str, value: &str) {
        self.add(name, value, &format!("; Max-Age={YEAR_SECONDS}; HttpOnly"));
    }

    /// Keeps a value until the browser closes.
    pub(super) fn keep_for_visit(&mut self, name: &str, value: &str) {
        self.add(name, value, "; HttpOnly");
    }

    pub(super) fn drop(&mut self, name: &str) {
        self.add(name, "", "; Max-Age=0; HttpOnly");
    }

    fn add(&mut self, name: &str, value: &str, attributes: &str) {
        let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        if encoded.len() <= MAX_BYTES {
            self.0.push(format!("{name}={encoded}; Path=/; SameSite=Lax{attributes}"));
        }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        for line in self.0.iter().filter_map(|line| HeaderValue::from_str(line).ok()) {
            headers.append(SET_COOKIE, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{1,200}") {
            let mut jar = Jar::default();
            jar.keep("x", &text);
            let mut answer = HeaderMap::new();
            jar.write(&mut answer);
            let line = answer[SET_COOKIE].to_str().unwrap();
            let pair = line.split(';').next().unwrap();
            let mut request = HeaderMap::new();
            request.insert(COOKIE, format!("a=1; {pair}; b=2").parse().unwrap());
            prop_assert_eq!(get(&request, "x"), Some(text));
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let mut jar = Jar::default();
        jar.keep("x", &"x".repeat(4_000));
        assert!(jar.0.is_empty());
    }
}
