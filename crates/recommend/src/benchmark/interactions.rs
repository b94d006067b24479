//! Top-N from interactions without order.
//!
//! One customer a line, `customer item item …`, as LightGCN and BARS have it. Protocol: a model learns the training lines;
//! for each customer with a test line it ranks all items, those of the customer's training line are taken out, and the
//! items of the test line should be found.

use std::collections::BTreeMap;
use std::time::Instant;

use mercer_schema::Timestamp;

use super::{FormatError, Names, Outcome, Question, Spec, SpecError, ask};
use crate::factors::{Factors, IalsSettings};
use crate::filter::{FilterSettings, GraphFilter};
use crate::interactions::Basket;
use crate::linear::{EaseSettings, Linear, SlimSettings};
use crate::neighbours::{self, Neighbours};
use crate::popularity::{self, Popularity};
use crate::{Item, Query, Recommender, Scored, evaluate};

/// One basket a customer to learn from, and questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InteractionData {
    pub train: Vec<Basket>,
    pub questions: Vec<Question>,
}

/// Reads the training and the test file.
pub fn read_interactions(train: &str, test: &str) -> Result<InteractionData, FormatError> {
    let mut names = Names::default();
    let train = read_lines(train, &mut names)?;
    let questions = read_lines(test, &mut names)?
        .into_iter()
        .filter_map(|(customer, items)| {
            let history = train.get(customer)?;
            let masked = history.iter().copied().collect();
            let history = history.iter().map(|item| (*item, 1.0)).collect();
            Some(Question { history, masked, relevant: items.into_iter().collect(), ..Question::default() })
        })
        .filter(|question| !question.relevant.is_empty())
        .collect();
    let basket = |items: Vec<Item>| items.into_iter().map(|item| (item, 1.0)).collect();
    Ok(InteractionData { train: train.into_values().map(basket).collect(), questions })
}

fn read_lines<'a>(text: &'a str, names: &mut Names) -> Result<BTreeMap<&'a str, Vec<Item>>, FormatError> {
    let mut customers = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let Some(customer) = fields.next() else { continue };
        if customers.insert(customer, fields.map(|name| names.number(name)).collect()).is_some() {
            return Err(FormatError { line: index + 1, problem: format!("customer `{customer}` has a line already") });
        }
    }
    Ok(customers)
}

impl InteractionData {
    /// The models that [`Self::fit`] knows.
    pub const MODELS: [&'static str; 7] = ["popularity", "knn", "ease", "slim", "ials", "filter", "turbo"];

    /// Fits a model by name, with settings where they are given.
    pub fn fit(&self, mut spec: Spec) -> Result<Box<dyn Recommender>, SpecError> {
        let model: Box<dyn Recommender> = match spec.name() {
            "popularity" => {
                let mut popularity = Popularity::new(popularity::Settings::default());
                let at = Timestamp::default();
                self.train.iter().flatten().for_each(|(item, weight)| popularity.observe(*item, *weight, at));
                Box::new(Same(popularity.popular().recommend(&Query::default(), usize::MAX)))
            }
            "knn" => {
                let mut settings = neighbours::Settings {
                    least_together: 1,
                    significance: 0.0,
                    damping: 0.5,
                    largest_basket: 10_000,
                    ..neighbours::Settings::default()
                };
                spec.take("kept", &mut settings.kept)?;
                spec.take("damping", &mut settings.damping)?;
                Box::new(Linear::from(&Neighbours::fit(&self.train, &settings)))
            }
            "ease" => {
                let mut settings = EaseSettings::default();
                spec.take("l2", &mut settings.l2)?;
                spec.take("damping", &mut settings.damping)?;
                spec.take("kept", &mut settings.kept)?;
                let refused = || spec.error("the inverse does not exist; give a larger l2".to_owned());
                Box::new(Linear::fit_ease(&self.train, &settings).ok_or_else(refused)?)
            }
            "slim" => {
                let mut settings = SlimSettings::default();
                spec.take("l2", &mut settings.l2)?;
                spec.take("l1", &mut settings.l1)?;
                spec.take("damping", &mut settings.damping)?;
                spec.take("near", &mut settings.near)?;
                spec.take("rounds", &mut settings.rounds)?;
                Box::new(Linear::fit_slim(&self.train, &settings))
            }
            "ials" => {
                let mut settings = IalsSettings::default();
                spec.take("dimensions", &mut settings.dimensions)?;
                spec.take("sweeps", &mut settings.sweeps)?;
                spec.take("unobserved", &mut settings.unobserved)?;
                spec.take("l2", &mut settings.l2)?;
                spec.take("frequency", &mut settings.frequency)?;
                spec.take("block", &mut settings.block)?;
                spec.take("seed", &mut settings.seed)?;
                Box::new(Factors::fit_ials(&self.train, &settings))
            }
            "filter" | "turbo" => {
                let mut settings = FilterSettings::default();
                if spec.name() == "turbo" {
                    settings.dimensions = 0;
                }
                spec.take("customer_power", &mut settings.customer_power)?;
                spec.take("item_power", &mut settings.item_power)?;
                spec.take("source_power", &mut settings.source_power)?;
                spec.take("sharpness", &mut settings.sharpness)?;
                spec.take("kept", &mut settings.kept)?;
                spec.take("dimensions", &mut settings.dimensions)?;
                spec.take("ideal", &mut settings.ideal)?;
                spec.take("seed", &mut settings.seed)?;
                Box::new(GraphFilter::fit(&self.train, &settings))
            }
            _ => return Err(spec.error(format!("there are {}", Self::MODELS.join(", ")))),
        };
        spec.finish()?;
        Ok(model)
    }

    /// Fits a model and asks it everything.
    pub fn run(&self, spec: Spec, settings: &evaluate::Settings) -> Result<Outcome, SpecError> {
        let (name, started) = (spec.text().to_owned(), Instant::now());
        let model = self.fit(spec)?;
        Ok(ask(&name, &*model, &self.questions, started.elapsed(), settings))
    }
}

/// The same ranking for everybody.
struct Same(Vec<Scored>);

impl Recommender for Same {
    fn recommend(&self, _: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.0.iter().take(limit).copied().collect()
    }
}
