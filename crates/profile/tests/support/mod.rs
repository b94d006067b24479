//! Events for tests: readable builders, and a generator of whatever may happen.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use mercer_profile::{IdentityLink, IdentitySettings, Profiles};
use mercer_schema::{
    Activity, Channel, Commerce, CommerceAction, Consent, Context, Currency, CustomerId, Device, Event, Exposure,
    Feedback, Line, MessageId, Money, Order, OrderId, ProductId, Profile, Properties, SourceId, Timestamp, Visitor,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Minutes since 1 March 2026.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_seconds(1_772_323_200 + minutes * 60)
}

pub(crate) fn visitor(anonymous: Option<&str>, customer: Option<&str>) -> Visitor {
    Visitor {
        anonymous_id: anonymous.map(|id| id.parse().unwrap()),
        customer_id: customer.map(|id| id.parse().unwrap()),
    }
}

pub(crate) fn browser(id: &str) -> Visitor {
    visitor(Some(id), None)
}

pub(crate) fn customer(id: &str) -> Visitor {
    visitor(None, Some(id))
}

pub(crate) fn event(message: &str, visitor: Visitor, minutes: i64, activity: Activity) -> Event {
    Event {
        message_id: MessageId::trusted(message),
        source: SourceId::trusted("web"),
        visitor,
        session: None,
        occurred_at: minute(minutes),
        received_at: minute(minutes),
        channel: Channel::Web,
        context: Context::default(),
        activity,
        properties: Properties::new(),
    }
}

pub(crate) fn euros(minor: i64) -> Money {
    Money { minor, currency: Currency::parse("EUR").unwrap() }
}

pub(crate) fn line(product: &str, quantity: u32, price: Option<i64>) -> Line {
    Line { product_id: ProductId::trusted(product), quantity, price: price.map(euros), position: None }
}

pub(crate) fn commerce(action: CommerceAction, lines: Vec<Line>) -> Activity {
    Activity::Commerce(Commerce { action, lines, order: None, query: None, list: None })
}

pub(crate) fn order(action: CommerceAction, id: &str, total: Option<i64>, lines: Vec<Line>) -> Activity {
    let order = Some(Order { id: OrderId::trusted(id), total: total.map(euros) });
    Activity::Commerce(Commerce { action, lines, order, query: None, list: None })
}

pub(crate) fn viewed(product: &str) -> Activity {
    commerce(CommerceAction::ProductViewed, vec![line(product, 1, None)])
}

pub(crate) fn page() -> Activity {
    Activity::PageViewed { name: None }
}

pub(crate) fn identified(traits: &[(&str, &str)]) -> Activity {
    let traits = traits.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    Activity::Identified { traits }
}

pub(crate) fn aliased(previous: &str) -> Activity {
    Activity::Aliased { previous_id: previous.to_owned() }
}

pub(crate) fn folded<'a>(events: impl IntoIterator<Item = &'a Event>) -> Profiles {
    folded_with(IdentitySettings::default(), events)
}

pub(crate) fn folded_with<'a>(settings: IdentitySettings, events: impl IntoIterator<Item = &'a Event>) -> Profiles {
    let mut profiles = Profiles::new(settings);
    events.into_iter().for_each(|event| profiles.apply(event));
    profiles
}

pub(crate) const BROWSERS: [&str; 6] = ["a0", "a1", "a2", "a3", "both", "null"];
pub(crate) const CUSTOMERS: [&str; 6] = ["u0", "u1", "u2", "u3", "both", "-1"];

/// Few enough places that links, limits and switches on shared devices are hit all the time.
pub(crate) fn tight() -> IdentitySettings {
    IdentitySettings { customers_per_anonymous_id: 2, anonymous_ids_per_customer: 2, ..IdentitySettings::default() }
}

/// Everything that can be asked about the ids of the generator.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    views: Vec<Option<Profile>>,
    keys: Vec<Option<String>>,
    links: Vec<Vec<IdentityLink>>,
    people: Vec<(String, Profile)>,
    len: usize,
    nobody: u64,
}

pub(crate) fn everything(profiles: &Profiles) -> Everything {
    let visitors = visitors();
    Everything {
        views: visitors.iter().map(|visitor| profiles.view(visitor)).collect(),
        keys: visitors.iter().map(|visitor| profiles.person_key(visitor)).collect(),
        links: visitors.iter().map(|visitor| profiles.links(visitor)).collect(),
        people: profiles.people().map(|person| (person.key, person.profile)).collect(),
        len: profiles.len(),
        nobody: profiles.events_of_nobody(),
    }
}

pub(crate) fn visitors() -> Vec<Visitor> {
    let browsers = BROWSERS.iter().map(|id| browser(id));
    let customers = CUSTOMERS.iter().map(|id| customer(id));
    let unknown = CustomerId::trusted("new");
    let strangers = BROWSERS.iter().map(|id| Visitor { customer_id: Some(unknown.clone()), ..browser(id) });
    browsers.chain(customers).chain(strangers).collect()
}

fn any_visitor() -> impl Strategy<Value = Visitor> {
    let pair =
        (prop::option::weighted(0.8, select(&BROWSERS[..])), prop::option::weighted(0.4, select(&CUSTOMERS[..])));
    pair.prop_map(|(anonymous, customer)| visitor(anonymous, customer))
}

fn any_lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (select(&["mug", "pan", "kite", "vase"][..]), 0_u32..4, prop::option::of(-50_i64..3_000));
    prop::collection::vec(line.prop_map(|(product, quantity, price)| self::line(product, quantity, price)), 0..4)
}

fn any_activity() -> impl Strategy<Value = Activity> {
    let action = select(CommerceAction::ALL);
    let about_orders = select(
        &[
            CommerceAction::OrderCompleted,
            CommerceAction::OrderCompleted,
            CommerceAction::OrderUpdated,
            CommerceAction::OrderRefunded,
            CommerceAction::OrderCancelled,
        ][..],
    );
    let known = (about_orders, select(&["o1", "o2", "o3", "o4"][..]), prop::option::of(-100_i64..9_000), any_lines());
    let feedback = (select(&["mug", "pan", "kite"][..]), any::<bool>());
    let exposure = (any::<bool>(), prop::collection::vec(select(&["mug", "pan"][..]), 0..3));
    let trait_pair = (select(&["email", "name", "plan"][..]), select(&["x@example.com", "y", ""][..]));
    let previous = select(&["a0", "a1", "u0", "u1", "both", "null", "other", ""][..]);
    prop_oneof![
        4 => (action, any_lines()).prop_map(|(action, lines)| commerce(action, lines)),
        4 => known.prop_map(|(action, id, total, lines)| order(action, id, total, lines)),
        2 => Just(page()),
        2 => prop::collection::vec(trait_pair, 0..3).prop_map(|traits| identified(&traits)),
        2 => previous.prop_map(aliased),
        1 => feedback.prop_map(|(product, dismissed)| {
            Activity::Feedback(Feedback { product_id: ProductId::trusted(product), dismissed })
        }),
        1 => exposure.prop_map(|(clicked, products)| Activity::Exposure(Exposure {
            decision_id: "d".parse().unwrap(),
            product_ids: products.into_iter().map(ProductId::trusted).collect(),
            clicked,
            order_id: None,
        })),
    ]
}

/// Distinct events (each has its own message id) over some days, many at the same time.
pub(crate) fn any_events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let device = prop::option::of(select(&[Device::Desktop, Device::Mobile, Device::Bot][..]));
    let consent = prop::option::weighted(0.2, (any::<bool>(), any::<bool>()));
    let channel = select(&[Channel::Web, Channel::Web, Channel::Server][..]);
    let one = (any_visitor(), 0_i64..3_000, any_activity(), device, consent, channel);
    prop::collection::vec(one, 0..most).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let built = numbered.map(|(number, (visitor, minutes, activity, device, consent, channel))| {
            let mut event = event(&format!("m{number}"), visitor, minutes / 7 * 7, activity);
            event.context.device = device;
            event.context.consent = consent.map(|(personalization, gpc)| Consent { personalization, gpc });
            event.channel = channel;
            event
        });
        built.collect()
    })
}

/// The events in another order.
pub(crate) fn shuffled(events: &[Event], order: &[u32]) -> Vec<Event> {
    let mut keyed: Vec<(u32, usize)> =
        (0..events.len()).map(|index| (order.get(index).copied().unwrap_or(0), index)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, index)| events[index].clone()).collect()
}
