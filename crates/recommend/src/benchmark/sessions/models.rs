//! The session models by name, each with the index that it asks.

use super::SessionData;
use crate::benchmark::{Spec, SpecError};
use crate::popularity::{self, Popularity};
use crate::sessions::{HybridSettings, IndexSettings, RuleSettings, SessionIndex, StanSettings, VmisSettings};
use crate::{Query, Recommender, Scored};

pub(super) const NAMES: [&str; 9] =
    ["popularity", "vmis", "stan", "vstan", "sr", "ar", "visits", "steps", crate::benchmark::hybrid::NAME];

enum Model {
    Popularity(Popularity),
    Vmis(VmisSettings),
    Stan(StanSettings),
    Rules(RuleSettings),
    Hybrid(HybridSettings),
}

struct Fitted {
    index: SessionIndex,
    model: Model,
}

impl SessionData {
    pub(in crate::benchmark) fn fit_named(&self, mut spec: Spec) -> Result<Box<dyn Recommender>, SpecError> {
        let repeats = self.repeats;
        let model = match spec.name() {
            "popularity" => {
                let mut popularity = Popularity::new(popularity::Settings::default());
                self.train.iter().flatten().for_each(|(item, at)| popularity.observe(*item, 1.0, *at));
                Model::Popularity(popularity)
            }
            "vmis" => {
                let mut settings = VmisSettings { repeats, ..VmisSettings::default() };
                spec.take("sample", &mut settings.sample)?;
                spec.take("neighbours", &mut settings.neighbours)?;
                spec.take("last_items", &mut settings.last_items)?;
                Model::Vmis(settings)
            }
            "stan" => Model::Stan(stan(&mut spec, StanSettings { repeats, ..StanSettings::stan() })?),
            "vstan" => Model::Stan(stan(&mut spec, StanSettings { repeats, ..StanSettings::vstan() })?),
            "sr" => Model::Rules(RuleSettings { repeats, ..RuleSettings::sequential() }),
            "ar" => Model::Rules(RuleSettings { repeats, ..RuleSettings::association() }),
            "visits" => Model::Hybrid(HybridSettings { repeats, ..HybridSettings::visits() }),
            "steps" => Model::Hybrid(HybridSettings { repeats, ..HybridSettings::default() }),
            _ => return Err(spec.error(format!("there are {}", NAMES.join(", ")))),
        };
        spec.finish()?;
        let index = if matches!(model, Model::Popularity(_)) { SessionIndex::default() } else { self.index() };
        Ok(Box::new(Fitted { index, model }))
    }

    /// Every session one visit, however long its pauses.
    fn index(&self) -> SessionIndex {
        let longest = self.train.iter().map(Vec::len).max().unwrap_or_default().max(1);
        let mut index = SessionIndex::new(IndexSettings { kept_per_item: 2_500, pause_minutes: u32::MAX, longest });
        for (visitor, session) in (0..).zip(&self.train) {
            session.iter().for_each(|(item, at)| index.observe(visitor, *item, *at));
        }
        index
    }
}

fn stan(spec: &mut Spec, mut settings: StanSettings) -> Result<StanSettings, SpecError> {
    spec.take("sample", &mut settings.sample)?;
    spec.take("neighbours", &mut settings.neighbours)?;
    spec.take("order", &mut settings.order)?;
    spec.take("age_days", &mut settings.age_days)?;
    spec.take("distance", &mut settings.distance)?;
    spec.take("newest_shared", &mut settings.newest_shared)?;
    spec.take("rarity", &mut settings.rarity)?;
    spec.take("before", &mut settings.before)?;
    spec.take("shared", &mut settings.shared)?;
    spec.take("last_items", &mut settings.last_items)?;
    Ok(settings)
}

impl Recommender for Fitted {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        match &self.model {
            Model::Popularity(popularity) => popularity.popular().recommend(query, limit),
            Model::Vmis(settings) => self.index.vmis(*settings).recommend(query, limit),
            Model::Stan(settings) => self.index.stan(*settings).recommend(query, limit),
            Model::Rules(settings) => self.index.rules(*settings).recommend(query, limit),
            Model::Hybrid(settings) => self.index.hybrid(*settings).recommend(query, limit),
        }
    }
}
