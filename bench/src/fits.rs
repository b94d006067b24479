//! Fitting models on interactions and asking them, against another program, in one run on the same files.
//!
//! Ours are named as in `mercer eval recommend --models`. A peer is a command that is started once a round as
//! `PEER TRAIN TEST` and prints a line a model, tab separated: name, seconds of fitting, and the microseconds of single
//! answers to every tenth customer, p50 and p99, then Recall@20 of those customers. Reading and building matrices counts
//! for nobody. The table shows medians over the rounds.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use mercer_recommend::Query;
use mercer_recommend::benchmark::{Dataset, InteractionData, Question, Spec, read_interactions};

use crate::sessions::median;

type Failure = Box<dyn std::error::Error>;

/// One customer in so many is asked for.
const ASKED: usize = 10;
const CUTOFF: usize = 20;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// One customer a line, `customer item item …`
    train: PathBuf,
    /// The items to be found, in the same form
    test: PathBuf,
    /// Ours, such as ials:dimensions=256
    #[arg(long, value_delimiter = ',', default_value = "knn:measure=tfidf,ials")]
    models: Vec<String>,
    /// A program to compare with, and its first arguments
    #[arg(long, num_args = 1.., allow_hyphen_values = true)]
    peer: Vec<String>,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What one round of one model took and found.
#[derive(Debug, Clone, Copy)]
struct Round {
    fit_seconds: f64,
    p50: f64,
    p99: f64,
    recall: f64,
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let data = read_interactions(&read(&settings.train)?, &read(&settings.test)?)?;
    let mut rounds: Vec<(String, Vec<Round>)> = Vec::new();
    for _ in 0..settings.rounds {
        for model in &settings.models {
            note(&mut rounds, model, ours(&data, model)?);
        }
        if let [program, arguments @ ..] = &settings.peer[..] {
            for (model, round) in theirs(program, arguments, settings)? {
                note(&mut rounds, &model, round);
            }
        }
    }
    print(&rounds);
    Ok(())
}

fn note(rounds: &mut Vec<(String, Vec<Round>)>, model: &str, round: Round) {
    match rounds.iter_mut().find(|(name, _)| name == model) {
        Some((_, rounds)) => rounds.push(round),
        None => rounds.push((model.to_owned(), vec![round])),
    }
}

fn ours(data: &InteractionData, model: &str) -> Result<Round, Failure> {
    let spec = Spec::parse(model)?;
    let started = Instant::now();
    let fitted = data.fit(spec)?;
    let fit_seconds = started.elapsed().as_secs_f64();
    let (mut micros, mut recall) = (Vec::new(), Vec::new());
    for question in data.questions().iter().step_by(ASKED) {
        let query = Query { history: &question.history, ..Query::default() };
        let started = Instant::now();
        let found = fitted.recommend(&query, CUTOFF);
        micros.push(started.elapsed().as_nanos() as f64 / 1e3);
        let Question { relevant, .. } = question;
        let hits = found.iter().filter(|scored| relevant.contains(&scored.item)).count();
        recall.push(hits as f64 / relevant.len() as f64);
    }
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share).round() as usize];
    let recall = recall.iter().sum::<f64>() / recall.len() as f64;
    Ok(Round { fit_seconds, p50: at(0.5), p99: at(0.99), recall })
}

fn theirs(program: &str, arguments: &[String], settings: &Settings) -> Result<Vec<(String, Round)>, Failure> {
    let mut command = Command::new(program);
    let output = command.args(arguments).args([&settings.train, &settings.test]).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{program}: {}", output.status).into());
    }
    let mut found = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap_or_default();
        let numbers: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>()?;
        let [fit_seconds, p50, p99, recall] = numbers[..] else {
            return Err(format!("{program} printed `{line}`, which is not a name and four numbers").into());
        };
        found.push((name.to_owned(), Round { fit_seconds, p50, p99, recall }));
    }
    Ok(found)
}

#[allow(clippy::print_stdout, reason = "a command line tool talks to its user")]
fn print(rounds: &[(String, Vec<Round>)]) {
    println!("| model | fit s | p50 µs | p99 µs | Recall@20 |");
    println!("| --- | --- | --- | --- | --- |");
    for (name, rounds) in rounds {
        let of_rounds = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        println!(
            "| {name} | {:.2} | {:.0} | {:.0} | {:.4} |",
            of_rounds(|round| round.fit_seconds),
            of_rounds(|round| round.p50),
            of_rounds(|round| round.p99),
            of_rounds(|round| round.recall),
        );
    }
}
