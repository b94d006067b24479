//! What search and suggestions are worth on this shop's own newest days, with queries made from the titles of what was bought.
//!
//! The world is folded from what happened before those days, and its models are fitted on that alone. Each order behind the
//! cut asks for some of its products by words of their titles, once as its customer and once as nobody: where the product
//! stands says what knowing the customer is worth. For suggestions every such query before the cut was a search, and those
//! behind it are typed letter by letter.

use std::collections::BTreeMap;

use mercer_decide::{World, search, suggest};
use mercer_recommend::evaluate::{Interval, mean_interval};
use mercer_schema::{
    Activity, CommerceAction, CustomerId, DecisionId, Fact, Position, Product, ProductId, SearchRequest,
    SuggestRequest, Timestamp, Visitor,
};
use mercer_search::common_form;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use crate::fold::Snapshot;
use crate::lessons::gather;
use crate::recipes::fit_answering;
use crate::{Engine, Error, ranking};

const HELD_OUT_DAYS: i64 = 30;
const PAGE: usize = 5_000;
/// Products of one order that are asked for, and orders.
const LINES: usize = 3;
const MOST_ORDERS: usize = 1_500;
/// Places of an answer that are looked at.
const DEPTH: usize = 200;
const TOP: usize = 10;
const LONGEST_PREFIX: usize = 10;
const SHORTEST_WORD: usize = 3;
const ROUNDS: usize = 2_000;
const SEED: u64 = 1;

/// A product that a customer bought, and what they would have typed.
struct Wanted {
    customer: CustomerId,
    at: Timestamp,
    product: ProductId,
    text: String,
}

/// Which words a customer takes for a product that they look for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// Others each time.
    Anew,
    /// The same as the time before, as people who look for what they know mostly do (Teevan et al., SIGIR 2007).
    Kept,
}

/// Reciprocal ranks of what was bought, and of its query among suggestions.
#[derive(Debug, Clone)]
pub struct FindingJudged {
    pub queries: usize,
    pub personal: Interval,
    pub impersonal: Interval,
    /// Paired.
    pub difference: Interval,
    /// The same where the customer had ordered before.
    pub known: usize,
    pub known_difference: Interval,
    /// Codes that were asked for, and of those the ones that were answered alike for all.
    pub codes: usize,
    pub codes_unchanged: usize,
}

/// Reciprocal ranks in the first ten of what was going to be typed, over all prefixes.
#[derive(Debug, Clone)]
pub struct SuggestingJudged {
    pub queries: usize,
    pub prefixes: usize,
    /// Texts that begin so, the most frequent first.
    pub popularity: Interval,
    pub impersonal: Interval,
    pub personal: Interval,
    /// Paired, by query: impersonal less popularity, personal less impersonal.
    pub over_popularity: Interval,
    pub over_impersonal: Interval,
    /// By length of the prefix: popularity, impersonal, personal.
    pub by_length: Vec<[f64; 3]>,
}

impl Engine {
    /// What knowing the customer is worth to who searches.
    pub fn evaluate_finding(&self, progress: &dyn Fn(&str)) -> Result<FindingJudged, Error> {
        let (world, _, wanted) = self.before_the_newest_days(Wording::Anew, progress)?;
        progress("Searching");
        let rank = |wanted: &Wanted, strength: f64, q: &str| {
            let request = SearchRequest {
                q: q.to_owned(),
                customer: Some(wanted.customer.clone()),
                strength: Some(strength),
                limit: Some(DEPTH),
                facets: Some(0),
                fields: vec!["id".to_owned()],
                ungrouped: true,
                ..SearchRequest::default()
            };
            let answer = search(&world, &request, DecisionId::trusted("eval"), wanted.at);
            answer.items.into_iter().map(|item| item.product_id).collect::<Vec<_>>()
        };
        let gain = |wanted: &Wanted, strength: f64| {
            let list = rank(wanted, strength, &wanted.text);
            list.iter().position(|id| *id == wanted.product).map_or(0.0, |place| 1.0 / (place + 1) as f64)
        };
        let personal: Vec<f64> = wanted.iter().map(|wanted| gain(wanted, 1.0)).collect();
        let impersonal: Vec<f64> = wanted.iter().map(|wanted| gain(wanted, 0.0)).collect();
        let differences: Vec<f64> = personal.iter().zip(&impersonal).map(|(with, without)| with - without).collect();
        let is_known = |wanted: &Wanted| {
            let visitor = Visitor { customer_id: Some(wanted.customer.clone()), anonymous_id: None };
            world.profiles.view(&visitor).is_some_and(|profile| profile.orders > 0)
        };
        let known: Vec<f64> = wanted
            .iter()
            .zip(&differences)
            .filter(|(wanted, _)| is_known(wanted))
            .map(|(_, difference)| *difference)
            .collect();
        let is_unchanged = |wanted: &&Wanted| {
            let code = wanted.product.as_str();
            rank(wanted, 1.0, code) == rank(wanted, 0.0, code)
        };
        Ok(FindingJudged {
            queries: wanted.len(),
            personal: interval(&personal),
            impersonal: interval(&impersonal),
            difference: interval(&differences),
            known: known.len(),
            known_difference: interval(&known),
            codes: wanted.len(),
            codes_unchanged: wanted.iter().filter(is_unchanged).count(),
        })
    }

    /// What suggestions are worth to who types.
    pub fn evaluate_suggesting(&self, wording: Wording, progress: &dyn Fn(&str)) -> Result<SuggestingJudged, Error> {
        let (mut world, past, wanted) = self.before_the_newest_days(wording, progress)?;
        progress("Searching in the past");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for asked in &past {
            let visitor = Visitor { customer_id: Some(asked.customer.clone()), anonymous_id: None };
            world.count_search(&asked.text, &visitor, asked.at);
            if let Some(text) = common_form(&asked.text) {
                *counts.entry(text).or_default() += 1;
            }
        }
        progress("Typing");
        let mut by_frequency: Vec<(&String, &usize)> =
            counts.iter().filter(|(text, _)| world.queries.is_public(text)).collect();
        by_frequency.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let mut gains: Vec<[f64; 3]> = Vec::new();
        let mut sums = vec![[0.0; 3]; LONGEST_PREFIX];
        let mut asked = vec![0_usize; LONGEST_PREFIX];
        for wanted in &wanted {
            // Only what the past knows can be suggested by any.
            let Some(text) = common_form(&wanted.text).filter(|text| world.queries.is_public(text)) else { continue };
            let mut of_query = [0.0; 3];
            let lengths = 1..=LONGEST_PREFIX.min(text.chars().count() - 1);
            for length in lengths.clone() {
                let prefix: String = text.chars().take(length).collect();
                let begins = by_frequency
                    .iter()
                    .filter(|(known, _)| known.starts_with(&prefix))
                    .map(|(known, _)| (*known).clone());
                let reached = [
                    reciprocal(begins.take(TOP), &text),
                    reciprocal(suggested(&world, wanted, &prefix, false).into_iter(), &text),
                    reciprocal(suggested(&world, wanted, &prefix, true).into_iter(), &text),
                ];
                asked[length - 1] += 1;
                for (place, gain) in reached.into_iter().enumerate() {
                    sums[length - 1][place] += gain;
                    of_query[place] += gain / lengths.clone().count() as f64;
                }
            }
            gains.push(of_query);
        }
        let column = |place: usize| gains.iter().map(|gains| gains[place]).collect::<Vec<f64>>();
        let less = |one: usize, other: usize| gains.iter().map(|gains| gains[one] - gains[other]).collect::<Vec<f64>>();
        for (sums, asked) in sums.iter_mut().zip(&asked) {
            sums.iter_mut().for_each(|sum| *sum /= (*asked).max(1) as f64);
        }
        Ok(SuggestingJudged {
            queries: gains.len(),
            prefixes: asked.iter().sum(),
            popularity: interval(&column(0)),
            impersonal: interval(&column(1)),
            personal: interval(&column(2)),
            over_popularity: interval(&less(1, 0)),
            over_impersonal: interval(&less(2, 1)),
            by_length: sums,
        })
    }

    /// The world as it was, with models that saw no more; what was bought until then, and after.
    fn before_the_newest_days(
        &self,
        wording: Wording,
        progress: &dyn Fn(&str),
    ) -> Result<(World, Vec<Wanted>, Vec<Wanted>), Error> {
        progress("Reading the lake");
        self.extend_lake()?;
        let now = self.snapshot();
        let lessons = gather(&self.parts.lake, &now.world, self.parts.lake.events_upto())?;
        if lessons.orders.is_empty() {
            return Err(Error::NothingToLearn);
        }
        let cut = lessons.data.last_at.plus(-HELD_OUT_DAYS * Timestamp::DAY);
        progress("Folding what was before");
        let mut snapshot = Snapshot::empty(self.options.language);
        let (mut past, mut wanted) = (Vec::new(), Vec::new());
        let mut after = Position(0);
        loop {
            let page = self.read(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.position;
            for record in &page {
                match &record.fact {
                    Fact::Event(event) if event.occurred_at >= cut => {
                        wanted.extend(wanted_in(&now.world, event, wording));
                    }
                    Fact::Event(event) => {
                        snapshot.advance(record, &*self.models);
                        past.extend(wanted_in(&now.world, event, wording));
                    }
                    Fact::ProductSaved(_) | Fact::ProductRemoved(_) | Fact::PlacementSaved(_) => {
                        snapshot.advance(record, &*self.models);
                    }
                    _ => {}
                }
            }
        }
        wanted.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.customer.cmp(&b.customer)));
        // The first order of each customer behind the cut: for later ones the past is not the past.
        let first: BTreeMap<CustomerId, Timestamp> =
            wanted.iter().rev().map(|wanted: &Wanted| (wanted.customer.clone(), wanted.at)).collect();
        let mut customers: Vec<&CustomerId> = first.keys().collect();
        customers.sort_by_key(|customer| xxh3_64(customer.as_str().as_bytes()));
        let chosen: FxHashSet<&CustomerId> = customers.into_iter().take(MOST_ORDERS).collect();
        wanted.retain(|wanted| chosen.contains(&wanted.customer) && first.get(&wanted.customer) == Some(&wanted.at));
        progress("Learning from what was before");
        let before = lessons.before(cut);
        let mut models = fit_answering(&before, &snapshot.world);
        models.ranker = ranking::fit(&before, &snapshot.world);
        let mut world = snapshot.world;
        world.serve(std::sync::Arc::new(models));
        Ok((world, past, wanted))
    }
}

/// Some of what an order holds, with what was typed for it.
fn wanted_in(world: &World, event: &mercer_schema::Event, wording: Wording) -> Vec<Wanted> {
    let Activity::Commerce(commerce) = &event.activity else { return Vec::new() };
    let Some(customer) =
        event.visitor.customer_id.as_ref().filter(|_| commerce.action == CommerceAction::OrderCompleted)
    else {
        return Vec::new();
    };
    let hash = |id: &ProductId| xxh3_64(format!("{customer} {id} {}", event.occurred_at.0).as_bytes());
    let mut ids: Vec<&ProductId> = commerce.lines.iter().map(|line| &line.product_id).collect();
    ids.sort_by_key(|id| hash(id));
    ids.dedup();
    let wanted = ids.into_iter().take(LINES).filter_map(|id| {
        let words = match wording {
            Wording::Anew => hash(id),
            Wording::Kept => xxh3_64(format!("{customer} {id}").as_bytes()),
        };
        let text = typed_for(world.catalog.get(id)?, words)?;
        Some(Wanted { customer: customer.clone(), at: event.occurred_at, product: id.clone(), text })
    });
    wanted.collect()
}

/// One or two words of the title, the last of which stands last in it.
fn typed_for(product: &Product, hash: u64) -> Option<String> {
    let title = common_form(&product.title)?;
    let is_word = |word: &&str| word.len() >= SHORTEST_WORD && word.chars().all(char::is_alphabetic);
    let words: Vec<&str> = title.split(' ').filter(is_word).collect();
    let (last, before) = words.split_last()?;
    if before.is_empty() || hash.is_multiple_of(4) {
        return Some((*last).to_owned());
    }
    let other = before[(hash / 4) as usize % before.len()];
    Some(format!("{other} {last}"))
}

fn suggested(world: &World, wanted: &Wanted, prefix: &str, is_personal: bool) -> Vec<String> {
    let request = SuggestRequest {
        q: prefix.to_owned(),
        customer: is_personal.then(|| wanted.customer.clone()),
        queries: Some(TOP),
        places: Some(0),
        products: Some(0),
        ..SuggestRequest::default()
    };
    suggest(world, &request, wanted.at).queries.into_iter().map(|query| query.text).collect()
}

fn reciprocal(list: impl Iterator<Item = String>, text: &str) -> f64 {
    list.enumerate().find(|(_, found)| found == text).map_or(0.0, |(place, _)| 1.0 / (place + 1) as f64)
}

fn interval(values: &[f64]) -> Interval {
    mean_interval(values, ROUNDS, SEED)
}
