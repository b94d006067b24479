//! What learning from clicks is worth, in a loop with customers who are made up: they know which products are relevant, look at
//! places as people do, and click.
//!
//! A place `k` is looked at with probability 1/k; a product that is looked at is clicked with probability
//! .1 + .9 (2^grade − 1) / (2^highest − 1) (Joachims, Swaminathan and Schnabel, WSDM 2017; Ai et al., SIGIR 2018). What was learned is
//! asked without chance, and compared with two others: counting clicks over showings as they are, in the same loop; and
//! knowing every click probability of the first results by words, as if each had been looked at without end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use mercer_decide::{World, search};
use mercer_schema::{
    AnonymousId, DecisionId, ProductId, SearchAnswer, SearchRecord, SearchRequest, SearchSettings, Timestamp,
};
use mercer_search::evaluate::{DEPTH, Judgments, evaluate};
use mercer_search::{Clicks, common_form};
use serde_json::{Value, json};

use crate::output;

const PAGE: usize = 24;
/// Results by words that full information puts in order.
const MOST_KNOWN: usize = 200;
/// A click on what is looked at and not relevant.
const NOISE: f64 = 0.1;
/// After so many searches a query what was learned is asked.
const ASKED_AFTER: [usize; 8] = [0, 10, 30, 100, 300, 1_000, 3_000, 10_000];
/// Milliseconds from one search to the next.
const STEP: i64 = 10_000;

/// nDCG@10 as learning goes on.
pub(super) struct Learned {
    rounds: Vec<Round>,
    full: f64,
    /// How often places were taken to be looked at, at the end.
    examination: Vec<f64>,
}

struct Round {
    searches: usize,
    corrected: f64,
    naive: f64,
}

pub(super) fn learn(world: &World, judgments: &Judgments, searches: usize) -> Learned {
    let judged: Judgments =
        judgments.iter().filter(|(_, grades)| grades.values().any(|grade| *grade > 0)).map(own).collect();
    let mut corrected = world.clone();
    let mut naive = World { clicks: Clicks::naive(), ..world.clone() };
    let mut rounds = Vec::new();
    for number in 0..=searches {
        if ASKED_AFTER.contains(&number) || number == searches {
            let [corrected, naive] = [&corrected, &naive].map(|world| ndcg(world, &judged, number));
            rounds.push(Round { searches: number, corrected, naive });
        }
        for (place, (query, grades)) in judged.iter().enumerate() {
            let customer = Customer { number: number * judged.len() + place, query, grades, judged: &judged };
            customer.search(&mut corrected);
            customer.search(&mut naive);
        }
    }
    let full =
        mean(&evaluate(&judged, |query| Some(query.to_owned()), |query| known(world, query, &judged[query])).ndcg);
    Learned { rounds, full, examination: corrected.clicks.examination().to_vec() }
}

fn own<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Without chance.
fn ndcg(world: &World, judgments: &Judgments, number: usize) -> f64 {
    let settings = SearchSettings { exploration: 0.0, ..SearchSettings::default() };
    let world = World { search_settings: settings, ..world.clone() };
    let answer =
        |query: &str| ids(&ask(&world, query, DEPTH, &DecisionId::trusted(format!("eval-{number}")), Timestamp(0)));
    mean(&evaluate(judgments, |query| Some(query.to_owned()), answer).ndcg)
}

/// The first results by words, by how relevant they are.
fn known(world: &World, query: &str, grades: &BTreeMap<String, u8>) -> Vec<String> {
    let mut list = ids(&ask(world, query, MOST_KNOWN, &DecisionId::trusted("eval-full"), Timestamp(0)));
    list.sort_by_key(|id| Reverse(grades.get(id).copied().unwrap_or(0)));
    list
}

fn ids(answer: &SearchAnswer) -> Vec<String> {
    answer.items.iter().map(|item| item.product_id.to_string()).collect()
}

fn request(query: &str, limit: usize, who: &DecisionId) -> SearchRequest {
    SearchRequest {
        q: query.to_owned(),
        anonymous_id: AnonymousId::parse(who.as_str()).ok(),
        limit: Some(limit),
        facets: Some(0),
        fields: vec!["id".to_owned()],
        ungrouped: true,
        ..SearchRequest::default()
    }
}

fn ask(world: &World, query: &str, limit: usize, id: &DecisionId, now: Timestamp) -> SearchAnswer {
    search(world, &request(query, limit, id), id.clone(), now)
}

/// Somebody who searches once.
struct Customer<'a> {
    number: usize,
    query: &'a str,
    grades: &'a BTreeMap<String, u8>,
    judged: &'a Judgments,
}

impl Customer<'_> {
    fn search(&self, world: &mut World) {
        let id = DecisionId::trusted(format!("customer-{}", self.number));
        let now = Timestamp(self.number as i64 * STEP * 1_000 / self.judged.len() as i64);
        let answer = ask(world, self.query, PAGE, &id, now);
        world.learn_what_was_shown(&record(self.query, &answer));
        let Some(query) = common_form(self.query) else { return };
        let query: Arc<str> = query.into();
        for (number, item) in answer.items.iter().enumerate() {
            if self.clicks(&item.product_id, number + 1) {
                let is_by_chance = answer.explored == Some(number);
                world.learn_what_was_clicked(&query, (&item.product_id, number + 1), is_by_chance, now);
            }
        }
    }

    fn clicks(&self, id: &ProductId, place: usize) -> bool {
        let highest = self.judged.values().flat_map(|grades| grades.values()).copied().max().unwrap_or(1);
        let gain = |grade: u8| f64::from((1_u32 << grade.min(30)) - 1);
        let grade = self.grades.get(id.as_str()).copied().unwrap_or(0);
        let attraction = NOISE + (1.0 - NOISE) * gain(grade) / gain(highest);
        let mut dice = DefaultHasher::new();
        (self.number, id.as_str(), place).hash(&mut dice);
        let share = (dice.finish() >> 11) as f64 / (1_u64 << 53) as f64;
        share < attraction / place as f64
    }
}

fn record(query: &str, answer: &SearchAnswer) -> SearchRecord {
    SearchRecord {
        decision_id: answer.decision_id.clone(),
        position: answer.position,
        decided_at: answer.decided_at,
        request: request(query, PAGE, &answer.decision_id),
        total: answer.total,
        by_meaning: 0,
        product_ids: answer.items.iter().map(|item| item.product_id.clone()).collect(),
        propensities: answer.items.iter().map(|item| item.propensity).collect(),
        explored: answer.explored,
        teams: Vec::new(),
        corrected: answer.query.corrected.clone(),
        arm: answer.arm,
        digest: String::new(),
    }
}

pub(super) fn print(learned: &Learned) {
    output::line("");
    output::line("| searches a query | nDCG@10, clicks freed of places | of full information | clicks as counted |");
    output::line("| --- | --- | --- | --- |");
    for Round { searches, corrected, naive } in &learned.rounds {
        let share = corrected / learned.full * 100.0;
        output::line(format!("| {searches} | {corrected:.4} | {share:.1} % of {:.4} | {naive:.4} |", learned.full));
    }
    let seen: Vec<String> = learned.examination.iter().map(|share| format!("{share:.2}")).collect();
    output::line(format!("Places were taken to be looked at: {}.", seen.join(", ")));
}

pub(super) fn told(learned: &Learned) -> Value {
    let round = |Round { searches, corrected, naive }: &Round| json!({ "searches": searches, "corrected": corrected, "naive": naive });
    json!({
        "rounds": learned.rounds.iter().map(round).collect::<Vec<_>>(),
        "full_information": learned.full,
        "examination": learned.examination,
    })
}
