//! Where can this customer go? The tree of categories, and some of them as tiles in their order.
//!
//! What a customer has to do with comes first: narrow categories, by the weight of what was looked at and bought there.
//! The widest follow, by that weight and by what everybody buys. It is as pure as a page; nothing of it is logged.

use mercer_recommend::Item;
use mercer_schema::{
    BrowseAnswer, BrowseBecause, BrowseCategory, BrowseRequest, BrowseTile, DecideRequest, Page, PageType, Timestamp,
};
use mercer_search::{LEVEL_SEPARATOR, Language};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::World;
use crate::catalog::Shelf;
use crate::gate::{Person, admit};
use crate::notes::Notes;
use crate::words::{language_of, words};

const TILES: usize = 12;
const MOST_TILES: usize = 100;
/// The most popular products, which say what a category is worth to everybody, and lend it their picture.
const MOST_RANKED: usize = 5_000;
/// A look is late within so long.
const LATELY: i64 = 30 * Timestamp::DAY;
/// A category with less than this share of the most popular one's trade is not called popular.
const LEAST_POPULAR: f64 = 0.05;

/// Answers where to go. It never fails.
pub fn browse(world: &World, request: &BrowseRequest, now: Timestamp) -> BrowseAnswer {
    let mut notes = Notes::default();
    let person = admit(world, &page_request(request), now, &mut notes);
    let shop = Shop::new(world, &person, request, now);
    let wanted = request.tiles.unwrap_or(TILES).min(MOST_TILES);
    BrowseAnswer {
        position: world.position,
        decided_at: now,
        categories: shop.below(&[]),
        tiles: shop.tiles(wanted),
        control: person.objects,
        notes: notes.into_vec(),
    }
}

/// The categories right below one, in the order of this customer. Of a name that several have, below the first of them.
pub fn children(world: &World, category: &str, request: &BrowseRequest, now: Timestamp) -> Vec<BrowseTile> {
    let person = admit(world, &page_request(request), now, &mut Notes::default());
    let shop = Shop::new(world, &person, request, now);
    let Some(path) = shop.path_of(category) else { return Vec::new() };
    shop.in_order(shop.right_below(path).collect())
}

fn page_request(request: &BrowseRequest) -> DecideRequest {
    DecideRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        page: Page { kind: PageType::Category, locale: request.locale.clone(), ..Page::default() },
        no_personalization: request.no_personalization,
        ..DecideRequest::default()
    }
}

/// The categories with all that speaks for each, by its place among them.
struct Shop<'a> {
    world: &'a World,
    language: Language,
    shelves: std::sync::Arc<[Shelf]>,
    /// What everybody buys there, and of that the best.
    popularity: Vec<f64>,
    best: Vec<Option<Item>>,
    /// How much the customer has to do with categories of a name.
    weights: FxHashMap<String, f64>,
    /// How much that counts.
    strength: f64,
    looked: FxHashSet<String>,
    bought: FxHashSet<String>,
}

impl<'a> Shop<'a> {
    fn new(world: &'a World, person: &Person, request: &BrowseRequest, now: Timestamp) -> Self {
        let shelves = world.catalog.shelves();
        let places: FxHashMap<&[String], usize> =
            shelves.iter().enumerate().map(|(place, shelf)| (shelf.path.as_slice(), place)).collect();
        let (mut popularity, mut best) = (vec![0.0; shelves.len()], vec![None; shelves.len()]);
        for (item, score) in world.popularity.ranked().take(MOST_RANKED) {
            let Some(product) = world.catalog.product(item).filter(|product| product.is_buyable()) else { continue };
            for length in 1..=product.category.len() {
                let Some(place) = product.category.get(..length).and_then(|path| places.get(path)) else { continue };
                popularity[*place] += f64::from(score);
                if product.image_url.is_some() {
                    best[*place].get_or_insert(item);
                }
            }
        }
        let names = |items: &mut dyn Iterator<Item = Item>| -> FxHashSet<String> {
            items.filter_map(|item| world.catalog.product(item)).flat_map(|product| product.category.clone()).collect()
        };
        let strength = person.search_strength(None, &world.search_settings);
        let known = Some(person).filter(|_| strength > 0.0);
        let weights = known.map(|person| person.category_weights(&world.catalog, now)).unwrap_or_default();
        let looked = known.into_iter().flat_map(|person| person.looked_at_since(&world.catalog, now.plus(-LATELY)));
        let bought = known.into_iter().flat_map(|person| &person.bought).filter(|(_, bought)| !bought.returned);
        Self {
            language: language_of(request.locale.as_deref(), world),
            looked: names(&mut { looked }),
            bought: names(&mut bought.map(|(item, _)| *item)),
            world,
            popularity,
            best,
            weights: weights.into_iter().collect(),
            strength,
            shelves,
        }
    }

    /// The path of a category by its own path or its name.
    fn path_of(&self, category: &str) -> Option<&[String]> {
        let is_meant = |shelf: &&Shelf| {
            if category.contains(LEVEL_SEPARATOR) {
                shelf.path.join(LEVEL_SEPARATOR) == category
            } else {
                shelf.path.last().is_some_and(|name| name == category)
            }
        };
        self.shelves.iter().find(is_meant).map(|shelf| shelf.path.as_slice())
    }

    fn right_below(&self, path: &[String]) -> impl Iterator<Item = usize> {
        let is_below = |shelf: &Shelf| shelf.path.len() == path.len() + 1 && shelf.path.starts_with(path);
        (0..self.shelves.len()).filter(move |place| is_below(&self.shelves[*place]))
    }

    fn below(&self, path: &[String]) -> Vec<BrowseCategory> {
        let told = |place: usize| {
            let Shelf { path, products, .. } = &self.shelves[place];
            BrowseCategory {
                name: path.last().cloned().unwrap_or_default(),
                category: path.join(LEVEL_SEPARATOR),
                products: *products,
                image_url: self.image(place),
                children: self.below(path),
            }
        };
        self.right_below(path).map(told).collect()
    }

    /// First what is the customer's own, then the widest.
    fn tiles(&self, wanted: usize) -> Vec<BrowseTile> {
        let is_narrow = |place: &usize| {
            let path = &self.shelves[*place].path;
            path.len() > 1 && self.weight(*place) > 0.0 && self.right_below(path).next().is_none()
        };
        let mut tiles = self.in_order((0..self.shelves.len()).filter(is_narrow).collect());
        tiles.truncate(wanted / 2);
        tiles.extend(self.in_order(self.right_below(&[]).collect()));
        tiles.truncate(wanted);
        tiles
    }

    /// By the customer's weight and by what everybody buys, each as a share of the most; of equals the larger.
    fn in_order(&self, mut places: Vec<usize>) -> Vec<BrowseTile> {
        let most = |of: &dyn Fn(usize) -> f64| places.iter().map(|place| of(*place)).fold(f64::MIN_POSITIVE, f64::max);
        let heaviest = most(&|place| self.weight(place));
        let busiest = most(&|place| self.popularity[place]);
        let popular = |place: usize| self.popularity[place] / busiest;
        let worth = |place: usize| self.strength * self.weight(place) / heaviest + 0.5 * popular(place);
        places.sort_by(|a, b| {
            let products = |place: usize| self.shelves[place].products;
            worth(*b).total_cmp(&worth(*a)).then(products(*b).cmp(&products(*a))).then(a.cmp(b))
        });
        places.into_iter().map(|place| self.tile(place, popular(place) >= LEAST_POPULAR)).collect()
    }

    fn tile(&self, place: usize, is_popular: bool) -> BrowseTile {
        let Shelf { path, products, .. } = &self.shelves[place];
        let name = path.last().cloned().unwrap_or_default();
        let because = if self.looked.contains(&name) {
            BrowseBecause::Looked
        } else if self.bought.contains(&name) {
            BrowseBecause::Bought
        } else if self.weight(place) > 0.0 {
            BrowseBecause::Liked
        } else if is_popular {
            BrowseBecause::Popular
        } else {
            BrowseBecause::Shop
        };
        BrowseTile {
            category: path.join(LEVEL_SEPARATOR),
            products: *products,
            image_url: self.image(place),
            because,
            why: words(self.language).browsed(because).to_owned(),
            name,
        }
    }

    fn weight(&self, place: usize) -> f64 {
        self.shelves[place].path.last().and_then(|name| self.weights.get(name)).copied().unwrap_or(0.0)
    }

    fn image(&self, place: usize) -> Option<String> {
        let item = self.best[place].or(self.shelves[place].pictured)?;
        self.world.catalog.product(item)?.image_url.clone()
    }
}
