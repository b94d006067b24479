//! What people of the shop judged: how well products answer queries.
//!
//! A fold of the log, bounded: what would be beyond the bounds is refused before it is logged, and what slipped through is
//! left out by every fold alike. No answer depends on it; it says how good answers are.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_recommend::Changes;
use mercer_schema::{Draft, Fact, ProductId, SearchJudgment, Timestamp};
use mercer_search::common_form;

use crate::{Engine, Error};

/// Wrong lines that are named.
const MOST_NAMED: usize = 20;

/// Grades by query, in the form in which queries are counted.
#[derive(Debug, Clone, Default)]
pub struct Judgments {
    by_query: OrdMap<Arc<str>, OrdMap<ProductId, u8>>,
    count: usize,
    changed: OrdSet<Arc<str>>,
}

impl PartialEq for Judgments {
    fn eq(&self, other: &Self) -> bool {
        self.by_query == other.by_query
    }
}

impl Judgments {
    pub const MOST_QUERIES: usize = 5_000;
    pub const MOST: usize = 100_000;

    /// All judgments.
    pub const fn len(&self) -> usize {
        self.count
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Queries with a judgment.
    pub fn queries(&self) -> usize {
        self.by_query.len()
    }

    /// Each query with a judgment.
    pub fn of_queries(&self) -> impl Iterator<Item = &str> {
        self.by_query.keys().map(|query| &**query)
    }

    /// The grades of a query's products.
    pub fn of(&self, query: &str) -> Option<&OrdMap<ProductId, u8>> {
        self.by_query.get(query)
    }

    pub fn grade(&self, query: &str, product: &ProductId) -> Option<u8> {
        self.of(query)?.get(product).copied()
    }

    /// By query and product.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProductId, u8)> {
        self.by_query
            .iter()
            .flat_map(|(query, grades)| grades.iter().map(|(product, grade)| (&**query, product, *grade)))
    }

    /// Lines of a query, a product id and a grade, with tabs between them.
    pub fn write(&self) -> String {
        self.iter().map(|(query, product, grade)| format!("{query}\t{product}\t{grade}\n")).collect()
    }

    pub(crate) fn as_judged(&self) -> mercer_search::evaluate::Judgments {
        let grades = |grades: &OrdMap<ProductId, u8>| -> BTreeMap<String, u8> {
            grades.iter().map(|(product, grade)| (product.to_string(), *grade)).collect()
        };
        self.by_query.iter().map(|(query, of)| (query.to_string(), grades(of))).collect()
    }

    pub(crate) fn apply(&mut self, judgment: &SearchJudgment) {
        let query: Arc<str> = judgment.query.as_str().into();
        let known = self.by_query.get(&query).cloned();
        let mut grades = known.clone().unwrap_or_default();
        let is_known = grades.contains_key(&judgment.product_id);
        match judgment.grade {
            Some(_) if !is_known && self.count >= Self::MOST => return,
            Some(_) if known.is_none() && self.by_query.len() >= Self::MOST_QUERIES => return,
            Some(grade) => {
                grades.insert(judgment.product_id.clone(), grade.min(SearchJudgment::BEST));
                self.count += usize::from(!is_known);
            }
            None => {
                grades.remove(&judgment.product_id);
                self.count -= usize::from(is_known);
            }
        }
        self.changed.insert(Arc::clone(&query));
        if grades.is_empty() {
            self.by_query.remove(&query);
        } else {
            self.by_query.insert(query, grades);
        }
    }

    pub(crate) fn drain_changes(&mut self) -> Result<Changes, serde_json::Error> {
        let changed = std::mem::take(&mut self.changed);
        let written = |query: &Arc<str>| -> Result<Option<Vec<u8>>, serde_json::Error> {
            let grades = self.by_query.get(query);
            grades.map(|grades| serde_json::to_vec(&grades.iter().collect::<BTreeMap<_, _>>())).transpose()
        };
        changed.iter().map(|query| Ok((query.as_bytes().to_vec(), written(query)?))).collect()
    }

    pub(crate) fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let mut judgments = Self::default();
        for (query, grades) in pieces {
            let grades: BTreeMap<ProductId, u8> = serde_json::from_slice(&grades).ok()?;
            judgments.count += grades.len();
            judgments.by_query.insert(std::str::from_utf8(&query).ok()?.into(), grades.into_iter().collect());
        }
        Some(judgments)
    }
}

/// Judgments on their way in, with every fault of them. One fault, and none is saved.
#[derive(Debug, Clone, Default)]
pub struct JudgmentList {
    by: String,
    good: Vec<SearchJudgment>,
    /// Where each stands, for what is said of it.
    places: BTreeMap<(String, ProductId), (String, Option<u8>)>,
    faults: Vec<(String, String)>,
}

impl JudgmentList {
    /// Of a person or a key.
    pub fn by(name: impl Into<String>) -> Self {
        Self { by: name.into(), ..Self::default() }
    }

    /// A query in the form in which it is judged; none of what cannot be.
    pub fn query(text: &str) -> Option<String> {
        common_form(text)
    }

    /// Adds what stands at `place`, as `line 3` or `judgments[2]`.
    pub fn add(&mut self, place: &str, query: &str, product_id: &str, grade: Option<i64>) {
        match self.checked(query, product_id, grade) {
            Ok(judgment) => {
                let key = (judgment.query.clone(), judgment.product_id.clone());
                match self.places.get(&key) {
                    Some((_, before)) if *before == judgment.grade => {}
                    Some((earlier, _)) => {
                        let message = format!("{earlier} gives the same query and product another grade");
                        self.faults.push((place.to_owned(), message));
                    }
                    None => {
                        self.places.insert(key, (place.to_owned(), judgment.grade));
                        self.good.push(judgment);
                    }
                }
            }
            Err((field, message)) if place.ends_with(']') => self.faults.push((format!("{place}.{field}"), message)),
            Err((_, message)) => self.faults.push((place.to_owned(), message)),
        }
    }

    /// Adds lines of a query, a product id and a grade, with tabs or commas between them; a first line without a grade is a
    /// head.
    pub fn add_lines(&mut self, text: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("line {number}");
            let separator = if line.contains('\t') { '\t' } else { ',' };
            let mut fields = line.rsplitn(3, separator).map(unquoted);
            let (Some(grade), Some(id), Some(query)) = (fields.next(), fields.next(), fields.next()) else {
                let message = "a line is a query, a product id and a grade, with tabs or commas between them";
                self.faults.push((place, message.to_owned()));
                continue;
            };
            match grade.parse::<i64>() {
                Ok(grade) => self.add(&place, &query, &id, Some(grade)),
                Err(_) if number == 1 => {}
                Err(_) => self.faults.push((place, format!("`{}` is no grade from 0 to 3", shortened(&grade)))),
            }
        }
    }

    fn checked(&self, query: &str, id: &str, grade: Option<i64>) -> Result<SearchJudgment, (&'static str, String)> {
        let common = common_form(query).ok_or_else(|| {
            let query = shortened(query);
            ("query", format!("`{query}` is no query: it has no words, too many, an address or a long number"))
        })?;
        let product_id = ProductId::parse(id).map_err(|error| ("product_id", error.to_string()))?;
        let in_bounds = |grade: i64| u8::try_from(grade).ok().filter(|grade| *grade <= SearchJudgment::BEST);
        let grade = match grade {
            None => None,
            Some(grade) => {
                let read = in_bounds(grade);
                Some(read.ok_or_else(|| ("grade", format!("the grade {grade} is not from 0 to 3")))?)
            }
        };
        Ok(SearchJudgment { query: common, product_id, grade, by: self.by.clone() })
    }

    /// All of them, or what is wrong with them.
    fn finish(self) -> Result<Vec<SearchJudgment>, Error> {
        let Some((field, _)) = self.faults.first() else { return Ok(self.good) };
        let named = self.faults.iter().take(MOST_NAMED).map(|(place, message)| format!("{place}: {message}"));
        let mut message = named.collect::<Vec<_>>().join("; ");
        if self.faults.len() > MOST_NAMED {
            message = format!("{message}; and {} more", self.faults.len() - MOST_NAMED);
        }
        Err(Error::Refused { field: field.clone(), message: format!("Nothing was saved. {message}.") })
    }
}

/// What a list changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JudgmentsSaved {
    pub changed: usize,
    pub unchanged: usize,
    /// Of products that the catalog does not have.
    pub unknown_products: usize,
}

impl Engine {
    /// Checks judgments and saves all of them, or none.
    pub async fn save_judgments(&self, list: JudgmentList, now: Timestamp) -> Result<JudgmentsSaved, Error> {
        let judgments = list.finish()?;
        let snapshot = self.snapshot();
        let known = &snapshot.judgments;
        let unknown = |judgment: &&SearchJudgment| snapshot.world.catalog.get(&judgment.product_id).is_none();
        let total = judgments.len();
        let unknown_products = judgments.iter().filter(unknown).count();
        let is_new = |judgment: &SearchJudgment| known.grade(&judgment.query, &judgment.product_id) != judgment.grade;
        let changed: Vec<SearchJudgment> = judgments.into_iter().filter(is_new).collect();
        let mut after = known.clone();
        for judgment in &changed {
            after.apply(judgment);
            if after.grade(&judgment.query, &judgment.product_id) != judgment.grade {
                let message = format!(
                    "Nothing was saved: there is room for {} judgments of {} queries, and {} of {} are there. Take some back first.",
                    Judgments::MOST,
                    Judgments::MOST_QUERIES,
                    known.len(),
                    known.queries()
                );
                return Err(Error::Refused { field: "judgments".to_owned(), message });
            }
        }
        let saved = JudgmentsSaved { changed: changed.len(), unchanged: total - changed.len(), unknown_products };
        let draft = |judgment| {
            let fact = Fact::SearchJudged(Box::new(judgment));
            Draft { recorded_at: now, key: None, key_lasts: false, fact }
        };
        self.accept(changed.into_iter().map(draft).collect()).await?;
        Ok(saved)
    }
}

/// A field of a file, without the quotes around it.
fn unquoted(field: &str) -> String {
    let field = field.trim();
    let inner = field.strip_prefix('"').and_then(|field| field.strip_suffix('"'));
    inner.map_or_else(|| field.to_owned(), |inner| inner.replace("\"\"", "\""))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<SearchJudgment>, String> {
        let mut list = JudgmentList::by("ann");
        list.add_lines(text);
        list.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_read_and_every_wrong_one_is_named() {
        let read_well = read("\u{feff}query\tproduct_id\tgrade\r\nRed  MUG\tp1\t3\r\n\"big, red mug\",p2,0\n").unwrap();
        let told =
            |judgment: &SearchJudgment| (judgment.query.clone(), judgment.product_id.to_string(), judgment.grade);
        assert_eq!(told(&read_well[0]), ("red mug".into(), "p1".into(), Some(3)));
        assert_eq!(told(&read_well[1]), ("big red mug".into(), "p2".into(), Some(0)));
        let wrong = read("mug\tp1\t4\nmug\tp1\t2\nlonely\nme@x.example\tp1\t1\nmug\tp1\t1\nmug\t\t1\n").unwrap_err();
        for part in ["line 1: the grade 4", "line 3: a line is", "line 4: `me@x", "line 5: line 2 gives", "line 6"] {
            assert!(wrong.contains(part), "{part}: {wrong}");
        }
        assert!(!wrong.contains("line 2:"), "{wrong}");
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(grades in prop::collection::vec(("[a-z]{1,8}( [a-z]{1,8})?", "[A-Za-z0-9]{1,6}", 0_u8..4), 0..40)) {
            let mut judgments = Judgments::default();
            for (query, id, grade) in &grades {
                let (query, product_id) = (query.clone(), ProductId::parse(id).unwrap());
                judgments.apply(&SearchJudgment { query, product_id, grade: Some(*grade), by: String::new() });
            }
            prop_assert_eq!(judgments.len(), judgments.iter().count());
            let mut again = Judgments::default();
            for judgment in read(&format!("query\tid\tgrade\n{}", judgments.write())).unwrap() {
                again.apply(&judgment);
            }
            prop_assert_eq!(&again, &judgments);
            let pieces = judgments.drain_changes().unwrap().into_iter().filter_map(|(key, value)| Some((key, value?)));
            let restored = Judgments::restore(pieces).unwrap();
            prop_assert_eq!((&restored, restored.len()), (&judgments, judgments.len()));
        }
    }

    #[test]
    fn what_is_taken_back_leaves_nothing_and_there_is_an_end() {
        let judged = |query: &str, grade| SearchJudgment {
            query: query.into(),
            product_id: ProductId::trusted("p"),
            grade,
            by: String::new(),
        };
        let mut judgments = Judgments::default();
        judgments.apply(&judged("mug", Some(2)));
        judgments.apply(&judged("mug", None));
        judgments.apply(&judged("mug", None));
        assert!(judgments.is_empty() && judgments == Judgments::default());
        for number in 0..Judgments::MOST_QUERIES + 5 {
            judgments.apply(&judged(&format!("q{number}"), Some(1)));
        }
        assert_eq!((judgments.queries(), judgments.len()), (Judgments::MOST_QUERIES, Judgments::MOST_QUERIES));
    }
}
