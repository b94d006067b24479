//! What became of searches: how often each query was searched, found nothing, was searched again in other words, was clicked
//! and led to an order.
//!
//! Folded day by day from the log, with bounded memory: the newest days, the first queries of each day, the latest searches of
//! the latest people. What is beyond is counted under no query. Revenue is of the lines of an order that the person had
//! clicked in a search, each once.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_recommend::Changes;
use mercer_schema::{
    Activity, Commerce, CommerceAction, Currency, DecisionId, Device, Event, Position, ProductId, SearchRecord,
    SearchSort, SearchTeam, Timestamp,
};
use mercer_search::common_form;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::search_trials::Credit;

const MOST_DAYS: usize = 92;
const MOST_QUERIES_A_DAY: usize = 2_000;
const MOST_PEOPLE: usize = 20_000;
/// Searches of a query on a day that can be looked at.
const MOST_SAMPLES: usize = 20;
const MOST_OPEN: usize = 8;
const MOST_CLICKED: usize = 20;
/// Another query within this time goes on from the one before.
const REFINED_WITHIN: i64 = 5 * Timestamp::MINUTE;
/// A session ends after so long without a search.
const SESSION: i64 = 30 * Timestamp::MINUTE;

/// What is counted of a query, on a day or over several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryFigures {
    pub searches: u64,
    pub without_results: u64,
    /// Followed by another query within five minutes, without a click.
    pub refined: u64,
    /// Searches of which something was clicked.
    pub clicked: u64,
    /// Searches of which something was ordered.
    pub ordered: u64,
    /// Minor units by currency.
    pub revenue: BTreeMap<Currency, i64>,
    /// Where the newest of these searches stand in the log, newest last.
    pub samples: Vec<Position>,
}

impl QueryFigures {
    /// Nothing of it was clicked or ordered.
    pub const fn abandoned(&self) -> u64 {
        self.searches.saturating_sub(self.clicked)
    }

    /// All of them together.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        all.into_iter().for_each(|figures| sum.add(figures));
        sum
    }

    fn add(&mut self, other: &Self) {
        self.searches += other.searches;
        self.without_results += other.without_results;
        self.refined += other.refined;
        self.clicked += other.clicked;
        self.ordered += other.ordered;
        for (currency, minor) in &other.revenue {
            *self.revenue.entry(*currency).or_default() += minor;
        }
        self.samples.extend(&other.samples);
        let beyond = self.samples.len().saturating_sub(MOST_SAMPLES);
        self.samples.drain(..beyond);
    }
}

/// A day and a query; the empty query stands for all that are kept under no name.
type Key = (i64, Arc<str>);

/// A search that may still be clicked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    id: u64,
    day: i64,
    query: Arc<str>,
    at: Timestamp,
    /// Hashes of the products that were shown.
    shown: Vec<u32>,
    clicked: Vec<u32>,
    is_ordered: bool,
    is_refined: bool,
    /// Which of the products chance put there.
    #[serde(default)]
    explored: Option<usize>,
    /// In the search's own order, of which clicks are learned.
    #[serde(default)]
    is_by_relevance: bool,
    /// Where settings are tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tried: Option<Tried>,
}

/// Whose choice each of the products is, and how many of each side's were clicked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tried {
    searched_at: Position,
    teams: Vec<SearchTeam>,
    clicks: [u32; 2],
}

impl Tried {
    fn new(search: &SearchRecord) -> Option<Self> {
        let (searched_at, teams) = (search.position, search.teams.clone());
        (!teams.is_empty()).then_some(Self { searched_at, teams, clicks: [0; 2] })
    }

    /// Counts a click on the product at a place, from 0.
    fn click(&mut self, place: usize) -> Option<Credit> {
        let before = self.clicks;
        match self.teams.get(place)? {
            SearchTeam::A => self.clicks[0] += 1,
            SearchTeam::B => self.clicks[1] += 1,
            SearchTeam::Both => return None,
        }
        Some(Credit { searched_at: self.searched_at, before, after: self.clicks })
    }
}

/// A product that somebody clicked for the first time among what a search of theirs showed.
pub(crate) struct Click {
    pub(crate) query: Arc<str>,
    pub(crate) product_id: ProductId,
    /// From 1.
    pub(crate) place: usize,
    pub(crate) is_by_chance: bool,
    pub(crate) credit: Option<Credit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
struct Searcher {
    at: Timestamp,
    open: Vec<Open>,
}

/// All days.
#[derive(Debug, Clone, Default)]
pub struct SearchFigures {
    counts: OrdMap<Key, QueryFigures>,
    queries_of_day: OrdMap<i64, usize>,
    people: OrdMap<u64, Searcher>,
    by_time: OrdSet<(i64, u64)>,
    changed: OrdSet<Vec<u8>>,
}

impl PartialEq for SearchFigures {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts && self.people == other.people
    }
}

impl SearchFigures {
    /// A search for words; a walk through a category and a further page are none. Whether it is one that clicks can be
    /// learned of: by a person whom clicks can be told to come from, and not the same again.
    pub(crate) fn searched(&mut self, position: Position, search: &SearchRecord, person: Option<u64>) -> bool {
        let request = &search.request;
        if request.q.trim().is_empty() || request.cursor.is_some() {
            return false;
        }
        let day = search.decided_at.0.div_euclid(Timestamp::DAY);
        let query: Arc<str> = common_form(&request.q).unwrap_or_default().into();
        let query = self.named(day, query);
        if let Some(person) = person {
            self.refine(person, &query, search.decided_at);
        }
        self.count(day, &query, |figures| {
            figures.searches += 1;
            figures.without_results += u64::from(search.total == search.by_meaning);
            figures.samples.push(position);
            let beyond = figures.samples.len().saturating_sub(MOST_SAMPLES);
            figures.samples.drain(..beyond);
        });
        let Some(person) = person else { return false };
        let mut searcher = self.people.get(&person).cloned().unwrap_or_default();
        if search.decided_at.since(searcher.at) > SESSION {
            searcher.open.clear();
        }
        let is_first = searcher.open.iter().all(|open| open.query != query);
        searcher.open.push(Open {
            id: hash(&search.decision_id),
            day,
            query,
            at: search.decided_at,
            shown: search.product_ids.iter().map(product).collect(),
            clicked: Vec::new(),
            is_ordered: false,
            is_refined: false,
            explored: search.explored,
            is_by_relevance: request.sort == SearchSort::Relevance,
            tried: Tried::new(search),
        });
        let beyond = searcher.open.len().saturating_sub(MOST_OPEN);
        searcher.open.drain(..beyond);
        searcher.at = search.decided_at;
        self.put(person, searcher);
        is_first
    }

    /// Whether it can say anything of a search; who did it is asked only then.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let can_tell = match &event.activity {
            Activity::Exposure(exposure) => exposure.clicked,
            Activity::Commerce(commerce) => {
                is_click(commerce.action) || commerce.action == CommerceAction::OrderCompleted
            }
            _ => false,
        };
        can_tell && !self.people.is_empty() && event.context.device != Some(Device::Bot)
    }

    /// What it tells to have been clicked.
    pub(crate) fn observe(&mut self, event: &Event, person: Option<u64>) -> Vec<Click> {
        let searcher = person.and_then(|person| Some((person, self.people.get(&person)?.clone())));
        let Some((person, mut searcher)) = searcher else { return Vec::new() };
        if event.occurred_at.since(searcher.at) > SESSION {
            return Vec::new();
        }
        let mut clicks = Vec::new();
        match &event.activity {
            Activity::Exposure(exposure) if exposure.clicked => {
                let id = hash(&exposure.decision_id);
                let Some(open) = searcher.open.iter().position(|open| open.id == id) else { return clicks };
                clicks = self.click(&mut searcher, open, exposure.product_ids.iter());
            }
            Activity::Commerce(commerce) if is_click(commerce.action) => {
                let is_shown = |open: &Open, id: &ProductId| open.shown.contains(&product(id));
                let ids = || commerce.lines.iter().map(|line| &line.product_id);
                // The newest search that showed it.
                let Some(open) = searcher.open.iter().rposition(|open| ids().any(|id| is_shown(open, id))) else {
                    return clicks;
                };
                let shown: Vec<&ProductId> = ids().filter(|id| is_shown(&searcher.open[open], id)).collect();
                clicks = self.click(&mut searcher, open, shown.into_iter());
            }
            Activity::Commerce(commerce) if commerce.action == CommerceAction::OrderCompleted => {
                self.order(&mut searcher, commerce);
            }
            _ => return clicks,
        }
        self.put(person, searcher);
        clicks
    }

    /// Figures by query over the newest days up to a moment, most searched first.
    pub fn of_days(&self, days: u32, now: Timestamp) -> Vec<(Arc<str>, QueryFigures)> {
        let last = now.0.div_euclid(Timestamp::DAY);
        let first = last - i64::from(days.max(1)) + 1;
        let mut sums: BTreeMap<Arc<str>, QueryFigures> = BTreeMap::new();
        let from: Key = (first, Arc::from(""));
        for ((day, query), figures) in self.counts.range(from..) {
            if *day <= last {
                sums.entry(Arc::clone(query)).or_default().add(figures);
            }
        }
        let mut all: Vec<(Arc<str>, QueryFigures)> = sums.into_iter().collect();
        all.sort_by(|a, b| b.1.searches.cmp(&a.1.searches).then_with(|| a.0.cmp(&b.0)));
        all
    }

    fn named(&self, day: i64, query: Arc<str>) -> Arc<str> {
        let is_full = self.queries_of_day.get(&day).copied().unwrap_or_default() >= MOST_QUERIES_A_DAY;
        if is_full && !self.counts.contains_key(&(day, Arc::clone(&query))) { Arc::from("") } else { query }
    }

    /// The search before was not what they wanted.
    fn refine(&mut self, person: u64, query: &Arc<str>, at: Timestamp) {
        let Some(mut searcher) = self.people.get(&person).cloned() else { return };
        let Some(last) = searcher.open.last_mut() else { return };
        let is_next = (0..=REFINED_WITHIN).contains(&at.since(last.at));
        if is_next && last.query != *query && last.clicked.is_empty() && !last.is_refined {
            last.is_refined = true;
            let (day, before) = (last.day, Arc::clone(&last.query));
            self.count(day, &before, |figures| figures.refined += 1);
            self.put(person, searcher);
        }
    }

    /// Counts clicks on what a search showed. Of a query that the person searched several times each product counts once.
    fn click<'a>(
        &mut self,
        searcher: &mut Searcher,
        open: usize,
        ids: impl Iterator<Item = &'a ProductId>,
    ) -> Vec<Click> {
        let query = Arc::clone(&searcher.open[open].query);
        let is_known = |searcher: &Searcher, clicked: u32| {
            searcher.open.iter().any(|open| open.query == query && open.clicked.contains(&clicked))
        };
        let mut clicks = Vec::new();
        let is_first = searcher.open[open].clicked.is_empty();
        for id in ids {
            let clicked = product(id);
            let is_new = !is_known(searcher, clicked);
            let open = &mut searcher.open[open];
            if open.clicked.len() >= MOST_CLICKED || open.clicked.contains(&clicked) {
                continue;
            }
            open.clicked.push(clicked);
            let place = open.shown.iter().position(|shown| *shown == clicked);
            if let Some(place) = place.filter(|_| is_new && open.is_by_relevance && !query.is_empty()) {
                let is_by_chance = open.explored == Some(place);
                let (query, product_id) = (Arc::clone(&query), id.clone());
                let credit = open.tried.as_mut().and_then(|tried| tried.click(place));
                clicks.push(Click { query, product_id, place: place + 1, is_by_chance, credit });
            }
        }
        let open = &searcher.open[open];
        if is_first && !open.clicked.is_empty() {
            self.count(open.day, &query, |figures| figures.clicked += 1);
        }
        clicks
    }

    fn order(&mut self, searcher: &mut Searcher, commerce: &Commerce) {
        for line in &commerce.lines {
            let ordered = product(&line.product_id);
            let Some(open) = searcher.open.iter_mut().rev().find(|open| open.clicked.contains(&ordered)) else {
                continue;
            };
            // A report of the same order that comes again finds nothing clicked any more.
            open.clicked.retain(|clicked| *clicked != ordered);
            open.clicked.push(0);
            let is_first = !open.is_ordered;
            open.is_ordered = true;
            let value = line.price.map(|price| (price.currency, price.minor.saturating_mul(i64::from(line.quantity))));
            self.count(open.day, &open.query, |figures| {
                figures.ordered += u64::from(is_first);
                if let Some((currency, minor)) = value {
                    *figures.revenue.entry(currency).or_default() += minor;
                }
            });
        }
    }

    fn count(&mut self, day: i64, query: &Arc<str>, change: impl FnOnce(&mut QueryFigures)) {
        let key: Key = (day, Arc::clone(query));
        let known = self.counts.get(&key).cloned();
        if known.is_none() {
            *self.queries_of_day.entry(day).or_default() += 1;
            self.forget_old();
        }
        let mut figures = known.unwrap_or_default();
        change(&mut figures);
        self.changed.insert(count_key(&key));
        self.counts.insert(key, figures);
    }

    fn forget_old(&mut self) {
        while self.queries_of_day.len() > MOST_DAYS {
            let Some((day, _)) = self.queries_of_day.get_min().copied() else { return };
            self.queries_of_day.remove(&day);
            let old: Vec<Key> =
                self.counts.range((day, Arc::from(""))..(day + 1, Arc::from(""))).map(|(key, _)| key.clone()).collect();
            for key in old {
                self.changed.insert(count_key(&key));
                self.counts.remove(&key);
            }
        }
    }

    fn put(&mut self, person: u64, searcher: Searcher) {
        if let Some(before) = self.people.get(&person) {
            self.by_time.remove(&(before.at.0, person));
        }
        self.by_time.insert((searcher.at.0, person));
        self.people.insert(person, searcher);
        self.changed.insert(person_key(person));
        while self.people.len() > MOST_PEOPLE {
            let Some((at, oldest)) = self.by_time.get_min().copied() else { return };
            self.by_time.remove(&(at, oldest));
            self.people.remove(&oldest);
            self.changed.insert(person_key(oldest));
        }
    }

    pub(crate) fn drain_changes(&mut self) -> Result<Changes, serde_json::Error> {
        let changed = std::mem::take(&mut self.changed);
        let value = |key: &[u8]| -> Result<Option<Vec<u8>>, serde_json::Error> {
            match read_key(key) {
                Some(Named::Count(key)) => self.counts.get(&key).map(serde_json::to_vec).transpose(),
                Some(Named::Person(person)) => self.people.get(&person).map(serde_json::to_vec).transpose(),
                None => Ok(None),
            }
        };
        changed.into_iter().map(|key| value(&key).map(|value| (key, value))).collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut figures = Self::default();
        for (key, value) in pieces {
            match read_key(&key)? {
                Named::Count(key) => {
                    *figures.queries_of_day.entry(key.0).or_default() += 1;
                    figures.counts.insert(key, serde_json::from_slice(&value).ok()?);
                }
                Named::Person(person) => {
                    let searcher: Searcher = serde_json::from_slice(&value).ok()?;
                    figures.by_time.insert((searcher.at.0, person));
                    figures.people.insert(person, searcher);
                }
            }
        }
        Some(figures)
    }
}

enum Named {
    Count(Key),
    Person(u64),
}

fn count_key((day, query): &Key) -> Vec<u8> {
    [b"c".as_slice(), &day.to_be_bytes(), query.as_bytes()].concat()
}

fn person_key(person: u64) -> Vec<u8> {
    [b"p".as_slice(), &person.to_be_bytes()].concat()
}

fn read_key(key: &[u8]) -> Option<Named> {
    let (kind, rest) = key.split_first()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    match kind {
        b'c' => Some(Named::Count((i64::from_be_bytes(*number), std::str::from_utf8(rest).ok()?.into()))),
        b'p' => Some(Named::Person(u64::from_be_bytes(*number))),
        _ => None,
    }
}

fn hash(id: &DecisionId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

/// Never 0, which stands for what was ordered.
fn product(id: &ProductId) -> u32 {
    (xxh3_64(id.as_str().as_bytes()) as u32).max(1)
}

const fn is_click(action: CommerceAction) -> bool {
    matches!(action, CommerceAction::ProductClicked | CommerceAction::ProductViewed | CommerceAction::ProductAdded)
}
