//! How well each way of choosing foretells this shop's own orders: the figures of a version, and `mercer eval`.

use mercer_recommend::evaluate::{self, Case, Report, Split};
use mercer_recommend::interactions::{Order, lines, tastes};
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::{Properties, Timestamp};
use serde_json::json;

use crate::lessons::{Lessons, gather};
use crate::weights::{WeightsJudged, worth};
use crate::{Engine, Error};

/// Places of a ranking that judgement looks at.
const CUTOFF: usize = 20;

/// A model of the comparison with what it reached.
#[derive(Debug, Clone)]
pub struct Judged {
    pub model: &'static str,
    /// How training and test were split.
    pub protocol: &'static str,
    pub report: Report,
}

impl Engine {
    /// Compares the recommenders on this shop's own orders.
    pub fn evaluate(&self, cutoff: usize, progress: &dyn Fn(&str)) -> Result<Vec<Judged>, Error> {
        progress("Reading the lake");
        let lessons = self.lessons_with_orders()?;
        let settings = evaluate::Settings { cutoff, ..evaluate::Settings::default() };
        let mut judged = Vec::new();
        let recent = lessons.data.last_at.plus(-30 * Timestamp::DAY);
        let splits = [
            ("last order of each customer", evaluate::hold_out_last_orders(&lessons.orders, 0)),
            ("last 30 days", evaluate::split_at(&lessons.orders, recent)),
        ];
        for (protocol, split) in splits {
            progress(protocol);
            judged.extend(compare(&split, &settings).into_iter().map(|(model, report)| Judged {
                model,
                protocol,
                report,
            }));
        }
        Ok(judged)
    }

    /// What the learned weights of placements are worth on this shop's newest days.
    pub fn evaluate_weights(&self, progress: &dyn Fn(&str)) -> Result<Vec<WeightsJudged>, Error> {
        progress("Reading the lake");
        let lessons = self.lessons_with_orders()?;
        progress("Learning on the days before the newest");
        Ok(worth(&lessons, &self.snapshot().world))
    }

    /// The orders of this shop that models learn from.
    pub fn orders(&self) -> Result<Vec<Order>, Error> {
        Ok(self.lessons_with_orders()?.orders)
    }

    fn lessons_with_orders(&self) -> Result<Lessons, Error> {
        self.extend_lake()?;
        let lessons = gather(&self.parts.lake, &self.snapshot().world, self.parts.lake.events_upto())?;
        if lessons.orders.is_empty() { Err(Error::NothingToLearn) } else { Ok(lessons) }
    }
}

/// What the manifest tells of a version, each customer's last order held out.
pub(crate) fn metrics(lessons: &Lessons) -> Properties {
    let mut metrics = Properties::new();
    let split = evaluate::hold_out_last_orders(&lessons.orders, 0);
    let settings = evaluate::Settings { cutoff: CUTOFF, ..evaluate::Settings::default() };
    metrics.insert("orders".into(), json!(lessons.orders.len()));
    metrics.insert("visits".into(), json!(lessons.visits.len()));
    metrics.insert("held_out_orders".into(), json!(split.cases.len()));
    if split.cases.is_empty() {
        return metrics;
    }
    for (model, report) in compare(&split, &settings) {
        metrics.insert(format!("{model}_recall_at_{CUTOFF}"), json!(report.recall.mean));
        metrics.insert(format!("{model}_recall_at_{CUTOFF}_lower"), json!(report.recall.low));
        metrics.insert(format!("{model}_recall_at_{CUTOFF}_upper"), json!(report.recall.high));
        metrics.insert(format!("{model}_ndcg_at_{CUTOFF}"), json!(report.ndcg.mean));
    }
    metrics
}

/// Popularity, neighbours of the history, and the next-order model, all fitted on the same training part.
fn compare(split: &Split, settings: &evaluate::Settings) -> Vec<(&'static str, Report)> {
    let cutoff = settings.cutoff;
    let mut popularity = Popularity::new(popularity::Settings::default());
    let mut in_time: Vec<&Order> = split.train.iter().collect();
    in_time.sort_by_key(|order| order.at);
    for order in in_time {
        order.lines.iter().for_each(|(item, _)| popularity.observe(*item, 1.0, order.at));
    }
    let popular: Vec<Item> = popularity.ranked().map(|(item, _)| item).take(cutoff).collect();
    let for_you = Neighbours::fit(&tastes(&split.train), &neighbours::Settings::default());
    let next_order = NextOrder::fit(&split.train, &next_order::Settings::default());
    let ask = |model: &dyn Recommender, case: &Case| {
        let history = next_order::habits(lines(&case.history), next_order::HABIT_PER_ORDER);
        let ordered: Vec<_> = lines(&case.history).collect();
        let query = Query { history: &history, ordered: &ordered, now: case.at, ..Query::default() };
        model.recommend(&query, cutoff).into_iter().map(|scored| scored.item).collect::<Vec<_>>()
    };
    vec![
        ("popularity", evaluate::evaluate(&split.cases, settings, |_| popular.clone())),
        ("neighbours", evaluate::evaluate(&split.cases, settings, |case| ask(&for_you, case))),
        ("next_order", evaluate::evaluate(&split.cases, settings, |case| ask(&next_order, case))),
    ]
}
