//! Public data for the examples: `Beauty`, `Sports_and_Outdoors` (S3-Rec), or a folder of sessions such as
//! `sessions-yoochoose1_64`. Looked up in `MERCER_DATA`, or beside the repository in `shared/data`.
#![allow(clippy::disallowed_methods, dead_code)]

use std::error::Error;
use std::path::PathBuf;

use mercer_neural::HeldOut;
use mercer_recommend::benchmark::{Outcome, Question, read_sequences, read_sessions};
use mercer_recommend::sessions::{IndexSettings, SessionIndex};
use mercer_recommend::{Item, evaluate};
use mercer_schema::Timestamp;

/// The newest of so many training sessions are the validation part of sessions.
const VALIDATION_SHARE: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Validation,
    Test,
}

#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) train: Vec<Vec<Item>>,
    pub(crate) items: usize,
    pub(crate) attributes: Vec<Vec<u32>>,
    /// What training stops by. None for the test part of sessions: there everything trains.
    pub(crate) validation: Vec<Question>,
    pub(crate) questions: Vec<Question>,
    /// Whether these are sessions, in which an item may come again.
    pub(crate) are_sessions: bool,
}

pub(crate) fn load(name: &str, part: &str) -> Result<(Data, Part), Box<dyn Error>> {
    let part = match part {
        "validation" => Part::Validation,
        "test" => Part::Test,
        _ => return Err("the part is `validation` or `test`".into()),
    };
    let folder = PathBuf::from(std::env::var("MERCER_DATA").unwrap_or_else(|_| "../shared/data".to_owned()));
    let data = if name.starts_with("sessions") {
        sessions(&folder.join(name), part)?
    } else {
        sequences(&folder, name, part)?
    };
    Ok((data, part))
}

fn sequences(folder: &std::path::Path, name: &str, part: Part) -> Result<Data, Box<dyn Error>> {
    let read = |file: String| std::fs::read_to_string(folder.join("amazon-s3rec").join(file));
    let attributes = read(format!("{name}_item2attributes.json"))?;
    let data = read_sequences(&read(format!("{name}.txt"))?, Some(&attributes))?;
    let questions = if part == Part::Test { data.test } else { data.validation.clone() };
    Ok(Data {
        train: data.train,
        items: data.items,
        attributes: data.attributes,
        validation: data.validation,
        questions,
        are_sessions: false,
    })
}

fn sessions(folder: &std::path::Path, part: Part) -> Result<Data, Box<dyn Error>> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let data = read_sessions(&read("all_train_seq.sessions")?, &read("test_55696.sessions")?)?;
    let mut train: Vec<Vec<Item>> =
        data.train.iter().map(|session| session.iter().map(|(item, _)| *item).collect()).collect();
    let items = train.iter().flatten().map(|item| item.index() + 1).max().unwrap_or(0);
    if part == Part::Test {
        let (attributes, validation) = (Vec::new(), Vec::new());
        return Ok(Data { train, items, attributes, validation, questions: data.questions, are_sessions: true });
    }
    let held_out = train.split_off(train.len() - train.len() / VALIDATION_SHARE);
    let questions: Vec<Question> = held_out
        .iter()
        .flat_map(|session| (1..session.len()).map(|end| (session[..end].to_vec(), session[end])))
        .map(|(session, next)| Question { session, relevant: [next].into(), ..Question::default() })
        .collect();
    let validation = questions.clone();
    Ok(Data { train, items, attributes: Vec::new(), validation, questions, are_sessions: true })
}

impl Data {
    pub(crate) fn held_out(&self, every: usize) -> Vec<HeldOut> {
        self.validation.iter().step_by(every).map(HeldOut::from).collect()
    }

    /// Takes every nth item out of training; the questions left are those that ask for one of them.
    pub(crate) fn hold_back(&mut self, every: u32) {
        let is_cold = |item: &Item| item.0 % every == every / 2;
        self.train.iter_mut().for_each(|items| items.retain(|item| !is_cold(item)));
        self.questions.retain(|asked| asked.relevant.iter().all(is_cold));
        self.validation.retain(|asked| !asked.relevant.iter().any(is_cold));
    }

    /// The training sequences as visits a minute apart.
    pub(crate) fn index(&self) -> SessionIndex {
        let longest = self.train.iter().map(Vec::len).max().unwrap_or_default().max(1);
        let mut index = SessionIndex::new(IndexSettings { kept_per_item: 2_500, pause_minutes: u32::MAX, longest });
        for (visitor, session) in (0..).zip(&self.train) {
            let at = Timestamp(visitor as i64 * Timestamp::MINUTE);
            session.iter().for_each(|item| index.observe(visitor, *item, at));
        }
        index
    }
}

/// The measures of the published tables.
pub(crate) fn measures(cutoff: usize) -> evaluate::Settings {
    evaluate::Settings { cutoff, ..evaluate::Settings::default() }
}

pub(crate) fn line(outcome: &Outcome) -> String {
    let report = &outcome.report;
    format!(
        "{}: at {}: recall {:.4} ({:.4} to {:.4})  NDCG {:.4} ({:.4} to {:.4})  MRR {:.4}  coverage {}  fit {:.0} s  \
         p50 {:.0} µs  p99 {:.0} µs",
        outcome.model,
        report.cutoff,
        report.recall.mean,
        report.recall.low,
        report.recall.high,
        report.ndcg.mean,
        report.ndcg.low,
        report.ndcg.high,
        report.mrr.mean,
        report.coverage,
        outcome.fit_seconds,
        outcome.answer_micros_at(0.5),
        outcome.answer_micros_at(0.99),
    )
}
