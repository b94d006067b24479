//! At most so many of a brand, at least so many new ones, and this one here: rules that hold whatever ranking says.
//!
//! Fixed items stand at their places. Then the ranking is walked, and an item is taken when no cap is full and the floors
//! can be reached as well after it as before, with the places and the caps that it leaves. Caps hold before all: a row may come out short, and a floor stays open when
//! there are no items for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Item, Scored};

/// The group of an item, and how many of one group there may be.
pub type Cap<'a> = (&'a dyn Fn(Item) -> Option<u32>, usize);
/// Whether an item counts, and how many that do there must be.
pub type Floor<'a> = (&'a dyn Fn(Item) -> bool, usize);

/// The rules of a row.
#[derive(Default)]
pub struct Quotas<'a> {
    /// At most so many that a closure gives the same group (a brand, a category); without a group an item is not counted.
    pub caps: Vec<Cap<'a>>,
    /// At least so many of which a closure is true (new ones, ones on offer).
    pub floors: Vec<Floor<'a>>,
    /// Items by place, from 0. They count for caps and floors, and are never held back by them.
    pub fixed: BTreeMap<usize, Item>,
}

impl std::fmt::Debug for Quotas<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let caps: Vec<usize> = self.caps.iter().map(|(_, most)| *most).collect();
        let floors: Vec<usize> = self.floors.iter().map(|(_, least)| *least).collect();
        formatter
            .debug_struct("Quotas")
            .field("caps", &caps)
            .field("floors", &floors)
            .field("fixed", &self.fixed)
            .finish()
    }
}

/// What is taken of each cap, and what is still missing for each floor.
struct Tally<'q, 'a> {
    quotas: &'q Quotas<'a>,
    taken: Vec<BTreeMap<u32, usize>>,
    missing: Vec<usize>,
}

impl<'q, 'a> Tally<'q, 'a> {
    fn new(quotas: &'q Quotas<'a>) -> Self {
        let missing = quotas.floors.iter().map(|(_, least)| *least).collect();
        Self { quotas, taken: vec![BTreeMap::new(); quotas.caps.len()], missing }
    }

    fn take(&mut self, item: Item) {
        for ((group, _), taken) in self.quotas.caps.iter().zip(&mut self.taken) {
            if let Some(group) = group(item) {
                *taken.entry(group).or_default() += 1;
            }
        }
        for ((is_one, _), missing) in self.quotas.floors.iter().zip(&mut self.missing) {
            *missing -= usize::from(*missing > 0 && is_one(item));
        }
    }

    fn is_allowed(&self, item: Item) -> bool {
        self.quotas.caps.iter().zip(&self.taken).all(|((group, most), taken)| {
            group(item).is_none_or(|group| taken.get(&group).copied().unwrap_or(0) < *most)
        })
    }

    fn serves(&self, item: Item) -> bool {
        self.quotas.floors.iter().zip(&self.missing).any(|((is_one, _), missing)| *missing > 0 && is_one(item))
    }

    /// What the floors will miss in the end, were `next` taken now and whatever serves one from then on.
    fn missing_after(&self, next: Option<Item>, places: usize, left: &[&Scored]) -> usize {
        let mut tally = Self { quotas: self.quotas, taken: self.taken.clone(), missing: self.missing.clone() };
        next.into_iter().for_each(|item| tally.take(item));
        let mut places = places.saturating_sub(usize::from(next.is_some()));
        for candidate in left.iter().filter(|candidate| Some(candidate.item) != next) {
            if places > 0 && tally.serves(candidate.item) && tally.is_allowed(candidate.item) {
                tally.take(candidate.item);
                places -= 1;
            }
        }
        tally.missing.iter().sum()
    }
}

/// The first `count` under the rules.
pub fn with_quotas(candidates: &[Scored], count: usize, quotas: &Quotas<'_>) -> Vec<Scored> {
    let mut tally = Tally::new(quotas);
    let fixed: BTreeMap<usize, Item> = quotas.fixed.range(..count).map(|(place, item)| (*place, *item)).collect();
    fixed.values().for_each(|item| tally.take(*item));
    let held: BTreeSet<Item> = fixed.values().copied().collect();
    let mut left: Vec<&Scored> = candidates.iter().filter(|candidate| !held.contains(&candidate.item)).collect();
    let mut free = Vec::new();
    let places = count.saturating_sub(fixed.len());
    while free.len() < places {
        let open = places - free.len();
        let least = if quotas.floors.is_empty() { 0 } else { tally.missing_after(None, open, &left) };
        let fits = |candidate: &&Scored| {
            tally.is_allowed(candidate.item)
                && (quotas.floors.is_empty() || tally.missing_after(Some(candidate.item), open, &left) <= least)
        };
        let next = left.iter().position(fits).or_else(|| left.iter().position(|left| tally.is_allowed(left.item)));
        let Some(next) = next else { break };
        let taken = left.remove(next);
        tally.take(taken.item);
        free.push(*taken);
    }
    with_fixed(free, &fixed, candidates)
}

/// Fixed items at their places; where there are too few others, they close up.
fn with_fixed(free: Vec<Scored>, fixed: &BTreeMap<usize, Item>, candidates: &[Scored]) -> Vec<Scored> {
    let scored = |item: &Item| {
        let known = candidates.iter().find(|candidate| candidate.item == *item).copied();
        known.unwrap_or(Scored { item: *item, score: 0.0, because_of: None })
    };
    let (mut shown, mut free, mut fixed) = (Vec::new(), free.into_iter(), fixed.clone());
    loop {
        let next = fixed.remove(&shown.len()).map(|item| scored(&item)).or_else(|| free.next());
        match next.or_else(|| fixed.pop_first().map(|(_, item)| scored(&item))) {
            Some(next) => shown.push(next),
            None => return shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{candidates, numbers};
    use super::*;

    #[test]
    fn caps_floors_and_fixed_places_hold_together() {
        let ranked = candidates(&[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]);
        let brand = |item: Item| Some(item.0 / 3);
        let is_new = |item: Item| (8..10).contains(&item.0);
        let quotas = Quotas {
            caps: vec![(&brand, 2)],
            floors: vec![(&is_new, 2)],
            fixed: BTreeMap::from([(1, Item(77)), (9, Item(78))]),
        };
        assert_eq!(numbers(&with_quotas(&ranked, 5, &quotas)), [0, 77, 1, 8, 9]);
        assert_eq!(numbers(&with_quotas(&ranked, 3, &Quotas::default())), [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn always_hold(
            most in 0_usize..4, least in 0_usize..5, count in 0_usize..12, total in 0_u32..30, modulus in 2_u32..7,
        ) {
            let ranked = candidates(&(0..total).map(|place| 1.0 / (1.0 + place as f32)).collect::<Vec<_>>());
            let (group, is_new) = (|item: Item| Some(item.0 % modulus), |item: Item| item.0 % 3 == 2);
            let quotas = Quotas { caps: vec![(&group, most)], floors: vec![(&is_new, least)], fixed: BTreeMap::new() };
            let shown = with_quotas(&ranked, count, &quotas);
            for kind in 0..modulus {
                prop_assert!(shown.iter().filter(|scored| scored.item.0 % modulus == kind).count() <= most);
            }
            // As many new ones as places, caps and candidates allow.
            let room: usize = (0..modulus).map(|kind| {
                (0..total).filter(|item| item % modulus == kind && item % 3 == 2).count().min(most)
            }).sum();
            let reached = shown.iter().filter(|scored| scored.item.0 % 3 == 2).count();
            prop_assert!(reached >= least.min(room).min(count), "{} of {}", reached, least);
            let allowed: usize = (0..modulus).map(|kind| (0..total).filter(|item| item % modulus == kind).count().min(most)).sum();
            prop_assert_eq!(shown.len(), count.min(allowed));
        }
    }
}
