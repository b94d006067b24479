//! Training: lake → fits → judgement → registry → promotion.
//!
//! Runs beside serving and changes nothing until the last step, a record in the log. A run that fails or is cut off
//! leaves the champion as it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mercer_decide::World;
use mercer_recommend::evaluate::{self, Case, Report, Split};
use mercer_recommend::interactions::{Order, lines, purchases, tastes};
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::repurchase::{self, Repurchase};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::{ModelVersion, ProductId, Properties, Timestamp};
use mercer_store::{Alias, NewModel};
use rustc_hash::FxHashMap;
use serde_json::json;

use crate::lessons::{Lessons, gather};
use crate::models::{ALSO_VIEWED, BOUGHT_TOGETHER, FOR_YOU, REPURCHASE};
use crate::{Engine, Error};

/// Places of a ranking that judgement looks at.
const CUTOFF: usize = 20;
/// The metric by which candidate and champion are compared.
const DECIDING_METRIC: &str = "next_order_recall_at_20";

/// What a training run made.
#[derive(Debug, Clone)]
pub struct Trained {
    pub version: ModelVersion,
    /// It serves now; otherwise it waits as candidate.
    pub promoted: bool,
    pub metrics: Properties,
}

/// A model of the comparison with what it reached.
#[derive(Debug, Clone)]
pub struct Judged {
    pub model: &'static str,
    /// How training and test were split.
    pub protocol: &'static str,
    pub report: Report,
}

/// A run under way; however it ends, the next may begin.
struct Running<'a>(&'a AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Engine {
    /// Learns from everything in the log. `progress` hears what is being done.
    pub async fn train(
        self: &Arc<Self>,
        now: Timestamp,
        progress: impl Fn(&str) + Send + 'static,
    ) -> Result<Trained, Error> {
        if self.is_training.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyTraining);
        }
        let _running = Running(&self.is_training);
        let engine = Arc::clone(self);
        let fitted = tokio::task::spawn_blocking(move || engine.fit(now, &progress)).await;
        match fitted {
            Ok(Ok(fitted)) => self.judge_and_promote(fitted, now).await,
            Ok(Err(error)) => Err(error),
            Err(panicked) => Err(Error::TrainingBroke(panicked.to_string())),
        }
    }

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

    /// The orders of this shop that models learn from.
    pub fn orders(&self) -> Result<Vec<Order>, Error> {
        Ok(self.lessons_with_orders()?.orders)
    }

    fn lessons_with_orders(&self) -> Result<Lessons, Error> {
        self.extend_lake()?;
        let lessons = gather(&self.parts.lake, &self.snapshot().world)?;
        if lessons.orders.is_empty() { Err(Error::NothingToLearn) } else { Ok(lessons) }
    }

    fn fit(&self, now: Timestamp, progress: &dyn Fn(&str)) -> Result<NewModel, Error> {
        progress("Reading the lake");
        self.extend_lake()?;
        let snapshot = self.snapshot();
        let lessons = gather(&self.parts.lake, &snapshot.world)?;
        if lessons.orders.is_empty() && lessons.visits.is_empty() {
            return Err(Error::NothingToLearn);
        }
        progress("Fitting the models");
        let files = fit_models(&lessons, &snapshot.world);
        progress("Judging them on held-out orders");
        Ok(NewModel {
            created_at: now,
            code_version: self.options.code_version.clone(),
            settings: json!({ "largest_basket": neighbours::Settings::default().largest_basket }),
            data: lessons.data,
            metrics: metrics(&lessons),
            files,
        })
    }

    async fn judge_and_promote(&self, model: NewModel, now: Timestamp) -> Result<Trained, Error> {
        let (registry, metrics) = (&self.parts.registry, model.metrics.clone());
        let is_no_worse = self.is_no_worse_than_champion(&metrics)?;
        let version = registry.create(model)?.version;
        registry.set_alias(Alias::Candidate, &version)?;
        if is_no_worse {
            self.promote(&version, now).await?;
        }
        Ok(Trained { version, promoted: is_no_worse, metrics })
    }

    /// Worse means: even the upper end of the candidate's interval lies below the champion's mean.
    fn is_no_worse_than_champion(&self, candidate: &Properties) -> Result<bool, Error> {
        let registry = &self.parts.registry;
        let Some(champion) = registry.alias(Alias::Champion)? else { return Ok(true) };
        // One that cannot serve is no rival, however good its figures once were.
        if self.models.load(&champion, &self.snapshot().world.catalog).is_err() {
            return Ok(true);
        }
        let Ok(champion) = registry.manifest(&champion) else { return Ok(true) };
        let mean = champion.metrics.get(DECIDING_METRIC).and_then(serde_json::Value::as_f64);
        let upper = candidate.get(&format!("{DECIDING_METRIC}_upper")).and_then(serde_json::Value::as_f64);
        Ok(mean.zip(upper).is_none_or(|(champion, candidate)| candidate >= champion))
    }
}

fn fit_models(lessons: &Lessons, world: &World) -> BTreeMap<String, Vec<u8>> {
    let baskets: Vec<_> = lessons.orders.iter().map(|order| order.lines.clone()).collect();
    let together = Neighbours::fit(&baskets, &neighbours::Settings::bought_together());
    // A shop without views yet still knows what is bought by the same people.
    let viewed = if lessons.visits.is_empty() { &baskets } else { &lessons.visits };
    let also_viewed = Neighbours::fit(viewed, &neighbours::Settings::default());
    let for_you = NextOrder::fit(&lessons.orders, &next_order::Settings::default());
    let categories = category_numbers(world);
    let group = |item: Item| categories.get(&item).copied();
    let repurchase = Repurchase::fit(purchases(&lessons.orders), group, &repurchase::Settings::default());
    let name = |item: Item| world.catalog.id(item).map_or("", ProductId::as_str).to_owned();
    BTreeMap::from([
        (BOUGHT_TOGETHER.to_owned(), together.encode(name)),
        (ALSO_VIEWED.to_owned(), also_viewed.encode(name)),
        (FOR_YOU.to_owned(), for_you.encode(name)),
        (REPURCHASE.to_owned(), repurchase.encode(name)),
    ])
}

fn category_numbers(world: &World) -> FxHashMap<Item, u32> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut of_items = FxHashMap::default();
    for (item, product) in world.catalog.products() {
        if let Some(category) = product.leaf_category() {
            let next = numbers.len() as u32;
            of_items.insert(item, *numbers.entry(category).or_insert(next));
        }
    }
    of_items
}

fn metrics(lessons: &Lessons) -> Properties {
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
