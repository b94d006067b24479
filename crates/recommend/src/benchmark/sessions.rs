//! Next-item prediction in sessions.
//!
//! Two file forms are read: `SessionId ItemId Time` with a heading, tab separated, times in seconds (session-rec, Serenade);
//! and one session a line, item ids separated by spaces, with test lines `beginning<TAB>target` (SR-GNN's preprocessing).
//! The second has no times: its sessions are taken to be a minute apart, in the order of the file.
//!
//! Protocol: after every click of a test session but the last, the model ranks all items of the training file; the next
//! click should be found. The item just clicked takes part with the second form, where it is often the next one, and not
//! with the first, as in the tables of each. Test sessions teach nothing.

mod models;

use std::collections::{BTreeMap, BTreeSet};

use mercer_schema::Timestamp;

use super::{Dataset, FormatError, Names, Question, Spec, SpecError, counts, hybrid};
use crate::hybrid::{Facts, Taken};
use crate::sessions::Repeats;
use crate::{Item, Recommender};

/// Sessions to learn from, oldest first, and questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionData {
    pub train: Vec<Vec<(Item, Timestamp)>>,
    pub questions: Vec<Question>,
    pub repeats: Repeats,
}

/// Reads the training and the test file in either form.
pub fn read_sessions(train: &str, test: &str) -> Result<SessionData, FormatError> {
    let mut names = Names::default();
    let mut train = read_clicks(train, &mut names)?;
    train.sort_by_key(|session| session.last().map(|(_, at)| *at));
    let end = train.last().and_then(|session| session.last()).map_or_else(Timestamp::default, |(_, at)| *at);
    let is_pairs = test.lines().next().is_some_and(|line| line.split('\t').count() == 2);
    let questions =
        if is_pairs { read_pairs(test, end, &mut names)? } else { beginnings(&read_clicks(test, &mut names)?) };
    Ok(SessionData { train, questions, repeats: if is_pairs { Repeats::All } else { Repeats::Earlier } })
}

fn read_clicks(text: &str, names: &mut Names) -> Result<Vec<Vec<(Item, Timestamp)>>, FormatError> {
    if !text.lines().next().is_some_and(|line| line.contains('\t')) {
        let minute = |number: usize| Timestamp(number as i64 * Timestamp::MINUTE);
        let session = |(number, line): (usize, &str)| -> Vec<(Item, Timestamp)> {
            line.split_whitespace().map(|name| (names.number(name), minute(number))).collect()
        };
        return Ok(text.lines().enumerate().map(session).filter(|session| !session.is_empty()).collect());
    }
    let mut sessions: BTreeMap<&str, Vec<(Timestamp, usize, Item)>> = BTreeMap::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let problem = |problem: String| FormatError { line: index + 1, problem };
        let fields: Vec<&str> = line.split('\t').collect();
        let [session, item, time, ..] = fields.as_slice() else {
            return Err(problem(format!("expected SessionId, ItemId and Time with tabs between them, found `{line}`")));
        };
        let seconds: f64 = time.trim().parse().map_err(|_| problem(format!("`{time}` is no time in seconds")))?;
        let at = Timestamp((seconds * 1e6) as i64);
        sessions.entry(*session).or_default().push((at, index, names.number(item)));
    }
    let in_time = |mut clicks: Vec<(Timestamp, usize, Item)>| -> Vec<(Item, Timestamp)> {
        clicks.sort_unstable_by_key(|(at, index, _)| (*at, *index));
        clicks.into_iter().map(|(at, _, item)| (item, at)).collect()
    };
    Ok(sessions.into_values().map(in_time).collect())
}

fn read_pairs(text: &str, at: Timestamp, names: &mut Names) -> Result<Vec<Question>, FormatError> {
    let case = |(index, line): (usize, &str)| {
        let (beginning, target) = line.split_once('\t').ok_or_else(|| FormatError {
            line: index + 1,
            problem: format!("expected a beginning, a tab and a target, found `{line}`"),
        })?;
        let session = beginning.split_whitespace().map(|name| names.number(name)).collect();
        Ok(question(session, at, names.number(target.trim())))
    };
    text.lines().enumerate().map(case).collect()
}

fn beginnings(sessions: &[Vec<(Item, Timestamp)>]) -> Vec<Question> {
    let questions_of = |clicks: &Vec<(Item, Timestamp)>| -> Vec<Question> {
        let items: Vec<Item> = clicks.iter().map(|(item, _)| *item).collect();
        (1..items.len()).map(|length| question(items[..length].to_vec(), clicks[length - 1].1, items[length])).collect()
    };
    sessions.iter().flat_map(questions_of).collect()
}

fn question(session: Vec<Item>, at: Timestamp, target: Item) -> Question {
    Question { session, at, relevant: BTreeSet::from([target]), ..Question::default() }
}

/// A tenth of the training sessions, the newest, is asked in validation.
const VALIDATION_SHARE: usize = 10;

pub(super) fn space(model: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match model {
        "vmis" => &[
            ("sample", &["250", "500", "1000", "2500"]),
            ("neighbours", &["50", "100", "200", "500", "1000"]),
            ("last_items", &["3", "5", "9", "15"]),
        ],
        "stan" | "vstan" => &[
            ("sample", &["500", "1000", "2500"]),
            ("neighbours", &["100", "200", "500", "1000", "2000"]),
            ("order", &["0.5", "1", "2", "4"]),
            ("age_days", &["5", "20", "40", "80", "200"]),
            ("distance", &["0.5", "1", "2", "4"]),
            ("newest_shared", &["0.5", "1", "2", "4"]),
            ("rarity", &["0", "1", "2", "5"]),
        ],
        _ => &[],
    }
}

impl Dataset for SessionData {
    fn models(&self) -> &'static [&'static str] {
        &models::NAMES
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        space(model)
    }

    fn auto(&self) -> &'static [&'static str] {
        &["popularity", "vmis", "stan", "vstan", "sr", "steps", "hybrid"]
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        &["steps", "visits", "vstan", "sr", "ar"]
    }

    fn facts(&self) -> Facts {
        let clicks = self.train.iter().flatten();
        Facts::fit(clicks.map(|(item, at)| Taken { item: *item, customer: None, at: *at }))
    }

    fn questions(&self) -> &[Question] {
        &self.questions
    }

    fn popularity(&self) -> Vec<u32> {
        counts(self.train.iter().flatten().map(|(item, _)| *item))
    }

    fn sequences(&self) -> Vec<Vec<Item>> {
        self.train.iter().map(|session| session.iter().map(|(item, _)| *item).collect()).collect()
    }

    fn validation(&self) -> Box<dyn Dataset> {
        let (train, newest) = self.train.split_at(self.train.len() - self.train.len() / VALIDATION_SHARE);
        Box::new(Self { train: train.to_vec(), questions: beginnings(newest), repeats: self.repeats })
    }

    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        if spec.name() == hybrid::NAME { hybrid::fit_hybrid(self, spec) } else { self.fit_named(spec) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{Measured, Outcome, compare};

    const TRAIN: &str = "SessionId\tItemId\tTime\n1\ta\t10.0\n1\tb\t20.0\n2\tb\t40.0\n2\ta\t30.5\n2\tc\t50\n";

    #[test]
    fn both_forms_give_the_same_questions() {
        let timed = read_sessions(TRAIN, "SessionId\tItemId\tTime\n9\ta\t60\n9\tb\t61\n9\tc\t62\n").unwrap();
        let plain = read_sessions("a b\na b c\n", "a\tb\na b\tc\n").unwrap();
        assert_eq!(
            timed.train[1],
            [(Item(0), Timestamp(30_500_000)), (Item(1), Timestamp(40_000_000)), (Item(2), Timestamp(50_000_000))]
        );
        let questions = |data: &SessionData| -> Vec<(Vec<Item>, Item)> {
            let pair = |asked: &Question| (asked.session.clone(), *asked.relevant.first().unwrap());
            data.questions.iter().map(pair).collect()
        };
        assert_eq!(questions(&timed), questions(&plain));
        assert_eq!(questions(&plain), [(vec![Item(0)], Item(1)), (vec![Item(0), Item(1)], Item(2))]);
    }

    #[test]
    fn errors_name_the_line() {
        let error = read_sessions("SessionId\tItemId\tTime\n1\ta\tnoon\n", "").unwrap_err();
        assert_eq!(error.to_string(), "line 2: `noon` is no time in seconds");
        assert_eq!(read_sessions("a b\n", "a\tb\nc\n").unwrap_err().line, 2);
    }

    #[test]
    fn every_model_finds_what_always_follows() {
        let data = read_sessions(&("a b\n".repeat(30) + "d c\n"), "a\tb\n").unwrap();
        let (metrics, popularity) = (["HR@20".parse().unwrap()], data.popularity());
        let measured = Measured { metrics: &metrics, popularity: &popularity };
        let specs: Vec<Spec> = data.models().iter().map(|name| Spec::parse(name).unwrap()).collect();
        let mut reached = Vec::new();
        let mut report = |outcome: Outcome| reached.push(outcome.metrics(|_| true)[0].1.mean);
        compare(&specs, &data.questions, &measured, |spec| data.fit(spec), &mut report).unwrap();
        assert_eq!(reached, [1.0; 9]);
        assert!(data.fit(Spec::parse("gru").unwrap()).is_err());
    }

    #[test]
    fn validation_asks_the_newest_sessions() {
        let data = read_sessions(&("a b c\n".repeat(18) + "d c\nc d a\n"), "").unwrap();
        let validation = data.validation();
        assert_eq!((validation.questions().len(), validation.popularity().iter().sum::<u32>()), (3, 54));
    }
}
