//! When a buyer wants the same thing again: per product, its kind, and the whole shop.
//!
//! From purchases the fit learns two figures per item: the share of its buyers who came back for it, and the
//! median number of days until they did. Both are shrunk: an item's share is that of its group plus its own buyers
//! (the mean of a beta posterior whose prior is worth `prior_buyers` buyers), its interval the geometric mean of
//! its own median and the group's, weighted by the number of intervals; a group is shrunk to the shop the same
//! way. So an item that nobody bought twice is judged by its kind. Purchases on one day are one.
//!
//! Whether the shop itself says how long a product lasts is the caller's to know: [`due_after`] then answers alone.

use std::collections::BTreeMap;

use mercer_schema::Timestamp;

use crate::interactions::{Customer, Purchase};
use crate::memory::room_of;
use crate::ranking::best_of;
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Scored};

const KIND: Kind = Kind { name: "repurchase", version: 1 };
/// Up to this share of its interval, a thing was just bought.
const JUST_BOUGHT: f64 = 0.5;
/// From this share of its interval on, it is due.
const DUE: f64 = 0.9;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Buyers, and intervals, that the group's figures are worth against the item's own.
    pub prior_buyers: f64,
    /// Below this share of returning buyers a thing lasts: it never becomes due by itself.
    pub least_share: f32,
    /// Days until something that lasts is no longer "just bought"; also the interval of a shop without any.
    pub lasting_days: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { prior_buyers: 10.0, least_share: 0.1, lasting_days: 180.0 }
    }
}

/// Where a customer stands with something they bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// Showing it now would annoy.
    JustBought,
    /// It may be shown, but there is no reason to.
    NotYet,
    /// About time to buy it again.
    Due,
}

/// How one thing is bought again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// Share of its buyers who bought it again, 0 to 1.
    pub share: f32,
    /// Median days between two purchases.
    pub interval_days: f32,
}

/// A past purchase of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bought {
    pub item: Item,
    pub last_at: Timestamp,
    /// Days on which it was bought.
    pub times: u32,
}

/// The rhythm of every item that was ever bought.
#[derive(Debug, Clone, PartialEq)]
pub struct Repurchase {
    settings: Settings,
    shop: Rhythm,
    rhythms: Vec<Option<Rhythm>>,
}

impl Default for Repurchase {
    fn default() -> Self {
        let settings = Settings::default();
        Self { settings, shop: lasting(&settings), rhythms: Vec::new() }
    }
}

/// What was counted of an item, a group or the shop.
#[derive(Debug, Clone, Default)]
struct Tally {
    buyers: u32,
    returned: u32,
    intervals: Vec<i64>,
}

impl Repurchase {
    /// Learns from purchases; `group` gives an item's kind, such as a number for its category.
    pub fn fit(
        purchases: impl IntoIterator<Item = Purchase>,
        group: impl Fn(Item) -> Option<u32>,
        settings: &Settings,
    ) -> Self {
        let tallies = tally(purchases);
        let mut groups: BTreeMap<u32, Tally> = BTreeMap::new();
        let mut shop = Tally::default();
        for (item, tally) in &tallies {
            shop.add(tally);
            if let Some(group) = group(*item) {
                groups.entry(group).or_default().add(tally);
            }
        }
        let shop = shop.shrunk_to(lasting(settings), settings);
        let groups: BTreeMap<u32, Rhythm> =
            groups.into_iter().map(|(number, tally)| (number, tally.shrunk_to(shop, settings))).collect();
        let size = tallies.keys().map(|item| item.index() + 1).max().unwrap_or(0);
        let mut rhythms = vec![None; size];
        for (item, tally) in tallies {
            let prior = group(item).and_then(|group| groups.get(&group)).copied().unwrap_or(shop);
            rhythms[item.index()] = Some(tally.shrunk_to(prior, settings));
        }
        Self { settings: *settings, shop, rhythms }
    }

    /// How an item is bought again; the shop's average for one that was never bought.
    pub fn rhythm(&self, item: Item) -> Rhythm {
        self.rhythms.get(item.index()).copied().flatten().unwrap_or(self.shop)
    }

    /// Where a customer stands who last bought the item then.
    pub fn due(&self, item: Item, last_bought_at: Timestamp, now: Timestamp) -> Due {
        let Rhythm { share, interval_days } = self.rhythm(item);
        if share >= self.settings.least_share {
            return due_after(f64::from(interval_days), last_bought_at, now);
        }
        let days = days_between(last_bought_at, now);
        if days < f64::from(self.settings.lasting_days) { Due::JustBought } else { Due::NotYet }
    }

    /// Which of a customer's past purchases are due again, the most likely first.
    ///
    /// The chance of a return is the item's share with the customer's own returns added as evidence, halved for
    /// each whole interval that passed unused after the first.
    pub fn buy_again(&self, bought: &[Bought], now: Timestamp, limit: usize) -> Vec<Scored> {
        let scored = |bought: &Bought| {
            let rhythm = self.rhythm(bought.item);
            let returns = f64::from(bought.times.saturating_sub(1));
            let share = (f64::from(rhythm.share) + returns) / (1.0 + returns);
            let missed = (days_between(bought.last_at, now) / f64::from(rhythm.interval_days) - 1.0).max(0.0);
            let score = (share * (-missed).exp2()) as f32;
            Scored { item: bought.item, score, because_of: None }
        };
        let due = bought.iter().filter(|bought| self.due(bought.item, bought.last_at, now) == Due::Due);
        let mut found: Vec<Scored> = due.map(scored).collect();
        found.sort_by(|a, b| a.item.cmp(&b.item).then(b.score.total_cmp(&a.score)));
        found.dedup_by_key(|scored| scored.item);
        best_of(found, limit)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.rhythms)
    }

    /// Bytes for the registry. `name` gives an item's lasting name.
    pub fn encode<N: AsRef<str>>(&self, name: impl Fn(Item) -> N) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.f64(self.settings.prior_buyers);
        writer.f32(self.settings.least_share);
        writer.f32(self.settings.lasting_days);
        writer.f32(self.shop.share);
        writer.f32(self.shop.interval_days);
        let known = || self.rhythms.iter().enumerate().filter_map(|(item, rhythm)| Some((item, (*rhythm)?)));
        writer.count(known().count());
        for (item, rhythm) in known() {
            writer.text(name(Item(item as u32)).as_ref());
            writer.f32(rhythm.share);
            writer.f32(rhythm.interval_days);
        }
        writer.bytes
    }

    /// Reads a model. Items that `resolve` does not know are left out.
    pub fn decode(bytes: &[u8], resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| Self::read(reader, resolve))
    }

    fn read(reader: &mut Reader<'_>, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, Reason> {
        let settings =
            Settings { prior_buyers: reader.f64()?, least_share: reader.f32()?, lasting_days: reader.f32()? };
        let shop = read_rhythm(reader)?;
        let mut rhythms = Vec::new();
        for _ in 0..reader.count(12)? {
            let item = resolve(reader.text()?);
            let rhythm = read_rhythm(reader)?;
            if let Some(item) = item {
                if item.index() >= rhythms.len() {
                    rhythms.resize(item.index() + 1, None);
                }
                rhythms[item.index()] = Some(rhythm);
            }
        }
        Ok(Self { settings, shop, rhythms })
    }
}

/// Where a customer stands with something that lasts `days`; 0 is due at once.
pub fn due_after(days: f64, last_bought_at: Timestamp, now: Timestamp) -> Due {
    let passed = days_between(last_bought_at, now);
    if passed >= days * DUE {
        Due::Due
    } else if passed < days * JUST_BOUGHT {
        Due::JustBought
    } else {
        Due::NotYet
    }
}

fn read_rhythm(reader: &mut Reader<'_>) -> Result<Rhythm, Reason> {
    let rhythm = Rhythm { share: reader.f32()?, interval_days: reader.f32()? };
    if (0.0..=1.0).contains(&rhythm.share) && rhythm.interval_days > 0.0 {
        Ok(rhythm)
    } else {
        Err("a figure is out of range")
    }
}

fn days_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.since(earlier).max(0) as f64 / Timestamp::DAY as f64
}

const fn lasting(settings: &Settings) -> Rhythm {
    Rhythm { share: 0.0, interval_days: settings.lasting_days }
}

/// Buyers, returns and intervals in days of every item.
fn tally(purchases: impl IntoIterator<Item = Purchase>) -> BTreeMap<Item, Tally> {
    let mut days: Vec<(Item, Customer, i64)> =
        purchases.into_iter().map(|purchase| (purchase.item, purchase.customer, purchase.at.day())).collect();
    days.sort_unstable();
    days.dedup();
    let mut tallies: BTreeMap<Item, Tally> = BTreeMap::new();
    for same in days.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let tally = tallies.entry(same[0].0).or_default();
        tally.buyers += 1;
        tally.returned += u32::from(same.len() > 1);
        tally.intervals.extend(same.windows(2).map(|pair| pair[1].2 - pair[0].2));
    }
    tallies
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.buyers += other.buyers;
        self.returned += other.returned;
        self.intervals.extend(&other.intervals);
    }

    fn shrunk_to(mut self, prior: Rhythm, settings: &Settings) -> Rhythm {
        let weight = settings.prior_buyers.max(f64::MIN_POSITIVE);
        let share = (f64::from(self.returned) + weight * f64::from(prior.share)) / (f64::from(self.buyers) + weight);
        let own = self.intervals.len() as f64;
        let median = self.median().map_or(0.0, f64::ln);
        let log = (own * median + weight * f64::from(prior.interval_days).ln()) / (own + weight);
        Rhythm { share: share as f32, interval_days: log.exp() as f32 }
    }

    fn median(&mut self) -> Option<f64> {
        self.intervals.sort_unstable();
        let upper = *self.intervals.get(self.intervals.len() / 2)?;
        let lower = *self.intervals.get((self.intervals.len() - 1) / 2)?;
        Some((upper + lower) as f64 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(days: i64) -> Timestamp {
        Timestamp(days * Timestamp::DAY)
    }

    fn purchase(customer: u32, item: u32, at: i64) -> Purchase {
        Purchase { customer: Customer(customer), item: Item(item), at: day(at) }
    }

    /// Coffee (0) every 20 days by 50 customers; a fridge (1) once by each; beans (2) by one, in coffee's group.
    fn shop() -> Repurchase {
        let coffee = (0..50).flat_map(|customer| (0..5).map(move |time| purchase(customer, 0, time * 20)));
        let fridges = (0..50).map(|customer| purchase(customer, 1, 0));
        let purchases = coffee.chain(fridges).chain([purchase(0, 2, 0)]);
        Repurchase::fit(purchases, |item| Some(u32::from(item == Item(1))), &Settings::default())
    }

    #[test]
    fn coffee_is_due_again_and_a_fridge_is_not() {
        let model = shop();
        let due = |item, passed: i64| model.due(Item(item), day(100), day(100 + passed));
        assert_eq!(
            [due(0, 0), due(0, 9), due(0, 15), due(0, 25)],
            [Due::JustBought, Due::JustBought, Due::NotYet, Due::Due]
        );
        assert_eq!(
            [due(1, 30), due(1, 179), due(1, 181), due(1, 999)],
            [Due::JustBought, Due::JustBought, Due::NotYet, Due::NotYet]
        );
        assert_eq!(due(2, 25), Due::Due, "nobody returned for the beans, but they are like coffee");
        assert_eq!(model.due(Item(0), day(9), day(1)), Due::JustBought, "a purchase from the future was just made");
    }

    #[test]
    fn follows_the_formula() {
        let settings = Settings { prior_buyers: 2.0, ..Settings::default() };
        let purchases = [purchase(0, 0, 0), purchase(0, 0, 10), purchase(0, 0, 10), purchase(1, 0, 0)];
        let model = Repurchase::fit(purchases, |_| None, &settings);
        // Shop: (1 + 2·0) / (2 + 2); interval exp((ln 10 + 2 ln 180) / 3). Item: shrunk to that once more.
        let (shop_share, shop_days) = (0.25, ((10_f64.ln() + 2.0 * 180_f64.ln()) / 3.0).exp());
        let expected = ((1.0 + 2.0 * shop_share) / 4.0, ((10_f64.ln() + 2.0 * shop_days.ln()) / 3.0).exp());
        let rhythm = model.rhythm(Item(0));
        assert!((f64::from(rhythm.share) - expected.0).abs() < 1e-6);
        assert!((f64::from(rhythm.interval_days) - expected.1).abs() < 1e-3, "{rhythm:?} {expected:?}");
    }

    #[test]
    fn the_shops_own_word_needs_no_model() {
        let due = |days, passed| due_after(days, day(0), day(passed));
        assert_eq!(
            [due(0.0, 0), due(10.0, 4), due(10.0, 6), due(10.0, 9)],
            [Due::Due, Due::JustBought, Due::NotYet, Due::Due]
        );
    }

    #[test]
    fn habits_come_first_and_lapsed_ones_later() {
        let model = shop();
        let bought = |item, last, times| Bought { item: Item(item), last_at: day(last), times };
        let found =
            model.buy_again(&[bought(1, 0, 1), bought(2, 70, 1), bought(0, 70, 4), bought(0, 0, 4)], day(100), 9);
        assert_eq!(found.iter().map(|scored| scored.item.0).collect::<Vec<_>>(), [0, 2]);
        let lapsed = model.buy_again(&[bought(0, 0, 4)], day(500), 9);
        assert!(lapsed[0].score < found[0].score / 4.0);
        assert!(model.buy_again(&[bought(0, 70, 4)], day(100), 0).is_empty());
    }

    proptest! {
        #[test]
        fn figures_stay_in_range_and_survive_bytes(
            seen in proptest::collection::vec((0_u32..5, 0_u32..5, 0_i64..400), 0..60),
        ) {
            let purchases: Vec<Purchase> = seen.iter().map(|(customer, item, at)| purchase(*customer, *item, *at)).collect();
            let model = Repurchase::fit(purchases.clone(), |item| Some(item.0 % 2), &Settings::default());
            let reversed = Repurchase::fit(purchases.into_iter().rev(), |item| Some(item.0 % 2), &Settings::default());
            prop_assert_eq!(&model, &reversed);
            for item in 0..7 {
                let Rhythm { share, interval_days } = model.rhythm(Item(item));
                prop_assert!((0.0..=1.0).contains(&share) && (1.0..=400.0).contains(&interval_days));
            }
            let bytes = model.encode(|item| item.0.to_string());
            let resolve = |name: &str| name.parse().ok().map(Item);
            prop_assert_eq!(&Repurchase::decode(&bytes, resolve).unwrap(), &model);
            for cut in 0..bytes.len() {
                prop_assert!(Repurchase::decode(&bytes[..cut], resolve).is_err());
            }
        }
    }
}
