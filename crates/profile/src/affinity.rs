//! What a profile says about taste: decayed affinities, and recency, frequency and spend.
//!
//! Invariant: ages count from the newest touch, so an old history says as much about taste as a fresh one and no
//! weight that matters is lost to underflow. Everything is a function of the arguments.

use std::collections::BTreeMap;

use mercer_schema::{Currency, Product, ProductId, Profile, Timestamp, TouchKind};
use serde::{Deserialize, Serialize};

/// Parameters of [`affinities_with`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AffinitySettings {
    /// After this time a touch weighs half.
    pub half_life_days: f64,
    /// What each wider category weighs of the narrower one, 0 to 1.
    pub parent_share: f64,
}

impl Default for AffinitySettings {
    fn default() -> Self {
        Self { half_life_days: 30.0, parent_share: 0.5 }
    }
}

/// What somebody likes, highest first; in each list the positive values sum to 1, and negative ones say what they
/// turned away from, on the same scale.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Affinities {
    /// Categories by name, the wide ones among them too.
    pub categories: Vec<(String, f64)>,
    pub brands: Vec<(String, f64)>,
    /// By [`Product::price_band`].
    pub price_bands: Vec<(u8, f64)>,
}

/// [`affinities_with`] the default settings.
pub fn affinities<'a>(
    profile: &Profile,
    product: impl Fn(&ProductId) -> Option<&'a Product>,
    now: Timestamp,
) -> Affinities {
    affinities_with(AffinitySettings::default(), profile, product, now)
}

/// Weighs each touch up to `now` by its kind, its pieces (1 + their logarithm) and its age, and sums that up by the
/// category, brand and price band of its product. Products that the catalog no longer has say nothing.
pub fn affinities_with<'a>(
    settings: AffinitySettings,
    profile: &Profile,
    product: impl Fn(&ProductId) -> Option<&'a Product>,
    now: Timestamp,
) -> Affinities {
    let mut categories: BTreeMap<&str, f64> = BTreeMap::new();
    let mut brands: BTreeMap<&str, f64> = BTreeMap::new();
    let mut price_bands: BTreeMap<u8, f64> = BTreeMap::new();
    let touches = || profile.touches.iter().filter(|touch| touch.at <= now);
    let newest_at = touches().map(|touch| touch.at).max().unwrap_or(now);
    for touch in touches() {
        let Some(product) = product(&touch.product_id) else { continue };
        let age_days = newest_at.since(touch.at) as f64 / Timestamp::DAY as f64;
        let decay = (-age_days / settings.half_life_days).exp2();
        let weight = touch.kind.weight() * (1.0 + f64::from(touch.quantity.max(1)).ln()) * decay;
        let mut share = weight;
        for category in product.category.iter().rev() {
            *categories.entry(category).or_default() += share;
            share *= settings.parent_share;
        }
        if let Some(brand) = &product.brand {
            *brands.entry(brand).or_default() += weight;
        }
        if let Some(band) = product.price_band() {
            *price_bands.entry(band).or_default() += weight;
        }
    }
    Affinities {
        categories: normalised(categories.into_iter().map(|(name, weight)| (name.to_owned(), weight))),
        brands: normalised(brands.into_iter().map(|(name, weight)| (name.to_owned(), weight))),
        price_bands: normalised(price_bands.into_iter()),
    }
}

/// Highest first; positives sum to 1. When there are none the negatives sum to -1.
fn normalised<K: Ord>(weights: impl Iterator<Item = (K, f64)>) -> Vec<(K, f64)> {
    let mut weights: Vec<(K, f64)> = weights.filter(|(_, weight)| weight.is_finite() && *weight != 0.0).collect();
    let positive: f64 = weights.iter().map(|(_, weight)| weight.max(0.0)).sum();
    let scale = if positive > 0.0 { positive } else { weights.iter().map(|(_, weight)| weight.abs()).sum() };
    weights.iter_mut().for_each(|(_, weight)| *weight /= scale);
    weights.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    weights
}

/// Recency, frequency and monetary value: the oldest useful summary of a customer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rfm {
    pub last_order_at: Option<Timestamp>,
    /// Since the last order; never negative.
    pub recency_days: Option<f64>,
    /// Orders that were not cancelled.
    pub orders: u32,
    pub spend_minor: BTreeMap<Currency, i64>,
}

pub fn rfm(profile: &Profile, now: Timestamp) -> Rfm {
    let bought = profile.touches.iter().filter(|touch| touch.kind == TouchKind::Purchased && touch.at <= now);
    let last_order_at = bought.map(|touch| touch.at).max();
    Rfm {
        last_order_at,
        recency_days: last_order_at.map(|at| now.since(at) as f64 / Timestamp::DAY as f64),
        orders: profile.orders,
        spend_minor: profile.spend_minor.clone(),
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Money, Touch};
    use proptest::prelude::*;

    use super::*;

    fn shop() -> Vec<Product> {
        let describe = |id: &str, category: &[&str], brand: &str, minor: i64| {
            let mut product = Product::new(ProductId::trusted(id), id);
            product.category = category.iter().map(|name| (*name).to_owned()).collect();
            product.brand = Some(brand.to_owned());
            product.price = Currency::parse("EUR").ok().map(|currency| Money { minor, currency });
            product
        };
        vec![
            describe("mug", &["Home", "Kitchen", "Mugs"], "Blue", 1_200),
            describe("pan", &["Home", "Kitchen", "Pans"], "Iron", 4_900),
            describe("kite", &["Toys"], "Blue", 1_300),
        ]
    }

    fn touched(touches: &[(&str, TouchKind, i64)]) -> Profile {
        let touches = touches.iter().map(|(id, kind, day)| Touch {
            at: Timestamp(day * Timestamp::DAY),
            product_id: ProductId::trusted(*id),
            kind: *kind,
            quantity: 1,
        });
        Profile { touches: touches.collect(), ..Profile::default() }
    }

    fn tastes(profile: &Profile, now_day: i64) -> Affinities {
        let shop = shop();
        let found = |id: &ProductId| shop.iter().find(|product| product.id == *id);
        affinities(profile, found, Timestamp(now_day * Timestamp::DAY))
    }

    #[test]
    fn a_purchase_outweighs_views_and_age_halves() {
        let tastes = tastes(
            &touched(&[
                ("pan", TouchKind::Purchased, 0),
                ("mug", TouchKind::Viewed, 30),
                ("kite", TouchKind::Purchased, 30),
            ]),
            31,
        );
        let brands: Vec<(&str, f64)> = tastes.brands.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
        assert_eq!(brands, [("Blue", 1.1 / 1.6), ("Iron", 0.5 / 1.6)]);
        let names: Vec<&str> = tastes.categories.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Toys", "Pans", "Kitchen", "Home", "Mugs"]);
        assert_eq!(tastes.price_bands.iter().map(|(band, _)| *band).collect::<Vec<_>>(), [20, 24]);
    }

    #[test]
    fn what_was_sent_back_counts_against() {
        let tastes = tastes(&touched(&[("pan", TouchKind::Returned, 1), ("kite", TouchKind::Purchased, 1)]), 2);
        assert_eq!(tastes.brands, [("Blue".to_owned(), 1.0), ("Iron".to_owned(), -0.8)]);
    }

    #[test]
    fn touches_after_the_asked_time_do_not_count() {
        let profile = touched(&[("pan", TouchKind::Purchased, 1), ("kite", TouchKind::Purchased, 9)]);
        assert_eq!(tastes(&profile, 5).brands, [("Iron".to_owned(), 1.0)]);
        let summary = rfm(&profile, Timestamp(5 * Timestamp::DAY));
        assert_eq!((summary.last_order_at, summary.recency_days), (Some(Timestamp(Timestamp::DAY)), Some(4.0)));
    }

    proptest! {
        #[test]
        fn positives_sum_to_one_however_old(
            touches in prop::collection::vec((0_usize..3, 0_usize..10, 0_i64..20_000), 1..40), later in 0_i64..200_000,
        ) {
            let ids = ["mug", "pan", "kite"];
            let touches: Vec<_> =
                touches.into_iter().map(|(id, kind, day)| (ids[id], crate::facts::KINDS[kind], day)).collect();
            let tastes = tastes(&touched(&touches), 20_000 + later);
            let lists = [
                tastes.categories.iter().map(|(_, weight)| *weight).collect::<Vec<f64>>(),
                tastes.brands.iter().map(|(_, weight)| *weight).collect(),
                tastes.price_bands.iter().map(|(_, weight)| *weight).collect(),
            ];
            for list in lists {
                prop_assert!(list.iter().all(|weight| weight.is_finite()));
                prop_assert!(list.is_sorted_by(|left, right| left >= right));
                let positive: f64 = list.iter().filter(|weight| **weight > 0.0).sum();
                prop_assert!(positive == 0.0 || (positive - 1.0).abs() < 1e-9, "{positive}");
            }
        }
    }
}
