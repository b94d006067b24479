//! Next-item prediction in sessions.
//!
//! Two file forms are read: `SessionId ItemId Time` with a heading, tab separated, times in seconds (session-rec, Serenade);
//! and one session a line, item ids separated by spaces, with test lines `beginning<TAB>target` (SR-GNN's preprocessing).
//! The second has no times: its sessions are taken to be a minute apart, in the order of the file.
//!
//! Protocol: after every click of a test session but the last, the model ranks all items of the training file; the next
//! click should be found. The item just clicked takes part with the second form, where it is often the next one, and not
//! with the first, as in the tables of each. Test sessions teach nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use mercer_schema::Timestamp;

use super::{FormatError, Names, Outcome, Question, ask};
use crate::evaluate;
use crate::popularity::{self, Popularity};
use crate::sessions::{HybridSettings, IndexSettings, Repeats, RuleSettings, SessionIndex, StanSettings, VmisSettings};
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

/// A model with its settings for this format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SessionModel {
    Popularity,
    Vmis(VmisSettings),
    Stan(StanSettings),
    Vstan(StanSettings),
    Sequential(RuleSettings),
    Association(RuleSettings),
    /// The hybrid's neighbours alone.
    Visits(HybridSettings),
    Hybrid(HybridSettings),
}

impl SessionModel {
    /// By the name it has on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "popularity" => Self::Popularity,
            "vmis" => Self::Vmis(VmisSettings::default()),
            "stan" => Self::Stan(StanSettings::stan()),
            "vstan" => Self::Vstan(StanSettings::vstan()),
            "sr" => Self::Sequential(RuleSettings::sequential()),
            "ar" => Self::Association(RuleSettings::association()),
            "visits" => Self::Visits(HybridSettings::visits()),
            "hybrid" => Self::Hybrid(HybridSettings::default()),
            _ => return None,
        })
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Popularity => "popularity",
            Self::Vmis(_) => "vmis",
            Self::Stan(_) => "stan",
            Self::Vstan(_) => "vstan",
            Self::Sequential(_) => "sr",
            Self::Association(_) => "ar",
            Self::Visits(_) => "visits",
            Self::Hybrid(_) => "hybrid",
        }
    }

    /// Learns the training sessions and answers the questions, one after the other on one thread.
    pub fn run(&self, data: &SessionData, settings: &evaluate::Settings) -> Outcome {
        let started = Instant::now();
        let (mut index, mut popularity) = (SessionIndex::default(), Popularity::new(popularity::Settings::default()));
        match self {
            Self::Popularity => data.train.iter().flatten().for_each(|(item, at)| popularity.observe(*item, 1.0, *at)),
            _ => index = index_of(&data.train),
        }
        let model: Box<dyn Recommender + '_> = match *self {
            Self::Popularity => Box::new(popularity.popular()),
            Self::Vmis(settings) => Box::new(index.vmis(VmisSettings { repeats: data.repeats, ..settings })),
            Self::Stan(settings) | Self::Vstan(settings) => {
                Box::new(index.stan(StanSettings { repeats: data.repeats, ..settings }))
            }
            Self::Sequential(settings) | Self::Association(settings) => {
                Box::new(index.rules(RuleSettings { repeats: data.repeats, ..settings }))
            }
            Self::Visits(settings) | Self::Hybrid(settings) => {
                Box::new(index.hybrid(HybridSettings { repeats: data.repeats, ..settings }))
            }
        };
        ask(self.name(), &*model, &data.questions, started.elapsed(), settings)
    }
}

/// Every session one visit, however long its pauses.
fn index_of(train: &[Vec<(Item, Timestamp)>]) -> SessionIndex {
    let longest = train.iter().map(Vec::len).max().unwrap_or_default().max(1);
    let mut index = SessionIndex::new(IndexSettings { kept_per_item: 2_500, pause_minutes: u32::MAX, longest });
    for (visitor, session) in (0..).zip(train) {
        session.iter().for_each(|(item, at)| index.observe(visitor, *item, *at));
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let train = "a b\n".repeat(30) + "d c\n";
        let data = read_sessions(&train, "a\tb\n").unwrap();
        for name in ["popularity", "vmis", "stan", "vstan", "sr", "ar", "visits", "hybrid"] {
            let outcome = SessionModel::named(name).unwrap().run(&data, &evaluate::Settings::default());
            assert!(outcome.report.hit_rate.mean > 0.99, "{name}: {:?}", outcome.report);
            assert_eq!(outcome.answer_micros.len(), 1);
        }
        assert_eq!(SessionModel::named("gru"), None);
    }
}
