//! The columns of both datasets, and how records fill them.
//!
//! Times are microseconds UTC, whole numbers 64 bits, everything else text: types that every reader of Parquet has.
//! What an event has no column for is in `details` and `properties` as JSON.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use mercer_schema::{Activity, Commerce, Country, Event, Exposure, Money, Order, Position, Properties, Whereabouts};
use serde_json::json;

use super::LineRow;
use super::actions::{LineAction, activity, channel, device};

/// An event with its place in the log.
pub(super) type Placed<'a> = (Position, &'a Event);

/// A column's name and content, and whether a field may be empty.
type Column = (&'static str, ArrayRef, bool);

const REQUIRED: bool = false;
const OPTIONAL: bool = true;

/// The columns of `events`: one row an event.
pub(super) fn events(rows: &[Placed<'_>]) -> Result<RecordBatch, String> {
    batch([
        ("position", numbers(rows, |(position, _)| Some(position.0 as i64)), REQUIRED),
        ("message_id", texts(rows, |(_, event)| Some(event.message_id.as_str())), REQUIRED),
        ("source", texts(rows, |(_, event)| Some(event.source.as_str())), REQUIRED),
        ("occurred_at", times(rows, |(_, event)| event.occurred_at.0), REQUIRED),
        ("received_at", times(rows, |(_, event)| event.received_at.0), REQUIRED),
        ("customer_id", texts(rows, |(_, event)| event.visitor.customer_id.as_ref()), OPTIONAL),
        ("anonymous_id", texts(rows, |(_, event)| event.visitor.anonymous_id.as_ref()), OPTIONAL),
        ("previous_id", texts(rows, |(_, event)| previous_id(event)), OPTIONAL),
        ("session", texts(rows, |(_, event)| event.session.as_ref()), OPTIONAL),
        ("channel", texts(rows, |(_, event)| Some(channel(event.channel))), REQUIRED),
        ("device", texts(rows, |(_, event)| event.context.device.map(device)), OPTIONAL),
        ("kind", texts(rows, |(_, event)| Some(activity(&event.activity).0)), REQUIRED),
        ("activity", texts(rows, |(_, event)| Some(activity(&event.activity).1)), REQUIRED),
        ("url", texts(rows, |(_, event)| event.context.url.as_ref()), OPTIONAL),
        ("referrer", texts(rows, |(_, event)| event.context.referrer.as_ref()), OPTIONAL),
        ("locale", texts(rows, |(_, event)| event.context.locale.as_ref()), OPTIONAL),
        ("campaign", texts(rows, |(_, event)| event.context.campaign.as_ref()), OPTIONAL),
        ("personalization", flags(rows, |(_, event)| personalization(event)), OPTIONAL),
        ("order_id", texts(rows, |(_, event)| order_id(event)), OPTIONAL),
        ("total_minor", numbers(rows, |(_, event)| total(event).map(|total| total.minor)), OPTIONAL),
        ("currency", texts(rows, |(_, event)| total(event).map(|total| total.currency.code())), OPTIONAL),
        ("query", texts(rows, |(_, event)| commerce(event)?.query.as_ref()), OPTIONAL),
        ("list", texts(rows, |(_, event)| commerce(event)?.list.as_ref()), OPTIONAL),
        ("decision_id", texts(rows, |(_, event)| exposure(event).map(|exposure| &exposure.decision_id)), OPTIONAL),
        ("details", texts(rows, |(_, event)| details(&event.activity)), OPTIONAL),
        ("properties", texts(rows, |(_, event)| as_json(&event.properties)), OPTIONAL),
    ])
}

/// The columns of `lines`: one row a product in an event.
pub(super) fn lines(rows: &[LineRow<'_>]) -> Result<RecordBatch, String> {
    batch([
        ("position", numbers(rows, |row| Some(row.position.0 as i64)), REQUIRED),
        ("line", numbers(rows, |row| Some(row.line.into())), REQUIRED),
        ("occurred_at", times(rows, |row| row.occurred_at.0), REQUIRED),
        ("customer_id", texts(rows, |row| row.customer_id), OPTIONAL),
        ("anonymous_id", texts(rows, |row| row.anonymous_id), OPTIONAL),
        ("session", texts(rows, |row| row.session), OPTIONAL),
        ("personalization", flags(rows, |row| row.personalization), OPTIONAL),
        ("channel", texts(rows, |row| row.whereabouts.channel.map(channel)), OPTIONAL),
        ("device", texts(rows, |row| row.whereabouts.device.map(device)), OPTIONAL),
        ("country", texts(rows, |row| row.whereabouts.country.as_ref().map(Country::code)), OPTIONAL),
        ("action", texts(rows, |row| Some(row.action.name())), REQUIRED),
        ("product_id", texts(rows, |row| Some(row.product_id)), REQUIRED),
        ("quantity", numbers(rows, |row| Some(row.quantity.into())), REQUIRED),
        ("price_minor", numbers(rows, |row| row.price.map(|price| price.minor)), OPTIONAL),
        ("currency", texts(rows, |row| row.price.as_ref().map(|price| price.currency.code())), OPTIONAL),
        ("order_id", texts(rows, |row| row.order_id), OPTIONAL),
    ])
}

/// The product lines of an event, in its order.
pub(super) fn lines_of((position, event): Placed<'_>) -> Vec<LineRow<'_>> {
    let row = |line, action, product_id| LineRow {
        position,
        line,
        occurred_at: event.occurred_at,
        customer_id: event.visitor.customer_id.as_ref().map(AsRef::as_ref),
        anonymous_id: event.visitor.anonymous_id.as_ref().map(AsRef::as_ref),
        session: event.session.as_ref().map(AsRef::as_ref),
        personalization: personalization(event),
        whereabouts: Whereabouts::of(event),
        action,
        product_id,
        quantity: 1,
        price: None,
        order_id: None,
    };
    match &event.activity {
        Activity::Commerce(commerce) => {
            let order_id = commerce.order.as_ref().map(|order| order.id.as_str());
            let lines = (0..).zip(&commerce.lines).map(|(number, line)| LineRow {
                quantity: line.quantity,
                price: line.price,
                order_id,
                ..row(number, LineAction::Commerce(commerce.action), line.product_id.as_str())
            });
            lines.collect()
        }
        Activity::Feedback(feedback) => {
            let action = if feedback.dismissed { LineAction::Dismissed } else { LineAction::Restored };
            vec![row(0, action, feedback.product_id.as_str())]
        }
        _ => Vec::new(),
    }
}

fn batch<const N: usize>(columns: [Column; N]) -> Result<RecordBatch, String> {
    RecordBatch::try_from_iter_with_nullable(columns).map_err(|error| error.to_string())
}

fn texts<'a, Row, Text: AsRef<str>>(rows: &'a [Row], field: impl Fn(&'a Row) -> Option<Text>) -> ArrayRef {
    Arc::new(rows.iter().map(field).collect::<StringArray>())
}

fn numbers<'a, Row>(rows: &'a [Row], field: impl Fn(&'a Row) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(field).collect::<Int64Array>())
}

fn flags<'a, Row>(rows: &'a [Row], field: impl Fn(&'a Row) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(field).collect::<BooleanArray>())
}

fn times<'a, Row>(rows: &'a [Row], field: impl Fn(&'a Row) -> i64) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(field)).with_timezone("UTC"))
}

fn commerce(event: &Event) -> Option<&Commerce> {
    match &event.activity {
        Activity::Commerce(commerce) => Some(commerce),
        _ => None,
    }
}

fn order(event: &Event) -> Option<&Order> {
    commerce(event)?.order.as_ref()
}

fn total(event: &Event) -> Option<&Money> {
    order(event)?.total.as_ref()
}

fn exposure(event: &Event) -> Option<&Exposure> {
    match &event.activity {
        Activity::Exposure(exposure) => Some(exposure),
        _ => None,
    }
}

fn order_id(event: &Event) -> Option<&str> {
    let tied_by_client = || exposure(event)?.order_id.as_ref();
    order(event).map(|order| &order.id).or_else(tied_by_client).map(AsRef::as_ref)
}

fn previous_id(event: &Event) -> Option<&String> {
    match &event.activity {
        Activity::Aliased { previous_id } => Some(previous_id),
        _ => None,
    }
}

fn personalization(event: &Event) -> Option<bool> {
    event.context.consent.map(|consent| consent.personalization)
}

/// What an activity says beyond the columns.
fn details(activity: &Activity) -> Option<String> {
    match activity {
        Activity::Identified { traits } => as_json(traits),
        Activity::Grouped { group_id, traits } => Some(json!({"group_id": group_id, "traits": traits}).to_string()),
        Activity::PageViewed { name } => name.as_ref().map(|name| json!({"name": name}).to_string()),
        Activity::Feedback(feedback) => Some(json!({"product_id": feedback.product_id}).to_string()),
        Activity::Exposure(exposure) => Some(json!({"product_ids": exposure.product_ids}).to_string()),
        Activity::Preferred(preferences) => Some(json!(preferences).to_string()),
        Activity::Aliased { .. } | Activity::Commerce(_) | Activity::Custom { .. } => None,
    }
}

fn as_json(properties: &Properties) -> Option<String> {
    (!properties.is_empty()).then(|| json!(properties).to_string())
}
