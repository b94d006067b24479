//! The weights of a blend, chosen on validation data.
//!
//! Every part is asked once, and its answers are kept; then one weight after the other is multiplied by a few factors, and
//! what the metric likes best stays, until a round over all weights changes nothing (coordinate ascent). Only the weights'
//! ratios matter, and the metric is a staircase in them, so finer steps would fit the noise.

use super::{Dataset, Metric, Question, Spec, SpecError};
use crate::blend::Fusion;
use crate::{Item, Recommender, Scored};

/// What a weight is multiplied by in turn; 0 leaves a part out.
const FACTORS: [f32; 5] = [0.0, 0.5, 0.7, 1.4, 2.0];
const MOST_ROUNDS: usize = 4;
/// Questions that decide, spread over all of them.
const MOST_QUESTIONS: usize = 5_000;

/// A blend as it is asked for.
pub(super) struct BlendSpec {
    pub(super) fusion: Fusion,
    pub(super) depth: usize,
    pub(super) weights: Vec<(String, f32)>,
}

impl BlendSpec {
    pub(super) fn of(mut spec: Spec) -> Result<Self, SpecError> {
        let (mut fusion, mut depth) = ("best".to_owned(), 200);
        spec.take("fusion", &mut fusion)?;
        spec.take("depth", &mut depth)?;
        let fusion = match fusion.as_str() {
            "share" => {
                let mut sharpness: f32 = 1.0;
                spec.take("sharpness", &mut sharpness)?;
                if !(sharpness > 0.0 && sharpness.is_finite()) {
                    return Err(spec.error(format!("`sharpness={sharpness}` is none: it is a number above 0")));
                }
                Fusion::Share { sharpness }
            }
            "best" => Fusion::Best,
            "rank" => Fusion::Rank { offset: 60.0 },
            _ => return Err(spec.error(format!("`{fusion}` is no fusion; there are share, best and rank"))),
        };
        let weights = spec.numbers()?;
        if weights.is_empty() {
            return Err(spec.error("it names no models; write it as blend:slim=1:ials=0.5".to_owned()));
        }
        if let Some((name, weight)) = weights.iter().find(|(_, weight)| !weight.is_finite()) {
            return Err(spec.error(format!("`{name}={weight}` is no weight: it is a finite number")));
        }
        if depth == 0 || weights.iter().all(|(_, weight)| *weight <= 0.0) {
            return Err(
                spec.error("nothing in it has a weight above 0, or its depth is 0: it would answer nothing".to_owned())
            );
        }
        Ok(Self { fusion, depth, weights })
    }
}

/// Whether a blend can be asked beside the models that stand before it, which need not be fitted yet.
pub fn check_blend(spec: &Spec, before: &[Spec]) -> Result<(), SpecError> {
    let asked = BlendSpec::of(spec.clone())?;
    match asked.weights.iter().find(|(name, _)| before.iter().all(|model| model.name() != name)) {
        Some((name, _)) => Err(spec.error(format!("no model before it in the list is called `{name}`"))),
        None => Ok(()),
    }
}

/// The blend with the weights that reach most by the metric. `before` has the models of its parts, which are fitted on the
/// validation data; `tried` hears of what was reached at the beginning and at the end.
pub fn tune_weights(
    spec: &Spec,
    before: &[Spec],
    validation: &dyn Dataset,
    metric: Metric,
    mut tried: impl FnMut(&Spec, f64),
) -> Result<Spec, SpecError> {
    let asked = BlendSpec::of(spec.clone())?;
    let mut parts = Vec::with_capacity(asked.weights.len());
    for (name, _) in &asked.weights {
        let model = before.iter().find(|model| model.name() == name);
        let model = model.ok_or_else(|| spec.error(format!("no model before it in the list is called `{name}`")))?;
        parts.push(validation.fit(model.clone())?);
    }
    let answers = Answers::of(&parts, validation.questions(), asked.depth);
    let mut weights: Vec<f32> = asked.weights.iter().map(|(_, weight)| *weight).collect();
    let mut best = answers.reached(asked.fusion, &weights, metric);
    tried(spec, best);
    for _ in 0..MOST_ROUNDS {
        let before = weights.clone();
        for part in 0..weights.len() {
            // One that was left out may come back.
            let now = if weights[part] > 0.0 { weights[part] } else { asked.weights[part].1 };
            for factor in FACTORS {
                let mut candidate = weights.clone();
                candidate[part] = rounded(now * factor);
                let reached = answers.reached(asked.fusion, &candidate, metric);
                if reached > best {
                    (best, weights) = (reached, candidate);
                }
            }
        }
        if weights == before {
            break;
        }
    }
    let mut tuned = spec.clone();
    for ((name, _), weight) in asked.weights.iter().zip(&weights) {
        tuned.replace(name, &weight.to_string());
    }
    tried(&tuned, best);
    Ok(tuned)
}

fn rounded(weight: f32) -> f32 {
    (weight * 100.0).round() / 100.0
}

/// What each part answers to each question.
struct Answers<'a> {
    questions: Vec<(&'a Question, Vec<Vec<Scored>>)>,
}

impl<'a> Answers<'a> {
    fn of(parts: &[Box<dyn Recommender + '_>], questions: &'a [Question], depth: usize) -> Self {
        let every = questions.len().div_ceil(MOST_QUESTIONS).max(1);
        let of_question = |question: &'a Question| {
            let query = question.query();
            (question, parts.iter().map(|part| part.recommend(&query, depth)).collect())
        };
        Self { questions: questions.iter().step_by(every).map(of_question).collect() }
    }

    fn reached(&self, fusion: Fusion, weights: &[f32], metric: Metric) -> f64 {
        let value = |(question, answers): &(&Question, Vec<Vec<Scored>>)| {
            let weighted = answers.iter().zip(weights).map(|(found, weight)| (&found[..], *weight));
            let ranked = fusion.blend(weighted, metric.cutoff + question.masked.len());
            let unmasked = ranked.into_iter().map(|scored| scored.item).filter(|item| !question.masked.contains(item));
            let ranked: Vec<Item> = unmasked.take(metric.cutoff).collect();
            metric.of(&ranked, &question.relevant)
        };
        self.questions.iter().map(value).sum::<f64>() / self.questions.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::read_sessions;

    #[test]
    fn a_blend_that_could_answer_nothing_is_refused() {
        let before = ["slim", "ials"].map(|name| Spec::parse(name).unwrap());
        let check = |text: &str| check_blend(&Spec::parse(text).unwrap(), &before);
        for fine in ["blend:slim=1", "blend:slim=0:ials=0.5", "blend:slim=1:fusion=share:sharpness=0.7"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for (wrong, why) in [
            ("blend", "names no models"),
            ("blend:fusion=rank", "names no models"),
            ("blend:slim=nan", "`slim=NaN` is no weight"),
            ("blend:slim=1:ials=inf", "`ials=inf` is no weight"),
            ("blend:slim=0:ials=-1", "a weight above 0"),
            ("blend:slim=1:depth=0", "its depth is 0"),
            ("blend:slim=1:fusion=share:sharpness=nan", "`sharpness=NaN` is none"),
            ("blend:slim=1:ease=1", "is called `ease`"),
        ] {
            let told = check(wrong).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn the_part_that_knows_gets_the_weight() {
        // What follows is always the same and never popular.
        let train: String =
            (0..40).map(|number| format!("p{} x{} y{}\n", number % 3, number % 9, number % 9)).collect();
        let data = read_sessions(&train, "").unwrap();
        let validation = data.validation();
        let models = ["popularity", "sr"].map(|name| Spec::parse(name).unwrap());
        let spec = Spec::parse("blend:popularity=1:sr=0.05:fusion=share").unwrap();
        let mut reached = Vec::new();
        let metric = "MRR@5".parse().unwrap();
        let tuned = tune_weights(&spec, &models, &*validation, metric, |spec, value| {
            reached.push((spec.text().to_owned(), value));
        });
        let tuned = tuned.unwrap();
        let found = BlendSpec::of(tuned.clone()).unwrap().weights;
        assert!(found[1].1 > found[0].1, "{}", tuned.text());
        assert!(reached[1].1 > reached[0].1 && reached[1].0 == tuned.text(), "{reached:?}");
        assert!(tune_weights(&spec, &models[..1], &*validation, metric, |_, _| ()).is_err());
    }
}
