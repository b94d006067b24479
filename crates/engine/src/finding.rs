//! What search and suggestions are worth on this shop's own newest days, with queries made from the titles of what was bought.
//!
//! The world is folded from what happened before those days, and its models are fitted on that alone. Each order behind the
//! cut asks for some of its products by words of their titles, once as its customer and once as nobody: where the product
//! stands says what knowing the customer is worth. For suggestions every such query before the cut was a search, and those
//! behind it are typed letter by letter.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use mercer_decide::{Models, SearchRanker, World, suggest};
use mercer_recommend::evaluate::{Interval, mean_interval};
use mercer_schema::{CustomerId, Fact, Position, SuggestRequest, Timestamp, Visitor};
use mercer_search::common_form;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use crate::fold::Snapshot;
use crate::lessons::{Lessons, gather};
use crate::recipes::fit_answering;
use crate::title_queries::{Wanted, Wording, found, reciprocal_rank, wanted_in};
use crate::{Engine, Error, past_searches, ranking, search_ranking};

const HELD_OUT_DAYS: i64 = 30;
const PAGE: usize = 5_000;
/// Orders of which products are asked for.
const MOST_ORDERS: usize = 1_500;
const TOP: usize = 10;
const LONGEST_PREFIX: usize = 10;
const ROUNDS: usize = 2_000;
const SEED: u64 = 1;

/// What knowing the customer is worth to who searches, in reciprocal ranks of what was bought.
#[derive(Debug, Clone)]
pub struct FindingJudged {
    pub queries: usize,
    /// Of them, those of customers who had ordered before.
    pub known: usize,
    pub impersonal: Way,
    pub formula: Way,
    pub learned: Way,
    /// Paired.
    pub formula_less_impersonal: Differences,
    pub learned_less_impersonal: Differences,
    pub learned_less_formula: Differences,
    /// With the exam that it took before these days, by which it serves or not.
    pub ranker: SearchRanker,
    /// Codes that were asked for, and of those the ones that were answered alike for all.
    pub codes: usize,
    pub codes_unchanged: usize,
}

/// One way to put results in order.
#[derive(Debug, Clone)]
pub struct Way {
    pub mean: Interval,
    /// Milliseconds a search.
    pub p50: f64,
    pub p99: f64,
}

#[derive(Debug, Clone, Copy)]
pub struct Differences {
    pub all: Interval,
    pub known: Interval,
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
        let OldShop { mut world, mut before, mut models, wanted, cut, .. } =
            self.before_the_newest_days(Wording::Anew, progress)?;
        progress("Teaching the order of results");
        let moments = search_ranking::moments(cut);
        let upto = self.snapshot().position();
        before.past = past_searches::look_back(&*self.parts.log, &world, (&moments, cut), upto)?;
        let ranker = search_ranking::fit(&before, &world);
        progress("Searching");
        let by_formula = Arc::new(models);
        world.serve(Arc::clone(&by_formula));
        let (formula, impersonal) = (Searched::new(&world, &wanted, 1.0), Searched::new(&world, &wanted, 0.0));
        world.models = Arc::default();
        models = Arc::try_unwrap(by_formula).map_err(|_| Error::NothingToLearn)?;
        models.search_ranker = ranker.clone().on_trial();
        world.serve(Arc::new(models));
        let learned = Searched::new(&world, &wanted, 1.0);
        let is_known =
            |wanted: &Wanted| world.profiles.view(&wanted.visitor()).is_some_and(|profile| profile.orders > 0);
        let known: Vec<bool> = wanted.iter().map(is_known).collect();
        let is_unchanged = |wanted: &&Wanted| {
            let code = wanted.product.as_str();
            found(&world, wanted, code, 1.0) == found(&world, wanted, code, 0.0)
        };
        Ok(FindingJudged {
            queries: wanted.len(),
            known: known.iter().filter(|is_known| **is_known).count(),
            formula_less_impersonal: formula.less(&impersonal, &known),
            learned_less_impersonal: learned.less(&impersonal, &known),
            learned_less_formula: learned.less(&formula, &known),
            impersonal: impersonal.told(),
            formula: formula.told(),
            learned: learned.told(),
            ranker,
            codes: wanted.len(),
            codes_unchanged: wanted.iter().filter(is_unchanged).count(),
        })
    }

    /// What suggestions are worth to who types.
    pub fn evaluate_suggesting(&self, wording: Wording, progress: &dyn Fn(&str)) -> Result<SuggestingJudged, Error> {
        let OldShop { mut world, models, past, wanted, .. } = self.before_the_newest_days(wording, progress)?;
        world.serve(Arc::new(models));
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
    fn before_the_newest_days(&self, wording: Wording, progress: &dyn Fn(&str)) -> Result<OldShop, Error> {
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
        Ok(OldShop { world: snapshot.world, before, models, past, wanted, cut })
    }
}

/// The shop as it was before the newest days.
struct OldShop {
    world: World,
    before: Lessons,
    /// Fitted on that alone.
    models: Models,
    /// What was bought until then, and after.
    past: Vec<Wanted>,
    wanted: Vec<Wanted>,
    cut: Timestamp,
}

/// What one way to search reached, query by query, and how long it took.
struct Searched {
    gains: Vec<f64>,
    milliseconds: Vec<f64>,
}

impl Searched {
    fn new(world: &World, wanted: &[Wanted], strength: f64) -> Self {
        let mut milliseconds = Vec::with_capacity(wanted.len());
        let gain = |wanted: &Wanted| {
            let started = Instant::now();
            let gain = reciprocal_rank(world, wanted, strength);
            milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
            gain
        };
        Self { gains: wanted.iter().map(gain).collect(), milliseconds }
    }

    fn less(&self, other: &Self, known: &[bool]) -> Differences {
        let all: Vec<f64> = self.gains.iter().zip(&other.gains).map(|(ours, theirs)| ours - theirs).collect();
        let of_known = all.iter().zip(known).filter(|(_, is_known)| **is_known).map(|(gain, _)| *gain);
        let of_known: Vec<f64> = of_known.collect();
        Differences { all: interval(&all), known: interval(&of_known) }
    }

    fn told(mut self) -> Way {
        self.milliseconds.sort_unstable_by(f64::total_cmp);
        let count = self.milliseconds.len();
        let at = |share: f64| self.milliseconds.get((count as f64 * share) as usize).copied().unwrap_or_default();
        Way { mean: interval(&self.gains), p50: at(0.5), p99: at(0.99) }
    }
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
