//! The models of a version: one entry each, and nothing else knows how many there are.
//!
//! To add one: a field in [`Models`], an entry here. Fitting, judging, writing, resuming and reading follow.

use std::collections::BTreeMap;

use mercer_decide::{Models, SearchRanker, World};
use mercer_recommend::Item;
use mercer_recommend::bundles::{self, Bundles};
use mercer_recommend::complements::{self, Complements};
use mercer_recommend::hybrid::{Facts, Ranker};
use mercer_recommend::interactions::purchases;
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::repurchase::{self, Repurchase};
use mercer_recommend::tastes::Tastes;
use mercer_schema::ProductId;
use mercer_store::FittedModel;
use rustc_hash::FxHashMap;

use crate::lessons::Lessons;
use crate::{ModelOptions, lexicon, ranking, reformulations, search_ranking, sequences, texts, weights};

/// Finds the number of a product that a file names.
pub(crate) type Resolve<'a> = &'a dyn Fn(&str) -> Option<Item>;

/// How one model is fitted, written and read.
pub(crate) struct Recipe {
    /// The file of a version that holds it.
    pub(crate) file: &'static str,
    /// For people who wait.
    pub(crate) title: &'static str,
    pub(crate) settings: fn() -> String,
    /// None where nothing is left to chance.
    pub(crate) seed: Option<u64>,
    /// The gate asks it. What it does not ask is not fitted a second time for it.
    pub(crate) is_judged: bool,
    /// Fitted once, on what was before the held-out days: what the gate judges is what serves.
    pub(crate) is_kept: bool,
    /// Fitted and written: the bytes of the file.
    pub(crate) fit: fn(&Lessons, &World) -> Vec<u8>,
    /// The shop wants it.
    pub(crate) is_wanted: fn(&ModelOptions) -> bool,
    /// Reads the file into its place; the error says what is wrong with it.
    pub(crate) read: fn(&mut Models, &[u8], Resolve<'_>) -> Result<(), mercer_recommend::Error>,
}

const RANKER: &str = "ranker.model";
pub(crate) const SEARCH_RANKER: &str = "search_ranker.model";
const SEQUENCE: &str = "sequence.model";
const TEXTS: &str = "texts.model";
const WEIGHTS: &str = "weights.model";

pub(crate) const RECIPES: [Recipe; 15] = [
    Recipe {
        file: "bought_together.model",
        title: "Bought together",
        settings: || written(&neighbours::Settings::bought_together()),
        seed: None,
        is_judged: true,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| {
            Neighbours::fit(&lessons.baskets(), &neighbours::Settings::bought_together()).encode(namer(world))
        },
        read: |models, bytes, resolve| Neighbours::decode(bytes, resolve).map(|read| models.bought_together = read),
    },
    Recipe {
        file: "also_viewed.model",
        title: "Also viewed",
        settings: || written(&neighbours::Settings::default()),
        seed: None,
        is_judged: true,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| {
            let settings = neighbours::Settings::default();
            // A shop without views yet still knows what is bought by the same people.
            let fitted = match lessons.visits.is_empty() {
                true => Neighbours::fit(&lessons.baskets(), &settings),
                false => Neighbours::fit(&lessons.visits, &settings),
            };
            fitted.encode(namer(world))
        },
        read: |models, bytes, resolve| Neighbours::decode(bytes, resolve).map(|read| models.also_viewed = read),
    },
    Recipe {
        file: "for_you.model",
        title: "For you",
        settings: || written(&next_order::Settings::default()),
        seed: None,
        is_judged: true,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| NextOrder::fit(&lessons.orders, &next_order::Settings::default()).encode(namer(world)),
        read: |models, bytes, resolve| NextOrder::decode(bytes, resolve).map(|read| models.for_you = read),
    },
    Recipe {
        file: "tastes.model",
        title: "Tastes",
        settings: || written(&ranking::taste_settings()),
        seed: Some(ranking::SEED),
        is_judged: true,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| ranking::fit_tastes(lessons, world).encode(namer(world)),
        read: |models, bytes, resolve| Tastes::decode(bytes, resolve).map(|read| models.tastes = read),
    },
    Recipe {
        file: "facts.model",
        title: "Demand",
        settings: || "{}".to_owned(),
        seed: None,
        is_judged: true,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| Facts::of_orders(&lessons.orders).encode(namer(world)),
        read: |models, bytes, resolve| Facts::decode(bytes, resolve).map(|read| models.facts = read),
    },
    Recipe {
        file: RANKER,
        title: "Ranker",
        settings: || written(&ranking::settings()),
        seed: Some(ranking::SEED),
        is_judged: true,
        is_kept: true,
        is_wanted: |_| true,
        fit: |lessons, world| ranking::fit(lessons, world).encode(),
        read: |models, bytes, _| Ranker::decode(bytes).map(|read| models.ranker = read),
    },
    Recipe {
        file: SEARCH_RANKER,
        title: "Order of search results",
        settings: || written(&search_ranking::settings()),
        seed: Some(ranking::SEED),
        is_judged: true,
        is_kept: true,
        is_wanted: |_| true,
        fit: |lessons, world| search_ranking::fit(lessons, world).encode(),
        read: |models, bytes, _| SearchRanker::decode(bytes).map(|read| models.search_ranker = read),
    },
    Recipe {
        file: "repurchase.model",
        title: "Buy again",
        settings: || written(&repurchase::Settings::default()),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| {
            let categories = category_numbers(world);
            let group = |item: Item| categories.get(&item).copied();
            Repurchase::fit(purchases(&lessons.orders), group, &repurchase::Settings::default()).encode(namer(world))
        },
        read: |models, bytes, resolve| Repurchase::decode(bytes, resolve).map(|read| models.repurchase = read),
    },
    Recipe {
        file: "complements.model",
        title: "Complements",
        settings: || written(&complements::Settings::default()),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| {
            let settings = complements::Settings::default();
            Complements::fit(&lessons.baskets(), &settings, |one, other| alike(world, one, other)).encode(namer(world))
        },
        read: |models, bytes, resolve| Complements::decode(bytes, resolve).map(|read| models.complements = read),
    },
    Recipe {
        file: "bundles.model",
        title: "Bundles",
        settings: || written(&bundles::Settings::default()),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| Bundles::fit(&lessons.orders, &bundles::Settings::default()).encode(namer(world)),
        read: |models, bytes, resolve| Bundles::decode(bytes, resolve).map(|read| models.bundles = read),
    },
    Recipe {
        file: SEQUENCE,
        title: "What follows, by a transformer",
        settings: || written(&sequences::settings()),
        seed: Some(ranking::SEED),
        is_judged: true,
        is_kept: false,
        is_wanted: |options| options.transformer,
        fit: sequences::fit,
        read: |models, bytes, resolve| sequences::read(bytes, resolve).map(|read| models.sequence = read),
    },
    Recipe {
        file: "lexicon.model",
        title: "Words of the catalog",
        settings: || "{}".to_owned(),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |_, world| lexicon::fit(world),
        read: |models, bytes, _| lexicon::read(bytes).map(|read| models.lexicon = read),
    },
    Recipe {
        file: TEXTS,
        title: "Vectors of the sentence encoder",
        settings: || "{}".to_owned(),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |options| options.encoder.is_some(),
        fit: |lessons, world| texts::encode(&lessons.vectors, world),
        read: |models, bytes, resolve| texts::read(bytes, resolve).map(|read| models.texts = read),
    },
    Recipe {
        file: "reformulations.model",
        title: "What is searched next",
        settings: || "{}".to_owned(),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, _| reformulations::encode(&lessons.reformulations),
        read: |models, bytes, _| reformulations::read(bytes).map(|read| models.reformulations = read),
    },
    Recipe {
        file: WEIGHTS,
        title: "Weights of sources",
        settings: || "{}".to_owned(),
        seed: None,
        is_judged: false,
        is_kept: false,
        is_wanted: |_| true,
        fit: |lessons, world| weights::encode(&weights::learn(lessons, world, |lessons| fit_answering(lessons, world))),
        read: |models, bytes, _| weights::read(bytes).map(|read| models.weights = read),
    },
];

/// The models that answer questions, fitted in memory: all before the weights, which are learned from their answers. What
/// is ordered next is not put in order there: that would be a third ranker, for rows of which mostly the heads count. Nor is
/// there a third transformer, and nobody types.
pub(crate) fn fit_answering(lessons: &Lessons, world: &World) -> Models {
    let resolve = |name: &str| world.catalog.item(&ProductId::trusted(name));
    let mut models = Models::default();
    let left_out = [RANKER, SEARCH_RANKER, SEQUENCE, TEXTS, WEIGHTS];
    for recipe in RECIPES.iter().filter(|recipe| !left_out.contains(&recipe.file)) {
        // What was just written can be read.
        let _ = (recipe.read)(&mut models, &(recipe.fit)(lessons, world), &resolve);
    }
    models
}

/// Two prices are of one band when neither is more than so many times the other.
const PRICE_BAND: f64 = 1.5;

/// How alike two products are for a customer who needs one of them: those of one category, the more alike in words the
/// more; half as much when one costs much more.
fn alike(world: &World, one: Item, other: Item) -> f32 {
    let (Some(first), Some(second)) = (world.catalog.product(one), world.catalog.product(other)) else { return 0.0 };
    if first.leaf_category().is_none() || first.leaf_category() != second.leaf_category() {
        return 0.0;
    }
    let prices = first.price.zip(second.price).filter(|(first, second)| first.currency == second.currency);
    let ratio = prices.map_or(1.0, |(first, second)| first.minor.max(1) as f64 / second.minor.max(1) as f64);
    let is_near = (1.0 / PRICE_BAND..PRICE_BAND).contains(&ratio);
    (0.5 + 0.5 * world.content.likeness(one, other)) * if is_near { 1.0 } else { 0.5 }
}

/// The recipes of the shop.
pub(crate) fn wanted(options: &ModelOptions) -> impl Iterator<Item = &'static Recipe> + use<'_> {
    RECIPES.iter().filter(|recipe| (recipe.is_wanted)(options))
}

/// What the manifest tells of each model.
pub(crate) fn fitted_models(options: &ModelOptions) -> BTreeMap<String, FittedModel> {
    let told = |recipe: &Recipe| FittedModel { settings: (recipe.settings)(), seed: recipe.seed };
    wanted(options).map(|recipe| (recipe.file.to_owned(), told(recipe))).collect()
}

/// All models of a version; `file` hands out the bytes, or nothing for a model that an older program did not make, whose
/// source then has nothing to say. The error names the file at fault.
pub(crate) fn read_models(
    world: &mercer_decide::Catalog,
    file: impl Fn(&str) -> Result<Option<Vec<u8>>, String>,
) -> Result<Models, String> {
    let resolve = |name: &str| world.item(&ProductId::trusted(name));
    let mut models = Models::default();
    for recipe in &RECIPES {
        let Some(bytes) = file(recipe.file)? else { continue };
        (recipe.read)(&mut models, &bytes, &resolve).map_err(|error| format!("{}: {error}", recipe.file))?;
    }
    Ok(models)
}

fn written(settings: &impl std::fmt::Debug) -> String {
    format!("{settings:?}")
}

fn namer(world: &World) -> impl Fn(Item) -> String + '_ {
    |item| world.catalog.id(item).map_or("", ProductId::as_str).to_owned()
}

fn category_numbers(world: &World) -> FxHashMap<Item, u32> {
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    let mut of_items = FxHashMap::default();
    for (item, product) in world.catalog.products() {
        if let Some(category) = product.leaf_category() {
            let next = numbers.len() as u32;
            of_items.insert(item, *numbers.entry(category).or_insert(next));
        }
    }
    of_items
}
