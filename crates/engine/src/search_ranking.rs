//! Teaching the order of what a search finds, and examining it.
//!
//! The ranker learns at several earlier moments: its world is folded from what lies before a moment, the models that it asks are
//! fitted on that alone, and what was ordered after it says which order would have been right. Where nobody logged searches, a
//! query is made from the title of what was ordered next ([`title_queries`](crate::title_queries)). Where enough searches are in
//! the log, what was clicked, put into baskets and ordered of what they showed teaches instead, freed of where it stood.
//!
//! Whether it serves, days decide that neither ranker nor models know: the same searches are asked of the formula and of the
//! ranker, and the ranker serves only when the whole interval of the paired difference lies above zero. That exam reaches back
//! further than the gate of a version does, since a difference of a hundredth takes some thousand searches to be told from chance.

mod exam;

use std::sync::Arc;

use mercer_decide::{Models, SearchLesson, SearchRanker, TaughtBy, World, search_lesson, taught_order};
use mercer_recommend::Item;
use mercer_recommend::boosting::BoostingSettings;
use mercer_recommend::hybrid::Facts;
use mercer_recommend::next_order::{self, NextOrder};
use mercer_schema::Timestamp;
use mercer_search::Lexicon;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use self::exam::Exam;
use crate::lessons::Lessons;
use crate::lexicon;
use crate::past_searches::{Logged, Moment, WantedHit};
use crate::ranking::{self, SEED};
use crate::title_queries::Wanted;

pub(crate) use self::exam::{Contested, beside_champion};

/// Days between two moments.
const APART: i64 = 30 * Timestamp::DAY;
/// Moments that are learned from.
const MOMENTS: i64 = 3;
/// Days of the exam.
const EXAM: i64 = 28 * Timestamp::DAY;
/// With fewer lessons there is no ranker, and with fewer queries no exam is passed.
const LEAST_LESSONS: usize = 200;
const LEAST_QUERIES: usize = 100;
/// With so many logged searches of which something was taken, they teach instead of orders.
const LEAST_SEARCHES: usize = 500;
/// Where a product stands that chance moved up, if chance does not: somewhere between rank 11 and 60.
const BY_ITSELF: usize = 30;
/// The least propensity that counts.
const LEAST_LOOKED_AT: f64 = 0.1;
/// Every so many a lesson is kept to tell when to stop.
const HELD_OUT: usize = 6;

pub(crate) fn settings() -> BoostingSettings {
    BoostingSettings { trees: 150, leaves: 16, rate: 0.1, cutoff: 10, seed: SEED, ..BoostingSettings::default() }
}

/// The moments to look back at, oldest first; the last of them is that of the exam.
pub(crate) fn moments(last: Timestamp) -> Vec<Timestamp> {
    (0..=MOMENTS).rev().map(|round| last.plus(-EXAM - round * APART)).collect()
}

/// A ranker with its exam, or one that knows nothing where there is too little to learn from.
pub(crate) fn fit(lessons: &Lessons, world: &World) -> SearchRanker {
    let Some((exam, moments)) = lessons.past.split_last() else { return SearchRanker::default() };
    let logged: usize = moments.iter().map(|moment| moment.logged.len()).sum();
    let is_logged = logged >= LEAST_SEARCHES && exam.logged.len() >= LEAST_QUERIES;
    let taught_by = if is_logged { TaughtBy::Searches } else { TaughtBy::Orders };
    let looks = world.clicks.examination();
    let lexicon = lexicon::read(&lexicon::fit(world)).unwrap_or_default();
    let mut taught = taught_order(HELD_OUT, settings());
    for moment in moments {
        let then = world_at(moment, world, Arc::new(models(lessons, (world, &lexicon), moment.at)));
        let given: Vec<Option<Given>> = match taught_by {
            TaughtBy::Searches => moment.logged.par_iter().map(|logged| by_search(&then, logged, &looks)).collect(),
            _ => moment.asked.par_iter().map(|wanted| by_order(&then, wanted)).collect(),
        };
        given.into_iter().flatten().for_each(|given| taught.give(&given.lesson.rows, &given.relevance));
    }
    let count = taught.len();
    if count < LEAST_LESSONS {
        return SearchRanker::default();
    }
    let ranker = SearchRanker::new(taught.fit(), taught_by, count as u32);
    let result = Exam::new(exam.clone(), taught_by, lessons, (world, &lexicon)).result(&ranker);
    ranker.examined(result)
}

/// A lesson, and how much each of its hits was wanted.
struct Given {
    lesson: SearchLesson,
    relevance: Vec<f32>,
}

/// What was ordered next, found by words of its title.
fn by_order(then: &World, wanted: &Wanted) -> Option<Given> {
    let lesson = search_lesson(then, &wanted.search_for(&wanted.text, 1.0), wanted.at)?;
    let item = then.catalog.item(&wanted.product)?;
    let relevance = lesson.items.iter().map(|hit| f32::from(u8::from(*hit == item))).collect();
    Some(Given { lesson, relevance })
}

/// What was taken of what a search showed, each over how probable it was that it was looked at.
fn by_search(then: &World, logged: &Logged, looks: &[f64]) -> Option<Given> {
    let lesson = search_lesson(&as_logged(then, logged), &logged.request, logged.at)?;
    let worth = |hit: &WantedHit| Some((then.catalog.item(&hit.product)?, weight(hit, looks) as f32 * hit.gain));
    let worths: FxHashMap<Item, f32> = logged.wanted.iter().filter_map(worth).collect();
    let relevance = lesson.items.iter().map(|item| worths.get(item).copied().unwrap_or(0.0)).collect();
    Some(Given { lesson, relevance })
}

fn as_logged(then: &World, logged: &Logged) -> World {
    World { profiles: logged.profiles.clone(), clicks: logged.clicks.clone(), ..then.clone() }
}

/// One over the propensity of being looked at (Joachims, Swaminathan and Schnabel, "Unbiased Learning-to-Rank with Biased
/// Feedback", WSDM 2017, eq. 4), which of a product that chance put there is that over all places it might have had (Oosterhuis
/// and de Rijke, "Policy-Aware Unbiased Learning to Rank for Top-k Rankings", SIGIR 2020). Clipped, so that a few clicks far down
/// do not speak for all.
fn weight(hit: &WantedHit, looks: &[f64]) -> f64 {
    let last = looks.last().copied().unwrap_or(1.0);
    let at = |place: usize| looks.get(place - 1).copied().unwrap_or(last * looks.len() as f64 / place as f64);
    let looked_at = match hit.chance {
        Some(chance) => chance * at(hit.place) + (1.0 - chance) * at(BY_ITSELF),
        None => at(hit.place),
    };
    1.0 / looked_at.max(LEAST_LOOKED_AT)
}

/// What the ranker asks, fitted on what was before a moment.
fn models(lessons: &Lessons, (world, lexicon): (&World, &Lexicon), at: Timestamp) -> Models {
    let before = lessons.before(at);
    Models {
        for_you: NextOrder::fit(&before.orders, &next_order::Settings::default()),
        tastes: ranking::fit_tastes(&before, world),
        facts: Facts::of_orders(&before.orders),
        lexicon: lexicon.clone(),
        ..Models::default()
    }
}

/// The shop of a moment, with the products of today.
fn world_at(moment: &Moment, world: &World, models: Arc<Models>) -> World {
    World {
        catalog: world.catalog.clone(),
        search: world.search.clone(),
        traits: world.traits.clone(),
        synonyms: Arc::clone(&world.synonyms),
        profiles: moment.profiles.clone(),
        popularity: moment.popularity.clone(),
        models,
        ..World::default()
    }
}
