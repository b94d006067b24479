//! From what an item is to how it is taken: new items among those that [`Factors`] know.
//!
//! A linear map from content vectors x to the items' factors v, learned by ridge regression from the items that are taken
//! often enough (Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme: "Learning Attribute-to-Feature Mappings for
//! Cold-Start Recommendations", ICDM 2010, section III-C):
//!
//! W = argmin Σ c‖Wᵀx − v‖² + λ‖W‖² = (XᵀCX + λI)⁻¹ XᵀCV
//!
//! An item with n takers counts c = n / (n + `doubt`): the factors of one that hardly anyone took say little. A new item gets
//! Wᵀx as its factors and from then on is proposed, and leads to others, like any item. One of few takers gets a mean of both,
//! its own counting n and the mapped ones `prior`.

use faer::{Mat, Side, linalg::solvers::Solve};

use crate::dense::dot;
use crate::factors::Factors;
use crate::latent::ItemVectors;
use crate::memory::room_of;
use crate::wire::{self, Kind, Writer};
use crate::{Error, Item};

const KIND: Kind = Kind { name: "content_mapping", version: 1 };

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MappingSettings {
    /// λ, for content vectors of length about one.
    pub l2: f32,
    /// Takers at which an item counts half in learning.
    pub doubt: f32,
    /// Takers that the mapped factors of an item are worth.
    pub prior: f32,
    /// How much a new item stands out: its factors become as long as those of the item that so large a share of all have
    /// longer ones than. What ridge regression maps is short, because it is unsure, and would hardly ever be proposed.
    pub standing: f32,
}

impl Default for MappingSettings {
    fn default() -> Self {
        Self { l2: 1.0, doubt: 10.0, prior: 0.0, standing: 0.85 }
    }
}

/// The map W, with a constant among the content.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    /// As many numbers a row as factors have; the last row is for the constant.
    rows: Vec<f32>,
    dimensions: usize,
}

impl Mapping {
    /// Learns from items that have both; `takers` says how often each was taken.
    pub fn fit(content: &ItemVectors, factors: &Factors, takers: &[u32], settings: &MappingSettings) -> Option<Self> {
        let weight = |item: Item| {
            let takers = takers.get(item.index()).copied().unwrap_or(0) as f32;
            takers / (takers + settings.doubt.max(f32::MIN_POSITIVE))
        };
        let known: Vec<(&[f32], &[f32], f32)> = (0..factors.size() as u32)
            .map(Item)
            .filter_map(|item| Some((content.of(item)?, factors.vector(item), weight(item))))
            .filter(|(_, _, weight)| *weight > 0.0)
            .collect();
        if known.is_empty() {
            return None;
        }
        let (width, dimensions) = (content.dimensions() + 1, factors.dimensions());
        let content_of = |row: usize, column: usize| known[row].0.get(column).copied().unwrap_or(1.0);
        let root = |row: usize| known[row].2.sqrt();
        let x = Mat::from_fn(known.len(), width, |row, column| f64::from(root(row) * content_of(row, column)));
        let v = Mat::from_fn(known.len(), dimensions, |row, column| f64::from(root(row) * known[row].1[column]));
        let mut gram = x.transpose() * &x;
        for place in 0..width {
            // The constant is free, but for what keeps the system solvable.
            gram[(place, place)] += f64::from(settings.l2.max(1e-6)) * if place + 1 == width { 1e-3 } else { 1.0 };
        }
        let map = gram.llt(Side::Lower).ok()?.solve(&(x.transpose() * &v));
        let rows = (0..width).flat_map(|row| (0..dimensions).map(move |column| (row, column)));
        Some(Self { rows: rows.map(|place| map[place] as f32).collect(), dimensions })
    }

    /// The factors of an item with this content.
    pub fn map(&self, content: &[f32]) -> Vec<f32> {
        let mut factors = vec![0.0; self.dimensions];
        for (row, value) in self.rows.chunks_exact(self.dimensions.max(1)).zip(content.iter().chain(&[1.0])) {
            crate::dense::add_scaled(&mut factors, *value, row);
        }
        factors
    }

    /// It was learned from nothing.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// It leads from vectors of so many numbers to such ones.
    pub(crate) const fn fits(&self, content: usize, factors: usize) -> bool {
        self.dimensions == factors && self.rows.len() == (content + 1) * factors
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.rows)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(self.dimensions);
        writer.count(self.rows.len());
        self.rows.iter().for_each(|value| writer.f32(*value));
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        wire::decode(KIND, bytes, |reader| {
            let (dimensions, numbers) = (reader.count(0)?, reader.count(4)?);
            if !numbers.is_multiple_of(dimensions.max(1)) {
                return Err("a row is short");
            }
            Ok(Self { rows: reader.f32s(numbers)?, dimensions })
        })
    }

    /// How long the factors of a new item become; nothing where they stay as they are mapped.
    pub fn standing(factors: &Factors, settings: &MappingSettings) -> Option<f32> {
        let mut lengths: Vec<f32> = (0..factors.size() as u32).map(|item| length(factors.vector(Item(item)))).collect();
        lengths.retain(|length| *length > 0.0);
        lengths.sort_unstable_by(f32::total_cmp);
        lengths.get((lengths.len() as f32 * settings.standing) as usize).copied().filter(|_| settings.standing > 0.0)
    }

    /// The factors of a new item with this content, as long as `standing` says.
    pub fn place(&self, content: &[f32], standing: Option<f32>) -> Vec<f32> {
        let mut factors = self.map(content);
        if let Some(standing) = standing {
            let factor = standing / length(&factors).max(f32::MIN_POSITIVE);
            factors.iter_mut().for_each(|value| *value *= factor);
        }
        factors
    }

    /// Gives factors to every item that has content and no takers, and of few takers better ones.
    pub fn apply(&self, content: &ItemVectors, takers: &[u32], settings: &MappingSettings, factors: &mut Factors) {
        for (item, place) in self.places(content, takers, settings, factors) {
            factors.set_vector(item, &place);
        }
    }

    /// The factors that [`apply`](Self::apply) gives.
    pub(crate) fn places(
        &self,
        content: &ItemVectors,
        takers: &[u32],
        settings: &MappingSettings,
        factors: &Factors,
    ) -> Vec<(Item, Vec<f32>)> {
        let standing = Self::standing(factors, settings);
        let mut places = Vec::new();
        for item in (0..content.size() as u32).map(Item) {
            let Some(vector) = content.of(item) else { continue };
            let takers = takers.get(item.index()).copied().unwrap_or(0) as f32;
            let share = if takers > 0.0 { settings.prior / (takers + settings.prior) } else { 1.0 };
            if share <= 0.0 {
                continue;
            }
            let mut mixed = self.place(vector, standing);
            mixed.iter_mut().for_each(|value| *value *= share);
            let own = factors.vector(item);
            mixed.iter_mut().zip(own).for_each(|(value, own)| *value += (1.0 - share) * own);
            places.push((item, mixed));
        }
        places
    }
}

fn length(vector: &[f32]) -> f32 {
    dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factors::IalsSettings;
    use crate::interactions::Basket;
    use crate::{Query, Recommender};

    /// Two tastes: items 0 to 9 have content (1, 0), 10 to 19 (0, 1); 20 and 21 are new, one of each.
    fn shop() -> (Vec<Basket>, ItemVectors) {
        let basket = |customer: u32| {
            (0..5).map(|step| (Item((customer % 2) * 10 + (customer / 2 + step * 3) % 10), 1.0)).collect()
        };
        let mut content = ItemVectors::new(2);
        for item in 0..22 {
            let is_first = item < 10 || item == 20;
            content.set(Item(item), if is_first { &[1.0, 0.0] } else { &[0.0, 1.0] });
        }
        ((0..60).map(basket).collect(), content)
    }

    fn takers(baskets: &[Basket]) -> Vec<u32> {
        let mut takers = vec![0; 22];
        baskets.iter().flatten().for_each(|(item, _)| takers[item.index()] += 1);
        takers
    }

    #[test]
    fn a_new_item_is_proposed_to_those_who_like_its_kind() {
        let (baskets, content) = shop();
        let (takers, settings) = (takers(&baskets), MappingSettings::default());
        let mut factors = Factors::fit_ials(&baskets, &IalsSettings { dimensions: 4, ..IalsSettings::default() });
        let mapping = Mapping::fit(&content, &factors, &takers, &settings).unwrap();
        mapping.apply(&content, &takers, &settings, &mut factors);
        let found = factors.recommend(&Query { seeds: &[Item(3)], ..Query::default() }, 30);
        let place = |item: u32| found.iter().position(|scored| scored.item == Item(item));
        assert!(place(20).is_some_and(|place| place < 10) && place(21).is_none_or(|other| other > place(20).unwrap()));
        let from_new = factors.recommend(&Query { seeds: &[Item(21)], ..Query::default() }, 5);
        assert!(from_new.iter().all(|scored| (10..20).contains(&scored.item.0)), "{from_new:?}");
    }

    #[test]
    fn few_takers_are_helped_and_many_are_not() {
        let (baskets, content) = shop();
        let mut takers = takers(&baskets);
        takers[3] = 1;
        let factors = Factors::fit_ials(&baskets, &IalsSettings { dimensions: 4, ..IalsSettings::default() });
        let settings = MappingSettings { prior: 1.0, standing: 0.0, ..MappingSettings::default() };
        let mapping = Mapping::fit(&content, &factors, &takers, &settings).unwrap();
        let mut mixed = factors.clone();
        mapping.apply(&content, &takers, &settings, &mut mixed);
        let mapped = mapping.map(&[1.0, 0.0]);
        let pairs = factors.vector(Item(3)).iter().zip(&mapped).zip(mixed.vector(Item(3)));
        for ((own, mapped), mixed) in pairs {
            assert!((mixed - (own + mapped) / 2.0).abs() < 1e-6);
        }
    }

    #[test]
    fn bytes_give_the_same_map_and_broken_ones_are_refused() {
        let (baskets, content) = shop();
        let factors = Factors::fit_ials(&baskets, &IalsSettings { dimensions: 4, ..IalsSettings::default() });
        let mapping = Mapping::fit(&content, &factors, &takers(&baskets), &MappingSettings::default()).unwrap();
        let bytes = mapping.encode();
        assert_eq!(Mapping::decode(&bytes).as_ref(), Ok(&mapping));
        for cut in 0..bytes.len() {
            assert!(Mapping::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn without_common_items_there_is_no_map() {
        let (baskets, content) = shop();
        let factors = Factors::fit_ials(&baskets, &IalsSettings { dimensions: 4, ..IalsSettings::default() });
        assert!(Mapping::fit(&ItemVectors::new(2), &factors, &takers(&baskets), &MappingSettings::default()).is_none());
        assert!(Mapping::fit(&content, &Factors::default(), &[], &MappingSettings::default()).is_none());
    }
}
