//! Next-basket recommendation: what a customer's next basket holds, from all baskets before it.
//!
//! Two JSON files are read, `{"customer": [[-1], [item, …], …, [-1]], …}`: the baskets of the past, oldest first, and the
//! one after them (the form of Li, Jullien, Ariannezhad, de Rijke: "A Next Basket Recommendation Reality Check", TOIS
//! 2023). `[-1]` stands for no basket. They have no dates: a customer's baskets are taken to be [`PAUSE_DAYS`] apart, the
//! next one of all customers on one day. Over the four months of Ta-Feng that is about the mean pause.
//!
//! Protocol: all items compete, those bought before and new ones; items are numbered as in the files. Choose settings on
//! [`BasketData::validation`], where the last basket of each past is the one to be found and the future is unknown.

use std::collections::BTreeMap;

use mercer_schema::Timestamp;

use super::{Dataset, FormatError, Question, Spec, SpecError, hybrid, orders};
use crate::hybrid::{Depth, Facts};
use crate::interactions::{Customer, Order};
use crate::{Item, Recommender};

/// Days between two baskets of a customer.
pub const PAUSE_DAYS: i64 = 14;

type Baskets = Vec<Vec<Item>>;

/// Orders to learn from, and a question a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BasketData {
    pub orders: Vec<Order>,
    pub questions: Vec<Question>,
    pasts: BTreeMap<u32, Baskets>,
}

/// Reads the file of the past and that of the future. Customers without either are left out.
pub fn read_baskets(past: &str, future: &str) -> Result<BasketData, FormatError> {
    let (pasts, mut future) = (read(past)?, read(future)?);
    let pairs = pasts.into_iter().filter_map(|(customer, past)| Some((customer, past, future.remove(&customer)?)));
    let next = |(customer, past, future): (u32, Baskets, Baskets)| Some((customer, past, future.into_iter().next()?));
    Ok(BasketData::of(pairs.filter_map(next).filter(|(_, past, _)| !past.is_empty()).collect()))
}

fn read(text: &str) -> Result<BTreeMap<u32, Baskets>, FormatError> {
    let file: BTreeMap<u32, Vec<Vec<i64>>> = serde_json::from_str(text)
        .map_err(|error| FormatError { line: error.line(), problem: format!("no baskets by customer: {error}") })?;
    let items = |basket: Vec<i64>| -> Vec<Item> {
        basket.into_iter().filter_map(|number| u32::try_from(number).ok()).map(Item).collect()
    };
    let baskets = |baskets: Vec<Vec<i64>>| baskets.into_iter().map(items).filter(|basket| !basket.is_empty()).collect();
    Ok(file.into_iter().map(|(customer, file)| (customer, baskets(file))).collect())
}

impl BasketData {
    fn of(customers: Vec<(u32, Baskets, Vec<Item>)>) -> Self {
        let longest = customers.iter().map(|(_, past, _)| past.len()).max().unwrap_or_default() as i64;
        let moment = |before: usize| Timestamp((longest - before as i64) * PAUSE_DAYS * Timestamp::DAY);
        let mut data = Self::default();
        for (customer, past, next) in customers {
            let orders = past.iter().enumerate().map(|(place, basket)| Order {
                customer: Some(Customer(customer)),
                at: moment(past.len() - place),
                lines: basket.iter().map(|item| (*item, 1.0)).collect(),
            });
            let orders: Vec<Order> = orders.collect();
            data.questions.push(Question {
                ordered: crate::interactions::lines(&orders).collect(),
                at: moment(0),
                relevant: next.into_iter().collect(),
                ..Question::default()
            });
            data.orders.extend(orders);
            data.pasts.insert(customer, past);
        }
        data
    }
}

impl Dataset for BasketData {
    fn models(&self) -> &'static [&'static str] {
        &["popularity", "next-order", "knn", "slim", "ials", "filter", hybrid::NAME]
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        orders::space(model)
    }

    fn auto(&self) -> &'static [&'static str] {
        &["popularity", "next-order", "hybrid"]
    }

    fn hybrid_depth(&self) -> Depth {
        Depth::default()
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        &["next-order", "popularity"]
    }

    fn questions(&self) -> &[Question] {
        &self.questions
    }

    fn popularity(&self) -> Vec<u32> {
        orders::popularity(&self.orders)
    }

    /// The same a basket earlier: nothing of the future, and the newest of the past as answers.
    fn validation(&self) -> Box<dyn Dataset> {
        let earlier = self.pasts.iter().filter_map(|(customer, past)| {
            let (next, past) = past.split_last()?;
            (!past.is_empty()).then(|| (*customer, past.to_vec(), next.clone()))
        });
        Box::new(Self::of(earlier.collect()))
    }

    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        if spec.name() == hybrid::NAME { hybrid::fit_hybrid(self, spec) } else { orders::fit(&self.orders, spec) }
    }

    fn facts(&self) -> Facts {
        Facts::of_orders(&self.orders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAST: &str = r#"{"7": [[-1], [0, 1], [2], [-1]], "8": [[-1], [3], [-1]], "9": [[-1], [-1]]}"#;
    const FUTURE: &str = r#"{"7": [[-1], [2, 5], [-1]], "8": [[-1], [3], [-1]], "9": [[-1], [3], [-1]]}"#;

    #[test]
    fn all_next_baskets_are_on_one_day_and_the_past_before_it() {
        let data = read_baskets(PAST, FUTURE).unwrap();
        let pause = PAUSE_DAYS * Timestamp::DAY;
        assert_eq!(data.questions.len(), 2, "without a past there is no question");
        let asked = &data.questions[0];
        assert_eq!((asked.at, asked.relevant.len()), (Timestamp(2 * pause), 2));
        assert_eq!(asked.ordered, [(Timestamp(0), Item(0)), (Timestamp(0), Item(1)), (Timestamp(pause), Item(2))]);
        assert_eq!(data.questions[1].ordered, [(Timestamp(pause), Item(3))]);
        assert_eq!(data.orders.len(), 3);
    }

    #[test]
    fn validation_does_not_know_the_future() {
        let earlier = read_baskets(PAST, FUTURE).unwrap().validation();
        assert_eq!((earlier.questions().len(), earlier.popularity().len()), (1, 2));
        assert_eq!(earlier.questions()[0].relevant, [Item(2)].into());
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        assert_eq!(read_baskets("{\n\"7\": 3}", FUTURE).unwrap_err().line, 2);
    }

    #[test]
    fn models_have_names() {
        let data = read_baskets(PAST, FUTURE).unwrap();
        for name in data.models() {
            assert!(data.fit(Spec::parse(name).unwrap()).is_ok());
        }
        assert!(data.fit(Spec::parse("oracle").unwrap()).is_err());
    }
}
