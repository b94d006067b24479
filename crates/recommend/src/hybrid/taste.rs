//! How a customer stands to an item, and what the moment is.

use mercer_schema::Timestamp;
use rustc_hash::FxHashMap;

use super::traits::{Catalog, Traits};
use crate::{Item, Query};

/// The same for all candidates of a question.
pub(super) const MOMENT: [&str; 13] = [
    "hour",
    "weekday",
    "device",
    "place",
    "channel",
    "orders",
    "order.days",
    "order.pause",
    "order.size",
    "order.new",
    "session.size",
    "history.size",
    "cart.size",
];

/// Of one candidate.
pub(super) const STANDING: [&str; 23] = [
    "own.times",
    "own.since",
    "own.days",
    "own.share",
    "own.last",
    "own.due",
    "own.pause",
    "category.share",
    "category.last",
    "department.share",
    "brand.share",
    "attribute.share",
    "attribute.best",
    "attribute.newest",
    "price",
    "price.over",
    "price.apart",
    "reduced",
    "session.back",
    "session.times",
    "session.category",
    "history.weight",
    "category.new",
];

/// What a customer did with one item.
#[derive(Debug, Clone, Copy)]
struct Own {
    /// Orders with it.
    times: u32,
    /// Orders after the last one with it.
    since: u32,
    first: Timestamp,
    last: Timestamp,
}

/// A customer at a moment.
pub(super) struct Taste<'a> {
    query: &'a Query<'a>,
    catalog: &'a Catalog,
    moment: [f32; MOMENT.len()],
    orders: u32,
    own: FxHashMap<Item, Own>,
    history: FxHashMap<Item, f32>,
    /// Shares of the lines with each category, department and brand; of the newest order with each category.
    categories: FxHashMap<u32, f32>,
    departments: FxHashMap<u32, f32>,
    brands: FxHashMap<u32, f32>,
    attributes: FxHashMap<u32, f32>,
    last_categories: FxHashMap<u32, f32>,
    session_categories: FxHashMap<u32, f32>,
    newest: Option<&'a Traits>,
    /// Mean logarithm of the prices.
    price: f32,
}

impl<'a> Taste<'a> {
    pub(super) fn of(query: &'a Query<'a>, catalog: &'a Catalog) -> Self {
        let mut lines = query.ordered.to_vec();
        lines.sort_unstable_by_key(|(at, item)| (std::cmp::Reverse(*at), *item));
        lines.dedup();
        let (mut own, mut orders, mut new) = (FxHashMap::<Item, Own>::default(), 0, 0.0);
        for order in lines.chunk_by(|a, b| a.0 == b.0) {
            for (at, item) in order {
                let known = own.entry(*item).or_insert(Own { times: 0, since: orders, first: *at, last: *at });
                known.times += 1;
                known.first = *at;
            }
            orders += 1;
        }
        let last_order = lines.chunk_by(|a, b| a.0 == b.0).next().unwrap_or_default();
        if !lines.is_empty() {
            new = own.len() as f32 / lines.len() as f32;
        }
        let mut weighted: Vec<(Item, f32)> = lines.iter().map(|(_, item)| (*item, 1.0)).collect();
        if weighted.is_empty() {
            weighted =
                query.history.iter().filter(|(_, weight)| *weight > 0.0 && weight.is_finite()).copied().collect();
        }
        if weighted.is_empty() {
            weighted = query.session.iter().map(|item| (*item, 1.0)).collect();
        }
        let newest_item = query.session.last().copied();
        let mut taste = Self {
            query,
            catalog,
            moment: [f32::NAN; MOMENT.len()],
            orders,
            own,
            history: query.history.iter().copied().collect(),
            categories: shares(catalog, &weighted, |traits| traits.category.as_slice()),
            departments: shares(catalog, &weighted, |traits| traits.department.as_slice()),
            brands: shares(catalog, &weighted, |traits| traits.brand.as_slice()),
            attributes: shares(catalog, &weighted, |traits| traits.attributes.as_slice()),
            last_categories: shares(catalog, &once(last_order.iter().map(|(_, item)| *item)), |t| {
                t.category.as_slice()
            }),
            session_categories: shares(catalog, &once(query.session.iter().copied()), |t| t.category.as_slice()),
            newest: newest_item.and_then(|item| catalog.of(item)),
            price: mean_price(catalog, &weighted),
        };
        taste.moment = taste.moment(&lines, new);
        taste
    }

    fn moment(&self, lines: &[(Timestamp, Item)], new: f32) -> [f32; MOMENT.len()] {
        let (now, context) = (self.query.now, self.query.context);
        let number = |number: Option<u16>| number.map_or(f32::NAN, f32::from);
        let days = |span: i64| span as f32 / Timestamp::DAY as f32;
        let (newest, oldest) = (lines.first().map(|line| line.0), lines.last().map(|line| line.0));
        let pauses = self.orders.saturating_sub(1);
        let pause = newest.zip(oldest).filter(|_| pauses > 0).map(|(newest, oldest)| days(newest.since(oldest)));
        [
            now.0.rem_euclid(Timestamp::DAY) as f32 / Timestamp::HOUR as f32,
            (now.day() + 3).rem_euclid(7) as f32,
            number(context.device),
            number(context.place),
            number(context.channel),
            self.orders as f32,
            newest.map_or(f32::NAN, |newest| days(now.since(newest).max(0))),
            pause.map_or(f32::NAN, |days| days / pauses as f32),
            lines.len() as f32 / self.orders.max(1) as f32,
            new,
            self.query.session.len() as f32,
            self.query.history.len() as f32,
            self.query.seeds.len() as f32,
        ]
    }

    /// In the order of [`MOMENT`] and [`STANDING`]. `pause` is that of the item among all customers.
    pub(super) fn write(&self, item: Item, pause: f32, row: &mut Vec<f32>) {
        row.extend(self.moment);
        let nobody = Traits::default();
        let traits = self.catalog.of(item).unwrap_or(&nobody);
        row.extend(self.own(item, pause));
        let share = |shares: &FxHashMap<u32, f32>, of: Option<u32>| {
            of.map_or(f32::NAN, |of| shares.get(&of).copied().unwrap_or_default())
        };
        row.extend([
            share(&self.categories, traits.category),
            share(&self.last_categories, traits.category),
            share(&self.departments, traits.department),
            share(&self.brands, traits.brand),
        ]);
        row.extend(self.attributes(traits));
        let price = log_price(traits).unwrap_or(f32::NAN);
        let reduced = traits.price.zip(traits.list_price).map_or(f32::NAN, |(price, before)| price / before);
        row.extend([price, price - self.price, (price - self.price).abs(), reduced]);
        let back = self.query.session.iter().rev().position(|seen| *seen == item);
        row.push(back.map_or(f32::NAN, |back| back as f32));
        row.push(self.query.session.iter().filter(|seen| **seen == item).count() as f32);
        row.push(share(&self.session_categories, traits.category));
        row.push(self.history.get(&item).copied().filter(|weight| weight.is_finite()).unwrap_or(f32::NAN));
        let is_new = traits.category.map(|category| !self.categories.contains_key(&category));
        row.push(is_new.map_or(f32::NAN, |is| f32::from(u8::from(is))));
    }

    fn own(&self, item: Item, pause: f32) -> [f32; 7] {
        let Some(own) = self.own.get(&item) else { return [0.0, f32::NAN, f32::NAN, 0.0, 0.0, f32::NAN, f32::NAN] };
        let days = |span: i64| span.max(0) as f32 / Timestamp::DAY as f32;
        let since = days(self.query.now.since(own.last));
        let own_pause = if own.times > 1 { days(own.last.since(own.first)) / (own.times - 1) as f32 } else { f32::NAN };
        [
            own.times as f32,
            own.since as f32,
            since,
            own.times as f32 / self.orders.max(1) as f32,
            f32::from(u8::from(own.since == 0)),
            since / if own_pause > 0.0 { own_pause } else { pause },
            own_pause,
        ]
    }

    /// Mean and highest share of the item's attributes, and how many it has in common with the newest item.
    fn attributes(&self, traits: &Traits) -> [f32; 3] {
        if traits.attributes.is_empty() {
            return [f32::NAN; 3];
        }
        let shares = traits.attributes.iter().map(|one| self.attributes.get(one).copied().unwrap_or_default());
        let count = traits.attributes.len() as f32;
        let (sum, best) = shares.fold((0.0, 0.0_f32), |(sum, best), share| (sum + share, best.max(share)));
        let common = self.newest.map_or(f32::NAN, |newest| {
            let common = traits.attributes.iter().filter(|one| newest.attributes.contains(one)).count() as f32;
            common / (count + newest.attributes.len() as f32 - common)
        });
        [sum / count, best, common]
    }
}

fn once(items: impl Iterator<Item = Item>) -> Vec<(Item, f32)> {
    items.map(|item| (item, 1.0)).collect()
}

/// The weight of the items with each value, over that of all that have any.
fn shares<'a>(
    catalog: &'a Catalog,
    items: &[(Item, f32)],
    values: impl Fn(&'a Traits) -> &'a [u32],
) -> FxHashMap<u32, f32> {
    let (mut shares, mut total) = (FxHashMap::<u32, f32>::default(), 0.0);
    for (item, weight) in items {
        let values = catalog.of(*item).map(&values).unwrap_or_default();
        values.iter().for_each(|value| *shares.entry(*value).or_default() += weight);
        total += if values.is_empty() { 0.0 } else { *weight };
    }
    shares.values_mut().for_each(|share| *share /= total);
    shares
}

fn log_price(traits: &Traits) -> Option<f32> {
    traits.price.filter(|price| *price > 0.0).map(f32::ln)
}

fn mean_price(catalog: &Catalog, items: &[(Item, f32)]) -> f32 {
    let prices = items.iter().filter_map(|(item, weight)| Some((log_price(catalog.of(*item)?)?, weight)));
    let (sum, total) = prices.fold((0.0, 0.0), |(sum, total), (price, weight)| (sum + price * weight, total + weight));
    sum / total
}
