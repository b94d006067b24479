//! The next-item network beside the other models of data that has sequences.
//!
//! It lives in a crate of its own, which the benchmarks do not know. Of a shop's orders it learns the sequence of the lines. `transformer:save=FILE` keeps what was trained,
//! `transformer:load=FILE` asks it again without training.

use std::fs;

use mercer_neural::{HeldOut, Lessons, NextItem, Settings};
use mercer_recommend::benchmark::{Dataset, Question, Spec, SpecError, fit_hybrid};
use mercer_recommend::hybrid::{Catalog, Depth, Facts};
use mercer_recommend::interactions::in_sequence;
use mercer_recommend::{Item, Query, Recommender, Scored};

use crate::output;

const NAME: &str = "transformer";
/// Items that `auto` lets it look at, all epochs together: about ten minutes of one core.
const MOST_TAKEN: usize = 40_000_000;
/// With fewer it is no good.
const LEAST_EPOCHS: usize = 5;
/// Weights chosen on the validation parts of Yoochoose 1/64 and of Beauty.
const BLEND_OF_SESSIONS: &str = "blend:steps=3:transformer=1:fusion=share:sharpness=0.7";
const BLEND_OF_SEQUENCES: &str = "blend:transformer=1:vstan=1:knn=0.4:fusion=share";

struct WithNetwork {
    data: Box<dyn Dataset>,
    models: &'static [&'static str],
    sequences: Vec<Vec<Item>>,
}

pub(super) fn with_network(data: Box<dyn Dataset>) -> Box<dyn Dataset> {
    let sequences = data.sequences();
    if sequences.is_empty() {
        return data;
    }
    // Once a run, and as long as it.
    let models = data.models().iter().copied().chain([NAME]).collect::<Vec<_>>().leak();
    Box::new(WithNetwork { data, models, sequences })
}

impl Dataset for WithNetwork {
    fn models(&self) -> &'static [&'static str] {
        self.models
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        match model {
            NAME => &[
                ("rate", &["0.001", "0.002", "0.003"]),
                ("dropout", &["0.1", "0.2", "0.3", "0.5"]),
                ("width", &["64", "128"]),
                ("decay", &["0.01", "0.1", "0.3"]),
            ],
            _ => self.data.space(model),
        }
    }

    /// With a network and a blend that holds it, unless the data is too large for it to be trained in passing.
    fn auto(&self) -> &'static [&'static str] {
        if self.is_of_orders() {
            return self.data.auto();
        }
        let taken: usize = self.sequences.iter().map(Vec::len).sum();
        let epochs = (MOST_TAKEN / taken.max(1)).min(self.defaults().epochs);
        if epochs < LEAST_EPOCHS {
            output::remark(format!("{taken} steps are many: `auto` leaves the {NAME} out; name it in --models"));
            return self.data.auto();
        }
        let blend = if self.data.held_out().is_empty() { BLEND_OF_SESSIONS } else { BLEND_OF_SEQUENCES };
        let (mut names, rest): (Vec<&'static str>, Vec<&'static str>) =
            self.data.auto().iter().copied().partition(|name| *name != "hybrid");
        names.retain(|name| !name.starts_with("blend"));
        // Once a run, and as long as it.
        names.extend([&*format!("{NAME}:epochs={epochs}").leak(), blend]);
        names.extend(rest);
        names.leak()
    }

    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        match spec.name() {
            NAME => Ok(Box::new(InOrder(self.fit_network(spec)?))),
            // From here, so that the network can be one of its sources.
            "hybrid" => fit_hybrid(self, spec),
            _ => self.data.fit(spec),
        }
    }

    fn questions(&self) -> &[Question] {
        self.data.questions()
    }

    fn popularity(&self) -> Vec<u32> {
        self.data.popularity()
    }

    fn facts(&self) -> Facts {
        self.data.facts()
    }

    fn catalog(&self) -> Catalog {
        self.data.catalog()
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        self.data.hybrid_of()
    }

    fn hybrid_depth(&self) -> Depth {
        self.data.hybrid_depth()
    }

    fn hybrid_rounds(&self) -> usize {
        self.data.hybrid_rounds()
    }

    fn lessons(&self, rounds: usize) -> Vec<Box<dyn Dataset>> {
        self.data.lessons(rounds).into_iter().map(with_network).collect()
    }

    fn validation(&self) -> Box<dyn Dataset> {
        with_network(self.data.validation())
    }
}

/// Asked with what was ordered where there is no session: of a shop's orders.
struct InOrder(NextItem);

impl Recommender for InOrder {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        if !query.session.is_empty() {
            return self.0.recommend(query, limit);
        }
        let session = in_sequence(query.ordered);
        self.0.recommend(&Query { session: &session, now: query.now, ..Query::default() }, limit)
    }
}

impl WithNetwork {
    fn is_of_orders(&self) -> bool {
        self.data.models().contains(&"next-order")
    }

    fn defaults(&self) -> Settings {
        if self.is_of_orders() {
            // What the training of a shop with some thousand customers takes.
            return Settings { epochs: 20, warm_up: 100, ..Settings::default() };
        }
        if self.data.held_out().is_empty() { Settings::sessions() } else { Settings::default() }
    }

    fn fit_network(&self, mut spec: Spec) -> Result<NextItem, SpecError> {
        let held_out: Vec<HeldOut> = self.data.held_out().iter().map(HeldOut::from).collect();
        let mut settings = self.defaults();
        let (mut load, mut save) = (String::new(), String::new());
        spec.take("load", &mut load)?;
        spec.take("save", &mut save)?;
        take(&mut spec, &mut settings)?;
        if settings.epochs == 0 && load.is_empty() {
            return Err(spec.error("with `epochs=0` it would learn nothing; give it one or more".to_owned()));
        }
        let failed = |file: &str, problem: String| spec.error(format!("{file}: {problem}"));
        let number = |name: &str| name.parse().ok();
        let model = if load.is_empty() {
            let items = self.sequences.iter().flatten().map(|item| item.index() + 1).max().unwrap_or(0);
            let lessons =
                Lessons { sequences: &self.sequences, items, attributes: self.data.attributes(), held_out: &held_out };
            if cfg!(feature = "gpu") {
                output::remark(format!("training on {}", mercer_neural::trains_on()));
            }
            let heard = |progress: &mercer_neural::Progress| {
                output::remark(format!(
                    "epoch {} in {:.1} s: loss {:.4}, held-out NDCG@10 {:.4}",
                    progress.epoch, progress.seconds, progress.loss, progress.ndcg
                ));
            };
            NextItem::fit(&lessons, &settings, heard).map_err(|error| spec.error(error.to_string()))?
        } else {
            let bytes = fs::read(&load).map_err(|error| failed(&load, error.to_string()))?;
            NextItem::decode(&bytes, |name| number(name).map(Item), number)
                .map_err(|error| failed(&load, error.to_string()))?
        };
        if !save.is_empty() {
            let bytes = model.encode(|item| item.0.to_string(), |attribute| attribute.to_string());
            fs::write(&save, bytes).map_err(|error| failed(&save, error.to_string()))?;
        }
        spec.finish()?;
        Ok(model)
    }
}

fn take(spec: &mut Spec, settings: &mut Settings) -> Result<(), SpecError> {
    spec.take("width", &mut settings.shape.width)?;
    spec.take("layers", &mut settings.shape.layers)?;
    spec.take("heads", &mut settings.shape.heads)?;
    spec.take("inner", &mut settings.shape.inner)?;
    spec.take("longest", &mut settings.shape.longest)?;
    spec.take("epochs", &mut settings.epochs)?;
    spec.take("patience", &mut settings.patience)?;
    spec.take("batch", &mut settings.batch)?;
    spec.take("rate", &mut settings.rate)?;
    spec.take("warm_up", &mut settings.warm_up)?;
    spec.take("decay", &mut settings.decay)?;
    spec.take("dropout", &mut settings.dropout)?;
    spec.take("input_dropout", &mut settings.input_dropout)?;
    spec.take("own_dropout", &mut settings.own_dropout)?;
    spec.take("standing", &mut settings.standing)?;
    spec.take("negatives", &mut settings.negatives)?;
    spec.take("smoothing", &mut settings.smoothing)?;
    spec.take("averaging", &mut settings.averaging)?;
    spec.take("seed", &mut settings.seed)
}

#[cfg(test)]
mod tests {
    use mercer_recommend::benchmark::{read_sequences, read_sessions};

    use super::*;

    #[test]
    fn the_automatic_set_has_a_network_and_a_blend_that_holds_it() {
        let sequences = with_network(Box::new(read_sequences("1 a b c d\n", None).unwrap()));
        let end = ["transformer:epochs=40", BLEND_OF_SEQUENCES, "hybrid"];
        assert!(sequences.auto().ends_with(&end), "{:?}", sequences.auto());
        let sessions = with_network(Box::new(read_sessions("a b c\na c\n", "a\tc\n").unwrap()));
        let end = ["transformer:epochs=20", BLEND_OF_SESSIONS, "hybrid"];
        assert!(sessions.auto().ends_with(&end), "{:?}", sessions.auto());
        for data in [sequences, sessions] {
            let known = |name: &&str| ["transformer", "blend", "hybrid"].iter().any(|start| name.starts_with(start));
            assert!(data.auto().iter().all(|name| known(name) || data.models().contains(name)));
        }
    }
}
