//! What is bought when and where: how much each category is asked for in this part of the year, and in this country, beside
//! its share of all trade. It tells which of several kinds of things an ambiguous word means.
//!
//! Counts of pieces ordered; nothing of it says who. They are whole numbers, so the order of events does not matter.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mercer_schema::{Country, Timestamp};
use serde::{Deserialize, Serialize};

/// Parts of a year.
const SEASONS: usize = 12;
const YEAR_DAYS: f64 = 365.2425;
/// Categories and countries that are counted; what comes later is not.
const MOST_CATEGORIES: usize = 5_000;
const MOST_COUNTRIES: usize = 60;
/// Orders of a category that its usual share weighs as much as.
const DOUBT: f64 = 50.0;
/// Fewer orders than this in a part of the year, or from a country, say nothing.
const LEAST: f64 = 100.0;
/// Under what all trade is counted; no category is called so.
const ALL: &str = "";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Counted {
    seasons: [u32; SEASONS],
    /// In order of the countries.
    countries: Vec<(Country, u32)>,
}

/// The fold.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    categories: OrdMap<Arc<str>, Counted>,
    changed: OrdSet<Arc<str>>,
}

impl Circumstances {
    /// Counts an order of something.
    pub fn observe(&mut self, category: &str, at: Timestamp, country: Option<Country>) {
        if category.is_empty() || (!self.categories.contains_key(category) && self.categories.len() > MOST_CATEGORIES) {
            return;
        }
        for name in [ALL, category] {
            let name: Arc<str> = name.into();
            self.categories.entry(Arc::clone(&name)).or_default().add(at, country);
            self.changed.insert(name);
        }
    }

    /// How much more a category is bought in this part of the year than at other times: 1 twice as much or more, 0 as usual, −1
    /// half as much or less.
    pub fn season(&self, category: &str, now: Timestamp) -> f64 {
        self.beside_all(category, |counted| counted.around(now), Counted::total)
    }

    /// The same by the country.
    pub fn place(&self, category: &str, country: Country) -> f64 {
        self.beside_all(category, |counted| counted.of_country(country), Counted::told)
    }

    fn beside_all(&self, category: &str, part: impl Fn(&Counted) -> f64, whole: impl Fn(&Counted) -> f64) -> f64 {
        let (Some(own), Some(all)) = (self.categories.get(category), self.categories.get(ALL)) else { return 0.0 };
        if part(all) < LEAST {
            return 0.0;
        }
        let usual = part(all) / whole(all);
        let share = (part(own) + DOUBT * usual) / (whole(own) + DOUBT);
        (share / usual).log2().clamp(-1.0, 1.0)
    }

    /// Keyed pieces that changed since the last call; none deletes.
    pub fn drain_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        let piece = |name: &Arc<str>| postcard::to_stdvec(self.categories.get(name)?).ok();
        changed.iter().map(|name| (name.as_bytes().to_vec(), piece(name))).collect()
    }

    /// Builds the fold from all its pieces. `None`: a piece is broken.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Option<Self> {
        let category = |(name, counted): (Vec<u8>, Vec<u8>)| {
            Some((Arc::from(String::from_utf8(name).ok()?), postcard::from_bytes(&counted).ok()?))
        };
        let categories = pieces.into_iter().map(category).collect::<Option<_>>()?;
        Some(Self { categories, changed: OrdSet::new() })
    }
}

impl PartialEq for Circumstances {
    fn eq(&self, other: &Self) -> bool {
        self.categories == other.categories
    }
}

impl Counted {
    fn add(&mut self, at: Timestamp, country: Option<Country>) {
        let season = &mut self.seasons[season_of(at)];
        *season = season.saturating_add(1);
        let Some(country) = country else { return };
        match self.countries.binary_search_by_key(&country, |(known, _)| *known) {
            Ok(place) => self.countries[place].1 = self.countries[place].1.saturating_add(1),
            Err(place) if self.countries.len() < MOST_COUNTRIES => self.countries.insert(place, (country, 1)),
            Err(_) => {}
        }
    }

    fn total(&self) -> f64 {
        self.seasons.iter().copied().map(f64::from).sum()
    }

    /// In this part of the year; the parts before and after it count half.
    fn around(&self, now: Timestamp) -> f64 {
        let season = season_of(now);
        let of = |season: usize| f64::from(self.seasons[season % SEASONS]);
        // Shares of parts that overlap: twice as wide as one.
        (of(season + SEASONS - 1) / 2.0 + of(season) + of(season + 1) / 2.0) / 2.0
    }

    /// Orders of which the country is known.
    fn told(&self) -> f64 {
        self.countries.iter().map(|(_, orders)| f64::from(*orders)).sum()
    }

    fn of_country(&self, country: Country) -> f64 {
        let place = self.countries.binary_search_by_key(&country, |(known, _)| *known);
        place.map_or(0.0, |place| f64::from(self.countries[place].1))
    }
}

/// The part of the year, from 0.
fn season_of(at: Timestamp) -> usize {
    let days = at.0 as f64 / Timestamp::DAY as f64;
    let share = (days / YEAR_DAYS).rem_euclid(1.0);
    ((share * SEASONS as f64) as usize).min(SEASONS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp(number * Timestamp::DAY)
    }

    fn country(letters: &str) -> Country {
        Country::of_locale(&format!("en-{letters}")).unwrap()
    }

    fn shop() -> Circumstances {
        let mut folded = Circumstances::default();
        for number in 0..730 {
            let winter = !(60..330).contains(&(number % 365));
            folded.observe(if winter { "Garlands" } else { "Bulbs" }, day(number), Some(country("GB")));
            folded.observe("Lamps", day(number), Some(country("IE")));
            folded.observe("Lamps", day(number), Some(country("GB")));
        }
        folded
    }

    #[test]
    fn a_category_has_its_seasons_and_its_places() {
        let folded = shop();
        let (winter, summer) = (day(3_650 + 12), day(3_650 + 182));
        assert!(folded.season("Garlands", winter) > 0.9 && folded.season("Garlands", summer) < -0.9);
        assert!(folded.season("Bulbs", summer) > 0.2 && folded.season("Lamps", winter).abs() < 0.1);
        assert!(folded.place("Lamps", country("IE")) > 0.4 && folded.place("Bulbs", country("IE")) < -0.9);
        assert_eq!((folded.place("Lamps", country("FR")), folded.season("Mugs", winter)), (0.0, 0.0));
    }

    #[test]
    fn the_fold_comes_back_from_its_pieces() {
        let mut folded = shop();
        let pieces: Vec<_> = folded.drain_changes().into_iter().map(|(key, value)| (key, value.unwrap())).collect();
        assert_eq!(pieces.len(), 4);
        assert_eq!(Circumstances::restore(pieces).unwrap(), folded);
        assert!(folded.drain_changes().is_empty());
        folded.observe("Lamps", day(9), None);
        assert_eq!(folded.drain_changes().len(), 2);
        assert!(Circumstances::restore([(vec![b'x'], vec![1])]).is_none());
    }
}
