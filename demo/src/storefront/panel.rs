//! "What Mercer knows": the profile in plain words, and how the last click moved it.

use mercer_schema::{Currency, Money, Profile, Timestamp, TouchKind};

use super::change::Change;
use super::mercer::Known;
use super::shop::Scene;
use super::view::price_text;
use super::visitor::Visitor;

const MOST_INTERESTS: usize = 8;
/// Length of a full bar in the drawing's units.
const BAR: f64 = 100.0;

#[derive(Debug, Default)]
pub(super) struct Panel {
    /// One line for the closed panel.
    pub(super) headline: String,
    pub(super) who: String,
    pub(super) facts: Vec<Fact>,
    pub(super) interests: Vec<Bar>,
    pub(super) what: Option<String>,
    pub(super) moves: Vec<Bar>,
    /// Why nothing is personal, where it is not.
    pub(super) silence: Option<&'static str>,
    /// How much search may know of them, by what they said.
    pub(super) search_knows: Vec<(SearchKnows, bool)>,
}

/// What a customer can say of how much search should know them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SearchKnows {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) strength: f64,
}

impl SearchKnows {
    pub(super) const ALL: [Self; 3] = [
        Self { value: "not", words: "not at all", strength: 0.0 },
        Self { value: "little", words: "a little", strength: 0.4 },
        Self { value: "usual", words: "as usual", strength: 1.0 },
    ];

    /// All, the nearest to a strength marked.
    fn chosen(strength: f64) -> Vec<(Self, bool)> {
        let distance = |choice: &Self| (choice.strength - strength).abs();
        let nearest = Self::ALL.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        Self::ALL.into_iter().map(|choice| (choice, Some(choice) == nearest)).collect()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// A share of interest as a bar, with where it was before.
#[derive(Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) length: String,
    pub(super) mark: String,
    pub(super) rises: bool,
}

impl Bar {
    fn new(name: &str, before: f64, after: f64) -> Self {
        let length = |share: f64| format!("{:.1}", share.clamp(0.0, 1.0) * BAR);
        Self {
            name: name.to_owned(),
            before: percent(before),
            after: percent(after),
            length: length(after),
            mark: length(before),
            rises: after >= before,
        }
    }
}

impl Panel {
    pub(super) fn build(visitor: &Visitor, scene: Scene, now: Timestamp) -> Self {
        let Scene { known, change } = scene;
        let moves: Vec<Bar> = change
            .iter()
            .flat_map(|change| &change.moves)
            .map(|step| Bar::new(&step.name, step.before, step.after))
            .collect();
        let silence = match (visitor.view_as.is_some(), visitor.has_gpc, visitor.is_switched_off) {
            (true, ..) => Some("You see the shop as somebody else; nothing that you do here is kept."),
            (_, true, _) => {
                Some("Your browser asks not to be tracked (Global Privacy Control), so nothing here is personal.")
            }
            (_, _, true) => Some("Personalization is switched off: you see what everybody sees."),
            _ => None,
        };
        let stated = known.as_ref().and_then(|known| known.profile.preferences).unwrap_or_default();
        Self {
            search_knows: SearchKnows::chosen(stated.search_strength),
            headline: headline(silence, &moves, known.as_ref()),
            who: who(visitor),
            facts: known.as_ref().map(|known| facts(known, now)).unwrap_or_default(),
            interests: interests(known.as_ref(), change.as_ref()),
            what: change.map(|change| change.what),
            moves,
            silence,
        }
    }
}

fn headline(silence: Option<&str>, moves: &[Bar], known: Option<&Known>) -> String {
    if silence.is_some() {
        return "Nothing here is personal right now".to_owned();
    }
    match (moves.first(), known) {
        (Some(step), _) => format!("{} {} → {}", step.name, step.before, step.after),
        (None, Some(known)) => {
            let first = known.affinities.categories.iter().find(|(_, share)| *share > 0.0);
            first.map_or_else(
                || "You are here, and that is all so far".to_owned(),
                |(name, share)| format!("{name} {}", percent(*share)),
            )
        }
        (None, None) => "Nothing about you yet".to_owned(),
    }
}

fn who(visitor: &Visitor) -> String {
    match &visitor.customer {
        Some(customer) => format!("Signed in as customer {customer}"),
        None => "A visitor without a name".to_owned(),
    }
}

fn facts(known: &Known, now: Timestamp) -> Vec<Fact> {
    let profile = &known.profile;
    let mut facts = vec![Fact { name: "First seen", value: ago(profile.first_seen_at, now) }];
    if let Some(visit) = profile.last_visit {
        let since = ago(visit.started_at, now);
        facts.push(Fact {
            name: "This visit",
            value: format!("{}, begun {since}", counted(visit.events.into(), "event", "events")),
        });
    }
    facts.push(Fact { name: "Visits", value: profile.visits.to_string() });
    facts.push(Fact { name: "Looked at", value: counted(count(profile, TouchKind::Viewed), "product", "products") });
    facts.push(Fact { name: "Orders", value: profile.orders.to_string() });
    let spend: Vec<String> = profile.spend_minor.iter().map(|(currency, minor)| money(*currency, *minor)).collect();
    if !spend.is_empty() {
        facts.push(Fact { name: "Spent", value: spend.join(", ") });
    }
    if let Some(range) = price_range(known) {
        facts.push(Fact { name: "Usual price", value: range });
    }
    if !profile.dismissed.is_empty() {
        facts.push(Fact { name: "Not for you", value: counted(profile.dismissed.len() as u64, "product", "products") });
    }
    facts
}

fn count(profile: &Profile, kind: TouchKind) -> u64 {
    profile.counts.get(&kind).copied().unwrap_or_default()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn interests(known: Option<&Known>, change: Option<&Change>) -> Vec<Bar> {
    let categories = known.map(|known| known.affinities.categories.as_slice()).unwrap_or_default();
    let before = |name: &str, now: f64| {
        let moves = change.map(|change| change.moves.as_slice()).unwrap_or_default();
        moves.iter().find(|step| step.name == name).map_or(now, |step| step.before)
    };
    let liked = categories.iter().filter(|(_, share)| *share > 0.0).take(MOST_INTERESTS);
    liked.map(|(name, share)| Bar::new(name, before(name, *share), *share)).collect()
}

/// The price band with the largest share, as amounts: band `b` begins at 2^(b/2) minor units.
fn price_range(known: &Known) -> Option<String> {
    let (band, _) = known.affinities.price_bands.iter().find(|(_, share)| *share > 0.0)?;
    let currency = known.profile.spend_minor.keys().next().copied().or_else(|| Currency::parse("GBP").ok())?;
    let edge = |band: f64| money(currency, 2_f64.powf(band / 2.0).ceil() as i64);
    Some(format!("{} to {}", edge(f64::from(*band)), edge(f64::from(*band) + 1.0)))
}

fn money(currency: Currency, minor: i64) -> String {
    price_text(Money { minor, currency })
}

/// Small shares keep a decimal, so that a small move can be seen.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent.abs() >= 9.95 { format!("{percent:.0}%") } else { format!("{percent:.1}%") }
}

/// How long ago, in the largest whole unit.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let age = now.since(at);
    let units = [
        (365 * Timestamp::DAY, "year"),
        (30 * Timestamp::DAY, "month"),
        (Timestamp::DAY, "day"),
        (Timestamp::HOUR, "hour"),
        (Timestamp::MINUTE, "minute"),
    ];
    let Some((count, unit)) = units.iter().map(|(size, unit)| (age / size, unit)).find(|(count, _)| *count > 0) else {
        return "just now".to_owned();
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let now = Timestamp::from_seconds(1_000_000_000);
        for (seconds, words) in [
            (5, "just now"),
            (61, "1 minute ago"),
            (7_300, "2 hours ago"),
            (90_000, "1 day ago"),
            (40_000_000, "1 year ago"),
        ] {
            assert_eq!(ago(now.plus(-seconds * Timestamp::SECOND), now), words);
        }
        assert_eq!(ago(now.plus(Timestamp::HOUR), now), "just now");
    }

    #[test]
    fn shares_keep_small_moves_visible() {
        assert_eq!([0.0, 0.004, 0.0994, 0.0995, 0.5, 1.0].map(percent), ["0%", "0.4%", "9.9%", "10%", "50%", "100%"]);
    }

    #[test]
    fn bars_stay_inside_their_frame() {
        let bar = Bar::new("Mugs", -0.5, 1.7);
        assert_eq!((bar.mark.as_str(), bar.length.as_str(), bar.rises), ("0.0", "100.0", true));
    }
}
