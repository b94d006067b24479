//! Records that look like a shop's, made from numbers: equal numbers give equal records.

use mercer_schema::{
    Activity, Channel, Commerce, CommerceAction, Context, CustomerId, DecideRequest, DecisionId, DecisionRecord, Draft,
    Event, Fact, Line, MessageId, Money, Order, OrderId, PlacementId, Position, ProductId, Properties, RecordKey,
    RecordedPlacement, SessionId, SourceId, Timestamp, Visitor,
};

/// When sample `number` was recorded: one a minute.
pub fn recorded_at(number: u64) -> Timestamp {
    Timestamp::from_seconds(1_320_000_000 + 60 * number as i64)
}

pub fn key(number: u64) -> RecordKey {
    RecordKey(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes())
}

/// A keyed draft of a product view.
pub fn viewed(number: u64) -> Draft {
    let commerce = commerce(CommerceAction::ProductViewed, number, None);
    draft(number, event(number, Activity::Commerce(commerce)))
}

/// A keyed draft of an order with one line.
pub fn ordered(number: u64) -> Draft {
    let total = money(499).map(|price| Money { minor: 2 * price.minor, ..price });
    let order = Order { id: OrderId::trusted(format!("o-{number}")), total };
    draft(number, event(number, Activity::Commerce(commerce(CommerceAction::OrderCompleted, number, Some(order)))))
}

/// A keyed draft of a decision, whose score of shown products is no short decimal.
pub fn decided(number: u64) -> Draft {
    let placement = RecordedPlacement {
        placement: PlacementId::trusted("home-top"),
        product_ids: vec![product(number)],
        propensities: vec![1.0 / (number as f64 + 3.0)],
        top_score: None,
    };
    let decision = DecisionRecord {
        decision_id: DecisionId::trusted(format!("d-{number}")),
        position: Position(number),
        decided_at: recorded_at(number),
        request: DecideRequest::default(),
        placements: vec![placement],
        arm: None,
        digest: format!("{number:032x}"),
    };
    Draft {
        recorded_at: recorded_at(number),
        key: Some(key(number)),
        key_lasts: false,
        fact: Fact::Decided(Box::new(decision)),
    }
}

/// A draft without a key.
pub fn removed(number: u64) -> Draft {
    Draft { recorded_at: recorded_at(number), key: None, key_lasts: false, fact: Fact::ProductRemoved(product(number)) }
}

/// A keyed draft of an event.
pub fn draft(number: u64, event: Event) -> Draft {
    Draft {
        recorded_at: recorded_at(number),
        key: Some(key(number)),
        key_lasts: false,
        fact: Fact::Event(Box::new(event)),
    }
}

/// An event of customer `number % 50`.
pub fn event(number: u64, activity: Activity) -> Event {
    let mut properties = Properties::new();
    properties.insert("ratio".into(), (0.1 + number as f64 / 3.0).into());
    Event {
        message_id: MessageId::trusted(format!("m-{number}")),
        source: SourceId::trusted("web"),
        visitor: Visitor { anonymous_id: None, customer_id: Some(CustomerId::trusted(format!("c-{}", number % 50))) },
        session: Some(SessionId::trusted(format!("s-{}", number / 10))),
        occurred_at: recorded_at(number),
        received_at: recorded_at(number).plus(250_000),
        channel: Channel::Web,
        context: Context { url: Some("https://shop.example/p/85123A".into()), ..Context::default() },
        activity,
        properties,
    }
}

fn commerce(action: CommerceAction, number: u64, order: Option<Order>) -> Commerce {
    let line = Line { product_id: product(number), quantity: 2, price: money(499), position: None };
    Commerce { action, lines: vec![line], order, query: None, list: None }
}

fn product(number: u64) -> ProductId {
    ProductId::trusted(format!("p-{}", number % 97))
}

fn money(minor: i64) -> Option<Money> {
    mercer_schema::Currency::parse("GBP").ok().map(|currency| Money { minor, currency })
}
