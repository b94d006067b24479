//! How an item was taken over time: how much, by how many, since when, and how often again.
//!
//! Counts are those of the days before the moment asked for, never later ones; where nothing is known of the last days, those
//! before the newest known day.

use std::collections::BTreeMap;

use mercer_schema::Timestamp;

use crate::interactions::{Customer, Order};
use crate::memory::room_of;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item};

const KIND: Kind = Kind { name: "item_facts", version: 1 };
/// Days over which demand is counted.
const WINDOWS: [i32; 4] = [7, 30, 90, 365];
/// Takers' worth of the average that an item's share of returning ones is shrunk by.
const PRIOR_TAKERS: f32 = 5.0;
/// Of days that are nearer than a day to another, the part of the rest that a count may be off by.
const LEAST_SHARE: f32 = 1e-6;

/// Somebody took an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    pub item: Item,
    pub customer: Option<Customer>,
    pub at: Timestamp,
}

impl Taken {
    /// Where no times are known: the day before a [`Query`](crate::Query) whose time is not set.
    pub const fn some_time(customer: Customer, item: Item) -> Self {
        Self { item, customer: Some(customer), at: Timestamp(-Timestamp::DAY) }
    }
}

/// What is known of all items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    items: Vec<Counted>,
    /// All items together.
    shop: Counted,
    /// Of all takers the share that took again.
    average_return: f32,
}

/// Days with something, each with how many there were up to its end.
#[derive(Debug, Clone, Default, PartialEq)]
struct Counted {
    days: Vec<(i32, u32)>,
    takers: u32,
    /// Share of the takers who took it again.
    returning: f32,
    /// Mean days between two takings by one customer; 0 where nobody took it again.
    pause: f32,
}

/// An item as it stands at a moment; what cannot be said is missing.
pub(super) const FACTS: [&str; 12] = [
    "demand.7",
    "demand.30",
    "demand.90",
    "demand.365",
    "trend.7",
    "trend.30",
    "takers",
    "again",
    "returning",
    "pause",
    "age",
    "unsold",
];

impl Facts {
    pub fn of_orders(orders: &[Order]) -> Self {
        let lines = |order: &Order| -> Vec<Taken> {
            let taken = |(item, _): &(Item, f32)| Taken { item: *item, customer: order.customer, at: order.at };
            order.lines.iter().map(taken).collect()
        };
        Self::fit(orders.iter().flat_map(lines))
    }

    pub fn fit(taken: impl IntoIterator<Item = Taken>) -> Self {
        let mut by_item: BTreeMap<Item, Vec<(Option<Customer>, i32)>> = BTreeMap::new();
        for one in taken {
            by_item.entry(one.item).or_default().push((one.customer, one.at.day() as i32));
        }
        let mut facts = Self::default();
        let mut all = Vec::new();
        for (item, mut taken) in by_item {
            taken.sort_unstable();
            all.extend(taken.iter().map(|(_, day)| *day));
            facts.items.resize(item.index() + 1, Counted::default());
            facts.items[item.index()] = Counted::of(&taken);
        }
        all.sort_unstable();
        facts.shop.days = cumulated(&all);
        let takers: f32 = facts.items.iter().map(|item| item.takers as f32).sum();
        facts.average_return =
            facts.items.iter().map(|item| item.returning * item.takers as f32).sum::<f32>() / takers.max(1.0);
        for item in facts.items.iter_mut().filter(|item| item.takers > 0) {
            let takers = item.takers as f32;
            item.returning = (item.returning * takers + PRIOR_TAKERS * facts.average_return) / (takers + PRIOR_TAKERS);
        }
        facts
    }

    /// The newest day of which something is known, or the moment's if that is earlier; the day itself does not count.
    fn day(&self, now: Timestamp) -> i32 {
        let today = now.day().clamp(i64::from(i32::MIN / 2), i64::from(i32::MAX / 2)) as i32;
        self.shop.days.last().map_or(today, |(newest, _)| today.min(newest.saturating_add(1)))
    }

    pub(super) fn at(&self, now: Timestamp) -> FactsAt<'_> {
        let day = self.day(now);
        let shop = WINDOWS.map(|window| self.shop.before(day) - self.shop.before(day.saturating_sub(window)));
        FactsAt { facts: self, day, shop }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let days = |counted: &Counted| room_of(&counted.days);
        room_of(&self.items) + self.items.iter().map(days).sum::<usize>() + days(&self.shop)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f32(self.average_return);
        self.shop.write(&mut writer);
        let known: Vec<Item> =
            (0..self.items.len() as u32).map(Item).filter(|item| !self.items[item.index()].days.is_empty()).collect();
        writer.items(&known, name);
        known.iter().for_each(|item| self.items[item.index()].write(&mut writer));
        writer.bytes
    }

    /// Reads what was known. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let (average_return, shop) = (reader.f32()?, Counted::read(reader)?);
        let items = reader.items(resolve)?;
        let mut facts = Self { items: vec![Counted::default(); wire::size(&items)], shop, average_return };
        for item in items {
            let counted = Counted::read(reader)?;
            if let Some(item) = item {
                facts.items[item.index()] = counted;
            }
        }
        Ok(facts)
    }
}

/// What is known as of one day.
pub(super) struct FactsAt<'a> {
    facts: &'a Facts,
    day: i32,
    /// Takings of the whole shop in each window.
    shop: [u32; WINDOWS.len()],
}

impl FactsAt<'_> {
    /// In the order of [`FACTS`].
    pub(super) fn of(&self, item: Item) -> [f32; FACTS.len()] {
        let mut row = [f32::NAN; FACTS.len()];
        let Some(counted) = self.facts.items.get(item.index()).filter(|counted| !counted.days.is_empty()) else {
            return row;
        };
        let before = counted.before(self.day);
        for (place, window) in WINDOWS.into_iter().enumerate() {
            let count = before - counted.before(self.day.saturating_sub(window));
            row[place] = ((count as f32 + 0.1) / (self.shop[place] as f32 + 1.0)).max(LEAST_SHARE).ln();
        }
        (row[4], row[5]) = (row[0] - row[1], row[1] - row[2]);
        row[6] = (counted.takers as f32).ln();
        row[7] = counted.total() as f32 / counted.takers.max(1) as f32;
        row[8] = counted.returning;
        row[9] = if counted.pause > 0.0 { counted.pause } else { f32::NAN };
        let first = counted.days[0].0;
        let last = counted.days[..counted.place(self.day)].last();
        row[10] = self.day.saturating_sub(first) as f32;
        row[11] = last.map_or(f32::NAN, |(last, _)| self.day.saturating_sub(*last) as f32);
        row
    }
}

impl Counted {
    /// From takings sorted by customer and day.
    fn of(taken: &[(Option<Customer>, i32)]) -> Self {
        let mut counted = Self::default();
        let (mut returned, mut pauses, mut paused) = (0_u32, 0.0_f32, 0_u32);
        for own in taken.chunk_by(|a, b| a.0.is_some() && a.0 == b.0) {
            counted.takers += 1;
            returned += u32::from(own.windows(2).any(|pair| pair[0].1 != pair[1].1));
            for pair in own.windows(2).filter(|pair| pair[0].1 != pair[1].1) {
                pauses += (pair[1].1 - pair[0].1) as f32;
                paused += 1;
            }
        }
        let mut days: Vec<i32> = taken.iter().map(|(_, day)| *day).collect();
        days.sort_unstable();
        counted.days = cumulated(&days);
        counted.returning = returned as f32 / counted.takers.max(1) as f32;
        counted.pause = pauses / paused.max(1) as f32;
        counted
    }

    /// Days before this one.
    fn place(&self, day: i32) -> usize {
        self.days.partition_point(|(known, _)| *known < day)
    }

    /// Takings before a day.
    fn before(&self, day: i32) -> u32 {
        self.days[..self.place(day)].last().map_or(0, |(_, count)| *count)
    }

    fn total(&self) -> u32 {
        self.days.last().map_or(0, |(_, count)| *count)
    }

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.takers);
        writer.f32(self.returning);
        writer.f32(self.pause);
        writer.count(self.days.len());
        for (day, count) in &self.days {
            writer.u32(day.cast_unsigned());
            writer.u32(*count);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Reason> {
        let (takers, returning, pause) = (reader.u32()?, reader.f32()?, reader.f32()?);
        let mut days: Vec<(i32, u32)> = Vec::new();
        for _ in 0..reader.count(8)? {
            let (day, count) = (reader.u32()?.cast_signed(), reader.u32()?);
            if days.last().is_some_and(|last| last.0 >= day || last.1 > count) {
                return Err("days are out of order");
            }
            days.push((day, count));
        }
        Ok(Self { days, takers, returning, pause })
    }
}

/// Of sorted days, each once with how many there are up to it.
fn cumulated(days: &[i32]) -> Vec<(i32, u32)> {
    let mut total = 0;
    let count = |same: &[i32]| {
        total += same.len() as u32;
        (same[0], total)
    };
    days.chunk_by(|a, b| a == b).map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(item: u32, customer: u32, day: i64) -> Taken {
        Taken { item: Item(item), customer: Some(Customer(customer)), at: Timestamp(day * Timestamp::DAY) }
    }

    fn facts() -> Facts {
        Facts::fit([taken(0, 1, 10), taken(0, 1, 30), taken(0, 2, 100), taken(2, 1, 100), taken(2, 3, 101)])
    }

    fn at(day: i64, item: u32) -> [f32; FACTS.len()] {
        facts().at(Timestamp(day * Timestamp::DAY)).of(Item(item))
    }

    #[test]
    fn nothing_of_the_future_is_told() {
        let row = at(31, 0);
        assert!(
            (row[0] - (1.1_f32 / 2.0).ln()).abs() < 1e-6 && (row[1] - (2.1_f32 / 3.0).ln()).abs() < 1e-6,
            "{row:?}"
        );
        assert_eq!((row[10], row[11]), (21.0, 1.0));
        assert_eq!(at(200, 2)[..4], at(102, 2)[..4], "a silence at the end is no lack of demand");
        assert!(at(31, 1).iter().all(|value| value.is_nan()) && at(31, 9)[0].is_nan());
    }

    #[test]
    fn who_takes_again() {
        let row = at(102, 0);
        assert_eq!((row[7], row[9]), (1.5, 20.0));
        assert!((row[8] - (1.0 + PRIOR_TAKERS * 0.25) / (2.0 + PRIOR_TAKERS)).abs() < 1e-6);
    }

    #[test]
    fn bytes_give_the_same_facts_and_broken_ones_are_refused() {
        let bytes = facts().encode(|item| item.0.to_string());
        let resolve = |name: &str| name.parse().ok().map(Item);
        assert_eq!(Facts::decode(&bytes, resolve), Ok(facts()));
        for cut in 0..bytes.len() {
            assert!(Facts::decode(&bytes[..cut], resolve).is_err(), "{cut}");
        }
    }
}
