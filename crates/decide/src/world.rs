//! Everything that a decision may look at, as one value that never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_profile::Profiles;
use mercer_recommend::Item;
use mercer_recommend::bundles::Bundles;
use mercer_recommend::complements::Complements;
use mercer_recommend::content::ContentIndex;
use mercer_recommend::hybrid::{self, Facts, Ranker};
use mercer_recommend::neighbours::Neighbours;
use mercer_recommend::next_order::NextOrder;
use mercer_recommend::popularity::Popularity;
use mercer_recommend::repurchase::Repurchase;
use mercer_recommend::sessions::SessionIndex;
use mercer_recommend::tastes::Tastes;
use mercer_schema::{
    Country, ModelVersion, PlacementId, Position, Product, ProductId, SearchSettings, SearchTrial, Source, Timestamp,
    Visitor,
};
use mercer_search::{Clicks, Doc, Lexicon, Queries, SearchIndex};
use xxhash_rust::xxh3::xxh3_64;

use crate::for_you::Newcomers;
use crate::{
    Canary, Catalog, Circumstances, Meanings, Placements, Ready, SearchRanker, SearchRules, Sequence, ShopSynonyms,
    Texts,
};

/// The shop as the log describes it up to `position`. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub position: Position,
    pub catalog: Catalog,
    pub profiles: Profiles,
    pub popularity: Popularity,
    pub sessions: SessionIndex,
    pub content: ContentIndex,
    pub search: SearchIndex,
    /// What people search for.
    pub queries: Queries,
    /// What they click of what is found.
    pub clicks: Clicks,
    /// What the ranker sees of the products.
    pub traits: hybrid::Catalog,
    /// What is bought when and where.
    pub circumstances: Circumstances,
    pub models: Arc<Models>,
    /// What the products mean, by the words of these models.
    pub meanings: Meanings,
    /// A version that answers some of the customers, while it is tried.
    pub canary: Option<Canary>,
    pub placements: Arc<Placements>,
    /// Of the shop, for the search.
    pub synonyms: Arc<ShopSynonyms>,
    /// Of the merchandiser, for the search.
    pub search_rules: Arc<SearchRules>,
    pub search_settings: SearchSettings,
    /// Settings that are tried beside them.
    pub search_trial: Option<TriedSettings>,
}

/// A trial, and where the log stood when it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriedSettings {
    pub trial: SearchTrial,
    pub since: Position,
}

impl World {
    /// Puts a product in, or in the place of what it was before, wherever products are known.
    pub fn save_product(&mut self, product: &Arc<Product>, now: Timestamp) {
        let before = self.catalog.get(&product.id).cloned();
        let item = self.catalog.save(Arc::clone(product), now);
        self.search.put(Doc(item.0), before.as_deref(), product);
        self.content.upsert(item, product);
        self.traits.upsert(item, product);
        self.meanings.put(item, product);
        if let Some(canary) = &mut self.canary {
            canary.meanings.put(item, product);
        }
    }

    pub fn remove_product(&mut self, id: &ProductId) {
        let before = self.catalog.get(id).cloned();
        if let (Some(before), Some(item)) = (before, self.catalog.remove(id)) {
            self.search.remove(Doc(item.0), &before);
            self.content.remove(item);
            self.traits.remove(item);
            self.meanings.remove(item);
            if let Some(canary) = &mut self.canary {
                canary.meanings.remove(item);
            }
        }
    }

    /// A person's number among those who search. It says nothing of who it is.
    pub fn searcher(&self, visitor: &Visitor) -> Option<u64> {
        Some(xxh3_64(self.profiles.person_key(visitor)?.as_bytes()))
    }

    /// The words with which is searched: what was learned, and what the shop says. Put together, not built.
    pub fn lexicon(&self) -> Lexicon {
        self.models.lexicon.with(&self.synonyms.words)
    }

    /// Learns when and where a product was ordered.
    pub fn learn_what_was_ordered(&mut self, item: Item, at: Timestamp, country: Option<Country>) {
        if let Some(category) = self.catalog.product(item).and_then(|product| product.leaf_category()) {
            self.circumstances.observe(category, at, country);
        }
    }

    /// Counts a search towards what others are told of.
    pub fn count_search(&mut self, text: &str, visitor: &Visitor, at: Timestamp) {
        if let Some(person) = self.searcher(visitor) {
            self.queries.observe(text, person, at);
        }
    }

    /// Lets a version answer, with what the products mean by its words.
    pub fn serve(&mut self, models: Arc<Models>) {
        self.meanings = Meanings::of(&models);
        self.models = models;
    }

    /// Works out what the first question would have to wait for: what the products mean by the words of a version that is new, and
    /// the table of words in which slips are looked up.
    pub fn prepare(&self) {
        self.search.prepare();
        self.meanings.prepared(&self.catalog);
        if let Some(canary) = &self.canary {
            canary.meanings.prepared(&self.catalog);
        }
    }

    /// The same world with other models, which answer everybody. What words mean it does not know: that takes [`World::serve`].
    #[must_use]
    pub fn answered_by(&self, models: Arc<Models>) -> Self {
        Self { models, canary: None, meanings: Meanings::default(), ..self.clone() }
    }
}

/// A text that several people searched, found nothing of use, and searched another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reformulation {
    pub from: String,
    pub to: String,
    /// Different people who went from one to the other.
    pub people: usize,
    /// Of them, those who then clicked.
    pub clicked: usize,
}

/// What was trained. The default is a shop that has trained nothing yet.
#[derive(Debug, Default)]
pub struct Models {
    pub version: Option<ModelVersion>,
    pub also_viewed: Neighbours,
    pub bought_together: Neighbours,
    pub for_you: NextOrder,
    pub tastes: Tastes,
    /// What the shop's sentence encoder makes of the products.
    pub texts: Texts,
    /// Puts the head of what is ordered next in order.
    pub ranker: Ranker,
    /// What the ranker knows of the products' past.
    pub facts: Facts,
    pub repurchase: Repurchase,
    pub complements: Complements,
    pub bundles: Bundles,
    /// What search knows of the catalog's words.
    pub lexicon: Lexicon,
    /// What people searched next when they had found nothing; proposals, which no search uses.
    pub reformulations: Vec<Reformulation>,
    /// What follows on what was taken.
    pub sequence: Sequence,
    /// The learned order of what a search finds.
    pub search_ranker: SearchRanker,
    /// What the sources of placements with learned weights weigh.
    pub weights: BTreeMap<PlacementId, Vec<Source>>,
    /// Worked out as products come.
    pub newcomers: Newcomers,
    /// What products mean by these models, while they do not serve yet.
    pub ready: Ready,
}

impl Models {
    /// Bytes on the heap, as they were loaded.
    pub fn heap_bytes(&self) -> usize {
        [
            self.also_viewed.heap_bytes(),
            self.bought_together.heap_bytes(),
            self.for_you.heap_bytes(),
            self.tastes.heap_bytes(),
            self.texts.heap_bytes(),
            self.ranker.heap_bytes(),
            self.facts.heap_bytes(),
            self.repurchase.heap_bytes(),
            self.complements.heap_bytes(),
            self.bundles.heap_bytes(),
            self.sequence.heap_bytes(),
            self.search_ranker.heap_bytes(),
        ]
        .into_iter()
        .sum()
    }
}
