//! What is being typed, carried on: texts to search for, categories, brands and products, in one answer.
//!
//! Everything that is suggested finds something, and nothing that only few people typed is told to others. It is as pure as
//! a search.

use std::collections::BTreeSet;

use mercer_recommend::Item;
use mercer_schema::{
    DecideRequest, DecidedItem, Page, PageType, SuggestAnswer, SuggestRequest, SuggestedBecause, SuggestedPlace,
    SuggestedQuery, Timestamp,
};
use mercer_search::{Doc, FacetField, Value, best, leaf_of};

use crate::World;
use crate::candidates::Sources;
use crate::fields::Projection;
use crate::gate::{Person, admit};
use crate::notes::Notes;

const QUERIES: usize = 6;
const PLACES: usize = 3;
const PRODUCTS: usize = 4;
const MOST: usize = 20;
/// The fields of products unless others are asked for.
const FIELDS: [&str; 4] = ["id", "title", "price", "image_url"];
/// Products whose titles tell what the customer has in mind: looked at last, and expected to be ordered next.
const MOST_VIEWED: usize = 5;
const MOST_EXPECTED: usize = 100;
/// What a text is worth more, as a binary logarithm, that begins as it was typed, that the customer typed before, or that a
/// product is called which they have in mind.
const BEGINS: f64 = 3.0;
const OWN: f64 = 4.0;
const IN_MIND: f64 = 6.0;
/// Before the first letter: of one's own, then of others'.
const MOST_RECENT: usize = 3;

/// Completes what is typed.
pub fn suggest(world: &World, request: &SuggestRequest, now: Timestamp) -> SuggestAnswer {
    let asked = DecideRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        page: Page { kind: PageType::Search, locale: request.locale.clone(), ..Page::default() },
        no_personalization: request.no_personalization,
        ..DecideRequest::default()
    };
    let person = admit(world, &asked, now, &mut Notes::default());
    let searcher = world.searcher(&asked.visitor()).filter(|_| !person.objects);
    SuggestAnswer {
        queries: queries(world, request, (&person, searcher), now),
        categories: places(world, request, &FacetField::Category),
        brands: places(world, request, &FacetField::Brand),
        items: products(world, request),
    }
}

fn queries(
    world: &World,
    request: &SuggestRequest,
    (person, searcher): (&Person, Option<u64>),
    now: Timestamp,
) -> Vec<SuggestedQuery> {
    let wanted = request.queries.unwrap_or(QUERIES).min(MOST);
    let mut told =
        Told { world, typed: request.q.trim().to_lowercase(), wanted, known: BTreeSet::new(), queries: Vec::new() };
    if request.q.trim().is_empty() {
        let own = searcher.map_or(&[][..], |searcher| world.queries.own(searcher));
        own.iter().take(MOST_RECENT).for_each(|text| told.add(text, SuggestedBecause::Recent));
        world.queries.wanted().take(MOST).for_each(|text| told.add(text, SuggestedBecause::Popular));
        return told.queries;
    }
    let in_mind = in_mind(world, person, now);
    let worth = |found: &mercer_search::Completion| {
        let own = if found.is_own { OWN } else { 0.0 };
        let begins = if found.text.starts_with(&told.typed) { BEGINS } else { 0.0 };
        found.level + own + begins + IN_MIND * world.search.place_among_titles(&found.text, &in_mind)
    };
    let found = world.queries.completions(&request.q, searcher);
    let mut ranked: Vec<(f64, mercer_search::Completion)> =
        found.into_iter().map(|found| (worth(&found), found)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.text.cmp(&b.1.text)));
    for (_, found) in ranked {
        told.add(&found.text, if found.is_own { SuggestedBecause::Recent } else { SuggestedBecause::Popular });
    }
    if told.queries.len() < wanted {
        let mut beginnings = world.search.beginnings(&request.q, MOST);
        let worth = |text: &str, products: u32| {
            f64::from(products).log2() + IN_MIND * world.search.place_among_titles(text, &in_mind)
        };
        beginnings.sort_by(|a, b| worth(&b.text, b.products).total_cmp(&worth(&a.text, a.products)));
        beginnings.iter().for_each(|found| told.add(&found.text, SuggestedBecause::Catalog));
    }
    told.queries
}

/// Suggestions so far, each text once, whatever the order of its words.
struct Told<'a> {
    world: &'a World,
    typed: String,
    wanted: usize,
    known: BTreeSet<Vec<String>>,
    queries: Vec<SuggestedQuery>,
}

impl Told<'_> {
    fn add(&mut self, text: &str, why: SuggestedBecause) {
        if self.queries.len() >= self.wanted || text == self.typed {
            return;
        }
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.sort_unstable();
        let found = || self.world.search.find(&self.world.lexicon(), text, false);
        // What finds nothing any more is not told.
        if !self.known.contains(&words) && (why == SuggestedBecause::Catalog || !found().matches.is_empty()) {
            self.known.insert(words);
            self.queries.push(SuggestedQuery { text: text.to_owned(), why });
        }
    }
}

fn in_mind(world: &World, person: &Person, now: Timestamp) -> Vec<Doc> {
    let expected = Sources::new(world, person, &Page::default(), &[], now).for_you(MOST_EXPECTED);
    let expected = expected.into_iter().map(|scored| scored.item);
    person.viewed.iter().copied().take(MOST_VIEWED).chain(expected).map(|item| Doc(item.0)).collect()
}

fn places(world: &World, request: &SuggestRequest, field: &FacetField) -> Vec<SuggestedPlace> {
    let facets = world.search.facets();
    let told = |value: Value| {
        let text = facets.text(value);
        SuggestedPlace {
            value: text.to_owned(),
            label: leaf_of(text).to_owned(),
            products: facets.products(value) as usize,
        }
    };
    let wanted = request.places.unwrap_or(PLACES).min(MOST);
    facets.places(field, &request.q, wanted).into_iter().map(told).collect()
}

fn products(world: &World, request: &SuggestRequest) -> Vec<DecidedItem> {
    let wanted = request.products.unwrap_or(PRODUCTS).min(MOST);
    let names: Vec<String> = FIELDS.iter().map(|name| (*name).to_owned()).collect();
    let mut projection = Projection::new(if request.fields.is_empty() { &names } else { &request.fields });
    let mut found = world.search.find(&world.lexicon(), &request.q, true).matches;
    let is_buyable = |Doc(number): Doc| world.catalog.product(Item(number)).is_some_and(|product| product.is_buyable());
    found.retain(|found| is_buyable(found.doc));
    // Beginnings fit many products alike: those that people want go first.
    found.iter_mut().for_each(|found| found.score *= 1.0 + world.popularity.score(Item(found.doc.0)));
    let told = |found: mercer_search::Match| {
        let product = world.catalog.product(Item(found.doc.0))?;
        Some(DecidedItem {
            product_id: product.id.clone(),
            product: Some(projection.apply(product)),
            score: f64::from(found.score),
            propensity: 1.0,
            source: None,
            reasons: Vec::new(),
        })
    };
    best(found, wanted).into_iter().filter_map(told).collect()
}
