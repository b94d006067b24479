//! What a customer orders next: the usual, what goes with it, and what everybody wants now.
//!
//! As in TIFU-KNN (Hu, He, Gao, Zhang: "Modeling Personalized Item Frequency Information for Next-basket
//! Recommendation", SIGIR 2020) how often and how lately a customer ordered an item says most about the next order, and
//! the taste of others fills up the rest. How much each of these counts is not set but learned, and apart for what the
//! customer ordered before and for what is new to them (repetition and exploration are two tasks: Li, Jullien,
//! Ariannezhad, de Rijke: "A Next Basket Recommendation Reality Check", TOIS 2023).
//!
//! score(i) = exp(w · φ(i)), the weights w being those of a conditional logit (McFadden 1974) for which items of the
//! customers' newest orders were chosen; see `logit.rs`. Of an item ordered before, φ holds the logarithms of the orders
//! with it, of the orders and the days since, and how much the customer repeats at all (`past.rs`); of a new one, how
//! strongly it is a neighbour of the customer's habits, cart and looks. Both hold the item's demand in a week, a month
//! and half a year, and how often it is ordered again (`facts.rs`). A customer's past is the query's `ordered`; items
//! of it are proposed again, seeds (the cart) are not. What was only looked at (the query's session) leads to its
//! neighbours like an item that is in half the orders, and is not proposed for its own sake.

mod facts;
mod fit;
mod past;

use crate::memory::room_of;
use crate::neighbours::{self, Neighbours, weightiest};
use crate::ranking::{Sums, best_of};
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

use facts::Facts;
use past::{Ordered, Past};

pub use past::{HABIT_PER_ORDER, habits};

const KIND: Kind = Kind { name: "next_order_logit", version: 1 };
/// Seeds that are looked up; a cart may hold more.
const MOST_SEEDS: usize = 100;
/// The same for items that were looked at; the newest count.
pub const MOST_LOOKED_AT: usize = 20;
/// What a look says, beside 1 for being in all of a customer's orders.
pub const LOOK: f32 = 0.5;
/// Most wanted items that take part in every answer.
const MOST_POPULAR: usize = 200;
/// Added to a neighbour's score before its logarithm is taken.
const LEAST_TOGETHER: f64 = 1e-3;

/// Things that are known of an item ordered before, beside those of [`Facts`].
const OLD: usize = 7;
/// The same of a new one.
const NEW: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Orders of the last days, and as many newest orders of customers, from which the weights are learned; with none
    /// they stay as they are built in.
    pub most_lessons: usize,
    /// How many lessons' worth the built-in weights are.
    pub ridge: f64,
    pub neighbours: neighbours::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self { most_lessons: 2_000, ridge: 5.0, neighbours: neighbours::Settings::default() }
    }
}

/// The fitted model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NextOrder {
    old_weights: [f32; OLD],
    new_weights: [f32; NEW],
    neighbours: Neighbours,
    /// What is known of an item whoever asks, as logarithms of scores: ordered before, and new to the customer.
    /// An item of which nothing is known has none.
    scores: Vec<Option<[f32; 2]>>,
    /// New items of the highest scores.
    popular: Vec<Item>,
}

impl NextOrder {
    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.neighbours.heap_bytes() + room_of(&self.scores) + room_of(&self.popular)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        self.old_weights.iter().chain(&self.new_weights).for_each(|weight| writer.f32(*weight));
        let known = || (0..).map(Item).zip(&self.scores).filter_map(|(item, scores)| Some((item, (*scores)?)));
        writer.count(known().count());
        for (item, [old, new]) in known() {
            writer.text(name(item).as_ref());
            writer.f32(old);
            writer.f32(new);
        }
        writer.block(&self.neighbours.encode(name));
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let (mut model, neighbours) = wire::decode(KIND, bytes, |reader| Self::read(reader, &resolve))?;
        model.neighbours = Neighbours::decode(neighbours, resolve)?;
        model.popular = most_popular(&model.scores);
        Ok(model)
    }

    fn read<'a>(reader: &mut Reader<'a>, resolve: impl Fn(&str) -> Option<Item>) -> Result<(Self, &'a [u8]), Reason> {
        let mut model = Self::default();
        for weight in model.old_weights.iter_mut().chain(&mut model.new_weights) {
            *weight = reader.f32()?;
        }
        for _ in 0..reader.count(12)? {
            let (item, scores) = (resolve(reader.text()?), [reader.f32()?, reader.f32()?]);
            let Some(item) = item else { continue };
            if item.index() >= model.scores.len() {
                model.scores.resize(item.index() + 1, None);
            }
            model.scores[item.index()] = Some(scores);
        }
        Ok((model, reader.block()?))
    }

    fn scores_of(&self, item: Item) -> Option<[f32; 2]> {
        self.scores.get(item.index()).copied().flatten()
    }

    /// What an item scores for a customer to whom it goes by `together`.
    fn score(&self, item: Item, ordered: Option<(&Past, &Ordered)>, together: f32) -> f32 {
        let Some([old, new]) = self.scores_of(item) else { return 0.0 };
        let sum = match ordered {
            Some((past, ordered)) => old + dot(&self.old_weights, &old_things(past, ordered, together)),
            None => new + dot(&self.new_weights, &new_things(together)),
        };
        sum.exp().min(f32::MAX)
    }
}

fn dot<const N: usize>(weights: &[f32; N], things: &[f64; N]) -> f32 {
    weights.iter().zip(things).map(|(weight, thing)| weight * *thing as f32).sum()
}

fn old_things(past: &Past, ordered: &Ordered, together: f32) -> [f64; OLD] {
    [
        1.0,
        f64::from(ordered.orders).ln(),
        f64::from(ordered.orders_since).ln_1p(),
        ordered.days_since.ln_1p(),
        past.newness,
        (past.orders as f64).ln(),
        (f64::from(together) + LEAST_TOGETHER).ln(),
    ]
}

fn new_things(together: f32) -> [f64; NEW] {
    [(f64::from(together) + LEAST_TOGETHER).ln(), f64::from(together)]
}

fn most_popular(scores: &[Option<[f32; 2]>]) -> Vec<Item> {
    let scored = |(item, scores): (u32, &Option<[f32; 2]>)| {
        scores.map(|[_, new]| Scored { item: Item(item), score: new.exp(), because_of: None })
    };
    let best = best_of((0..).zip(scores).filter_map(scored).collect(), MOST_POPULAR);
    best.into_iter().map(|scored| scored.item).collect()
}

/// Candidates with how strongly they go with the customer: neighbours, everything ordered before, the most popular.
fn gather(neighbours: &Neighbours, popular: &[Item], size: usize, past: &Past, query: &Query<'_>) -> Vec<Scored> {
    let mut sources = weightiest(&past.habits);
    sources.extend(query.seeds.iter().take(MOST_SEEDS).map(|seed| (*seed, 1.0)));
    sources.extend(query.session.iter().rev().take(MOST_LOOKED_AT).map(|looked_at| (*looked_at, LOOK)));
    let weights: f32 = sources.iter().map(|(_, weight)| weight).sum();
    let additions = neighbours.reach(&sources) + past.habits.len() + popular.len();
    let mut sums = Sums::new(size, additions);
    neighbours.add_to(&mut sums, &sources, 1.0 / weights);
    for item in past.habits.iter().map(|(item, _)| item).chain(popular) {
        // Next to nothing, so that they take part.
        sums.add(*item, f32::MIN_POSITIVE, None);
    }
    sums.totals(query.seeds.iter().copied())
}

impl Recommender for NextOrder {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let past = Past::of(query.ordered, query.now);
        let mut candidates = gather(&self.neighbours, &self.popular, self.scores.len(), &past, query);
        for candidate in &mut candidates {
            let ordered = past.items.get(&candidate.item);
            candidate.score = self.score(candidate.item, ordered.map(|ordered| (&past, ordered)), candidate.score);
            if ordered.is_some() {
                candidate.because_of = Some(candidate.item);
            }
        }
        best_of(candidates, limit)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::Timestamp;

    use super::*;
    use crate::interactions::{Customer, Order, lines};

    fn order(customer: u32, day: i64, items: &[u32]) -> Order {
        let lines = items.iter().map(|item| (Item(*item), 1.0)).collect();
        Order { customer: Some(Customer(customer)), at: Timestamp(day * Timestamp::DAY), lines }
    }

    fn ask(model: &NextOrder, ordered: &[(Timestamp, Item)]) -> Vec<u32> {
        let now = Timestamp(211 * Timestamp::DAY);
        let found = model.recommend(&Query { ordered, now, ..Query::default() }, 20);
        found.iter().map(|scored| scored.item.0).collect()
    }

    /// Tea (0) always, biscuits (1) beside it now and then; others buy lamps (2); a hat (3) once, long ago.
    fn orders() -> Vec<Order> {
        let mut orders = Vec::new();
        for customer in 0..40 {
            let baskets: [&[u32]; 2] = if customer < 10 { [&[0, 1], &[0]] } else { [&[2], &[2]] };
            orders.extend([order(customer, 200, baskets[0]), order(customer, 210, baskets[1])]);
        }
        orders.push(order(99, 1, &[3, 0]));
        orders.push(order(99, 205, &[0]));
        orders
    }

    #[test]
    fn the_usual_comes_first_then_what_goes_with_it_or_everybody_wants() {
        let orders = orders();
        let model = NextOrder::fit(&orders, &Settings::default());
        let ordered: Vec<_> = lines(&orders[80..]).collect();
        assert_eq!(ask(&model, &ordered)[0], 0);
        assert_eq!(ask(&model, &[])[..2], [2, 0], "a stranger gets what is wanted most");
        let now = Timestamp(211 * Timestamp::DAY);
        let cart = model.recommend(&Query { seeds: &[Item(0)], ordered: &ordered, now, ..Query::default() }, 20);
        assert!(cart.iter().all(|scored| scored.item != Item(0)), "the cart is not proposed");
        let visitor = model.recommend(&Query { session: &[Item(0)], now, ..Query::default() }, 20);
        let biscuits = visitor.iter().find(|scored| scored.item == Item(1)).unwrap();
        assert_eq!(biscuits.because_of, Some(Item(0)), "a look leads on, too");
    }

    #[test]
    fn learns_whether_customers_repeat() {
        // Everybody orders twice: the same again, or never the same.
        let again = |repeats: bool| -> Vec<Order> {
            let second = |first: u32| if repeats { first } else { (first + 1) % 5 };
            (0..100).flat_map(|who| [order(who, 0, &[who % 5]), order(who, 9, &[second(who % 5)])]).collect()
        };
        let rank = |repeats: bool| {
            let model = NextOrder::fit(&again(repeats), &Settings::default());
            let ordered = [(Timestamp(200 * Timestamp::DAY), Item(3))];
            ask(&model, &ordered).iter().position(|item| *item == 3).unwrap()
        };
        assert_eq!((rank(true), rank(false)), (0, 4));
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
