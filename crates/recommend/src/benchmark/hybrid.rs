//! The learned hybrid over any of the data: its sources are models of the same data, by their names.
//!
//! The ranker learns on the validation part: sources are fitted on what is left there to learn from, the ranker on the
//! answers to its questions, then the sources are fitted again on all training data. `rounds` cuts the part that is left over
//! and over again, which gives more lessons of earlier times. Nothing of the test part is known to any of it.

use std::collections::BTreeSet;

use super::{Dataset, Spec, SpecError};
use crate::hybrid::{Catalog, Facts, Hybrid, Lessons, Ranker, RankerSettings, Sources};
use crate::{Query, Recommender, Scored};

pub(super) const NAME: &str = "hybrid";
/// Lessons of one cut.
const MOST_LESSONS: usize = 5_000;

/// Both stages with everything they are made of.
struct Fitted<'a> {
    models: Vec<Box<dyn Recommender + 'a>>,
    facts: Facts,
    catalog: Catalog,
    ranker: Ranker,
}

impl Fitted<'_> {
    fn ask<T>(&self, question: impl FnOnce(Sources<'_>) -> T) -> T {
        let models: Vec<&dyn Recommender> = self.models.iter().map(|model| &**model as &dyn Recommender).collect();
        question(Sources { models: &models, facts: &self.facts, catalog: &self.catalog })
    }
}

impl Recommender for Fitted<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.ask(|sources| Hybrid { sources, ranker: &self.ranker }.recommend(query, limit))
    }
}

/// Fits a hybrid by `hybrid:of=knn+slim:rounds=2`; every source is a model that `data` knows.
pub fn fit_hybrid<'a>(data: &'a dyn Dataset, mut spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
    let (mut of, mut rounds) = (data.hybrid_of().join("+"), data.hybrid_rounds());
    let (mut settings, mut most_lessons) = (RankerSettings::default(), MOST_LESSONS);
    settings.depth = data.hybrid_depth();
    spec.take("of", &mut of)?;
    spec.take("rounds", &mut rounds)?;
    spec.take("lessons", &mut most_lessons)?;
    spec.take("each", &mut settings.depth.each)?;
    spec.take("all", &mut settings.depth.all)?;
    spec.take("trees", &mut settings.boosting.trees)?;
    spec.take("leaves", &mut settings.boosting.leaves)?;
    spec.take("rate", &mut settings.boosting.rate)?;
    spec.take("least_rows", &mut settings.boosting.least_rows)?;
    spec.take("l2", &mut settings.boosting.l2)?;
    spec.take("columns", &mut settings.boosting.column_share)?;
    spec.take("groups", &mut settings.boosting.group_share)?;
    spec.take("patience", &mut settings.boosting.patience)?;
    spec.take("cutoff", &mut settings.boosting.cutoff)?;
    spec.take("seed", &mut settings.boosting.seed)?;
    spec.take("objective", &mut settings.boosting.objective)?;
    let names: Vec<&str> = of.split('+').map(str::trim).collect();
    if let Some(unknown) = names.iter().find(|name| **name == NAME || !data.models().contains(name)) {
        return Err(spec.error(format!("`{unknown}` is no source; there are {}", data.models().join(", "))));
    }
    spec.finish()?;
    let mut lessons = Lessons::new(&names, settings);
    for part in data.lessons(rounds) {
        give(&*part, &names, most_lessons, &mut lessons)?;
    }
    Ok(Box::new(fitted(data, &names, lessons.fit())?))
}

fn fitted<'a>(data: &'a dyn Dataset, names: &[&str], ranker: Ranker) -> Result<Fitted<'a>, SpecError> {
    let models = names.iter().map(|name| data.fit(Spec::parse(name)?)).collect::<Result<_, _>>()?;
    Ok(Fitted { models, facts: data.facts(), catalog: data.catalog(), ranker })
}

fn give(part: &dyn Dataset, names: &[&str], most: usize, lessons: &mut Lessons) -> Result<(), SpecError> {
    let fitted = fitted(part, names, Ranker::default())?;
    let nothing = BTreeSet::new();
    fitted.ask(|sources| {
        // Spread over all of them.
        let every = part.questions().len().div_ceil(most.max(1)).max(1);
        for asked in part.questions().iter().step_by(every) {
            let masked = if asked.masked.is_disjoint(&asked.relevant) { &asked.masked } else { &nothing };
            lessons.give(&sources, &asked.query(), &asked.relevant, masked);
        }
    });
    Ok(())
}
