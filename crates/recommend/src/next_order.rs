//! What a customer orders next: the usual, what goes with it, and what everybody wants now.
//!
//! In the spirit of TIFU-KNN (Hu, He, Gao, Zhang: "Modeling Personalized Item Frequency Information for Next-basket
//! Recommendation", SIGIR 2020): how often and how lately a customer ordered an item says most about the next order,
//! and the taste of others fills up the rest. Here the others are item-item neighbours: they are asked in
//! microseconds and know a customer of a minute ago; neighbouring customers added nothing to them when measured.
//!
//! score(i) = ((share of the customer's orders with i) + `together` × (mean score of i as a neighbour of those))
//! × (repeat rate of i)^`again_power` × (surge of i)^`season_power` + `popular` × (present demand for i). The
//! repeat rate is how often i is in an order after one with it, the surge its present demand against the usual, both
//! relative to the average item. The query's history is what [`habits`] makes of past orders; items of it are
//! proposed again, seeds (the cart) are not. What was only looked at (the query's session) leads to its neighbours
//! like an item that is in half the orders, and is not proposed for its own sake.

mod fit;

use mercer_schema::Timestamp;
use rustc_hash::FxHashMap;

use crate::neighbours::{self, Neighbours, weightiest};
use crate::ranking::{Sums, better};
use crate::wire::{Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

const KIND: Kind = Kind { name: "next_order", version: 1 };
/// Seeds that are looked up; a cart may hold more.
const MOST_SEEDS: usize = 100;
/// The same for items that were looked at; the newest count.
const MOST_LOOKED_AT: usize = 20;
/// What a look says, beside 1 for being in all of a customer's orders.
const LOOK: f32 = 0.5;
/// What an order counts of the one after it, when [`habits`] are summed up.
pub const HABIT_PER_ORDER: f64 = 0.95;

/// The defaults are tuned on the second-last orders of the UCI Online Retail customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Weight of what goes with the usual.
    pub together: f32,
    /// Weight of what everybody wants now.
    pub popular: f32,
    /// How strongly an item's repeat rate lifts or sinks it; 0 not at all.
    pub again_power: f64,
    /// How strongly its present demand against the usual does.
    pub season_power: f64,
    pub present_half_life_days: f64,
    pub usual_half_life_days: f64,
    pub neighbours: neighbours::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            together: 2.0,
            popular: 0.05,
            again_power: 0.5,
            season_power: 0.5,
            present_half_life_days: 30.0,
            usual_half_life_days: 180.0,
            neighbours: neighbours::Settings::default(),
        }
    }
}

/// The share of a customer's orders that have each item: 1 for what is in all of them. `lines` are what was ordered
/// when, in any order; those of one moment are one order, which counts `per_order` of the one after it.
pub fn habits(lines: impl IntoIterator<Item = (Timestamp, Item)>, per_order: f64) -> Vec<(Item, f32)> {
    let mut newest_first: Vec<(Timestamp, Item)> = lines.into_iter().collect();
    newest_first.sort_unstable_by_key(|(at, item)| (std::cmp::Reverse(*at), *item));
    newest_first.dedup();
    let mut shares: FxHashMap<Item, f64> = FxHashMap::default();
    let (mut weight, mut total) = (1.0, 0.0);
    for order in newest_first.chunk_by(|(one, _), (other, _)| one == other) {
        for (_, item) in order {
            *shares.entry(*item).or_default() += weight;
        }
        total += weight;
        weight *= per_order;
    }
    let mut found: Vec<(Item, f32)> = shares.into_iter().map(|(item, share)| (item, (share / total) as f32)).collect();
    found.sort_unstable_by_key(|(item, _)| *item);
    found
}

/// The fitted model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NextOrder {
    together: f32,
    neighbours: Neighbours,
    /// What the most wanted items score for everybody, best first.
    popular: Vec<Scored>,
    /// Repeat rate and surge of each item, as one factor.
    factors: Vec<f32>,
}

impl NextOrder {
    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f32(self.together);
        let factors = self.factors.iter().enumerate().map(|(item, factor)| (Item(item as u32), *factor));
        let factors: Vec<(Item, f32)> = factors.filter(|(_, factor)| *factor > 0.0).collect();
        let popular: Vec<(Item, f32)> = self.popular.iter().map(|scored| (scored.item, scored.score)).collect();
        for list in [popular, factors] {
            writer.count(list.len());
            for (item, number) in list {
                writer.text(name(item).as_ref());
                writer.f32(number);
            }
        }
        writer.block(&self.neighbours.encode(name));
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let mut reader = Reader::model(KIND, bytes)?;
        let broken = |reason: Reason| Error::BrokenModel { model: KIND.name, reason };
        let (mut model, neighbours) = Self::read(&mut reader, &resolve).map_err(broken)?;
        reader.end().map_err(broken)?;
        model.neighbours = Neighbours::decode(neighbours, resolve)?;
        Ok(model)
    }

    fn read<'a>(reader: &mut Reader<'a>, resolve: impl Fn(&str) -> Option<Item>) -> Result<(Self, &'a [u8]), Reason> {
        let mut model = Self { together: reader.f32()?, ..Self::default() };
        for _ in 0..reader.count(8)? {
            let (item, score) = (resolve(reader.text()?), reader.f32()?);
            model.popular.extend(item.map(|item| Scored { item, score, because_of: None }));
        }
        model.popular.sort_by(better);
        for _ in 0..reader.count(8)? {
            let (item, factor) = (resolve(reader.text()?), reader.f32()?);
            let Some(item) = item else { continue };
            if item.index() >= model.factors.len() {
                model.factors.resize(item.index() + 1, 0.0);
            }
            model.factors[item.index()] = factor;
        }
        Ok((model, reader.block()?))
    }

    fn factor(&self, item: Item) -> f32 {
        self.factors.get(item.index()).copied().unwrap_or(0.0)
    }
}

impl Recommender for NextOrder {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut sources = weightiest(query.history);
        sources.extend(query.seeds.iter().take(MOST_SEEDS).map(|seed| (*seed, 1.0)));
        sources.extend(query.session.iter().rev().take(MOST_LOOKED_AT).map(|looked_at| (*looked_at, LOOK)));
        let weights: f32 = sources.iter().map(|(_, weight)| weight).sum();
        let additions = self.neighbours.reach(&sources) + query.history.len() + self.popular.len();
        let mut sums = Sums::new(self.factors.len(), additions);
        for (item, share) in query.history {
            sums.add(*item, *share, Some(*item));
        }
        self.neighbours.add_to(&mut sums, &sources, self.together / weights);
        for scored in &self.popular {
            // Divided, because every total is multiplied at the end.
            sums.add(scored.item, scored.score / self.factor(scored.item), None);
        }
        sums.best(limit, query.seeds.iter().copied(), |item| self.factor(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interactions::{Customer, Order, lines};

    fn order(customer: u32, day: i64, items: &[u32]) -> Order {
        let lines = items.iter().map(|item| (Item(*item), 1.0)).collect();
        Order { customer: Some(Customer(customer)), at: Timestamp(day * Timestamp::DAY), lines }
    }

    fn ask(model: &NextOrder, history: &[(Item, f32)]) -> Vec<u32> {
        let found = model.recommend(&Query { history, ..Query::default() }, 20);
        found.iter().map(|scored| scored.item.0).collect()
    }

    #[test]
    fn newer_orders_count_more() {
        let orders = [order(1, 0, &[1, 2]), order(1, 9, &[2, 2, 3])];
        assert_eq!(habits(lines(&orders), 0.5), [(Item(1), 0.5 / 1.5), (Item(2), 1.0), (Item(3), 1.0 / 1.5)]);
        assert!(habits([], 0.5).is_empty());
    }

    #[test]
    fn the_usual_comes_first_then_what_goes_with_it_then_what_everybody_wants() {
        let mut orders = Vec::new();
        for customer in 0..40 {
            // Tea (0) always, biscuits (1) beside it now and then; others buy lamps (2); a hat (3) once, long ago.
            let baskets: [&[u32]; 2] = if customer < 10 { [&[0, 1], &[0]] } else { [&[2], &[2]] };
            orders.extend([order(customer, 200, baskets[0]), order(customer, 210, baskets[1])]);
        }
        orders.push(order(99, 1, &[3, 0]));
        orders.push(order(99, 205, &[0]));
        let model = NextOrder::fit(&orders, &Settings::default());
        let history = habits(lines(&orders[80..]), HABIT_PER_ORDER);
        assert_eq!(ask(&model, &history)[..2], [0, 1]);
        assert_eq!(ask(&model, &[])[..2], [2, 0], "a stranger gets what is wanted most");
        let cart = model.recommend(&Query { seeds: &[Item(0)], history: &history, ..Query::default() }, 20);
        assert_eq!((cart[0].item, cart[0].because_of), (Item(1), Some(Item(0))));
        let visitor = model.recommend(&Query { session: &[Item(0)], ..Query::default() }, 20);
        let biscuits = visitor.iter().find(|scored| scored.item == Item(1)).unwrap();
        assert_eq!(biscuits.because_of, Some(Item(0)), "a look leads on, too");
    }

    #[test]
    fn bytes_give_the_same_model_and_broken_ones_are_refused() {
        let orders: Vec<Order> =
            (0..60).map(|day| order(day as u32 % 7, day, &[day as u32 % 5, 5 + day as u32 % 3])).collect();
        let model = NextOrder::fit(&orders, &Settings::default());
        let bytes = model.encode(|item| format!("item {}", item.0));
        let resolve = |name: &str| name.strip_prefix("item ")?.parse().ok().map(Item);
        assert_eq!(NextOrder::decode(&bytes, resolve).as_ref(), Ok(&model));
        for cut in 0..bytes.len() {
            assert!(NextOrder::decode(&bytes[..cut], resolve).is_err(), "{cut}");
        }
        let neighbours = Neighbours::default().encode(|_| "");
        assert!(matches!(NextOrder::decode(&neighbours, resolve), Err(Error::NotThisModel { .. })));
    }
}
