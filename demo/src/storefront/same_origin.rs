//! Forms are taken only from the shop's own pages, so that no other site can shop in a visitor's name.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::trouble::plain_page;

/// Refuses a changing request that does not come from a page of this origin.
pub(super) async fn require(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || is_same_origin(request.headers()) {
        return next.run(request).await;
    }
    let text = "This form was not sent from a page of the shop. Go back to the shop and try again from there.";
    plain_page(StatusCode::FORBIDDEN, "That did not come from here", text)
}

/// Browsers say it in `Sec-Fetch-Site`, older ones in `Origin`. Whoever says neither is no browser with a shop's page.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text(header::HOST.as_str());
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some() && host == origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)]) -> bool {
        is_same_origin(&headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
    }

    #[test]
    fn only_own_pages_pass() {
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("host", "shop:1"), ("origin", "http://shop:1")]));
        for foreign in [
            &[][..],
            &[("host", "shop:1")],
            &[("sec-fetch-site", "cross-site"), ("host", "shop"), ("origin", "http://shop")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("host", "shop:1"), ("origin", "http://evil")],
            &[("host", "shop:1"), ("origin", "http://shop:2")],
            &[("host", "shop:1"), ("origin", "null")],
        ] {
            assert!(!check(foreign), "{foreign:?}");
        }
    }
}
