//! The tables by name: the two datasets, what is made of them, and what every column holds.
//!
//! `orders` and `order_lines` count an order once however often it was reported, by the engine's rule: each part of an
//! order is taken from the first report that names it.

use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

use super::MemoryTable;

/// A table that a query can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlTable {
    pub name: String,
    /// What a row is, as a sentence.
    pub about: String,
    pub columns: Vec<SqlColumn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlColumn {
    pub name: String,
    /// As SQL calls it.
    pub kind: String,
    /// Every row has a value.
    pub is_always_there: bool,
    pub about: String,
}

/// Names with what they mean.
type Words = &'static [(&'static str, &'static str)];

const ABOUT: &[(&str, &str, Words)] = &[
    ("events", "One row an event: everything that was collected or imported.", EVENTS),
    ("lines", "One row a product in an event: views, carts, orders, refunds and feedback.", LINES),
    ("orders", "One row an order as it was placed, however often it was reported.", ORDERS),
    ("order_lines", "One row a product in a placed order, each order once.", LINES),
];

const EVENTS: Words = &[
    ("position", "place in the log, from 1; the order in which Mercer took events in"),
    ("message_id", "the sender's id of the event"),
    ("source", "which collector, tracker or import it came by"),
    ("occurred_at", "when it happened, UTC, the client's clock corrected"),
    ("received_at", "when Mercer received it, UTC"),
    ("customer_id", "the shop's id of a customer who is known"),
    ("anonymous_id", "the browser's or device's id"),
    ("previous_id", "for `aliased`: the other id of the same person"),
    ("session", "the visit, as the client names it"),
    ("channel", "web, app, email, store or server"),
    ("device", "desktop, mobile, tablet, bot or other"),
    ("kind", "identity, page, commerce, feedback, exposure or custom"),
    ("activity", "what was done, such as product_viewed, order_completed, shown, clicked"),
    ("url", "the page"),
    ("referrer", "the page before it"),
    ("locale", "language and region, such as en-GB"),
    ("campaign", "utm_campaign and its kin"),
    ("personalization", "what was said with the event about consent to personalization"),
    ("order_id", "the order that the event is about"),
    ("total_minor", "what the order costs, in minor units (pence, cents) of `currency`"),
    ("currency", "ISO 4217 code of `total_minor`"),
    ("query", "the words of a search"),
    ("list", "the category or list that was looked at"),
    ("decision_id", "for shown and clicked: the decision that was shown"),
    ("details", "JSON: traits, page name, product ids, by activity"),
    ("properties", "JSON: the fields that Mercer does not interpret"),
];

const LINES: Words = &[
    ("position", "the event's place in the log; joins to events.position"),
    ("line", "the product's place in the event, from 0"),
    ("occurred_at", "when it happened, UTC"),
    ("customer_id", "the shop's id of a customer who is known"),
    ("anonymous_id", "the browser's or device's id"),
    ("session", "the visit, as the client names it"),
    ("personalization", "what was said with the event about consent to personalization"),
    ("channel", "web, app, email or store; empty where a server told of it"),
    ("device", "desktop, mobile, tablet, bot or other"),
    ("country", "ISO 3166 code of the region in the customer's locale, if it names one"),
    ("action", "what was done: product_viewed, product_added, order_completed, dismissed, …"),
    ("product_id", "the product"),
    ("quantity", "pieces"),
    ("price_minor", "price of one piece, in minor units (pence, cents) of `currency`"),
    ("currency", "ISO 4217 code of `price_minor`"),
    ("order_id", "the order that the event is about"),
];

const ORDERS: Words = &[
    ("order_id", "the shop's id of the order; empty where none was reported"),
    ("position", "place in the log of its first report"),
    ("occurred_at", "when it was placed, UTC"),
    ("customer_id", "the shop's id of a customer who is known"),
    ("anonymous_id", "the browser's or device's id"),
    ("session", "the visit, as the client names it"),
    ("channel", "web, app, email, store or server"),
    ("line_count", "lines"),
    ("pieces", "pieces of all lines"),
    ("total_minor", "its total, else the sum of its lines, in minor units (pence, cents) of `currency`"),
    ("currency", "ISO 4217 code; empty, like the total, when its lines are in several"),
    ("reports", "how often it was reported"),
];

const VIEWS: [&str; 2] = [
    "CREATE VIEW order_lines AS
     SELECT * FROM lines
     WHERE action = 'order_completed' AND position IN (
         SELECT min(position) FROM lines WHERE action = 'order_completed'
         GROUP BY order_id, CASE WHEN order_id IS NULL THEN position END)",
    "CREATE VIEW orders AS
     WITH sums AS (
         SELECT position, count(*) AS line_count, sum(quantity) AS pieces,
                sum(quantity * price_minor) AS total_minor,
                min(currency) AS currency, count(DISTINCT currency) AS currencies
         FROM lines WHERE action = 'order_completed' GROUP BY position),
     reports AS (
         SELECT events.position, events.order_id, occurred_at, customer_id, anonymous_id, session, channel,
                CASE WHEN events.order_id IS NULL THEN events.position END AS nameless,
                line_count, pieces,
                CASE WHEN events.total_minor IS NOT NULL THEN events.total_minor
                     WHEN currencies = 1 THEN sums.total_minor END AS total_minor,
                CASE WHEN events.total_minor IS NOT NULL THEN events.currency
                     WHEN currencies = 1 THEN sums.currency END AS currency
         FROM events LEFT JOIN sums ON sums.position = events.position
         WHERE kind = 'commerce' AND activity = 'order_completed')
     SELECT order_id,
            min(position) AS position,
            first_value(occurred_at ORDER BY position) AS occurred_at,
            first_value(customer_id ORDER BY position) FILTER (WHERE customer_id IS NOT NULL) AS customer_id,
            first_value(anonymous_id ORDER BY position) FILTER (WHERE anonymous_id IS NOT NULL) AS anonymous_id,
            first_value(session ORDER BY position) FILTER (WHERE session IS NOT NULL) AS session,
            first_value(channel ORDER BY position) AS channel,
            first_value(line_count ORDER BY position) FILTER (WHERE line_count IS NOT NULL) AS line_count,
            first_value(pieces ORDER BY position) FILTER (WHERE pieces IS NOT NULL) AS pieces,
            first_value(total_minor ORDER BY position) FILTER (WHERE total_minor IS NOT NULL) AS total_minor,
            first_value(currency ORDER BY position) FILTER (WHERE currency IS NOT NULL) AS currency,
            count(*) AS reports
     FROM reports GROUP BY order_id, nameless",
];

/// Makes the views; the datasets must be there.
pub(super) async fn register_views(session: &SessionContext) -> Result<(), DataFusionError> {
    for view in VIEWS {
        session.sql(view).await?;
    }
    Ok(())
}

/// All tables, in the order in which they are best read.
pub(super) async fn describe(
    session: &SessionContext,
    brought: &[MemoryTable],
) -> Result<Vec<SqlTable>, DataFusionError> {
    let brought = brought.iter().map(|table| (table.name, table.about, table.columns));
    let mut tables = Vec::new();
    for (name, about, words) in ABOUT.iter().copied().chain(brought) {
        let schema = session.table_provider(name).await?.schema();
        let columns = schema.fields().iter().map(|field| SqlColumn {
            name: field.name().clone(),
            kind: kind(field.data_type()),
            is_always_there: !field.is_nullable(),
            about: meaning(words, field.name()).to_owned(),
        });
        tables.push(SqlTable { name: name.to_owned(), about: about.to_owned(), columns: columns.collect() });
    }
    Ok(tables)
}

fn meaning(words: Words, column: &str) -> &'static str {
    words.iter().find(|(name, _)| *name == column).map_or("", |(_, meaning)| *meaning)
}

fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Int64 => "BIGINT".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "TEXT".into(),
        DataType::Timestamp(..) => "TIMESTAMP".into(),
        other => other.to_string().to_uppercase(),
    }
}
