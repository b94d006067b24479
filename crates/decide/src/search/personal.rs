//! Phase *order*: what fits the words, and of that what this customer is likely to want.
//!
//! Relevance comes first: only the best by the words are reordered. What speaks for a product with everybody (the values that
//! were wished for, popularity) makes its fit, on which clicks for the query have the last word; what speaks for it with this
//! customer lifts it from there. A product of which a code was typed stays where it is.

use mercer_recommend::Item;
use mercer_schema::{Page, Product, ReasonCode, SearchRequest, SearchSettings, SearchSort};
use mercer_search::{FacetField, leaf_of};
use rustc_hash::FxHashMap;

use super::Hit;
use super::chips::Wishes;
use super::clicked::Clicked;
use crate::candidates::Sources;
use crate::page::PageView;

/// The best by the words, which may change places.
const REORDERED: usize = 300;
/// Products that the customer is expected to order which are looked at.
const MOST_EXPECTED: usize = 200;

/// What can speak for a product beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Values that were wished for.
    Wished,
    Popular,
    /// Among what the customer orders next.
    Expected,
    Bought,
    Viewed,
    Category,
    Brand,
    Price,
}

impl Part {
    pub(crate) const ALL: [Self; 8] = [
        Self::Wished,
        Self::Popular,
        Self::Expected,
        Self::Bought,
        Self::Viewed,
        Self::Category,
        Self::Brand,
        Self::Price,
    ];

    /// What it adds at most, as a share of the relevance.
    const fn weight(self) -> f64 {
        match self {
            Self::Expected => 0.6,
            Self::Wished | Self::Bought => 0.5,
            Self::Popular | Self::Category | Self::Brand => 0.3,
            Self::Viewed => 0.2,
            Self::Price => 0.1,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wished => "wished",
            Self::Popular => "popular",
            Self::Expected => "expected",
            Self::Bought => "bought_before",
            Self::Viewed => "viewed",
            Self::Category => "category",
            Self::Brand => "brand",
            Self::Price => "price",
        }
    }

    /// With this customer, not with everybody.
    const fn is_personal(self) -> bool {
        !matches!(self, Self::Wished | Self::Popular)
    }

    /// How it is said to the customer.
    pub(crate) const fn reason(self) -> Option<ReasonCode> {
        match self {
            Self::Expected | Self::Category | Self::Brand | Self::Price => Some(ReasonCode::ForYou),
            Self::Bought => Some(ReasonCode::BuyAgain),
            Self::Viewed => Some(ReasonCode::RecentlyViewed),
            Self::Wished | Self::Popular => None,
        }
    }
}

/// What is known of the customer, in the form in which hits are asked about it.
pub(super) struct Preferred<'a> {
    page: &'a PageView<'a>,
    query: &'a str,
    settings: SearchSettings,
    strength: f64,
    expected: FxHashMap<Item, f64>,
    categories: FxHashMap<String, f64>,
    brands: FxHashMap<String, f64>,
    price_bands: FxHashMap<u8, f64>,
    most_popular: f64,
}

impl<'a> Preferred<'a> {
    pub(super) fn new(page: &'a PageView<'a>, request: &'a SearchRequest) -> Self {
        Self::with(page, request, &page.world.search_settings)
    }

    /// By other settings than those in force.
    pub(super) fn with(page: &'a PageView<'a>, request: &'a SearchRequest, settings: &SearchSettings) -> Self {
        let world = page.world;
        let asked = request.strength.filter(|strength| !strength.is_nan()).unwrap_or(1.0).clamp(0.0, 2.0);
        let strength = asked * settings.strength;
        let mut preferred = Self {
            page,
            query: &request.q,
            settings: *settings,
            strength,
            expected: FxHashMap::default(),
            categories: FxHashMap::default(),
            brands: FxHashMap::default(),
            price_bands: FxHashMap::default(),
            most_popular: world.popularity.ranked().next().map_or(0.0, |(_, score)| f64::from(score)),
        };
        if strength > 0.0 && !page.person.objects {
            preferred.know_tastes();
            // Other orders do not ask for it.
            if request.sort == SearchSort::Relevance {
                preferred.expect();
            }
        }
        preferred
    }

    fn know_tastes(&mut self) {
        let PageView { world, person, now, .. } = *self.page;
        let tastes = person.affinities(&world.catalog, now);
        self.categories = shares(tastes.categories);
        self.brands = shares(tastes.brands);
        self.price_bands = shares(tastes.price_bands);
    }

    fn expect(&mut self) {
        let PageView { world, person, now, .. } = *self.page;
        let best = Sources::new(world, person, &Page::default(), &[], now).for_you(MOST_EXPECTED);
        self.expected =
            best.iter().enumerate().map(|(place, scored)| (scored.item, 1.0 / (1.0 + place as f64 / 10.0))).collect();
    }

    /// How much a value of a facet is to the customer's taste, from 0 to 1; below 0 what is not.
    pub(super) fn taste_for(&self, field: &FacetField, text: &str) -> f64 {
        let taste = match field {
            FacetField::Brand => self.brands.get(text),
            FacetField::Category => self.categories.get(leaf_of(text)),
            FacetField::Attribute(_) => None,
        };
        taste.copied().unwrap_or(0.0)
    }

    /// Puts the best by the words in order. Hits come in order of relevance.
    pub(super) fn reorder(&self, wishes: &Wishes, hits: &mut [Hit<'_>]) {
        let best = hits.len().min(REORDERED);
        let hits = &mut hits[..best];
        for hit in hits.iter_mut() {
            hit.parts = self.parts(wishes, hit.item, hit.product);
            hit.fit = hit.relevance * (1.0 + hit.lift(|part| !part.is_personal()));
        }
        let clicked = Clicked::new(self.page.world, &self.settings, self.query, hits);
        for hit in hits.iter_mut() {
            let (learned, doubt) = clicked.relevance(hit);
            (hit.learned, hit.doubt) = (learned, doubt);
            hit.score = if hit.is_coded { f64::MAX } else { learned * (1.0 + hit.lift(Part::is_personal)) };
        }
        let by_score = |a: &Hit<'_>, b: &Hit<'_>| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place));
        hits.sort_by(|a, b| a.is_near().cmp(&b.is_near()).then_with(|| by_score(a, b)));
        for hit in hits.iter_mut().filter(|hit| hit.is_coded) {
            hit.score = 1.0;
        }
    }

    fn parts(&self, wishes: &Wishes, item: Item, product: &Product) -> [f32; Part::ALL.len()] {
        Part::ALL.map(|part| {
            let strength = if part.is_personal() { self.strength } else { 1.0 };
            (part.weight() * strength * self.value(part, wishes, item, product)) as f32
        })
    }

    /// From 0 to 1.
    fn value(&self, part: Part, wishes: &Wishes, item: Item, product: &Product) -> f64 {
        let person = self.page.person;
        let share = |tastes: &FxHashMap<String, f64>, name: Option<&str>| {
            name.and_then(|name| tastes.get(name)).copied().unwrap_or(0.0)
        };
        let truth = |is: bool| if is { 1.0 } else { 0.0 };
        match part {
            Part::Wished => wishes.fulfilled(self.page.world, item) as f64,
            Part::Popular if self.most_popular > 0.0 => {
                (f64::from(self.page.world.popularity.score(item)) / self.most_popular).max(0.0).sqrt()
            }
            Part::Popular => 0.0,
            Part::Expected => self.expected.get(&item).copied().unwrap_or(0.0),
            _ if self.strength == 0.0 => 0.0,
            Part::Bought => truth(person.bought.get(&item).is_some_and(|bought| !bought.returned)),
            Part::Viewed => truth(person.viewed.iter().take(MOST_EXPECTED).any(|viewed| *viewed == item)),
            Part::Category => share(&self.categories, product.leaf_category()),
            Part::Brand => share(&self.brands, product.brand.as_deref()),
            Part::Price => product.price_band().and_then(|band| self.price_bands.get(&band)).copied().unwrap_or(0.0),
        }
    }
}

/// Each taste beside the strongest: from 0 to 1, dislikes below 0.
fn shares<K: std::hash::Hash + Eq>(tastes: Vec<(K, f64)>) -> FxHashMap<K, f64> {
    let most = tastes.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    let scale = if most > 0.0 { most } else { 1.0 };
    tastes.into_iter().map(|(name, share)| (name, (share / scale).max(-1.0))).collect()
}
