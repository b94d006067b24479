//! Trains and measures the next-item network on public data.
//!
//!     cargo run --release -p mercer-neural --example sequences -- Beauty test epochs=60 dropout=0.5
//!
//! The data is looked up in `MERCER_DATA`, or beside the repository in `shared/data`. The first word is a file of
//! `amazon-s3rec` or a folder of sessions; the second is `validation` or `test`; the rest are settings. Whatever is
//! asked for, training sees neither answers and stops by the validation answers.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use mercer_neural::{HeldOut, Lessons, NextItem, Settings};
use mercer_recommend::benchmark::{Question, ask, read_sequences};
use mercer_recommend::evaluate;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, part, changes @ ..] = words.as_slice() else { return Err("which data, and which part?".into()) };
    let folder = PathBuf::from(std::env::var("MERCER_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let mut settings = Settings::default();
    let (mut with_attributes, mut sample) = (true, usize::MAX);
    for change in changes {
        let (key, value) = change.split_once('=').ok_or("settings look like epochs=60")?;
        match key {
            "attributes" => with_attributes = value.parse()?,
            "sample" => sample = value.parse()?,
            _ => set(&mut settings, key, value)?,
        }
    }
    let read = |file: String| std::fs::read_to_string(folder.join("amazon-s3rec").join(file));
    let attributes = if with_attributes { Some(read(format!("{name}_item2attributes.json"))?) } else { None };
    let data = read_sequences(&read(format!("{name}.txt"))?, attributes.as_deref())?;
    let held_out: Vec<HeldOut> = data.validation.iter().take(sample).map(held_out).collect();
    let lessons =
        Lessons { sequences: &data.train, items: data.items, attributes: &data.attributes, held_out: &held_out };
    let started = Instant::now();
    let model = NextItem::fit(&lessons, &settings, |progress| {
        println!(
            "epoch {:3}  loss {:.4}  {:5.1} s  validation R@10 {:.4} N@10 {:.4}",
            progress.epoch, progress.loss, progress.seconds, progress.recall, progress.ndcg
        );
    })?;
    let fit = started.elapsed();
    let questions = if part == "test" { &data.test } else { &data.validation };
    let measured = evaluate::Settings { cutoff: 10, ..evaluate::Settings::default() };
    let outcome = ask("next-item", &model, questions, fit, &measured);
    println!(
        "{name} {part}: R@10 {:.4} ({:.4}–{:.4}) N@10 {:.4} ({:.4}–{:.4})  coverage {}  fit {:.0} s  p50 {:.0} µs p99 {:.0} µs",
        outcome.report.recall.mean,
        outcome.report.recall.low,
        outcome.report.recall.high,
        outcome.report.ndcg.mean,
        outcome.report.ndcg.low,
        outcome.report.ndcg.high,
        outcome.report.coverage,
        outcome.fit_seconds,
        outcome.answer_micros_at(0.5),
        outcome.answer_micros_at(0.99),
    );
    Ok(())
}

fn held_out(question: &Question) -> HeldOut {
    let next = question.relevant.first().copied().unwrap_or(mercer_recommend::Item(0));
    HeldOut { sequence: question.session.clone(), next, repeats: question.masked.is_empty() }
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
        "negatives" => settings.negatives = value.parse()?,
        "smoothing" => settings.smoothing = value.parse()?,
        "averaging" => settings.averaging = value.parse()?,
        "seed" => settings.seed = value.parse()?,
        _ => return Err(format!("no setting is called `{key}`").into()),
    }
    Ok(())
}
