//! Phase *order*: what fits the words, and of that what this customer is likely to want.
//!
//! Relevance comes first: only the best by the words are reordered. What speaks for a product with everybody (the values that
//! were wished for, popularity) makes its fit, on which clicks for the query have the last word; what speaks for it with this
//! customer lifts it from there, by a formula, or by a ranker where one was taught and is better (`learned.rs`). A product of
//! which a code was typed stays where it is.

use mercer_recommend::Item;
use mercer_schema::{Page, Product, ReasonCode, ScorePart, SearchRequest, SearchSettings, SearchSort};
use mercer_search::{FacetField, leaf_of};
use rustc_hash::FxHashMap;

use super::Hit;
use super::chips::Wishes;
use super::clicked::Clicked;
use super::features::Customer;
use super::learned::{Learned, Order, Ranked, best_first};
use crate::candidates::Sources;
use crate::page::PageView;

/// The best by the words, which may change places.
const REORDERED: usize = 300;
/// Products that the customer is expected to order which are looked at.
const MOST_EXPECTED: usize = 200;

/// Words mean one kind of thing when so much of the best hits is of one category.
const TELLING: usize = 60;
const ONE_KIND: f64 = 0.7;

/// How much a category is asked for now and here, from −1 to 1.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    season: f64,
    place: f64,
}

/// What can speak for a product beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Values that were wished for.
    Wished,
    Popular,
    /// Of several kinds of things that the words may mean, the one that is bought in this part of the year.
    Season,
    /// The same by the customer's country.
    Place,
    /// Among what the customer orders next.
    Expected,
    Bought,
    Viewed,
    Category,
    Brand,
    Price,
}

impl Part {
    pub(crate) const ALL: [Self; 10] = [
        Self::Wished,
        Self::Popular,
        Self::Season,
        Self::Place,
        Self::Expected,
        Self::Bought,
        Self::Viewed,
        Self::Category,
        Self::Brand,
        Self::Price,
    ];

    /// What it adds at most, as a share of the relevance.
    pub(super) const fn weight(self) -> f64 {
        match self {
            Self::Expected => 0.6,
            Self::Wished | Self::Bought => 0.5,
            Self::Popular | Self::Category | Self::Brand => 0.3,
            Self::Viewed | Self::Place => 0.2,
            Self::Price => 0.1,
            Self::Season => 0.05,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wished => "wished",
            Self::Popular => "popular",
            Self::Season => "season",
            Self::Place => "place",
            Self::Expected => "expected",
            Self::Bought => "bought_before",
            Self::Viewed => "viewed",
            Self::Category => "category",
            Self::Brand => "brand",
            Self::Price => "price",
        }
    }

    /// With this customer, not with everybody.
    pub(super) const fn is_personal(self) -> bool {
        !matches!(self, Self::Wished | Self::Popular | Self::Season)
    }

    /// How it is said to the customer.
    pub(crate) const fn reason(self) -> Option<ReasonCode> {
        match self {
            Self::Expected | Self::Category | Self::Brand | Self::Price => Some(ReasonCode::ForYou),
            Self::Bought => Some(ReasonCode::BuyAgain),
            Self::Viewed => Some(ReasonCode::RecentlyViewed),
            Self::Wished | Self::Popular | Self::Season | Self::Place => None,
        }
    }
}

/// What is known of the customer, in the form in which hits are asked about it.
pub(super) struct Preferred<'a> {
    pub(super) page: &'a PageView<'a>,
    pub(super) query: &'a str,
    settings: SearchSettings,
    strength: f64,
    expected: FxHashMap<Item, f64>,
    categories: FxHashMap<String, f64>,
    brands: FxHashMap<String, f64>,
    price_bands: FxHashMap<u8, f64>,
    most_popular: f64,
    /// Where a ranker has the last word.
    learned: Option<Learned<'a>>,
}

impl<'a> Preferred<'a> {
    pub(super) fn new(page: &'a PageView<'a>, request: &'a SearchRequest) -> Self {
        Self::with(page, request, &page.world.search_settings)
    }

    /// By other settings than those in force.
    pub(super) fn with(page: &'a PageView<'a>, request: &'a SearchRequest, settings: &SearchSettings) -> Self {
        let ranker = &page.world.models.search_ranker;
        Self::ranked_by(page, request, settings, ranker.serves().then_some(Order::By(ranker)))
    }

    /// By another order than the one in force.
    pub(super) fn ranked_by(
        page: &'a PageView<'a>,
        request: &'a SearchRequest,
        settings: &SearchSettings,
        order: Option<Order<'a>>,
    ) -> Self {
        let world = page.world;
        let strength = page.person.search_strength(request.strength, settings);
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
            learned: None,
        };
        if strength > 0.0 && !page.person.objects {
            preferred.know_tastes();
            // Other orders do not ask for it.
            if request.sort == SearchSort::Relevance {
                // A walk through a category is no search for words, and the ranker was not taught on any.
                preferred.expect(order.filter(|_| !request.q.trim().is_empty()));
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

    fn expect(&mut self, order: Option<Order<'a>>) {
        let PageView { world, person, now, .. } = *self.page;
        let sources = Sources::new(world, person, &Page::default(), &[], now);
        let asked = sources.asked();
        if let Some(order) = order.filter(|_| !asked.is_empty()) {
            self.learned = Some(Learned { order, customer: Customer::new(world, person, asked) });
            return;
        }
        let best = sources.for_you(MOST_EXPECTED);
        self.expected = best.iter().enumerate().map(|(place, scored)| (scored.item, expectation(place))).collect();
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
    pub(super) fn reorder(&self, wishes: &Wishes, hits: &mut [Hit<'_>]) -> Option<Ranked> {
        let (total, best) = (hits.len(), hits.len().min(REORDERED));
        let hits = &mut hits[..best];
        let kinds = self.kinds(hits);
        for hit in hits.iter_mut() {
            let kind = hit.product.leaf_category().and_then(|category| kinds.get(category)).copied();
            hit.parts = self.parts(wishes, (hit.item, hit.product), kind.unwrap_or_default());
            hit.fit = hit.relevance * (1.0 + hit.lift(|part| !part.is_personal()));
        }
        let clicked = Clicked::new(self.page.world, &self.settings, self.query, hits);
        for hit in hits.iter_mut() {
            let (learned, doubt) = clicked.relevance(hit);
            (hit.learned, hit.doubt) = (learned, doubt);
            hit.score =
                if hit.is_coded { f64::MAX } else { learned * (1.0 + self.dial() * hit.lift(Part::is_personal)) };
        }
        best_first(hits);
        let ranked = self.learned.as_ref().and_then(|learned| learned.rank(self, hits, total));
        for hit in hits.iter_mut().filter(|hit| hit.is_coded) {
            hit.score = 1.0;
        }
        ranked
    }

    /// What speaks for a hit beside its words: by the formula, or as the ranker sees it.
    pub(super) fn parts_of(&self, hit: &Hit<'_>, ranked: Option<&Ranked>) -> Vec<ScorePart> {
        let by_ranker = match (&self.learned, ranked) {
            (Some(Learned { order: Order::By(ranker), .. }), Some(ranked)) => {
                ranked.parts(ranker, hit.item, self.strength)
            }
            _ => Vec::new(),
        };
        let is_told = |part: Part| by_ranker.is_empty() || !part.is_personal();
        let by_hand = hit.parts().filter(|(part, _)| is_told(*part));
        let by_hand = by_hand.map(|(part, value)| ScorePart { name: part.name().to_owned(), value });
        let learned = by_ranker.iter().map(|part| ScorePart { name: format!("ranker: {}", part.name), ..*part });
        by_hand.chain(learned).collect()
    }

    /// What the personal parts are still to be multiplied by: a ranker was taught on the whole of them.
    const fn dial(&self) -> f64 {
        if self.learned.is_some() { self.strength } else { 1.0 }
    }

    pub(super) const fn strength(&self) -> f64 {
        self.strength
    }

    /// Where the words may mean several kinds of things, how much each is asked for now and here.
    fn kinds<'h>(&self, hits: &[Hit<'h>]) -> FxHashMap<&'h str, Kind> {
        let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
        for category in hits.iter().take(TELLING).filter_map(|hit| hit.product.leaf_category()) {
            *counts.entry(category).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        let most = counts.values().copied().max().unwrap_or(0);
        let is_ambiguous = most as f64 <= ONE_KIND * all as f64 && !self.query.trim().is_empty();
        if !is_ambiguous || hits.iter().any(|hit| hit.is_coded) {
            return FxHashMap::default();
        }
        let PageView { world, person, now, .. } = *self.page;
        let circumstances = &world.circumstances;
        let country = person.whereabouts.country;
        let kind = |category: &str| Kind {
            season: circumstances.season(category, now),
            place: country.map_or(0.0, |country| circumstances.place(category, country)),
        };
        let mut kinds = FxHashMap::default();
        for category in hits.iter().filter_map(|hit| hit.product.leaf_category()) {
            kinds.entry(category).or_insert_with(|| kind(category));
        }
        kinds
    }

    fn parts(&self, wishes: &Wishes, (item, product): (Item, &Product), kind: Kind) -> [f32; Part::ALL.len()] {
        Part::ALL.map(|part| {
            let strength = if part.is_personal() && self.learned.is_none() { self.strength } else { 1.0 };
            (part.weight() * strength * self.value(part, wishes, (item, product), kind)) as f32
        })
    }

    /// From 0 to 1.
    fn value(&self, part: Part, wishes: &Wishes, (item, product): (Item, &Product), kind: Kind) -> f64 {
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
            Part::Season => kind.season,
            Part::Expected => match &self.learned {
                Some(learned) => {
                    learned.customer.place(item).filter(|place| *place < MOST_EXPECTED).map_or(0.0, expectation)
                }
                None => self.expected.get(&item).copied().unwrap_or(0.0),
            },
            _ if self.strength == 0.0 => 0.0,
            Part::Place => kind.place,
            Part::Bought => truth(person.bought.get(&item).is_some_and(|bought| !bought.returned)),
            Part::Viewed => truth(person.viewed.iter().take(MOST_EXPECTED).any(|viewed| *viewed == item)),
            Part::Category => share(&self.categories, product.leaf_category()),
            Part::Brand => share(&self.brands, product.brand.as_deref()),
            Part::Price => product.price_band().and_then(|band| self.price_bands.get(&band)).copied().unwrap_or(0.0),
        }
    }
}

/// What a place among the expected is worth, from 0.
fn expectation(place: usize) -> f64 {
    1.0 / (1.0 + place as f64 / 10.0)
}

/// Each taste beside the strongest: from 0 to 1, dislikes below 0.
fn shares<K: std::hash::Hash + Eq>(tastes: Vec<(K, f64)>) -> FxHashMap<K, f64> {
    let most = tastes.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    let scale = if most > 0.0 { most } else { 1.0 };
    tastes.into_iter().map(|(name, share)| (name, (share / scale).max(-1.0))).collect()
}
