//! Top-N from interactions without order.
//!
//! One customer a line, `customer item item …`, as LightGCN and BARS have it. Protocol: a model learns the training lines;
//! for each customer with a test line it ranks all items, those of the customer's training line are taken out, and the
//! items of the test line should be found.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dataset, FormatError, Names, Question, Spec, SpecError, counts, hybrid, tastes};
use crate::hybrid::{Facts, Taken};
use crate::interactions::{Basket, Customer};
use crate::random::Random;
use crate::{Item, Recommender};

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
    let mut test = read_lines(test, &mut names)?;
    let held_out = train.keys().map(|customer| test.remove(customer).unwrap_or_default().into_iter().collect());
    let held_out = held_out.collect();
    let basket = |items: Vec<Item>| items.into_iter().map(|item| (item, 1.0)).collect();
    Ok(InteractionData::of(train.into_values().map(basket).collect(), held_out))
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
    fn of(train: Vec<Basket>, held_out: Vec<BTreeSet<Item>>) -> Self {
        let question = |(history, relevant): (&Basket, BTreeSet<Item>)| Question {
            history: history.clone(),
            masked: history.iter().map(|(item, _)| *item).collect(),
            relevant,
            ..Question::default()
        };
        let questions = train.iter().zip(held_out).filter(|(_, relevant)| !relevant.is_empty()).map(question).collect();
        Self { train, questions }
    }
}

impl Dataset for InteractionData {
    fn models(&self) -> &'static [&'static str] {
        &["popularity", "knn", "ease", "slim", "ials", "simplex", "filter", "turbo", hybrid::NAME]
    }

    fn space(&self, model: &str) -> &'static [(&'static str, &'static [&'static str])] {
        tastes::space(model)
    }

    fn auto(&self) -> &'static [&'static str] {
        &["popularity", "knn", "slim", "ials", "filter", "blend:slim=1:ials=1:filter=1"]
    }

    fn hybrid_of(&self) -> &'static [&'static str] {
        &["slim", "ials", "filter"]
    }

    fn questions(&self) -> &[Question] {
        &self.questions
    }

    fn popularity(&self) -> Vec<u32> {
        counts(self.train.iter().flatten().map(|(item, _)| *item))
    }

    /// A fifth of each customer's items is to be found, popular ones a little more often: so it is in the published split
    /// of Gowalla, where a held-out item has 1.2 times the mean popularity of a training item.
    fn validation(&self) -> Box<dyn Dataset> {
        const LEAN: f64 = 0.08;
        let popularity = self.popularity();
        let mean = popularity.iter().map(|count| f64::from(*count)).sum::<f64>() / popularity.len().max(1) as f64;
        let mut random = Random::new(1);
        let mut cut = |basket: &Basket| {
            let mut is_held_out =
                |item: Item| random.uniform() < 0.2 * (f64::from(popularity[item.index()]) / mean.max(1.0)).powf(LEAN);
            basket.iter().partition(|(item, _)| is_held_out(*item))
        };
        let (held_out, train): (Vec<Basket>, Vec<Basket>) = self.train.iter().map(&mut cut).unzip();
        let items = |basket: Basket| basket.into_iter().map(|(item, _)| item).collect();
        Box::new(Self::of(train, held_out.into_iter().map(items).collect()))
    }

    fn fit<'a>(&'a self, spec: Spec) -> Result<Box<dyn Recommender + 'a>, SpecError> {
        if spec.name() == hybrid::NAME { hybrid::fit_hybrid(self, spec) } else { tastes::fit(&self.train, spec) }
    }

    fn facts(&self) -> Facts {
        let taken = |(customer, basket): (u32, &Basket)| -> Vec<Taken> {
            basket.iter().map(|(item, _)| Taken::some_time(Customer(customer), *item)).collect()
        };
        Facts::fit((0..).zip(&self.train).flat_map(taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{Measured, compare};

    /// Two tastes; the last item of each customer is to be found.
    fn data() -> InteractionData {
        let line = |customer: u32, from: u32, to: u32| {
            let items = (from..to).map(|step| format!("i{}", (customer + step * 3) % 8 + 10 * (customer % 2)));
            format!("c{customer} {}\n", items.collect::<Vec<_>>().join(" "))
        };
        let train: String = (0..40).map(|customer| line(customer, 0, 4)).collect();
        let test: String = (0..30).map(|customer| line(customer, 4, 5)).collect();
        read_interactions(&train, &test).unwrap()
    }

    #[test]
    fn what_was_learned_is_no_answer() {
        let data = data();
        assert_eq!((data.train.len(), data.questions.len()), (40, 30));
        assert!(
            data.questions.iter().all(|asked| asked.masked.len() == 4 && asked.masked.is_disjoint(&asked.relevant))
        );
        assert_eq!(data.popularity().iter().sum::<u32>(), 160);
    }

    #[test]
    fn every_model_knows_the_taste() {
        let data = data();
        let (metrics, popularity) = (["HR@4".parse().unwrap()], data.popularity());
        let measured = Measured { metrics: &metrics, popularity: &popularity };
        let mut specs: Vec<Spec> = data.models().iter().map(|name| Spec::parse(name).unwrap()).collect();
        specs.push(Spec::parse("blend:slim=1:ials=0.5:filter=1").unwrap());
        let mut reached = Vec::new();
        let fit = |mut spec: Spec| {
            if ["ials", "simplex"].contains(&spec.name()) {
                spec.set("dimensions", "2");
            }
            if spec.name() == "simplex" {
                spec.set("batch", "16");
                spec.set("rate", "0.05");
                spec.set("margin", "0.3");
                spec.set("weight", "2");
            }
            data.fit(spec)
        };
        compare(&specs, &data.questions, &measured, fit, |outcome| {
            reached.push((outcome.model.clone(), outcome.metrics(|_| true)[0].1.mean));
        })
        .unwrap();
        assert_eq!(reached.len(), 10);
        // Four of the eight items of a taste are left, so a model of taste has them all among its first four.
        assert!(reached.iter().skip(1).all(|(_, hit)| *hit > 0.95), "{reached:?}");
        assert!(reached[0].1 < 0.9, "popularity knows no taste: {reached:?}");
    }

    #[test]
    fn validation_cuts_the_training_part_alone() {
        let (data, validation) = (data(), data().validation());
        let left: u32 = validation.popularity().iter().sum();
        let held_out: usize = validation.questions().iter().map(|asked| asked.relevant.len()).sum();
        assert_eq!(left as usize + held_out, 160);
        assert!(held_out > 16 && held_out < 60, "{held_out}");
        for asked in validation.questions() {
            let known: BTreeSet<Item> = asked.masked.union(&asked.relevant).copied().collect();
            assert!(
                data.train.iter().any(|basket| basket.iter().map(|(item, _)| *item).collect::<BTreeSet<_>>() == known)
            );
        }
    }

    #[test]
    fn unknown_models_and_customers_twice_are_refused() {
        let error = data().fit(Spec::parse("svd").unwrap()).err().unwrap();
        assert_eq!(
            error.to_string(),
            "model `svd`: there are popularity, knn, ease, slim, ials, simplex, filter, turbo"
        );
        assert_eq!(
            read_interactions("1 a\n1 b\n", "").unwrap_err().to_string(),
            "line 2: customer `1` has a line already"
        );
    }
}
