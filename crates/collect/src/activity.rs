//! What a named event says was done.
//!
//! Invariant: every name gives an activity; only a known name whose required fields are missing is a fault.
//! Identity calls are not here: each protocol has its own.

use mercer_schema::{Activity, DecisionId, Exposure, Feedback, Preferences, Properties};

use crate::bad_row::{BadReason, Fault};
use crate::commerce::{self, Terms};
use crate::names::{Known, lookup};
use crate::object::Object;

/// Reads a track call. Names that only GA4 uses for views and sign-ins are the shop's own here.
pub(crate) fn track(name: &str, mut from: Object<'_>, terms: Terms) -> Result<(Activity, Properties), Fault> {
    let activity = match lookup(name) {
        Some(Known::Commerce(action)) => {
            let (commerce, properties) = commerce::read(action, from, terms)?;
            return Ok((Activity::Commerce(commerce), properties));
        }
        Some(Known::Feedback { dismissed }) => {
            let product_id = commerce::one_product_id(&mut from)?
                .ok_or_else(|| Fault::missing("product_id", "the product that the customer judged is needed"))?;
            Activity::Feedback(Feedback { product_id, dismissed })
        }
        Some(Known::Preference) => Activity::Preferred(preferences(&mut from)?),
        Some(Known::Exposure { clicked }) => Activity::Exposure(exposure(clicked, &mut from)?),
        Some(Known::View | Known::SignIn) | None => Activity::Custom { name: name.to_owned() },
    };
    Ok((activity, from.rest(terms.property_levels)?))
}

/// A page or screen under the first name that there is.
pub(crate) fn view(
    name: Option<String>,
    name_keys: &[&str],
    mut from: Object<'_>,
    terms: Terms,
) -> Result<(Activity, Properties), Fault> {
    // analytics.js repeats the name among the properties.
    let repeated = name_keys.iter().find_map(|key| from.describing_text(key));
    Ok((Activity::PageViewed { name: name.or(repeated) }, from.rest(terms.property_levels)?))
}

fn preferences(from: &mut Object<'_>) -> Result<Preferences, Fault> {
    const FIELD: &str = "search_strength";
    let given = from.take_text(FIELD)?.ok_or_else(|| Fault::missing(FIELD, "a number from 0 to 2 is needed"))?;
    let preferences = given.trim().parse().ok().map(|search_strength| Preferences { search_strength });
    let in_bounds = preferences.filter(|preferences| preferences.fault().is_none());
    in_bounds.ok_or_else(|| Fault::at(BadReason::InvalidNumber, FIELD, "a number from 0 to 2 is needed"))
}

fn exposure(clicked: bool, from: &mut Object<'_>) -> Result<Exposure, Fault> {
    let decision_id: DecisionId = from
        .take_id("decision_id")?
        .ok_or_else(|| Fault::missing("decision_id", "the decision_id that the placement came with is needed"))?;
    Ok(Exposure {
        decision_id,
        product_ids: commerce::product_ids(from)?,
        clicked,
        order_id: from.take_id("order_id")?,
    })
}
