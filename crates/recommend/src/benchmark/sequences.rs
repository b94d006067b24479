//! Next-purchase prediction over whole customers, in the form and by the protocol of S3-Rec.
//!
//! Zhou et al.: "S3-Rec", CIKM 2020: one customer a line, `customer item item …` in the order of time. The last item is the
//! test answer and the one before it the validation answer; models learn from the items before both. The validation
//! question is those items, the test question has the validation item behind them. All items are ranked but those of the
//! question. Customers with fewer than three items only teach.
//!
//! Beside it lies a JSON object that gives each item the numbers of its attributes (categories, brand).

use std::collections::{BTreeMap, BTreeSet};

use mercer_schema::Timestamp;

use super::{Dataset, FormatError, Names, Question, SessionData, Spec, SpecError, counts, hybrid, sessions, tastes};
use crate::hybrid::{Catalog, Facts, Taken, Traits};
use crate::interactions::{Basket, Customer};
use crate::latent::{Latent, LatentSettings};
use crate::sessions::Repeats;
use crate::{Item, Recommender};

/// Training sequences, oldest item first, and the questions of both parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SequenceData {
    pub train: Vec<Vec<Item>>,
    pub validation: Vec<Question>,
    pub test: Vec<Question>,
    /// Attributes of each item by its number, in dense numbers of their own; empty without an attribute file.
    pub attributes: Vec<Vec<u32>>,
    /// One past the largest item number.
    pub items: usize,
}

/// Reads the sequences and, where there are any, the attributes. An attribute file that is no such object is an error
/// of line 1 or of the line that the JSON breaks at.
pub fn read_sequences(sequences: &str, attributes: Option<&str>) -> Result<SequenceData, FormatError> {
    let mut names = Names::default();
    let mut data = SequenceData::default();
    for (index, line) in sequences.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let items: Vec<Item> = fields.by_ref().skip(1).map(|name| names.number(name)).collect();
        match items.as_slice() {
            [] => {
                let problem = format!("expected a customer and items with spaces between them, found `{line}`");
                return Err(FormatError { line: index + 1, problem });
            }
            [before @ .., validation, test] if !before.is_empty() => {
                data.train.push(before.to_vec());
                data.validation.push(question(before, *validation));
                data.test.push(question(&items[..items.len() - 1], *test));
            }
            _ => data.train.push(items),
        }
    }
    data.items = names.len();
    if let Some(attributes) = attributes {
        data.attributes = read_attributes(attributes, &names)?;
    }
    Ok(data)
}

fn question(before: &[Item], answer: Item) -> Question {
    Question {
        session: before.to_vec(),
        history: recent(before),
        relevant: BTreeSet::from([answer]),
        masked: before.iter().copied().filter(|item| *item != answer).collect(),
        ..Question::default()
    }
}

/// Older items count less, half after ten places.
fn recent(items: &[Item]) -> Vec<(Item, f32)> {
    items.iter().rev().enumerate().map(|(place, item)| (*item, 0.5_f32.powf(place as f32 / 10.0))).collect()
}

/// Items that no sequence has are left out.
fn read_attributes(text: &str, names: &Names) -> Result<Vec<Vec<u32>>, FormatError> {
    let by_name: BTreeMap<String, Vec<u64>> = serde_json::from_str(text).map_err(|error| FormatError {
        line: error.line().max(1),
        problem: format!("no attributes of items: {error}"),
    })?;
    let mut numbers = BTreeMap::new();
    let mut rows = vec![Vec::new(); names.len()];
    for (name, attributes) in by_name {
        let Some(item) = names.known(&name) else { continue };
        let mut row = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let next = numbers.len() as u32;
            row.push(*numbers.entry(attribute).or_insert(next));
        }
        row.sort_unstable();
        row.dedup();
        rows[item.index()] = row;
    }
    Ok(rows)
}

impl SequenceData {
    fn baskets(&self) -> Vec<Basket> {
        self.train.iter().map(|items| items.iter().map(|item| (*item, 1.0)).collect()).collect()
    }
}

impl Dataset for SequenceData {
    fn models(&self) -> &'static [&'static str] {
        &["popularity", "knn", "slim", "ials", tastes::MAPPED, "vmis", "stan", "vstan", "sr", "ar", hybrid::NAME]
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        if tastes::NAMES.contains(&model) { tastes::space(model) } else { sessions::space(model) }
    }

    fn auto(&self) -> &'static [&'static str] {
        &["popularity", "knn", "slim", "sr", "vstan", "blend:slim=1:vstan=1", "hybrid"]
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        &["knn", "slim", "vstan", "sr"]
    }

    fn questions(&self) -> &[Question] {
        &self.test
    }

    fn popularity(&self) -> Vec<u32> {
        counts(self.train.iter().flatten().copied())
    }

    fn sequences(&self) -> Vec<Vec<Item>> {
        self.train.clone()
    }

    fn held_out(&self) -> &[Question] {
        &self.validation
    }

    fn attributes(&self) -> &[Vec<u32>] {
        &self.attributes
    }

    fn facts(&self) -> Facts {
        let taken = |(customer, items): (u32, &Vec<Item>)| -> Vec<Taken> {
            items.iter().map(|item| Taken::some_time(Customer(customer), *item)).collect()
        };
        Facts::fit((0..).zip(&self.train).flat_map(taken))
    }

    fn catalog(&self) -> Catalog {
        let traits = |attributes: &Vec<u32>| Traits { attributes: attributes.clone(), ..Traits::default() };
        Catalog::new(self.attributes.iter().map(traits).collect())
    }

    fn validation(&self) -> Box<dyn Dataset> {
        Box::new(Self { test: self.validation.clone(), ..self.clone() })
    }

    fn fit<'a>(&'a self, mut spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        match spec.name().to_owned().as_str() {
            hybrid::NAME => hybrid::fit_hybrid(self, spec),
            "popularity" | "knn" | "slim" | "ials" => tastes::fit(&self.baskets(), spec),
            tastes::MAPPED => {
                let latent = Latent::fit_attributes(&self.attributes, &LatentSettings::default());
                tastes::fit_mapped(&self.baskets(), &latent.vectors_of_attributes(&self.attributes), spec)
            }
            name if self.models().contains(&name) => {
                // Customers a minute apart, in the order of the file, which says nothing about time.
                if ["stan", "vstan"].contains(&name) {
                    spec.set("age_days", "0");
                }
                let at = |number: usize| Timestamp(number as i64 * Timestamp::MINUTE);
                let visit =
                    |(number, items): (usize, &Vec<Item>)| items.iter().map(|item| (*item, at(number))).collect();
                let train = self.train.iter().enumerate().map(visit).collect();
                SessionData { train, questions: Vec::new(), repeats: Repeats::None }.fit_named(spec)
            }
            _ => Err(spec.error(format!("there are {}", self.models().join(", ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(numbers: &[u32]) -> Vec<Item> {
        numbers.iter().map(|number| Item(*number)).collect()
    }

    #[test]
    fn the_last_two_items_are_answers_and_teach_nothing() {
        let data = read_sequences("1 a b c d\n2 b e\n3 c a b\n", None).unwrap();
        assert_eq!(data.train, [items(&[0, 1]), items(&[1, 4]), items(&[2])]);
        assert_eq!((data.validation.len(), data.test.len(), data.items), (2, 2, 5));
        let (validation, test) = (&data.validation[0], &data.test[0]);
        assert_eq!((&validation.session, &validation.relevant), (&items(&[0, 1]), &BTreeSet::from([Item(2)])));
        assert_eq!((&test.session, &test.relevant), (&items(&[0, 1, 2]), &BTreeSet::from([Item(3)])));
        assert_eq!(test.masked, items(&[0, 1, 2]).into_iter().collect());
    }

    #[test]
    fn what_comes_again_is_not_masked() {
        let data = read_sequences("1 a b a\n", None).unwrap();
        assert_eq!(data.test[0].masked, BTreeSet::from([Item(1)]));
    }

    #[test]
    fn attributes_get_dense_numbers() {
        let data = read_sequences("1 a b c\n", Some(r#"{"b": [700, 5, 5], "z": [9], "a": [5]}"#)).unwrap();
        assert_eq!(data.attributes, [vec![0], vec![0, 1], vec![]]);
    }

    #[test]
    fn errors_name_the_line() {
        let error = read_sequences("1 a b\n2\n", None).unwrap_err();
        assert_eq!(error.to_string(), "line 2: expected a customer and items with spaces between them, found `2`");
        assert_eq!(read_sequences("1 a\n", Some("{\n\"a\": [x]}")).unwrap_err().line, 2);
        assert_eq!(read_sequences("1 a\n\n", None).unwrap_err().line, 2);
    }

    #[test]
    fn every_model_is_fitted_by_its_name() {
        let data =
            read_sequences(&(0..30).map(|number| format!("{number} a b c d\n")).collect::<String>(), None).unwrap();
        for name in data.models() {
            let mut spec = Spec::parse(name).unwrap();
            if ["ials", "mapped"].contains(name) {
                spec.set("dimensions", "2");
            }
            assert!(data.fit(spec).is_ok(), "{name}");
        }
        assert_eq!(data.validation().questions()[0].relevant, BTreeSet::from([Item(2)]));
        assert!(data.fit(Spec::parse("gru").unwrap()).is_err());
    }
}
