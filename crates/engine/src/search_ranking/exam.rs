//! The exam of an order of search results: searches of days that neither ranker nor models know.

use std::sync::Arc;

use mercer_decide::{RankerExam, SearchRanker, TaughtBy, World, search};
use mercer_recommend::evaluate::mean_interval;
use mercer_schema::{DecisionId, SearchRequest, Timestamp};
use mercer_search::Lexicon;
use rayon::prelude::*;

use super::{EXAM, LEAST_QUERIES, as_logged, models, weight, world_at};
use crate::lessons::Lessons;
use crate::past_searches::{Logged, Moment, WantedHit};
use crate::ranking::{self, SEED};
use crate::{lexicon, title_queries};

/// Places of an answer that are looked at.
const DEPTH: usize = 200;
const ROUNDS: usize = 2_000;

/// Searches, and the shop as it was before them.
pub(super) struct Exam {
    moment: Moment,
    asked_by: TaughtBy,
    /// How probable it is that a place is looked at.
    looks: Vec<f64>,
    world: World,
}

/// What two orders make of the same searches, one by one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contested {
    pub(crate) candidate: Vec<f64>,
    pub(crate) champion: Vec<f64>,
}

/// The order that a candidate serves beside the champion's, on what the champion's ranker has not learned from either. Nothing
/// where the champion serves the formula, which a ranker of the candidate's was better than, or where too few searches are left.
pub(crate) fn beside_champion(
    candidate: &SearchRanker,
    (champion, knows_until): (&SearchRanker, Timestamp),
    lessons: &Lessons,
    world: &World,
) -> Option<Contested> {
    if !champion.serves() || champion == candidate {
        return None;
    }
    // Its own exam was what came last before its cut, and it learned from what came before that.
    let moment = lessons.past.last()?.clone().since(knows_until.plus(-EXAM));
    let asked_by = if candidate.serves() { candidate.taught_by() } else { champion.taught_by() };
    let lexicon = lexicon::read(&lexicon::fit(world)).unwrap_or_default();
    let mut exam = Exam::new(moment, asked_by, lessons, (world, &lexicon));
    let contested = Contested { candidate: exam.gains(candidate), champion: exam.gains(champion) };
    (contested.candidate.len() >= LEAST_QUERIES).then_some(contested)
}

impl Exam {
    pub(super) fn new(
        moment: Moment,
        asked_by: TaughtBy,
        lessons: &Lessons,
        (world, lexicon): (&World, &Lexicon),
    ) -> Self {
        let mut then = models(lessons, (world, lexicon), moment.at);
        // The formula has what serves it.
        then.ranker = ranking::fit(&lessons.before(moment.at), world);
        let looks = world.clicks.examination().to_vec();
        let world = world_at(&moment, world, Arc::new(then));
        Self { moment, asked_by, looks, world }
    }

    /// What a ranker makes of it beside the formula.
    pub(super) fn result(mut self, ranker: &SearchRanker) -> RankerExam {
        let by_formula = self.gains(&SearchRanker::default());
        let learned = self.gains(&ranker.clone().on_trial());
        if learned.len() < LEAST_QUERIES {
            return RankerExam::default();
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let differences: Vec<f64> = learned.iter().zip(&by_formula).map(|(ours, theirs)| ours - theirs).collect();
        let interval = mean_interval(&differences, ROUNDS, SEED);
        RankerExam {
            queries: learned.len() as u32,
            formula: mean(&by_formula),
            learned: mean(&learned),
            low: interval.low,
            high: interval.high,
        }
    }

    /// The reciprocal rank of what was wanted, search by search, in the order of a ranker, or of the formula where it does not
    /// serve. Of logged searches it is weighed by how seldom such a place is looked at, and by all weights together (Swaminathan
    /// and Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NIPS 2015): else an order would be good for being
    /// like the one that was shown.
    fn gains(&mut self, ranker: &SearchRanker) -> Vec<f64> {
        self.ordered_by(ranker);
        let Self { world, looks, .. } = self;
        if self.asked_by != TaughtBy::Searches {
            let asked = self.moment.asked.par_iter();
            return asked.map(|wanted| title_queries::reciprocal_rank(world, wanted, 1.0)).collect();
        }
        let all: Vec<(f64, f64)> =
            self.moment.logged.par_iter().map(|logged| gain(&as_logged(world, logged), logged, looks)).collect();
        let mean = all.iter().map(|(_, weights)| weights).sum::<f64>() / all.len().max(1) as f64;
        all.into_iter().map(|(sum, _)| sum / mean.max(f64::MIN_POSITIVE)).collect()
    }

    fn ordered_by(&mut self, ranker: &SearchRanker) {
        // Nobody else holds the models of an exam.
        if let Some(models) = Arc::get_mut(&mut self.world.models) {
            models.search_ranker = ranker.clone();
        }
    }
}

/// The reciprocal ranks of what was wanted of a logged search by their weights, and the sum of these.
fn gain(world: &World, logged: &Logged, looks: &[f64]) -> (f64, f64) {
    let request = SearchRequest { limit: Some(DEPTH), ..logged.request.clone() };
    let answer = search(world, &request, DecisionId::trusted("exam"), logged.at);
    let place = |hit: &WantedHit| answer.items.iter().position(|item| item.product_id == hit.product);
    let weighed = logged.wanted.iter().map(|hit| (weight(hit, looks) * f64::from(hit.gain), place(hit)));
    let sum = |(sum, weights): (f64, f64), (weight, place): (f64, Option<usize>)| {
        (sum + place.map_or(0.0, |place| weight / (place + 1) as f64), weights + weight)
    };
    weighed.fold((0.0, 0.0), sum)
}
