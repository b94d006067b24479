//! `mercer eval recommend`: recommenders on files of public data or the shop's own orders, with what they take.

mod memory;
mod network;
mod report;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use mercer_recommend::Item;
use mercer_recommend::benchmark::{
    Cold, Dataset, FormatError, Measured, OrderData, OrderSplit, Outcome, Spec, SpecError, check_blend, compare,
    read_baskets, read_interactions, read_sequences, read_sessions, tune, tune_weights,
};
use mercer_recommend::latent::{ItemVectors, NamedVectors};
use mercer_schema::Product;
use serde_json::json;

use self::memory::Growth;
use crate::cli::{DataFormat, EvalRecommend, HeldOut};
use crate::command::embed;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

/// Days of a shop's log that are held out.
const HELD_OUT_DAYS: i64 = 30;

/// An outcome, and by how much the process grew at most meanwhile.
struct Taken {
    outcome: Outcome,
    grown_megabytes: Option<f64>,
}

pub(super) fn run(asked: &EvalRecommend, config: &Config, as_json: bool) -> Result<(), Failure> {
    if let Some(out) = asked.out.as_ref().filter(|_| !as_json) {
        return Err(Failure::usage(format!("{} is written only with --json", out.display())));
    }
    let data = network::with_network(read(asked, config)?);
    let data = &*data;
    let popularity = data.popularity();
    has_cases(asked, data, !popularity.is_empty())?;
    let specs = tuned(asked, data, specs(asked, data)?)?;
    let measured = Measured { metrics: &asked.metrics, popularity: &popularity };
    let cold = Cold::of(data.questions(), &popularity);
    let mut taken = Vec::new();
    let mut growth = Growth::begin();
    let spinner = output::spinner("Fitting and asking");
    let report = |outcome: Outcome| {
        spinner.set_message(format!("{} is done", outcome.model));
        taken.push(Taken { outcome, grown_megabytes: growth.megabytes() });
        growth = Growth::begin();
    };
    compare(&specs, data.questions(), &measured, |spec| data.fit(spec), report)
        .map_err(|error| Failure::usage(error.to_string()))?;
    spinner.finish_and_clear();
    if !as_json {
        report::table(&taken, &cold);
        return Ok(());
    }
    let models: Vec<_> = taken.iter().map(|one| report::to_json(one, &taken, &cold)).collect();
    let split = if asked.format == DataFormat::Events { Some(split(asked)?) } else { None };
    let result = json!({ "protocol": report::protocol(asked, split, data.questions().len()), "models": models });
    match &asked.out {
        Some(path) => fs::write(path, format!("{result:#}\n")).map_err(|error| failed(path, &error)),
        None => {
            output::json(&result);
            Ok(())
        }
    }
}

fn specs(asked: &EvalRecommend, data: &dyn Dataset) -> Result<Vec<Spec>, Failure> {
    let mut names: Vec<&str> = Vec::new();
    for name in &asked.models {
        let meant = if name == "auto" { data.auto() } else { &[name.as_str()][..] };
        // What the automatic set has already is not fitted twice.
        let new: Vec<&str> = meant.iter().copied().filter(|name| !names.contains(name)).collect();
        names.extend(new);
    }
    let mut specs: Vec<Spec> = Vec::with_capacity(names.len());
    for name in names {
        let spec = checked(name, &specs, data).map_err(|error| Failure::usage(error.to_string()))?;
        specs.push(spec);
    }
    Ok(specs)
}

/// What can be told before hours of fitting is told before, not after.
fn checked(name: &str, before: &[Spec], data: &dyn Dataset) -> Result<Spec, SpecError> {
    let spec = Spec::parse(name)?;
    if spec.name() == "blend" {
        check_blend(&spec, before)?;
    } else if !data.models().contains(&spec.name()) {
        return Err(spec.error(format!("there are {} and blend", data.models().join(", "))));
    }
    Ok(spec)
}

fn tuned(asked: &EvalRecommend, data: &dyn Dataset, specs: Vec<Spec>) -> Result<Vec<Spec>, Failure> {
    let (Some(attempts), Some(metric)) = (asked.tune, asked.metrics.first()) else { return Ok(specs) };
    let validation = data.validation();
    let tried = |spec: &Spec, reached: f64| output::remark(format!("{} reached {metric} {reached:.4}", spec.text()));
    let mut done: Vec<Spec> = Vec::with_capacity(specs.len());
    for spec in specs {
        let best = if spec.name() == "blend" {
            tune_weights(&spec, &done, &*validation, *metric, tried)
        } else if validation.space(spec.name()).is_empty() {
            Ok(spec)
        } else {
            tune(&spec, &*validation, *metric, attempts, tried)
        };
        done.push(best.map_err(|error| Failure::usage(error.to_string()))?);
    }
    Ok(done)
}

fn read(asked: &EvalRecommend, config: &Config) -> Result<Box<dyn Dataset>, Failure> {
    if asked.format == DataFormat::Events {
        let home = Home::open_existing(config)?;
        let orders = home.engine.orders()?;
        if orders.is_empty() {
            let folder = config.data_folder.display();
            return Err(Failure::job(format!("{folder}: no orders are in it, so there is nothing to learn from")));
        }
        let split = split(asked)?;
        let snapshot = home.engine.snapshot();
        let products: Vec<_> =
            snapshot.world.catalog.products().map(|(item, product)| (item, Product::clone(product))).collect();
        let data = OrderData::new(&orders, split).with_products(&products);
        return Ok(Box::new(match vectors(asked, &products)? {
            Some(vectors) => data.with_vectors(&vectors),
            None => data,
        }));
    }
    let train = named("--train", asked.train.as_ref())?;
    if asked.format == DataFormat::Sequences {
        let attributes = asked.attributes.as_ref().map(|path| text(path)).transpose()?;
        let data = read_sequences(&text(train)?, attributes.as_deref()).map_err(|error| wrong(train, train, &error))?;
        return Ok(if asked.valid.is_some() { data.validation() } else { Box::new(data) });
    }
    let test = named("--test", asked.valid.as_ref().or(asked.test.as_ref()))?;
    let (learned, questions) = (text(train)?, text(test)?);
    let wrong = |error: FormatError| wrong(train, test, &error);
    Ok(match asked.format {
        DataFormat::Interactions => Box::new(read_interactions(&learned, &questions).map_err(wrong)?),
        DataFormat::Baskets => Box::new(read_baskets(&learned, &questions).map_err(wrong)?),
        _ => Box::new(read_sessions(&learned, &questions).map_err(wrong)?),
    })
}

fn split(asked: &EvalRecommend) -> Result<OrderSplit, Failure> {
    match (asked.split, asked.days) {
        (Some(HeldOut::Last), Some(_)) => Err(Failure::usage("--split last holds out no days; leave out --days")),
        (Some(HeldOut::Last), None) => Ok(OrderSplit::Last),
        _ if asked.last => Ok(OrderSplit::Last),
        (_, days) => Ok(OrderSplit::Days(days.unwrap_or(HELD_OUT_DAYS))),
    }
}

/// A table of noughts says nothing: without anything to learn from or to ask, the file or option at fault is named.
fn has_cases(asked: &EvalRecommend, data: &dyn Dataset, learns: bool) -> Result<(), Failure> {
    if learns && !data.questions().is_empty() {
        return Ok(());
    }
    let name = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| path.display().to_string());
    let train = name(&asked.train);
    let test = if asked.valid.is_some() { name(&asked.valid) } else { name(&asked.test) };
    let nothing = match asked.format {
        DataFormat::Events => match (split(asked)?, learns) {
            (OrderSplit::Days(days), false) => {
                format!("--days {days}: no order is older, so there is nothing to learn from")
            }
            (OrderSplit::Days(days), true) => {
                format!("--days {days}: no customer known before ordered in these days, so there is nothing to ask")
            }
            (OrderSplit::Last, _) => {
                "--split last: no customer has ordered twice, so there is nothing to ask".to_owned()
            }
        },
        DataFormat::Baskets => format!("{train} and {test} have no customer in common who has baskets in both"),
        DataFormat::Sequences if learns => format!("{train}: no line has three items, so there is nothing to ask"),
        _ if learns => format!("{test}: nothing in it can be asked of what {train} teaches"),
        _ => format!("{train}: nothing in it can be learned from"),
    };
    Err(Failure::job(nothing))
}

/// Vectors of the products from elsewhere, if there are any.
fn vectors(asked: &EvalRecommend, products: &[(Item, Product)]) -> Result<Option<ItemVectors>, Failure> {
    if let Some(folder) = &asked.encoder {
        let encoder = embed::open(folder, None)?;
        let found = embed::embed(&encoder, &products.iter().map(|(_, product)| product).collect::<Vec<_>>())?;
        let mut vectors = ItemVectors::new(encoder.dimensions());
        products.iter().zip(found).for_each(|((item, _), vector)| vectors.set(*item, &vector));
        return Ok(Some(vectors));
    }
    let Some(path) = &asked.vectors else { return Ok(None) };
    let by_id: HashMap<&str, Item> = products.iter().map(|(item, product)| (product.id.as_str(), *item)).collect();
    let vectors = NamedVectors::read(&text(path)?).map(|vectors| vectors.of_items(|name| by_id.get(name).copied()));
    Ok(Some(vectors.map_err(|problem| Failure::job(format!("{}: {problem}", path.display())))?))
}

fn named<'a>(flag: &str, path: Option<&'a PathBuf>) -> Result<&'a Path, Failure> {
    path.map(PathBuf::as_path).ok_or_else(|| Failure::usage(format!("this format needs {flag} FILE")))
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::job(format!("{}: {error}", path.display()))
}

fn wrong(train: &Path, test: &Path, error: &FormatError) -> Failure {
    Failure::job(format!("{} or {}: {error}", train.display(), test.display()))
}
