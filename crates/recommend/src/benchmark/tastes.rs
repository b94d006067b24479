//! Models of a taste, by name: what one basket a customer teaches.

use mercer_schema::Timestamp;

use super::run::Same;
use super::{Spec, SpecError};
use crate::contrast::{Contrast, ContrastSettings};
use crate::factors::{Factors, IalsSettings, Solver};
use crate::filter::{FilterSettings, GraphFilter};
use crate::interactions::Basket;
use crate::latent::ItemVectors;
use crate::linear::{EaseSettings, Linear, SlimSettings};
use crate::mapping::{Mapping, MappingSettings};
use crate::neighbours::{self, Measure, Neighbours, Weighting};
use crate::popularity::{self, Popularity};
use crate::{Query, Recommender};

pub(super) const NAMES: [&str; 8] = ["popularity", "knn", "ease", "slim", "ials", "simplex", "filter", "turbo"];

pub(super) fn space(model: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match model {
        "knn" => &[
            ("measure", &["cosine", "tfidf", "bm25", "llr"]),
            ("kept", &["50", "100", "200", "500"]),
            ("damping", &["0", "0.25", "0.5", "0.75", "1"]),
            ("k1", &["1.2", "10", "100"]),
            ("b", &["0.2", "0.5", "0.8"]),
        ],
        "ease" => &[("l2", &["20", "50", "100", "200", "500", "1000"]), ("damping", &["0", "0.25", "0.5"])],
        "slim" => &[
            ("l2", &["5", "10", "20", "50", "100", "200"]),
            ("damping", &["0", "0.25", "0.5", "0.75"]),
            ("near", &["50", "100", "200", "300"]),
        ],
        "ials" => &[
            ("unobserved", &["0.003", "0.01", "0.03", "0.1", "0.3"]),
            ("l2", &["0.0003", "0.001", "0.003", "0.01", "0.03"]),
        ],
        "simplex" => &[
            ("margin", &["0.3", "0.4", "0.5", "0.6", "0.7"]),
            ("weight", &["30", "100", "300"]),
            ("rate", &["0.001", "0.002", "0.005"]),
        ],
        "filter" => &[
            ("ideal", &["0.1", "0.2", "0.3", "0.5", "1"]),
            ("dimensions", &["64", "128", "256", "512"]),
            ("customer_power", &["0.3", "0.4", "0.5", "0.6"]),
        ],
        "turbo" => &[
            ("sharpness", &["0.7", "1", "1.3"]),
            ("customer_power", &["0.3", "0.4", "0.5", "0.6"]),
            ("item_power", &["0.4", "0.5", "0.6"]),
        ],
        _ => &[],
    }
}

/// iALS with factors for items that only their content is known of.
pub(super) const MAPPED: &str = "mapped";

type Fitted = Result<Box<dyn Recommender>, SpecError>;

pub(super) fn fit(train: &[Basket], mut spec: Spec) -> Fitted {
    let fit: fn(&[Basket], &mut Spec) -> Fitted = match spec.name() {
        "popularity" => |train, _| Ok(popular(train)),
        "knn" => near,
        "ease" => ease,
        "slim" => slim,
        "ials" => ials,
        "simplex" => simplex,
        "filter" | "turbo" => filter,
        _ => return Err(spec.error(format!("there are {}", NAMES.join(", ")))),
    };
    let model = fit(train, &mut spec)?;
    spec.finish()?;
    Ok(model)
}

fn popular(train: &[Basket]) -> Box<dyn Recommender> {
    let mut popularity = Popularity::new(popularity::Settings::default());
    let at = Timestamp::default();
    train.iter().flatten().for_each(|(item, weight)| popularity.observe(*item, *weight, at));
    Box::new(Same(popularity.popular().recommend(&Query::default(), usize::MAX)))
}

fn near(train: &[Basket], spec: &mut Spec) -> Fitted {
    let mut settings = neighbours::Settings {
        least_together: 1,
        significance: 0.0,
        weighting: Weighting::Damped(0.5),
        largest_basket: 10_000,
        ..neighbours::Settings::default()
    };
    spec.take("kept", &mut settings.kept)?;
    let (mut measure, mut damping, mut k1, mut b) = ("cosine".to_owned(), 0.5, 100.0, 0.5);
    spec.take("measure", &mut measure)?;
    spec.take("damping", &mut damping)?;
    spec.take("k1", &mut k1)?;
    spec.take("b", &mut b)?;
    (settings.measure, settings.weighting) = match measure.as_str() {
        "cosine" => (Measure::Cosine { shrinkage: 1.0 }, Weighting::Damped(damping)),
        "tfidf" => (Measure::Cosine { shrinkage: 0.0 }, Weighting::TfIdf),
        "bm25" => (Measure::Product, Weighting::Bm25 { k1, b }),
        "llr" => (Measure::LogLikelihood, Weighting::Damped(0.0)),
        _ => {
            return Err(spec.error(format!("`{measure}` is no measure; there are cosine, tfidf, bm25 and llr")));
        }
    };
    Ok(Box::new(Linear::from(&Neighbours::fit(train, &settings))))
}

fn ease(train: &[Basket], spec: &mut Spec) -> Fitted {
    let mut settings = EaseSettings::default();
    spec.take("l2", &mut settings.l2)?;
    spec.take("damping", &mut settings.damping)?;
    spec.take("kept", &mut settings.kept)?;
    let refused = || spec.error("the inverse does not exist; give a larger l2".to_owned());
    Ok(Box::new(Linear::fit_ease(train, &settings).ok_or_else(refused)?))
}

fn slim(train: &[Basket], spec: &mut Spec) -> Fitted {
    let mut settings = SlimSettings::default();
    spec.take("l2", &mut settings.l2)?;
    spec.take("l1", &mut settings.l1)?;
    spec.take("damping", &mut settings.damping)?;
    spec.take("near", &mut settings.near)?;
    spec.take("rounds", &mut settings.rounds)?;
    Ok(Box::new(Linear::fit_slim(train, &settings)))
}

fn ials(train: &[Basket], spec: &mut Spec) -> Fitted {
    Ok(Box::new(factors(train, spec)?))
}

pub(super) fn fit_mapped(train: &[Basket], content: &ItemVectors, mut spec: Spec) -> Fitted {
    let mut settings = MappingSettings::default();
    spec.take("map_l2", &mut settings.l2)?;
    spec.take("doubt", &mut settings.doubt)?;
    spec.take("prior", &mut settings.prior)?;
    spec.take("standing", &mut settings.standing)?;
    let mut factors = factors(train, &mut spec)?;
    let takers = super::counts(train.iter().flatten().map(|(item, _)| *item));
    if let Some(mapping) = Mapping::fit(content, &factors, &takers, &settings) {
        mapping.apply(content, &takers, &settings, &mut factors);
    }
    spec.finish()?;
    Ok(Box::new(factors))
}

fn factors(train: &[Basket], spec: &mut Spec) -> Result<Factors, SpecError> {
    let mut settings = IalsSettings::default();
    spec.take("dimensions", &mut settings.dimensions)?;
    spec.take("sweeps", &mut settings.sweeps)?;
    spec.take("unobserved", &mut settings.unobserved)?;
    spec.take("l2", &mut settings.l2)?;
    spec.take("frequency", &mut settings.frequency)?;
    spec.take("exact", &mut settings.exact)?;
    let mut block = 0;
    spec.take("block", &mut block)?;
    if block > 0 {
        settings.solver = Solver::Blocks(block);
    }
    spec.take("seed", &mut settings.seed)?;
    Ok(Factors::fit_ials(train, &settings))
}

fn simplex(train: &[Basket], spec: &mut Spec) -> Fitted {
    let mut settings = ContrastSettings::default();
    spec.take("dimensions", &mut settings.dimensions)?;
    spec.take("epochs", &mut settings.epochs)?;
    spec.take("batch", &mut settings.batch)?;
    spec.take("negatives", &mut settings.negatives)?;
    spec.take("margin", &mut settings.margin)?;
    spec.take("weight", &mut settings.weight)?;
    spec.take("rate", &mut settings.rate)?;
    spec.take("averaged", &mut settings.most_averaged)?;
    spec.take("seed", &mut settings.seed)?;
    Ok(Box::new(Contrast::fit(train, &settings)))
}

fn filter(train: &[Basket], spec: &mut Spec) -> Fitted {
    let mut settings = FilterSettings::default();
    if spec.name() == "turbo" {
        settings.dimensions = 0;
    }
    spec.take("customer_power", &mut settings.customer_power)?;
    spec.take("item_power", &mut settings.item_power)?;
    spec.take("source_power", &mut settings.source_power)?;
    spec.take("sharpness", &mut settings.sharpness)?;
    spec.take("kept", &mut settings.kept)?;
    spec.take("dimensions", &mut settings.dimensions)?;
    spec.take("ideal", &mut settings.ideal)?;
    spec.take("seed", &mut settings.seed)?;
    Ok(Box::new(GraphFilter::fit(train, &settings)))
}
