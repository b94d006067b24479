//! A shop's own orders.
//!
//! Two protocols, those of [`evaluate`](crate::evaluate): the last order of each customer is held out; or everything before
//! one moment is learned and the first order of each known customer from then on should be found. Only the second knows
//! nothing of the future. All items compete, those bought before and new ones.

use mercer_schema::{Product, Timestamp};

use super::run::Same;
use super::{Dataset, Question, Spec, SpecError, counts, hybrid, tastes};
use crate::evaluate::{Split, hold_out_last_orders, split_at};
use crate::hybrid::{Catalog, Depth, Facts};
use crate::interactions::{self, Order};
use crate::latent::{ItemVectors, Latent, LatentSettings, VECTORS_WEIGHT};
use crate::next_order::{self, NextOrder};
use crate::popularity::{self, Popularity};
use crate::{Item, Query, Recommender};

const NAMES: [&str; 11] =
    ["popularity", "next-order", "knn", "ease", "slim", "ials", "simplex", "filter", "turbo", "mapped", hybrid::NAME];

/// How the held-out orders are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSplit {
    /// The last order of each customer.
    Last,
    /// Those of the last so many days.
    Days(i64),
}

/// Orders to learn from, and a question a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderData {
    train: Vec<Order>,
    questions: Vec<Question>,
    split: OrderSplit,
    catalog: Catalog,
    content: ItemVectors,
}

impl OrderData {
    pub fn new(orders: &[Order], split: OrderSplit) -> Self {
        let Split { train, cases } = match split {
            OrderSplit::Last => hold_out_last_orders(orders, 0),
            OrderSplit::Days(days) => {
                let last = orders.iter().map(|order| order.at).max().unwrap_or_default();
                split_at(orders, last.plus(-days * Timestamp::DAY))
            }
        };
        let questions = cases.into_iter().map(|case| Question {
            history: interactions::tastes(&case.history).pop().unwrap_or_default(),
            ordered: interactions::lines(&case.history).collect(),
            at: case.at,
            relevant: case.relevant,
            ..Question::default()
        });
        Self {
            train,
            questions: questions.collect(),
            split,
            catalog: Catalog::default(),
            content: ItemVectors::default(),
        }
    }

    /// With what the shop says about its items.
    pub fn with_products(self, products: &[(Item, Product)]) -> Self {
        let products = || products.iter().map(|(item, product)| (*item, product));
        let content = Latent::fit(products().map(|(_, product)| product), &LatentSettings::default());
        let catalog = Catalog::of_products(products());
        Self { catalog, content: content.vectors(products()), ..self }
    }

    /// With vectors of the items from elsewhere, beside those of what the shop says.
    pub fn with_vectors(self, vectors: &ItemVectors) -> Self {
        Self { content: self.content.beside(vectors, VECTORS_WEIGHT), ..self }
    }

    /// The same items, with other questions.
    fn again(&self, split: OrderSplit) -> Self {
        Self { catalog: self.catalog.clone(), content: self.content.clone(), ..Self::new(&self.train, split) }
    }
}

impl Dataset for OrderData {
    fn models(&self) -> &'static [&'static str] {
        &NAMES
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        space(model)
    }

    fn auto(&self) -> &'static [&'static str] {
        &["popularity", "knn", "slim", "next-order", "hybrid"]
    }

    fn questions(&self) -> &[Question] {
        &self.questions
    }

    fn popularity(&self) -> Vec<u32> {
        popularity(&self.train)
    }

    /// The lines of each customer's orders.
    fn sequences(&self) -> Vec<Vec<Item>> {
        let of_customer = |orders: Vec<&Order>| {
            let lines = orders.into_iter().flat_map(|order| order.lines.iter().map(|(item, _)| (order.at, *item)));
            interactions::in_sequence(&lines.collect::<Vec<_>>())
        };
        interactions::by_customer(&self.train).into_values().map(of_customer).collect()
    }

    /// The same once more with what is left to learn from.
    fn validation(&self) -> Box<dyn Dataset> {
        Box::new(self.again(self.split))
    }

    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        match spec.name() {
            hybrid::NAME => hybrid::fit_hybrid(self, spec),
            tastes::MAPPED => tastes::fit_mapped(&interactions::tastes(&self.train), &self.content, spec),
            _ => fit(&self.train, spec),
        }
    }

    fn facts(&self) -> Facts {
        Facts::of_orders(&self.train)
    }

    fn catalog(&self) -> Catalog {
        self.catalog.clone()
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        &["next-order", "knn", "mapped"]
    }

    /// Beside the cuts in time, the newest known orders of every customer, which are many more.
    fn lessons(&self, rounds: usize) -> Vec<Box<dyn Dataset>> {
        let mut splits = vec![OrderSplit::Last];
        splits.extend(Some(self.split).filter(|split| *split != OrderSplit::Last));
        let mut parts: Vec<Box<dyn Dataset>> = Vec::new();
        for split in splits {
            let mut part = self.clone();
            for _ in 0..rounds {
                part = part.again(split);
                parts.push(Box::new(part.clone()));
            }
        }
        parts
    }

    fn hybrid_depth(&self) -> Depth {
        Depth::default()
    }

    fn hybrid_rounds(&self) -> usize {
        3
    }
}

pub(super) fn space(model: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match model {
        "next-order" => &[("lessons", &["500", "1000", "2000", "5000"]), ("ridge", &["1", "5", "20", "100"])],
        _ => tastes::space(model),
    }
}

pub(super) fn popularity(orders: &[Order]) -> Vec<u32> {
    counts(orders.iter().flat_map(|order| order.lines.iter().map(|(item, _)| *item)))
}

pub(super) fn fit(orders: &[Order], mut spec: Spec) -> Result<Box<dyn Recommender>, SpecError> {
    let model: Box<dyn Recommender> = match spec.name() {
        "popularity" => {
            let mut settings = popularity::Settings::default();
            spec.take("half_life_days", &mut settings.long_half_life_days)?;
            let mut popularity = Popularity::new(settings);
            let mut in_time: Vec<&Order> = orders.iter().collect();
            in_time.sort_by_key(|order| order.at);
            for order in in_time {
                order.lines.iter().for_each(|(item, _)| popularity.observe(*item, 1.0, order.at));
            }
            Box::new(Same(popularity.popular().recommend(&Query::default(), usize::MAX)))
        }
        "next-order" => {
            let mut settings = next_order::Settings::default();
            spec.take("lessons", &mut settings.most_lessons)?;
            spec.take("ridge", &mut settings.ridge)?;
            Box::new(NextOrder::fit(orders, &settings))
        }
        name if tastes::NAMES.contains(&name) => return tastes::fit(&interactions::tastes(orders), spec),
        _ => return Err(spec.error(format!("there are {}", NAMES.join(", ")))),
    };
    spec.finish()?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interactions::Customer;

    fn orders() -> Vec<Order> {
        let order = |number: u32| Order {
            customer: Some(Customer(number % 5)),
            at: Timestamp(i64::from(number) * Timestamp::DAY),
            lines: vec![(Item(number % 5), 1.0), (Item(5 + number % 2), 1.0)],
        };
        (0..40).map(order).collect()
    }

    #[test]
    fn every_model_is_fitted_by_its_name() {
        let data = OrderData::new(&orders(), OrderSplit::Last);
        assert_eq!(data.questions().len(), 5);
        assert_eq!(data.questions()[0].history.len(), 3, "a customer's item, and both others");
        for name in NAMES {
            let mut spec = Spec::parse(name).unwrap();
            if ["ials", "simplex", "mapped"].contains(&name) {
                spec.set("dimensions", "4");
            }
            assert!(data.fit(spec).is_ok(), "{name}");
        }
        assert!(data.fit(Spec::parse("oracle").unwrap()).is_err());
    }

    #[test]
    fn a_split_in_time_is_validated_by_one() {
        let data = OrderData::new(&orders(), OrderSplit::Days(10));
        assert_eq!((data.train.len(), data.questions().len()), (29, 5));
        assert!(data.questions().iter().all(|asked| asked.at >= Timestamp(29 * Timestamp::DAY)));
        let validation = data.validation();
        assert!(validation.questions().iter().all(|asked| asked.at < Timestamp(29 * Timestamp::DAY)));
    }
}
