//! Phase *arrange*: who stands where.
//!
//! Pins first, at their places. Then the best candidates under the caps on categories and brands and the shop's quotas;
//! when the caps would leave holes they give way, quotas of at most so many do not. Then a share of the free places goes
//! to products beyond those, drawn so that caps and quotas hold whatever is drawn.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_recommend::arrange::{Quotas, with_quotas};
use mercer_recommend::{Item, Scored};
use mercer_schema::{Diversity, Product};
use rustc_hash::{FxHashMap, FxHashSet};

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
    /// The shop's aims lifted it.
    pub(crate) is_aimed_at: bool,
    /// It came into the shop lately.
    pub(crate) is_new: bool,
    /// No source named it: chance alone may show it.
    pub(crate) is_newcomer: bool,
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
    pub(crate) quotas: Vec<Counted>,
    pub(crate) exploration: f64,
}

/// A quota with the products of this row that it counts.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) items: FxHashSet<Item>,
    pub(crate) at_least: Option<usize>,
    pub(crate) at_most: Option<usize>,
}

/// Pins by place from 0.
pub(crate) type Pins<'a> = BTreeMap<usize, (Item, &'a Arc<Product>)>;

/// Arranges `candidates`, best first and newcomers last, around `pins`.
pub(crate) fn arrange<'a>(
    candidates: Vec<Candidate<'a>>,
    pins: Pins<'a>,
    rules: &Rules<'_>,
    dice: &mut Dice,
) -> Arrangement<'a> {
    let groups = Groups::new(&candidates, &pins, rules);
    let places: FxHashMap<Item, usize> =
        (0..).zip(&candidates).map(|(place, candidate)| (candidate.ranked.item, place)).collect();
    let all: Vec<Scored> = candidates.iter().map(|candidate| scored(candidate.ranked.item)).collect();
    let ranked = &all[..candidates.iter().take_while(|candidate| !candidate.is_newcomer).count()];
    let (chosen, is_short) = groups.choose(ranked, &pins, rules);
    let chosen: Vec<usize> = chosen.iter().filter_map(|item| places.get(item).copied()).collect();
    let pool = if rules.exploration > 0.0 { groups.pool(&all, &chosen, &pins) } else { Vec::new() };
    let pool = pool.iter().filter_map(|item| places.get(item).copied());
    let (mut pool, others): (Vec<usize>, Vec<usize>) = pool.partition(|place| candidates[*place].is_new);
    let pools = (pool.len(), others.len());
    pool.extend(others);
    // A place that a quota needs is not given away.
    let open: Vec<usize> =
        chosen.iter().copied().filter(|place| !groups.is_needed(candidates[*place].ranked.item)).collect();
    let mut draws: FxHashMap<usize, _> =
        open.iter().copied().zip(draw(open.len(), pools, rules.exploration, dice)).collect();
    let mut arrangement = Arrangement::default();
    let mut is_out = vec![false; candidates.len()];
    let mut free = Vec::with_capacity(chosen.len());
    for place in &chosen {
        is_out[*place] = true;
        let drawn = draws.remove(place);
        let explored = drawn.and_then(|draw| Some((*pool.get(draw.explored?)?, draw.propensity)));
        let propensity = drawn.map_or(1.0, |draw| draw.propensity);
        match explored {
            Some((other, propensity)) => {
                is_out[other] = true;
                arrangement.displaced.push(candidates[*place]);
                free.push((Stand::Explored(candidates[other]), propensity));
            }
            None => free.push((Stand::Ranked(candidates[*place]), propensity)),
        }
    }
    let last = if is_short { usize::MAX } else { chosen.iter().max().copied().unwrap_or(0) };
    let left = candidates.into_iter().enumerate();
    for (place, candidate) in left.filter(|(place, candidate)| !(is_out[*place] || candidate.is_newcomer)) {
        if place < last { arrangement.held_back.push(candidate) } else { arrangement.beyond.push(candidate) }
    }
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

/// What caps and quotas count, by item.
struct Groups<'r> {
    /// Give way to holes: at most so many of one number.
    soft: Vec<(FxHashMap<Item, u32>, usize)>,
    quotas: &'r [Counted],
}

impl<'r> Groups<'r> {
    fn new(candidates: &[Candidate<'_>], pins: &Pins<'_>, rules: &'r Rules<'_>) -> Self {
        let products = || {
            let ranked = candidates.iter().map(|candidate| (candidate.ranked.item, candidate.product));
            ranked.chain(pins.values().copied())
        };
        let group = |name: fn(&Product) -> Option<&str>| {
            let (mut numbers, mut groups) = (FxHashMap::default(), FxHashMap::default());
            for (item, product) in products() {
                if let Some(name) = name(product) {
                    let next = numbers.len() as u32;
                    groups.insert(item, *numbers.entry(name).or_insert(next));
                }
            }
            groups
        };
        let caps = [
            (Product::leaf_category as fn(&Product) -> Option<&str>, rules.diversity.max_per_category),
            (|product: &Product| product.brand.as_deref(), rules.diversity.max_per_brand),
        ];
        let soft = caps.into_iter().filter_map(|(name, most)| Some((group(name), most?))).collect();
        Self { soft, quotas: &rules.quotas }
    }

    /// Pins and the best others, in order; and whether there were too few until the caps gave way.
    fn choose(&self, ranked: &[Scored], pins: &Pins<'_>, rules: &Rules<'_>) -> (Vec<Item>, bool) {
        let fixed: BTreeMap<usize, Item> = pins.iter().map(|(place, (item, _))| (*place, *item)).collect();
        let chosen = self.under(ranked, rules.size, fixed, true);
        if chosen.len() >= rules.size || self.soft.is_empty() {
            let is_short = chosen.len() < rules.size;
            return (chosen, is_short);
        }
        (self.under(ranked, rules.size, chosen.into_iter().enumerate().collect(), false), true)
    }

    /// Others that could stand there, too, all at once.
    fn pool(&self, ranked: &[Scored], chosen: &[usize], pins: &Pins<'_>) -> Vec<Item> {
        let held = chosen.iter().map(|place| ranked[*place].item).chain(pins.values().map(|(item, _)| *item));
        let held: BTreeMap<usize, Item> = held.enumerate().collect();
        let known = held.len();
        self.under(ranked, usize::MAX, held, true).split_off(known)
    }

    fn under(&self, ranked: &[Scored], count: usize, fixed: BTreeMap<usize, Item>, with_soft: bool) -> Vec<Item> {
        let soft: Vec<_> = self.soft.iter().map(|(groups, most)| (of_map(groups), *most)).collect();
        let strict: Vec<_> =
            self.quotas.iter().filter_map(|quota| Some((of_set(&quota.items), quota.at_most?))).collect();
        let floors: Vec<_> = self
            .quotas
            .iter()
            .filter_map(|quota| Some((|item: Item| quota.items.contains(&item), quota.at_least?)))
            .collect();
        let mut quotas = Quotas { fixed, ..Quotas::default() };
        if with_soft {
            quotas.caps.extend(soft.iter().map(|(group, most)| (group as &dyn Fn(Item) -> Option<u32>, *most)));
        }
        quotas.caps.extend(strict.iter().map(|(group, most)| (group as &dyn Fn(Item) -> Option<u32>, *most)));
        if count != usize::MAX {
            quotas.floors.extend(floors.iter().map(|(is_one, least)| (is_one as &dyn Fn(Item) -> bool, *least)));
        }
        with_quotas(ranked, count, &quotas).into_iter().map(|scored| scored.item).collect()
    }

    fn is_needed(&self, item: Item) -> bool {
        self.quotas.iter().any(|quota| quota.at_least.is_some() && quota.items.contains(&item))
    }
}

fn of_map(groups: &FxHashMap<Item, u32>) -> impl Fn(Item) -> Option<u32> {
    |item| groups.get(&item).copied()
}

fn of_set(items: &FxHashSet<Item>) -> impl Fn(Item) -> Option<u32> {
    |item| items.contains(&item).then_some(0)
}

const fn scored(item: Item) -> Scored {
    Scored { item, score: 0.0, because_of: None }
}
