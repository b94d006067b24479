//! Session recommendations against another program's, in one run: the same data, the same questions, one core each.
//!
//! Both take the training clicks (`SessionId ItemId Time` with a heading, tab separated) and are asked after every click
//! of a test session but the last, with its last items. Ours takes the clicks in the order of their times, one by one as
//! a shop would send them, is published every 100 of them and drained every 10,000. A peer is a program that is started as
//! `PEER TRAIN QUERIES SAMPLE NEIGHBOURS LAST OUT`: QUERIES holds a question a line, items separated by spaces, oldest
//! first; it writes to OUT a line of microseconds a question, then `peak_mb N` and `build_s N`. Every round asks all and
//! starts the peer anew, in turns. A question's time is its median over the rounds, so that what else the machine does
//! counts little; quantiles and answers a second are over the questions.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mercer_recommend::sessions::{IndexSettings, Repeats, SessionIndex, StanSettings, VmisSettings};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::Timestamp;

use crate::report::status_bytes;
use crate::synthetic;

type Failure = Box<dyn std::error::Error>;

const MICROS: i64 = 1_000_000;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// Folder with train.txt and test.txt
    folder: PathBuf,
    /// Write so many made-up clicks there first
    #[arg(long)]
    synthetic: Option<usize>,
    /// A program to compare with
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Newest matching visits looked at
    #[arg(long, default_value_t = 500)]
    sample: usize,
    /// Most alike of them that vote
    #[arg(long, default_value_t = 100)]
    neighbours: usize,
    /// Last items of the running visit that count
    #[arg(long, default_value_t = 9)]
    last_items: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// What one round of one program took.
#[derive(Debug, Clone, Default)]
struct Round {
    micros: Vec<f64>,
    peak_mb: f64,
    build_seconds: f64,
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    if let Some(clicks) = settings.synthetic {
        std::fs::create_dir_all(&settings.folder)?;
        synthetic::write(&settings.folder, clicks)?;
    }
    let (train, queries) = (settings.folder.join("train.txt"), settings.folder.join("queries.txt"));
    let asked = questions(&settings.folder.join("test.txt"), settings.last_items)?;
    let lines: Vec<String> =
        asked.iter().map(|items| items.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")).collect();
    std::fs::write(&queries, lines.join("\n") + "\n")?;

    let mut names = HashMap::new();
    let started = Instant::now();
    let (index, inserts, end) = build(&train, &mut names, settings.sample)?;
    let build_seconds = started.elapsed().as_secs_f64();
    let unknown = names.len() as u32;
    let asked: Vec<Vec<Item>> = asked
        .iter()
        .map(|items| items.iter().map(|name| Item(*names.get(name).unwrap_or(&unknown))).collect())
        .collect();
    let vmis = index.vmis(VmisSettings {
        sample: settings.sample,
        neighbours: settings.neighbours,
        last_items: settings.last_items,
        repeats: Repeats::Earlier,
    });
    let vstan = index.stan(StanSettings {
        sample: settings.sample,
        neighbours: settings.neighbours,
        last_items: settings.last_items,
        ..StanSettings::vstan()
    });
    let mut rounds: BTreeMap<&str, Vec<Round>> = BTreeMap::new();
    for _ in 0..settings.rounds {
        for (name, model) in [("ours, VMIS-kNN", &vmis as &dyn Recommender), ("ours, VSTAN", &vstan)] {
            let micros = ask(model, &asked, end);
            rounds.entry(name).or_default().push(Round { micros, peak_mb: peak_mb(), build_seconds });
        }
        if let Some(peer) = &settings.peer {
            rounds.entry("peer").or_default().push(ask_peer(peer, &train, &queries, settings)?);
        }
    }
    print(&rounds, asked.len(), inserts);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command line tool talks to its user")]
fn print(rounds: &BTreeMap<&str, Vec<Round>>, asked: usize, inserts: f64) {
    println!("{asked} questions a round; ours took {inserts:.0} clicks a second");
    println!("| program | p50 µs | p90 µs | p99 µs | answers/s/core | peak MB | build s |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, rounds) in rounds {
        let of_rounds = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let own = |question: usize| of_rounds(&|round| round.micros.get(question).copied().unwrap_or_default());
        let mut micros: Vec<f64> = (0..asked).map(own).collect();
        micros.sort_by(f64::total_cmp);
        let at = |share: f64| {
            micros.get((asked.saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or_default()
        };
        let per_second = asked as f64 * 1e6 / micros.iter().sum::<f64>();
        let (peak, build) = (of_rounds(&|round| round.peak_mb), of_rounds(&|round| round.build_seconds));
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} | {per_second:.0} | {peak:.0} | {build:.1} |",
            at(0.5),
            at(0.9),
            at(0.99)
        );
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Clicks as (seconds, session, item), in the order of the file.
fn clicks(path: &Path) -> Result<Vec<(u32, u32, u64)>, Failure> {
    use std::io::BufRead;
    let file = std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut clicks = Vec::new();
    for line in std::io::BufReader::new(file).lines().skip(1) {
        let line = line?;
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or_else(|| format!("{}: `{line}` is no click", path.display()));
        let (session, item, seconds) = (field()?.parse()?, field()?.parse()?, field()?.trim().parse::<f64>()?);
        clicks.push((seconds as u32, session, item));
    }
    Ok(clicks)
}

/// The beginnings of the test sessions.
fn questions(path: &Path, last_items: usize) -> Result<Vec<Vec<u64>>, Failure> {
    let mut sessions: BTreeMap<u32, Vec<(u32, u64)>> = BTreeMap::new();
    clicks(path)?.into_iter().for_each(|(at, session, item)| sessions.entry(session).or_default().push((at, item)));
    let mut asked = Vec::new();
    for mut session in sessions.into_values() {
        session.sort_by_key(|(at, _)| *at);
        let items: Vec<u64> = session.into_iter().map(|(_, item)| item).collect();
        asked.extend((1..items.len()).map(|length| items[length.saturating_sub(last_items)..length].to_vec()));
    }
    Ok(asked)
}

/// The index, clicks taken a second, and the time of the last.
fn build(
    path: &Path,
    names: &mut HashMap<u64, u32>,
    kept_per_item: usize,
) -> Result<(SessionIndex, f64, Timestamp), Failure> {
    let mut clicks = clicks(path)?;
    clicks.sort_by_key(|(at, ..)| *at);
    let mut index = SessionIndex::new(IndexSettings { kept_per_item, pause_minutes: u32::MAX, longest: 1_000 });
    let mut published = index.clone();
    let started = Instant::now();
    for (number, (at, session, item)) in clicks.iter().enumerate() {
        let next = names.len() as u32;
        let item = Item(*names.entry(*item).or_insert(next));
        index.observe(u64::from(*session), item, Timestamp(i64::from(*at) * MICROS));
        if number % 100 == 0 {
            published = index.clone();
        }
        if number % 10_000 == 0 {
            std::hint::black_box(index.drain_changes());
        }
    }
    let inserts = clicks.len() as f64 / started.elapsed().as_secs_f64();
    drop(published);
    let end = clicks.last().map_or(0, |(at, ..)| *at);
    Ok((index, inserts, Timestamp(i64::from(end) * MICROS)))
}

fn ask(model: &dyn Recommender, asked: &[Vec<Item>], now: Timestamp) -> Vec<f64> {
    let answer = |session: &Vec<Item>| {
        let query = Query { session, now, ..Query::default() };
        let started = Instant::now();
        std::hint::black_box(model.recommend(&query, 20));
        started.elapsed().as_nanos() as f64 / 1e3
    };
    asked.iter().map(answer).collect()
}

fn ask_peer(peer: &Path, train: &Path, queries: &Path, settings: &Settings) -> Result<Round, Failure> {
    let out = settings.folder.join("peer.txt");
    let numbers = [settings.sample, settings.neighbours, settings.last_items].map(|number| number.to_string());
    let mut command = std::process::Command::new(peer);
    command.arg(train).arg(queries).args(numbers).arg(&out).stdout(std::process::Stdio::null());
    let status = command.status()?;
    if !status.success() {
        return Err(format!("{}: {status}", peer.display()).into());
    }
    let mut round = Round::default();
    for line in std::fs::read_to_string(&out)?.lines() {
        match line.split_once(' ') {
            Some(("peak_mb", value)) => round.peak_mb = value.parse()?,
            Some(("build_s", value)) => round.build_seconds = value.parse()?,
            _ => round.micros.push(line.parse()?),
        }
    }
    Ok(round)
}

/// The most memory that this process ever held, where the system tells it (Linux).
fn peak_mb() -> f64 {
    status_bytes("VmHWM:").unwrap_or_default() / f64::from(1 << 20)
}
