//! Trains and measures the next-item network on public data.
//!
//!     cargo run --release -p mercer-neural --example sequences -- Beauty test epochs=30 width=64 save=beauty.model
//!
//! The first word is the data, the second the part, `validation` or `test`; the rest are settings. Training sees neither
//! answers; it stops by the validation answers, of which `every=4` takes a quarter. `attributes=false` leaves the
//! attributes out, `save=` keeps the model in a file, `load=` measures one. `cold=10` keeps every tenth item out of
//! training and asks for nothing else: what is found then is found by attributes alone.
#![allow(clippy::print_stdout)]

mod public;

use std::error::Error;
use std::time::Instant;

use mercer_neural::{Lessons, NextItem, Settings};
use mercer_recommend::benchmark::{Question, ask};
use mercer_recommend::{Item, Query, Recommender};

// Training makes and drops large tensors all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, part, changes @ ..] = words.as_slice() else { return Err("which data, and which part?".into()) };
    let (mut data, _) = public::load(name, part)?;
    let mut settings = if data.are_sessions { Settings::sessions() } else { Settings::default() };
    let (mut every, mut save, mut loaded) = (1, None, None);
    for change in changes {
        let (key, value) = change.split_once('=').ok_or("settings look like epochs=60")?;
        match key {
            "attributes" if value == "false" => data.attributes.clear(),
            "cold" => data.hold_back(value.parse()?),
            "every" => every = value.parse()?,
            "save" => save = Some(value),
            "load" => {
                let number = |name: &str| name.parse().ok();
                let item = |name: &str| number(name).map(Item);
                loaded = Some(NextItem::decode(&std::fs::read(value)?, item, number)?);
            }
            _ => set(&mut settings, key, value)?,
        }
    }
    let started = Instant::now();
    let model = match loaded {
        Some(model) => model,
        None => fit(&data, &settings, every)?,
    };
    let took = started.elapsed();
    if let Some(path) = save {
        std::fs::write(path, model.encode(|item| item.0.to_string(), |attribute| attribute.to_string()))?;
    }
    println!("the longest questions take {:.0} µs of one processor", longest_micros(&model, &data.questions));
    for cutoff in [10, 20] {
        let outcome = ask("next-item", &model, &data.questions, took, &public::measures(cutoff));
        println!("{name} {part} {}", public::line(&outcome));
    }
    Ok(())
}

fn fit(data: &public::Data, settings: &Settings, every: usize) -> Result<NextItem, Box<dyn Error>> {
    let held_out = data.held_out(every);
    let lessons =
        Lessons { sequences: &data.train, items: data.items, attributes: &data.attributes, held_out: &held_out };
    let mut busy = processor_seconds();
    Ok(NextItem::fit(&lessons, settings, |progress| {
        let spent = processor_seconds() - busy;
        busy += spent;
        println!(
            "epoch {:3}  loss {:.4}  {:5.1} s, processors {spent:5.1} s  validation recall@10 {:.4} NDCG@10 {:.4}",
            progress.epoch, progress.loss, progress.seconds, progress.recall, progress.ndcg
        );
    })?)
}

/// Mean processor time of the hundredth of the questions that are longest, which are the slowest to answer: unlike the
/// time that passes, it does not count what other processes took.
fn longest_micros(model: &NextItem, questions: &[Question]) -> f64 {
    let mut longest: Vec<&Question> = questions.iter().collect();
    longest.sort_by_key(|asked| std::cmp::Reverse(asked.session.len()));
    longest.truncate(questions.len() / 100 + 1);
    let (mut answers, before) = (0, processor_seconds());
    while answers < 2_000 {
        for asked in &longest {
            let query = Query { session: &asked.session, now: asked.at, ..Query::default() };
            answers += usize::from(!model.recommend(&query, 100).is_empty()).max(1);
        }
    }
    (processor_seconds() - before) / answers as f64 * 1e6
}

/// What all threads of this process have used until now, where Linux says so: comparable on a machine that is shared.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn set(settings: &mut Settings, key: &str, value: &str) -> Result<(), Box<dyn Error>> {
    match key {
        "width" => settings.shape.width = value.parse()?,
        "layers" => settings.shape.layers = value.parse()?,
        "heads" => settings.shape.heads = value.parse()?,
        "inner" => settings.shape.inner = value.parse()?,
        "longest" => settings.shape.longest = value.parse()?,
        "epochs" => settings.epochs = value.parse()?,
        "patience" => settings.patience = value.parse()?,
        "batch" => settings.batch = value.parse()?,
        "rate" => settings.rate = value.parse()?,
        "warm_up" => settings.warm_up = value.parse()?,
        "decay" => settings.decay = value.parse()?,
        "dropout" => settings.dropout = value.parse()?,
        "input_dropout" => settings.input_dropout = value.parse()?,
        "own_dropout" => settings.own_dropout = value.parse()?,
        "scale" => settings.scale = value.parse()?,
        "negatives" => settings.negatives = value.parse()?,
        "smoothing" => settings.smoothing = value.parse()?,
        "averaging" => settings.averaging = value.parse()?,
        "seed" => settings.seed = value.parse()?,
        _ => return Err(format!("no setting is called `{key}`").into()),
    }
    Ok(())
}
