//! What the client says the customer allowed, in the ways that clients say it.
//!
//! Invariant: consent is never guessed. A statement that does not speak of personalization, or cannot be read,
//! is a no; no statement is none. An objection (Global Privacy Control) outweighs any consent.

use mercer_schema::Consent;
use serde_json::value::RawValue;

use crate::object::{Object, Scalar, list_of, scalar};

/// Purposes that cover what a shop shows to a customer. The last is how OneTrust numbers its functional
/// category, which is the one that names personalization.
const COVERING: [&str; 4] = ["functional", "functionality", "preferences", "c0003"];

/// From `context.consent`: Segment's `categoryPreferences`, or a plain `personalization`; and from RudderStack's
/// `context.consentManagement`.
pub(crate) fn of_context(context: &mut Object<'_>, header_gpc: bool) -> Option<Consent> {
    let stated = context.take("consent").ok().flatten().map(of_segment);
    let stated = stated.or_else(|| context.take("consentManagement").ok().flatten().map(of_rudderstack));
    combined(stated, header_gpc)
}

/// GA4's consent signals. Its two values are about advertisements; the newer `personalization_storage` of
/// consent mode is about the site and counts first.
pub(crate) fn of_ga4(consent: Option<&RawValue>, non_personalized_ads: bool, header_gpc: bool) -> Option<Consent> {
    let stated = consent.map(|raw| {
        let mut consent = Object::parse(raw.get()).unwrap_or_default();
        let signal = ["personalization_storage", "ad_personalization"].map(|key| consent.describing_text(key));
        let granted = signal.into_iter().flatten().next().is_some_and(|signal| signal.eq_ignore_ascii_case("granted"));
        (granted && !non_personalized_ads, false)
    });
    combined(stated.or(non_personalized_ads.then_some((false, false))), header_gpc)
}

/// Personalization allowed, and GPC on.
type Stated = (bool, bool);

fn combined(stated: Option<Stated>, header_gpc: bool) -> Option<Consent> {
    let (allowed, stated_gpc) = stated.unwrap_or_default();
    let gpc = stated_gpc || header_gpc;
    (stated.is_some() || gpc).then_some(Consent { personalization: allowed && !gpc, gpc })
}

fn of_segment(raw: &RawValue) -> Stated {
    let mut consent = Object::parse(raw.get()).unwrap_or_default();
    let gpc = consent.take("gpc").ok().flatten().is_some_and(is_true);
    if let Ok(Some(plain)) = consent.peek("personalization") {
        return (is_true(plain), gpc);
    }
    let categories = consent.describing_object("categoryPreferences");
    (covers(categories.iter().map(|(category, raw)| (category, is_true(raw)))), gpc)
}

fn of_rudderstack(raw: &RawValue) -> Stated {
    let mut consent = Object::parse(raw.get()).unwrap_or_default();
    let mut categories = Vec::new();
    for (key, allowed) in [("allowedConsentIds", true), ("deniedConsentIds", false)] {
        let ids = consent.take(key).ok().flatten().and_then(|raw| list_of(raw).ok()).unwrap_or_default();
        categories.extend(ids.into_iter().filter_map(|raw| match scalar(raw) {
            Ok(Scalar::Text(id)) => Some((id, allowed)),
            _ => None,
        }));
    }
    (covers(categories.iter().map(|(id, allowed)| (id.as_ref(), *allowed))), false)
}

/// A category named after personalization decides alone; else all categories that cover it must be allowed.
fn covers<'a>(categories: impl Iterator<Item = (&'a str, bool)>) -> bool {
    let (mut named, mut covering): (Option<bool>, Option<bool>) = (None, None);
    for (category, allowed) in categories {
        let category = category.trim().to_ascii_lowercase();
        if matches!(category.as_str(), "personalization" | "personalisation") {
            named = Some(named.unwrap_or(true) && allowed);
        } else if COVERING.contains(&category.as_str()) {
            covering = Some(covering.unwrap_or(true) && allowed);
        }
    }
    named.or(covering).unwrap_or(false)
}

fn is_true(raw: &RawValue) -> bool {
    raw.get() == "true"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(context: &str, gpc: bool) -> Option<(bool, bool)> {
        let consent = of_context(&mut Object::parse(context).unwrap(), gpc)?;
        Some((consent.personalization, consent.gpc))
    }

    #[test]
    fn reads_the_ways_of_saying_yes() {
        for context in [
            r#"{"consent":{"personalization":true}}"#,
            r#"{"consent":{"categoryPreferences":{"Advertising":false,"Functional":true}}}"#,
            r#"{"consent":{"categoryPreferences":{"C0002":false,"C0003":true}}}"#,
            r#"{"consent":{"categoryPreferences":{"Personalization":true,"functional":false}}}"#,
            r#"{"consentManagement":{"allowedConsentIds":["C0003"],"deniedConsentIds":["C0002"]}}"#,
        ] {
            assert_eq!(read(context, false), Some((true, false)), "{context}");
        }
    }

    #[test]
    fn everything_else_that_is_said_is_a_no() {
        for context in [
            r#"{"consent":{"personalization":"true"}}"#,
            r#"{"consent":{"categoryPreferences":{"Advertising":true,"Analytics":true}}}"#,
            r#"{"consent":{"categoryPreferences":{"functional":true,"preferences":false}}}"#,
            r#"{"consent":{}}"#,
            r#"{"consent":"yes"}"#,
            r#"{"consentManagement":{"deniedConsentIds":["C0003"]}}"#,
        ] {
            assert_eq!(read(context, false), Some((false, false)), "{context}");
        }
        assert_eq!(read("{}", false), None);
    }

    #[test]
    fn an_objection_outweighs_a_yes() {
        assert_eq!(read(r#"{"consent":{"personalization":true}}"#, true), Some((false, true)));
        assert_eq!(read(r#"{"consent":{"personalization":true,"gpc":true}}"#, false), Some((false, true)));
        assert_eq!(read("{}", true), Some((false, true)));
    }

    #[test]
    fn ga4_signals() {
        let read = |json: &str, npa| {
            of_ga4(Some(serde_json::from_str(json).unwrap()), npa, false).map(|consent| consent.personalization)
        };
        assert_eq!(read(r#"{"ad_user_data":"GRANTED","ad_personalization":"GRANTED"}"#, false), Some(true));
        assert_eq!(read(r#"{"ad_personalization":"GRANTED"}"#, true), Some(false));
        assert_eq!(read(r#"{"personalization_storage":"denied","ad_personalization":"GRANTED"}"#, false), Some(false));
        assert_eq!(read(r#"{"ad_user_data":"GRANTED"}"#, false), Some(false));
        assert_eq!(of_ga4(None, false, false), None);
    }
}
