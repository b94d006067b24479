//! What learned weights are worth: a placement's rows on the newest days under equal, written and learned weights, question by
//! question.
//!
//! The weights are learned on what was before those days, with a part of that held back, as in training; the models that answer
//! are fitted on all of it. So nothing has seen the days that judge.

use mercer_decide::World;
use mercer_recommend::evaluate::{Interval, mean_interval};
use mercer_schema::{PlacementId, Source};

use super::{Asked, LEAST_QUESTIONS, MOST_QUESTIONS, Past, judged, learn, past};
use crate::lessons::Lessons;
use crate::recipes::fit_answering;

const ROUNDS: usize = 2_000;
const SEED: u64 = 1;

/// How the rows of a placement did, as normalized discounted cumulative gain over its places.
#[derive(Debug, Clone)]
pub struct WeightsJudged {
    pub placement: PlacementId,
    pub cases: usize,
    pub equal: Interval,
    pub written: Interval,
    /// The written ones where training finds none that are better.
    pub learned: Interval,
    /// Paired: learned less equal, and less written.
    pub against_equal: Interval,
    pub against_written: Interval,
    pub weights: Vec<Source>,
}

/// Of every placement with learned weights and enough questions.
pub(crate) fn worth(lessons: &Lessons, world: &World) -> Vec<WeightsJudged> {
    let cut = past::cut(lessons);
    let before = lessons.before(cut);
    let fit = |lessons: &Lessons| fit_answering(lessons, world);
    let learned = learn(&before, world, fit);
    let models = fit(&before);
    let past = Past::new(&before, world, &models);
    let mut found = Vec::new();
    for placement in world.placements.iter().filter(|placement| placement.learned_weights) {
        let sources = judged(placement);
        let questions = past::questions(placement, lessons, cut, MOST_QUESTIONS);
        if sources.len() < 2 || questions.len() < LEAST_QUESTIONS {
            continue;
        }
        let asked: Vec<Asked<'_>> = questions.iter().map(|question| Asked::of(&past, question, &sources)).collect();
        let gains =
            |weights: &[f64]| -> Vec<f64> { asked.iter().map(|asked| asked.gain(weights, placement.size)).collect() };
        let written: Vec<f64> = sources.iter().map(|source| source.weight).collect();
        let own = learned.get(&placement.id);
        let weights = own.map_or_else(|| written.clone(), |own| own.iter().map(|source| source.weight).collect());
        let [equal, written, learned] = [gains(&vec![1.0; sources.len()]), gains(&written), gains(&weights)];
        let difference = |others: &[f64]| -> Interval {
            let pairs = learned.iter().zip(others);
            interval(&pairs.map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
        };
        found.push(WeightsJudged {
            placement: placement.id.clone(),
            cases: asked.len(),
            against_equal: difference(&equal),
            against_written: difference(&written),
            equal: interval(&equal),
            written: interval(&written),
            learned: interval(&learned),
            weights: own.cloned().unwrap_or(sources),
        });
    }
    found
}

fn interval(values: &[f64]) -> Interval {
    mean_interval(values, ROUNDS, SEED)
}
