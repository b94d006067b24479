//! Phase *arrange*: who stands where.
//!
//! Pins first, at their places. Then the best candidates under the caps on categories and brands; when the caps
//! would leave holes, they give way. Then a share of the free places goes to products beyond those, drawn so
//! that the caps hold whatever is drawn.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_recommend::Item;
use mercer_schema::{Diversity, Product};
use rustc_hash::FxHashMap;

use crate::explore::draw;
use crate::line::Ranked;
use crate::seed::Dice;

/// A candidate that may be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) ranked: Ranked,
    pub(crate) product: &'a Arc<Product>,
    /// The boost that lifted it most.
    pub(crate) boost: Option<&'a str>,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stand<'a> {
    Pinned(Item, &'a Arc<Product>),
    Ranked(Candidate<'a>),
    Explored(Candidate<'a>),
}

impl<'a> Stand<'a> {
    pub(crate) const fn item(&self) -> Item {
        match self {
            Self::Pinned(item, _) => *item,
            Self::Ranked(candidate) | Self::Explored(candidate) => candidate.ranked.item,
        }
    }

    pub(crate) const fn product(&self) -> &'a Arc<Product> {
        match self {
            Self::Pinned(_, product) => product,
            Self::Ranked(candidate) | Self::Explored(candidate) => candidate.product,
        }
    }
}

/// A full placement and who was left over.
#[derive(Debug, Default)]
pub(crate) struct Arrangement<'a> {
    /// In order, with the probability of standing there.
    pub(crate) stands: Vec<(Stand<'a>, f64)>,
    /// Held back by the caps.
    pub(crate) held_back: Vec<Candidate<'a>>,
    /// Good enough, but there was no place.
    pub(crate) beyond: Vec<Candidate<'a>>,
    /// Gave its place to an explored product.
    pub(crate) displaced: Vec<Candidate<'a>>,
}

/// The rules of one placement.
pub(crate) struct Rules<'p> {
    pub(crate) size: usize,
    pub(crate) diversity: &'p Diversity,
    pub(crate) exploration: f64,
}

/// Arranges `candidates`, best first, around `pins` by place from 0.
pub(crate) fn arrange<'a>(
    candidates: Vec<Candidate<'a>>,
    pins: BTreeMap<usize, (Item, &'a Arc<Product>)>,
    rules: &Rules<'_>,
    dice: &mut Dice,
) -> Arrangement<'a> {
    let mut caps = Caps::new(rules.diversity);
    pins.values().for_each(|(_, product)| caps.take(product));
    let places = rules.size.saturating_sub(pins.len());
    let (mut chosen, mut held_back, mut beyond) = (Vec::with_capacity(places), Vec::new(), Vec::new());
    for candidate in candidates {
        if chosen.len() >= places {
            beyond.push(candidate);
        } else if caps.take_if_room(candidate.product) {
            chosen.push(candidate);
        } else {
            held_back.push(candidate);
        }
    }
    let missing = (places - chosen.len()).min(held_back.len());
    chosen.extend(held_back.drain(..missing));
    let pool: Vec<Candidate<'a>> = if rules.exploration > 0.0 {
        beyond.iter().copied().filter(|candidate| caps.take_if_room(candidate.product)).collect()
    } else {
        Vec::new()
    };
    let mut arrangement = Arrangement { held_back, ..Arrangement::default() };
    let draws = draw(chosen.len(), pool.len(), rules.exploration, dice);
    let mut free = Vec::with_capacity(chosen.len());
    for (candidate, draw) in chosen.into_iter().zip(draws) {
        match draw.explored.and_then(|ticket| pool.get(ticket)) {
            Some(explored) => {
                arrangement.displaced.push(candidate);
                beyond.retain(|other| other.ranked.item != explored.ranked.item);
                free.push((Stand::Explored(*explored), draw.propensity));
            }
            None => free.push((Stand::Ranked(candidate), draw.propensity)),
        }
    }
    arrangement.beyond = beyond;
    arrangement.stands = with_pins(free, pins);
    arrangement
}

/// Puts pins at their places; where there are too few others, they close up.
fn with_pins<'a>(
    free: Vec<(Stand<'a>, f64)>,
    mut pins: BTreeMap<usize, (Item, &'a Arc<Product>)>,
) -> Vec<(Stand<'a>, f64)> {
    let mut stands = Vec::with_capacity(free.len() + pins.len());
    let mut free = free.into_iter();
    loop {
        let next = match pins.remove(&stands.len()) {
            Some((item, product)) => Some((Stand::Pinned(item, product), 1.0)),
            None => free.next(),
        };
        match next.or_else(|| pins.pop_first().map(|(_, (item, product))| (Stand::Pinned(item, product), 1.0))) {
            Some(stand) => stands.push(stand),
            None => return stands,
        }
    }
}

/// How many more of each category and brand may stand there. Products without one are not counted.
struct Caps<'a> {
    diversity: Diversity,
    categories: FxHashMap<&'a str, usize>,
    brands: FxHashMap<&'a str, usize>,
}

impl<'a> Caps<'a> {
    fn new(diversity: &Diversity) -> Self {
        Self { diversity: diversity.clone(), categories: FxHashMap::default(), brands: FxHashMap::default() }
    }

    fn has_room(&self, product: &Product) -> bool {
        let is_below = |counts: &FxHashMap<&str, usize>, name: Option<&str>, cap: Option<usize>| match (name, cap) {
            (Some(name), Some(cap)) => counts.get(name).is_none_or(|count| *count < cap),
            _ => true,
        };
        is_below(&self.categories, product.leaf_category(), self.diversity.max_per_category)
            && is_below(&self.brands, product.brand.as_deref(), self.diversity.max_per_brand)
    }

    fn take_if_room(&mut self, product: &'a Product) -> bool {
        let has_room = self.has_room(product);
        if has_room {
            self.take(product);
        }
        has_room
    }

    fn take(&mut self, product: &'a Product) {
        if let Some(category) = product.leaf_category() {
            *self.categories.entry(category).or_default() += 1;
        }
        if let Some(brand) = product.brand.as_deref() {
            *self.brands.entry(brand).or_default() += 1;
        }
    }
}
