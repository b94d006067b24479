//! What people searched next when they had found nothing of use: proposals for synonyms, which a person approves.
//!
//! A text counts only with several different people behind it, and one that says more or less of the same words is no
//! other word for it. Mined from the log at a training; the same log gives the same list.

use std::collections::{BTreeMap, BTreeSet};

use mercer_decide::{Reformulation, World};
use mercer_recommend::wire::{Kind, Reader, Reason, Writer, decode};
use mercer_schema::{
    Activity, CommerceAction, DecisionId, Device, Event, Fact, Position, ProductId, SearchRecord, Timestamp,
};
use mercer_search::common_form;
use mercer_store::{EventLog, RecordKind};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

const KIND: Kind = Kind { name: "reformulations", version: 1 };
/// Newest records of the kinds that are read.
const MOST_RECORDS: u64 = 2_000_000;
const PAGE: usize = 10_000;
/// What is searched later than this is another matter.
const NEXT_WITHIN: i64 = 10 * Timestamp::MINUTE;
/// Different people: who went on to the other text, or fewer who did and then clicked.
const LEAST_PEOPLE: usize = 3;
const LEAST_CLICKED: usize = 2;
const MOST_PROPOSED: usize = 500;
/// Searchers remembered at a time.
const MOST_SEARCHERS: usize = 200_000;

type Pair = (String, String);

/// Reads the log up to a position.
pub(crate) fn mine(log: &dyn EventLog, world: &World, upto: Position) -> Result<Vec<Reformulation>, Error> {
    let mut mining = Mining::default();
    let mut after = Position(upto.0.saturating_sub(MOST_RECORDS));
    loop {
        let page = log.read_kinds(after, &[RecordKind::Event, RecordKind::Searched], PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for record in page.iter().take_while(|record| record.position <= upto) {
            match &record.fact {
                Fact::Searched(search) => mining.search(world, search),
                Fact::Event(event) => mining.observe(world, event),
                _ => {}
            }
        }
        if after >= upto {
            break;
        }
    }
    Ok(mining.proposals())
}

/// The last search of a person.
struct Last {
    text: String,
    at: Timestamp,
    id: DecisionId,
    shown: Vec<ProductId>,
    has_clicked: bool,
    /// What they had searched before, in vain.
    instead_of: Option<String>,
}

#[derive(Default)]
struct Mining {
    last: FxHashMap<u64, Last>,
    went: BTreeMap<Pair, BTreeSet<u64>>,
    clicked: BTreeMap<Pair, BTreeSet<u64>>,
}

impl Mining {
    fn search(&mut self, world: &World, search: &SearchRecord) {
        let request = &search.request;
        let is_narrowed = request.cursor.is_some() || !request.refine.is_empty() || request.filter.is_some();
        let Some(text) = common_form(&request.q).filter(|_| !is_narrowed) else { return };
        let Some(person) = person(world, &request.visitor()) else { return };
        let before = self.last.remove(&person);
        let is_next = |last: &Last| (0..=NEXT_WITHIN).contains(&search.decided_at.since(last.at));
        let (mut instead_of, mut has_clicked) = (None, false);
        if let Some(before) = before.filter(is_next) {
            if before.text == text {
                (instead_of, has_clicked) = (before.instead_of, before.has_clicked);
            } else if !before.has_clicked && is_other(&before.text, &text) {
                self.went.entry((before.text.clone(), text.clone())).or_default().insert(person);
                instead_of = Some(before.text);
            }
        }
        if self.last.len() >= MOST_SEARCHERS {
            self.last.clear();
        }
        let (id, shown) = (search.decision_id.clone(), search.product_ids.clone());
        self.last.insert(person, Last { text, at: search.decided_at, id, shown, has_clicked, instead_of });
    }

    fn observe(&mut self, world: &World, event: &Event) {
        if event.context.device == Some(Device::Bot) {
            return;
        }
        let products: Vec<&ProductId> = match &event.activity {
            Activity::Exposure(exposure) if exposure.clicked => Vec::new(),
            Activity::Commerce(commerce) if is_click(commerce.action) => {
                commerce.lines.iter().map(|line| &line.product_id).collect()
            }
            _ => return,
        };
        let Some(person) = person(world, &event.visitor) else { return };
        let Some(last) = self.last.get_mut(&person) else { return };
        let is_of_it = match &event.activity {
            Activity::Exposure(exposure) => exposure.decision_id == last.id,
            _ => products.iter().any(|product| last.shown.contains(product)),
        };
        if !is_of_it {
            return;
        }
        last.has_clicked = true;
        if let Some(from) = &last.instead_of {
            self.clicked.entry((from.clone(), last.text.clone())).or_default().insert(person);
        }
    }

    fn proposals(self) -> Vec<Reformulation> {
        let clicked = |pair: &Pair| self.clicked.get(pair).map_or(0, BTreeSet::len);
        let mut proposals: Vec<Reformulation> = self
            .went
            .iter()
            .filter(|(pair, people)| people.len() >= LEAST_PEOPLE || clicked(pair) >= LEAST_CLICKED)
            .map(|(pair, people)| Reformulation {
                from: pair.0.clone(),
                to: pair.1.clone(),
                people: people.len(),
                clicked: clicked(pair),
            })
            .collect();
        proposals.sort_by(|a, b| (b.people + b.clicked).cmp(&(a.people + a.clicked)).then_with(|| a.from.cmp(&b.from)));
        proposals.truncate(MOST_PROPOSED);
        proposals
    }
}

const fn is_click(action: CommerceAction) -> bool {
    matches!(action, CommerceAction::ProductClicked | CommerceAction::ProductViewed | CommerceAction::ProductAdded)
}

fn person(world: &World, visitor: &mercer_schema::Visitor) -> Option<u64> {
    Some(xxh3_64(world.profiles.person_key(visitor)?.as_bytes()))
}

/// Neither says all that the other says.
fn is_other(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let (one, other) = (words(one), words(other));
    !one.is_subset(&other) && !other.is_subset(&one)
}

pub(crate) fn encode(proposals: &[Reformulation]) -> Vec<u8> {
    let mut writer = Writer::model(KIND);
    writer.count(proposals.len());
    for Reformulation { from, to, people, clicked } in proposals {
        writer.text(from);
        writer.text(to);
        writer.count(*people);
        writer.count(*clicked);
    }
    writer.bytes
}

pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Reformulation>, mercer_recommend::Error> {
    decode(KIND, bytes, list)
}

fn list(reader: &mut Reader<'_>) -> Result<Vec<Reformulation>, Reason> {
    let mut proposals = Vec::new();
    for _ in 0..reader.count(1)? {
        let (from, to) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let (people, clicked) = (reader.count(0)?, reader.count(0)?);
        proposals.push(Reformulation { from, to, people, clicked });
    }
    Ok(proposals)
}
