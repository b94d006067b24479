//! What goes with the cart, rather than instead of what is in it.
//!
//! Complements are ordered together, substitutes are looked at together and ordered one for the other (McAuley, Pandey,
//! Leskovec: "Inferring networks of substitutable and complementary products", KDD 2015). From orders, of a cart's item a:
//!
//! > score(b | a) = P(b | a) · lift(a, b)^`lift_power` · (1 − `discount` · sub(a, b))
//! > sub(a, b) = alike(a, b) · (1 − together(a, b) / min(orders(a), orders(b)))
//!
//! for pairs that meet significantly more often than by chance ([`crate::neighbours`]). Confidence P(b | a) says what is
//! likely, lift = P(a, b) / (P(a) P(b)) what is peculiar to the pair. How alike two items are, in words, category and price or
//! in who looks at them, the caller says, between 0 and 1; what is alike *and* seldom in one order is a substitute, while the
//! red and the blue cup of one set are not. A cart's scores are summed up.
//!
//! ```
//! use mercer_recommend::complements::{Complements, Settings};
//! use mercer_recommend::{Item, Query, Recommender};
//!
//! let (tea, other_tea, biscuits) = (Item(0), Item(1), Item(2));
//! let mut orders = vec![vec![(tea, 1.0), (biscuits, 1.0)]; 20];
//! orders.extend(vec![vec![(tea, 1.0), (other_tea, 1.0)]; 20]);
//! orders.extend(vec![vec![(other_tea, 1.0)]; 60]);
//! orders.extend(vec![vec![(Item(9), 1.0)]; 300]);
//! let alike = |one: Item, other: Item| if one.0 < 2 && other.0 < 2 { 1.0 } else { 0.0 };
//! let model = Complements::fit(&orders, &Settings::default(), alike);
//! assert_eq!(model.recommend(&Query { seeds: &[tea], ..Query::default() }, 1)[0].item, biscuits);
//! ```

use crate::interactions::Basket;
use crate::neighbours::{self, Neighbours};
use crate::wire::{self, Kind, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

const KIND: Kind = Kind { name: "complements", version: 1 };

/// The defaults are tuned on orders of the UCI gift shop 60 to 30 days before its end; the discount costs a fiftieth of
/// the hits there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much a pair's peculiarity counts beside its frequency; 0 not at all.
    pub lift_power: f32,
    /// What is taken off a perfect substitute: 0 nothing, 1 all.
    pub discount: f32,
    pub neighbours: neighbours::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        let neighbours = neighbours::Settings { kept: 200, ..neighbours::Settings::bought_together() };
        Self { lift_power: 0.75, discount: 0.8, neighbours }
    }
}

/// The complements of every item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Complements {
    neighbours: Neighbours,
}

impl Complements {
    /// Finds complements in orders.
    pub fn fit(orders: &[Basket], settings: &Settings, alike: impl Fn(Item, Item) -> f32) -> Self {
        let together = Neighbours::fit(orders, &settings.neighbours);
        let score = |item: Item, found: &neighbours::Neighbour| {
            let fewer = together.baskets_with(item).min(together.baskets_with(found.item)).max(1);
            let apart = 1.0 - (found.together as f32 / fewer as f32).min(1.0);
            let likeness = alike(item, found.item);
            let likeness = if likeness > 0.0 { likeness.min(1.0) } else { 0.0 };
            let lift = together.lift(item, found) as f32;
            found.score * lift.powf(settings.lift_power) * (1.0 - settings.discount.clamp(0.0, 1.0) * likeness * apart)
        };
        Self { neighbours: together.rescored(score) }
    }

    /// What goes with one item, best first.
    pub fn of(&self, item: Item) -> &[neighbours::Neighbour] {
        self.neighbours.of(item)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.neighbours.heap_bytes()
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.block(&self.neighbours.encode(name));
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        let neighbours = wire::decode(KIND, bytes, |reader| reader.block())?;
        Ok(Self { neighbours: Neighbours::decode(neighbours, resolve)? })
    }
}

/// What goes with the seeds; nothing without seeds.
impl Recommender for Complements {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        if query.seeds.is_empty() {
            return Vec::new();
        }
        self.neighbours.recommend(&Query { seeds: query.seeds, ..Query::default() }, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basket(items: &[u32]) -> Basket {
        items.iter().map(|item| (Item(*item), 1.0)).collect()
    }

    /// Tea (0) goes with biscuits (1) and, now and then, with another tea (2); a cup (3) always with its saucer (4).
    fn orders() -> Vec<Basket> {
        let mut orders = vec![basket(&[0, 1]); 20];
        orders.extend(vec![basket(&[0, 2]); 22]);
        orders.extend(vec![basket(&[2]); 40]);
        orders.extend(vec![basket(&[3, 4]); 30]);
        orders.extend(vec![basket(&[9]); 200]);
        orders
    }

    fn first(settings: &Settings, seed: u32, alike: impl Fn(Item, Item) -> f32) -> u32 {
        let model = Complements::fit(&orders(), settings, alike);
        model.recommend(&Query { seeds: &[Item(seed)], ..Query::default() }, 5)[0].item.0
    }

    #[test]
    fn a_substitute_sinks_and_a_set_stays() {
        let alike = |one: Item, other: Item| f32::from(u8::from(one.0 % 2 == other.0 % 2));
        let plain = Settings { lift_power: 0.0, discount: 0.0, ..Settings::default() };
        assert_eq!(first(&plain, 0, alike), 2);
        assert_eq!(first(&Settings { discount: 0.9, ..plain }, 0, alike), 1);
        assert_eq!(first(&Settings { discount: 1.0, ..plain }, 3, |_, _| 1.0), 4, "always together: no substitute");
    }

    #[test]
    fn peculiar_pairs_rise_with_lift() {
        let plain = Settings { lift_power: 0.0, discount: 0.0, ..Settings::default() };
        assert_eq!(first(&Settings { lift_power: 1.0, ..plain }, 0, |_, _| 0.0), 1);
    }

    #[test]
    fn bytes_give_the_same_model_and_broken_ones_are_refused() {
        let model = Complements::fit(&orders(), &Settings::default(), |_, _| f32::NAN);
        let bytes = model.encode(|item| item.0.to_string());
        let resolve = |name: &str| name.parse().ok().map(Item);
        assert_eq!(Complements::decode(&bytes, resolve).as_ref(), Ok(&model));
        assert!((0..bytes.len()).all(|cut| Complements::decode(&bytes[..cut], resolve).is_err()));
        assert!(matches!(
            Complements::decode(&Neighbours::default().encode(|_| ""), resolve),
            Err(Error::NotThisModel { .. })
        ));
    }
}
