//! People: who was here, and what is known of one of them.
//!
//! A page shows what the profile holds and nothing that was guessed beyond it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use mercer_profile::{Cursor, IdentityLink, LinkedBy, Person, Verdict};
use mercer_schema::{Device, ProductId, Profile, Timestamp, TouchKind, Visitor};
use serde::Deserialize;
use serde_json::Value;

use super::catalog::Card;
use super::chart::{self, Column};
use super::interests::{Bar, Interest, bars, interests};
use super::live::{self, Row};
use super::page::{Frame, ago, failure, grouped, minute, money, render};
use super::session::SignedIn;
use crate::problem::Problem;
use crate::state::{App, now};

const PAGE: usize = 50;
/// Events on a customer's page.
const TIMELINE: usize = 100;
/// Products of the newest contacts.
const RECENT: usize = 12;

#[derive(Deserialize)]
pub(crate) struct PeopleQuery {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "console/customers.html")]
struct CustomersPage {
    frame: Frame,
    query: String,
    rows: Vec<Listed>,
    /// How many people there are.
    total: String,
    is_empty: bool,
    is_first: bool,
    next: Option<String>,
}

struct Listed {
    key: String,
    name: String,
    is_known: bool,
    last_seen: String,
    visits: String,
    orders: String,
    spend: String,
}

pub(crate) async fn list(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(query): Query<PeopleQuery>,
) -> Response {
    let frame = Frame::new(&app, &session, "customers");
    let after = match query.after.as_deref().map(str::parse::<Cursor>).transpose() {
        Ok(after) => after,
        Err(error) => return failure(&Problem::invalid(Some("after".into()), error.to_string())),
    };
    // A search looks at one person after the other.
    let found = tokio::task::spawn_blocking(move || {
        let snapshot = app.engine.snapshot();
        let profiles = &snapshot.world.profiles;
        let people: Vec<Person> = match query.q.trim() {
            "" => profiles.people_after(after).take(PAGE + 1).collect(),
            typed => profiles.search(typed, after).take(PAGE + 1).collect(),
        };
        let next = people.get(PAGE).and_then(|_| people.get(PAGE - 1)).map(|last| last.cursor.to_string());
        CustomersPage {
            frame,
            rows: people.into_iter().take(PAGE).map(listed).collect(),
            total: grouped(profiles.len() as u64),
            is_empty: profiles.is_empty(),
            is_first: after.is_none(),
            next,
            query: query.q,
        }
    });
    match found.await {
        Ok(page) => render(&page),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn listed(person: Person) -> Listed {
    let Person { key, profile, .. } = person;
    Listed {
        name: name_of(&profile).unwrap_or_default(),
        is_known: profile.customer_id.is_some(),
        last_seen: ago(profile.last_seen_at, now()),
        visits: grouped(u64::from(profile.visits)),
        orders: grouped(u64::from(profile.orders)),
        spend: spend(&profile),
        key,
    }
}

#[derive(Template)]
#[template(path = "console/customer.html")]
struct CustomerPage {
    frame: Frame,
    key: String,
    name: Option<String>,
    is_known: bool,
    consent: Consent,
    /// What they said of how much search may know of them.
    search_strength: Option<f64>,
    figures: Vec<(&'static str, String, String)>,
    anonymous_ids: Vec<String>,
    links: Vec<Link>,
    traits: Vec<(String, String)>,
    interests: Vec<Interest>,
    counts: Vec<(&'static str, String)>,
    devices: Vec<Bar>,
    hours: String,
    hour_rows: Vec<(String, String)>,
    recent: Vec<(Card, &'static str, String)>,
    dismissed: Vec<Card>,
    timeline: Vec<Row>,
}

struct Consent {
    is_given: bool,
    text: &'static str,
}

struct Link {
    anonymous_id: String,
    customer_id: String,
    first_at: String,
    by: &'static str,
    verdict: &'static str,
    is_obeyed: bool,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>, Path(key): Path<String>) -> Response {
    let frame = Frame::new(&app, &session, "customers");
    let made = tokio::task::spawn_blocking(move || customer_page(&app, frame, key));
    match made.await {
        Ok(Ok(page)) => render(&page),
        Ok(Err(problem)) => failure(&problem),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

fn customer_page(app: &App, frame: Frame, key: String) -> Result<CustomerPage, Problem> {
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let visitor = world.profiles.find(&key).ok_or_else(|| Problem::not_found("customer or visitor of this id"))?;
    let profile = world.profiles.view(&visitor).ok_or_else(|| Problem::not_found("behaviour known under this id"))?;
    let timeline = app.engine.timeline(&identities(&profile), TIMELINE)?;
    let card = |id: &ProductId| Card::find(&world.catalog, id);
    let product = |id: &ProductId| world.catalog.get(id).map(AsRef::as_ref);
    let mut affinities = mercer_profile::affinities(&profile, product, now());
    // Mugs, and not kitchen as well: what stands above other categories says the same again, only vaguer.
    affinities.categories.retain(|(name, _)| !world.catalog.categories().any(|known| stands_above(&known.path, name)));
    let hours: Vec<Column> = (0..24_u8).zip(profile.hours).map(hour).collect();
    Ok(CustomerPage {
        frame,
        name: name_of(&profile),
        is_known: profile.customer_id.is_some(),
        consent: consent(&profile),
        search_strength: profile.preferences.map(|stated| stated.search_strength),
        figures: figures(&profile),
        anonymous_ids: profile.anonymous_ids.iter().map(ToString::to_string).collect(),
        links: world.profiles.links(&visitor).iter().map(link).collect(),
        traits: profile.traits.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        interests: interests(&affinities, app.settings.currency),
        counts: profile.counts.iter().map(|(kind, count)| (touch(*kind), grouped(*count))).collect(),
        devices: bars(profile.devices.iter().map(|(kind, count)| (device(*kind).to_owned(), *count as f64))),
        hours: chart::columns("Events by hour of the day, UTC", &hours),
        hour_rows: hours.into_iter().map(|column| (column.label, column.shown)).collect(),
        recent: recent(&profile).map(|(id, kind, at)| (card(&id), touch(kind), ago(at, now()))).collect(),
        dismissed: profile.dismissed.iter().map(card).collect(),
        timeline: timeline.iter().map(|record| live::row(record, &world.catalog)).collect(),
        key,
    })
}

fn stands_above(path: &[String], name: &str) -> bool {
    path.split_last().is_some_and(|(_, above)| above.iter().any(|level| level == name))
}

/// All visitors that the person was seen as.
fn identities(profile: &Profile) -> Vec<Visitor> {
    let known = profile.customer_id.iter().map(|id| Visitor { customer_id: Some(id.clone()), anonymous_id: None });
    let anonymous = |id: &mercer_schema::AnonymousId| Visitor { anonymous_id: Some(id.clone()), customer_id: None };
    known.chain(profile.anonymous_ids.iter().map(anonymous)).collect()
}

/// Recency, frequency, money; then visits. Each with a word to explain it.
fn figures(profile: &Profile) -> Vec<(&'static str, String, String)> {
    let rfm = mercer_profile::rfm(profile, now());
    let last_order = rfm.last_order_at.map_or_else(|| "none yet".to_owned(), |at| ago(at, now()));
    let explained = rfm.last_order_at.map(minute).unwrap_or_default();
    let visit = profile.last_visit.map_or_else(String::new, |visit| {
        format!("{} event{} in the last one", visit.events, if visit.events == 1 { "" } else { "s" })
    });
    vec![
        ("Last order", last_order, explained),
        ("Orders", grouped(u64::from(rfm.orders)), "not cancelled".to_owned()),
        ("Spent", spend(profile), "less refunds".to_owned()),
        ("Visits", grouped(u64::from(profile.visits)), visit),
        ("First seen", ago(profile.first_seen_at, now()), minute(profile.first_seen_at)),
        ("Last seen", ago(profile.last_seen_at, now()), minute(profile.last_seen_at)),
    ]
}

/// Each product once, by its newest contact.
fn recent(profile: &Profile) -> impl Iterator<Item = (ProductId, TouchKind, Timestamp)> {
    let mut seen = std::collections::BTreeSet::new();
    let newest = profile.touches.iter().rev().filter(move |touch| seen.insert(touch.product_id.clone()));
    newest.take(RECENT).map(|touch| (touch.product_id.clone(), touch.kind, touch.at))
}

fn consent(profile: &Profile) -> Consent {
    let (is_given, text) = match profile.consent {
        None => (true, "Nothing was said about consent"),
        Some(consent) if consent.gpc => (false, "Objects to personalization (Global Privacy Control)"),
        Some(consent) if consent.personalization => (true, "Allows personalization"),
        Some(_) => (false, "Refuses personalization"),
    };
    Consent { is_given, text }
}

fn link(link: &IdentityLink) -> Link {
    Link {
        anonymous_id: link.anonymous_id.to_string(),
        customer_id: link.customer_id.to_string(),
        first_at: minute(link.first_at),
        by: match link.by {
            LinkedBy::Seen => "an event carried both ids",
            LinkedBy::Alias => "an alias call",
        },
        verdict: match link.verdict {
            Verdict::Linked => "one person",
            Verdict::TooManyCustomers => "refused: too many customers on this device",
            Verdict::TooManyAnonymousIds => "refused: too many devices for this customer",
            Verdict::BothKnown => "refused: both are known customers",
        },
        is_obeyed: link.verdict == Verdict::Linked,
    }
}

fn name_of(profile: &Profile) -> Option<String> {
    let text = |name: &str| profile.traits.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let both = || {
        let parts: Vec<&str> = ["firstName", "lastName"].into_iter().filter_map(text).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    text("name").map(str::to_owned).or_else(both).or_else(|| text("email").map(str::to_owned))
}

fn spend(profile: &Profile) -> String {
    let sums = profile.spend_minor.iter().map(|(currency, minor)| money(*minor, *currency));
    sums.collect::<Vec<_>>().join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn hour((hour, events): (u8, u32)) -> Column {
    Column { label: format!("{hour:02}"), value: f64::from(events), shown: grouped(u64::from(events)) }
}

const fn device(device: Device) -> &'static str {
    match device {
        Device::Desktop => "Desktop",
        Device::Mobile => "Phone",
        Device::Tablet => "Tablet",
        Device::Bot => "Robot",
        Device::Other => "Other",
    }
}

const fn touch(kind: TouchKind) -> &'static str {
    match kind {
        TouchKind::Viewed => "Viewed",
        TouchKind::Clicked => "Clicked",
        TouchKind::AddedToCart => "Put into the basket",
        TouchKind::RemovedFromCart => "Taken out of the basket",
        TouchKind::AddedToWishlist => "Put on the wish list",
        TouchKind::RemovedFromWishlist => "Taken off the wish list",
        TouchKind::Purchased => "Bought",
        TouchKind::Returned => "Returned",
        TouchKind::Shared => "Shared",
        TouchKind::Reviewed => "Reviewed",
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Touch;

    use super::*;

    #[test]
    fn names_come_from_what_was_stated() {
        let mut profile = Profile::default();
        assert_eq!(name_of(&profile), None);
        profile.traits.insert("email".into(), "ada@shop.example".into());
        assert_eq!(name_of(&profile).as_deref(), Some("ada@shop.example"));
        profile.traits.insert("lastName".into(), "Lovelace".into());
        assert_eq!(name_of(&profile).as_deref(), Some("Lovelace"));
        profile.traits.insert("name".into(), "  ".into());
        profile.traits.insert("firstName".into(), "Ada".into());
        assert_eq!(name_of(&profile).as_deref(), Some("Ada Lovelace"));
    }

    #[test]
    fn a_product_is_listed_once_by_its_newest_contact() {
        let touch = |second, id: &str, kind| Touch {
            at: Timestamp::from_seconds(second),
            product_id: ProductId::trusted(id),
            kind,
            quantity: 1,
        };
        let touches = vec![
            touch(1, "mug", TouchKind::Viewed),
            touch(2, "pan", TouchKind::Viewed),
            touch(3, "mug", TouchKind::Purchased),
        ];
        let profile = Profile { touches, ..Profile::default() };
        let listed: Vec<_> = recent(&profile).map(|(id, kind, _)| (id.to_string(), kind)).collect();
        assert_eq!(listed, [("mug".to_owned(), TouchKind::Purchased), ("pan".to_owned(), TouchKind::Viewed)]);
    }

    #[test]
    fn only_a_refusal_counts_as_no() {
        let stated = |personalization, gpc| Profile {
            consent: Some(mercer_schema::Consent { personalization, gpc }),
            ..Profile::default()
        };
        assert!(consent(&Profile::default()).is_given && consent(&stated(true, false)).is_given);
        assert!(!consent(&stated(false, false)).is_given && !consent(&stated(true, true)).is_given);
    }
}
