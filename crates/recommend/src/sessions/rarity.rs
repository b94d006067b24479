//! How rare an item is among the visits.
//!
//! A question asks this of hundreds of items, and most are in few visits: each thread remembers the logarithms by the
//! number of visits with the item, as long as the number of all visits stays the same.

use std::cell::RefCell;

use super::index::SessionIndex;
use crate::Item;

/// Counts below this are remembered.
const REMEMBERED: usize = 4_096;

struct Logarithms {
    begun: u64,
    /// By visits with the item; NaN where not yet asked for.
    known: Vec<f32>,
}

impl Logarithms {
    const fn new() -> Self {
        Self { begun: 0, known: Vec::new() }
    }
}

thread_local! {
    static OF_ONE_PLUS: RefCell<Logarithms> = const { RefCell::new(Logarithms::new()) };
    static OF_SHARE: RefCell<Logarithms> = const { RefCell::new(Logarithms::new()) };
}

impl SessionIndex {
    /// ln(1 + visits / visits with the item), over all visits ever begun.
    pub(super) fn rarity(&self, item: Item) -> f32 {
        OF_ONE_PLUS.with_borrow_mut(|known| self.logarithm(known, item, |ratio| ratio.ln_1p() as f32))
    }

    /// ln(visits / visits with the item), over all visits ever begun; 0 for an item of every visit.
    pub(super) fn log_share(&self, item: Item) -> f32 {
        OF_SHARE.with_borrow_mut(|known| self.logarithm(known, item, |ratio| ratio.ln().max(0.0) as f32))
    }

    #[inline]
    fn logarithm(&self, known: &mut Logarithms, item: Item, of: impl Fn(f64) -> f32) -> f32 {
        let seen_in = self.seen_in(item).max(1) as usize;
        if seen_in >= REMEMBERED {
            return of(self.begun as f64 / seen_in as f64);
        }
        if known.begun != self.begun || known.known.is_empty() {
            known.begun = self.begun;
            known.known.clear();
            known.known.resize(REMEMBERED, f32::NAN);
        }
        let value = &mut known.known[seen_in];
        if value.is_nan() {
            *value = of(self.begun as f64 / seen_in as f64);
        }
        *value
    }
}
