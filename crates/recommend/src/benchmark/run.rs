//! Fitting and asking models, one after the other.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::weights::BlendSpec;
use super::{Metric, Outcome, Question, Shown, Spec, SpecError};
use crate::blend::Blend;
use crate::hybrid::{Catalog, Depth, Facts};
use crate::random::Random;
use crate::{Item, Query, Recommender, Scored};

/// Data in one of the formats: what to learn from, and what to ask.
pub trait Dataset {
    /// Names that [`Self::fit`] knows.
    fn models(&self) -> &'static [&'static str];

    /// Settings of a model with values worth trying.
    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])];

    /// A sensible set, with a blend at the end.
    fn auto(&self) -> &'static [&'static str];

    /// Fits a model by name, with settings where they are given.
    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError>;

    fn questions(&self) -> &[Question];

    /// Training interactions with each item.
    fn popularity(&self) -> Vec<u32>;

    /// What was taken one after the other, where that is known: what a network learns.
    fn sequences(&self) -> Vec<Vec<Item>> {
        Vec::new()
    }

    /// What tells a network when to stop; part of neither the training sequences nor the test.
    fn held_out(&self) -> &[Question] {
        &[]
    }

    /// Numbers of the attributes of each item, where there are any.
    fn attributes(&self) -> &[Vec<u32>] {
        &[]
    }

    /// When and by whom the training items were taken.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// What is known of the items themselves.
    fn catalog(&self) -> Catalog {
        Catalog::default()
    }

    /// The sources of a hybrid that names none.
    fn hybrid_of(&self) -> &'static [&'static str];

    /// How many items take part in it.
    fn hybrid_depth(&self) -> Depth {
        Depth { each: 100, all: 120 }
    }

    /// Cuts of the training part, each with what the ranker of a hybrid learns from: the questions of earlier and earlier times.
    /// Like [`Self::validation`], none of them knows anything of the test part.
    fn lessons(&self, rounds: usize) -> Vec<Box<dyn Dataset>> {
        let mut parts = vec![self.validation()];
        for _ in 1..rounds {
            let earlier = parts.last().map(|part| part.validation());
            parts.extend(earlier.filter(|part| !part.questions().is_empty()));
        }
        parts
    }

    /// How many such cuts are worth while.
    fn hybrid_rounds(&self) -> usize {
        1
    }

    /// The training part, cut once more: what settings are chosen on. Knows nothing of the test part.
    fn validation(&self) -> Box<dyn Dataset>;
}

/// Fits and asks one model after the other. `blend:slim=1:ials=0.5` asks models before it in the list, by their names,
/// and adds up their answers with these weights.
pub fn compare<'a>(
    specs: &[Spec],
    questions: &[Question],
    measured: &Measured<'_>,
    fit: impl Fn(Spec) -> Result<Box<dyn Recommender + 'a>, SpecError>,
    mut report: impl FnMut(Outcome),
) -> Result<(), SpecError> {
    let mut fitted: Vec<(String, Box<dyn Recommender + 'a>)> = Vec::new();
    for spec in specs {
        let started = Instant::now();
        if spec.name() == "blend" {
            let model = blend(spec, &fitted)?;
            report(ask(spec.text(), &model, questions, Duration::ZERO, measured));
        } else {
            let model = fit(spec.clone())?;
            report(ask(spec.text(), &*model, questions, started.elapsed(), measured));
            fitted.push((spec.name().to_owned(), model));
        }
    }
    Ok(())
}

fn blend<'a>(spec: &Spec, fitted: &'a [(String, Box<dyn Recommender + '_>)]) -> Result<Blend<'a>, SpecError> {
    let asked = BlendSpec::of(spec.clone())?;
    let part = |(name, weight): (String, f32)| match fitted.iter().find(|(known, _)| *known == name) {
        Some((_, model)) => Ok((&**model as &dyn Recommender, weight)),
        None => Err(spec.error(format!("no model before it in the list is called `{name}`"))),
    };
    let parts = asked.weights.into_iter().map(part).collect::<Result<_, _>>()?;
    Ok(Blend { parts, fusion: asked.fusion, depth: asked.depth })
}

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    pub metrics: &'a [Metric],
    /// Training interactions with each item.
    pub popularity: &'a [u32],
}

/// Asks a model that took `fit` to fit all questions, one after the other on one thread.
pub fn ask(
    name: &str,
    model: &dyn Recommender,
    questions: &[Question],
    fit: Duration,
    measured: &Measured<'_>,
) -> Outcome {
    let cutoff = measured.metrics.iter().map(|metric| metric.cutoff).max().unwrap_or(20);
    let total: f64 = measured.popularity.iter().map(|count| f64::from(*count)).sum();
    let information = |item: &Item| {
        let count = measured.popularity.get(item.index()).copied().unwrap_or(0).max(1);
        (total.max(1.0) / f64::from(count)).log2()
    };
    let mut values: Vec<(Metric, Vec<f64>)> = measured.metrics.iter().map(|metric| (*metric, Vec::new())).collect();
    let mut answer_micros = Vec::with_capacity(questions.len());
    let cutoffs: BTreeSet<usize> = measured.metrics.iter().map(|metric| metric.cutoff).collect();
    let mut shown: Vec<Showing> = cutoffs.into_iter().map(Showing::new).collect();
    for asked in questions {
        let query = asked.query();
        let started = Instant::now();
        let answer = model.recommend(&query, cutoff + asked.masked.len());
        answer_micros.push(started.elapsed().as_secs_f64() * 1e6);
        let unmasked = answer.into_iter().map(|scored| scored.item).filter(|item| !asked.masked.contains(item));
        let ranked: Vec<Item> = unmasked.take(cutoff).collect();
        values.iter_mut().for_each(|(metric, values)| values.push(metric.of(&ranked, &asked.relevant)));
        shown.iter_mut().for_each(|showing| showing.count(&ranked, information));
    }
    answer_micros.sort_unstable_by(f64::total_cmp);
    Outcome {
        model: name.to_owned(),
        values,
        shown: shown.iter().map(Showing::sum).collect(),
        fit_seconds: fit.as_secs_f64(),
        answer_micros,
    }
}

/// What stands in the first places, counted answer by answer.
struct Showing {
    cutoff: usize,
    items: BTreeSet<Item>,
    places: usize,
    bits: f64,
}

impl Showing {
    const fn new(cutoff: usize) -> Self {
        Self { cutoff, items: BTreeSet::new(), places: 0, bits: 0.0 }
    }

    fn count(&mut self, ranked: &[Item], information: impl Fn(&Item) -> f64) {
        for item in ranked.iter().take(self.cutoff) {
            self.items.insert(*item);
            self.places += 1;
            self.bits += information(item);
        }
    }

    fn sum(&self) -> Shown {
        Shown { cutoff: self.cutoff, coverage: self.items.len(), novelty: self.bits / self.places.max(1) as f64 }
    }
}

impl Question {
    pub(super) fn query(&self) -> Query<'_> {
        Query {
            session: &self.session,
            history: &self.history,
            ordered: &self.ordered,
            now: self.at,
            context: self.context,
            ..Query::default()
        }
    }
}

/// The same ranking for everybody.
pub(super) struct Same(pub(super) Vec<Scored>);

impl Recommender for Same {
    fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.0.iter().take(limit).copied().collect()
    }
}

/// Settings for a model, chosen at random from its space (Bergstra, Bengio: "Random Search for Hyper-Parameter
/// Optimization", JMLR 2012) by the first metric on validation data. `tried` hears of each attempt.
pub fn tune(
    spec: &Spec,
    validation: &dyn Dataset,
    metric: Metric,
    attempts: usize,
    mut tried: impl FnMut(&Spec, f64),
) -> Result<Spec, SpecError> {
    let space = validation.space(spec.name());
    let popularity = validation.popularity();
    let measured = Measured { metrics: &[metric], popularity: &popularity };
    let mut random = Random::new(attempts as u64);
    let mut best = (spec.clone(), f64::NEG_INFINITY);
    for attempt in 0..attempts.max(1) {
        let mut candidate = spec.clone();
        // The first attempt is what was asked for.
        for (key, values) in space.iter().filter(|_| attempt > 0) {
            candidate.set(key, values[random.below(values.len())]);
        }
        let model = validation.fit(candidate.clone())?;
        let outcome = ask(candidate.text(), &*model, validation.questions(), Duration::ZERO, &measured);
        let reached = outcome.metrics(|_| true).first().map_or(0.0, |(_, interval)| interval.mean);
        tried(&candidate, reached);
        if reached > best.1 {
            best = (candidate, reached);
        }
    }
    Ok(best.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_counted_at_each_cut_and_not_at_the_largest() {
        let popular = Same((0..10).map(|item| Scored { item: Item(item), score: 1.0, because_of: None }).collect());
        let questions = [1, 3].map(|item| Question { relevant: [Item(item)].into(), ..Question::default() });
        let metrics = ["HR@8", "Recall@2", "NDCG@2"].map(|name| name.parse().unwrap());
        let popularity = [8, 4, 2, 1, 1];
        let asked = |metrics: &[Metric]| {
            let measured = Measured { metrics, popularity: &popularity };
            ask("popularity", &popular, &questions, Duration::ZERO, &measured).shown
        };
        let shown = asked(&metrics);
        assert_eq!(shown.iter().map(|shown| (shown.cutoff, shown.coverage)).collect::<Vec<_>>(), [(2, 2), (8, 8)]);
        // Of the first two, 8 and 4 of 16 interactions: one bit and two.
        assert!((shown[0].novelty - 1.5).abs() < 1e-12 && shown[1].novelty > 2.0, "{shown:?}");
        assert_eq!(asked(&metrics[1..]), shown[..1], "whatever else is asked for");
    }
}
