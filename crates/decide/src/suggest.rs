//! What is being typed, carried on: texts to search for, categories, brands and products, in one answer.
//!
//! Everything that is suggested finds something, nothing that the shop hides is suggested, and nothing that only few people
//! typed is told to others, nor what has a word that the catalog does not know: names, addresses and abuse are such. It is as
//! pure as a search.

use std::collections::BTreeSet;

use mercer_recommend::Item;
use mercer_schema::{
    DecideRequest, DecidedItem, Explain, Page, PageType, SearchRequest, SourceKind, SuggestAnswer, SuggestRequest,
    SuggestedBecause, SuggestedPlace, SuggestedQuery, Timestamp,
};
use mercer_search::{Doc, FacetField, Found, Titles, Value, best, leaf_of};

use crate::World;
use crate::candidates::{Depth, Proposal, Sources};
use crate::explain::of_proposal;
use crate::fields::Projection;
use crate::filter::{Seen, available, refuse_for};
use crate::gate::{Person, admit};
use crate::notes::Notes;
use crate::page::PageView;
use crate::search::{Hidden, Walk};

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
/// At this place what is in mind counts half as much as at the first.
const NEAR: f64 = 30.0;
/// Before the first letter: of one's own, then of others', some of which may not be told.
const MOST_RECENT: usize = 3;
const MOST_LOOKED_AT: usize = 3 * MOST;

/// Completes what is typed.
pub fn suggest(world: &World, request: &SuggestRequest, now: Timestamp) -> SuggestAnswer {
    let typed = request.q.trim();
    let query = (!typed.is_empty()).then(|| typed.to_owned());
    let asked = DecideRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        page: Page { kind: PageType::Search, query, locale: request.locale.clone(), ..Page::default() },
        no_personalization: request.no_personalization,
        ..DecideRequest::default()
    };
    let person = admit(world, &asked, now, &mut Notes::default());
    let strength = person.search_strength(None, &world.search_settings);
    // At nought their own past is not suggested either.
    let searcher = world.searcher(&asked.visitor()).filter(|_| !person.objects && strength > 0.0);
    let page = PageView::new(world, &person, &asked.page, now, Explain::Reasons);
    let mut hidden = Hidden::from(&page, &search_for(request, typed));
    SuggestAnswer {
        queries: queries(&page, request, (searcher, strength)),
        categories: places(&page, request, &FacetField::Category),
        brands: places(&page, request, &FacetField::Brand),
        items: if typed.is_empty() {
            wanted(&page, request, (&mut hidden, strength))
        } else {
            products(&page, request, &mut hidden)
        },
        redirect: hidden.redirect,
    }
}

/// The search that a suggestion leads to, as rules see it.
fn search_for(request: &SuggestRequest, text: &str) -> SearchRequest {
    SearchRequest { q: text.to_owned(), filter: request.filter.clone(), ..SearchRequest::default() }
}

fn queries(
    page: &PageView<'_>,
    request: &SuggestRequest,
    (searcher, strength): (Option<u64>, f64),
) -> Vec<SuggestedQuery> {
    let PageView { world, person, now, .. } = *page;
    let wanted = request.queries.unwrap_or(QUERIES).min(MOST);
    let typed = request.q.trim().to_lowercase();
    let mut told = Told { page, request, typed, wanted, known: BTreeSet::new(), queries: Vec::new() };
    if request.q.trim().is_empty() {
        let own = searcher.map_or(&[][..], |searcher| world.queries.own(searcher));
        own.iter().take(MOST_RECENT).for_each(|text| told.add(text, SuggestedBecause::Recent));
        world.queries.wanted().take(MOST_LOOKED_AT).for_each(|text| told.add(text, SuggestedBecause::Popular));
        return told.queries;
    }
    let in_mind = (strength > 0.0).then(|| InMind::of(world, person, now));
    let mind_worth = |text: &str| in_mind.as_ref().map_or(0.0, |in_mind| IN_MIND * strength * in_mind.nearness(text));
    let worth = |found: &mercer_search::Completion| {
        let own = if found.is_own { OWN * strength } else { 0.0 };
        let begins = if found.text.starts_with(&told.typed) { BEGINS } else { 0.0 };
        found.level + own + begins + mind_worth(&found.text)
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
        let worth = |text: &str, products: u32| f64::from(products).log2() + mind_worth(text);
        beginnings.sort_by(|a, b| worth(&b.text, b.products).total_cmp(&worth(&a.text, a.products)));
        beginnings.iter().for_each(|found| told.add(&found.text, SuggestedBecause::Catalog));
    }
    told.queries
}

/// Suggestions so far, each text once, whatever the order of its words and whether they stand in the singular.
struct Told<'a> {
    page: &'a PageView<'a>,
    request: &'a SuggestRequest,
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
        let words = self.page.world.search.stems(text);
        // What finds nothing any more is not told.
        if !self.known.contains(&words) && self.finds(text, why) {
            self.known.insert(words);
            self.queries.push(SuggestedQuery { text: self.page.world.search.spelled(text), why });
        }
    }

    /// Whether a search for it has anything to show.
    fn finds(&self, text: &str, why: SuggestedBecause) -> bool {
        let world = self.page.world;
        let mut hidden = Hidden::from(self.page, &search_for(self.request, text));
        if why == SuggestedBecause::Catalog && hidden.is_empty() {
            return true;
        }
        let found = if why == SuggestedBecause::Popular {
            world.search.find_as_typed(&world.lexicon(), text, false)
        } else {
            world.search.find(&world.lexicon(), text, false)
        };
        if why == SuggestedBecause::Popular && !is_for_all(&found) {
            return false;
        }
        found.matches.iter().map(|found| found.doc).any(|Doc(number)| {
            world.catalog.product(Item(number)).is_some_and(|product| !hidden.has(Item(number), product))
        })
    }
}

/// Whether what others typed may be told: the catalog has all of its words, in stems or as synonyms, and it is not a bare
/// number of a product.
fn is_for_all(as_typed: &Found) -> bool {
    as_typed.unknown.is_empty() && as_typed.unwanted.is_empty() && !as_typed.is_code
}

/// Titles of what the customer has in mind, the nearest first.
struct InMind<'a>(Titles<'a>);

impl<'a> InMind<'a> {
    fn of(world: &'a World, person: &Person, now: Timestamp) -> Self {
        let expected = Sources::new(world, person, &Page::default(), &[], now).for_you(MOST_EXPECTED);
        let expected = expected.into_iter().map(|scored| scored.item);
        let items = person.viewed.iter().copied().take(MOST_VIEWED).chain(expected);
        Self(world.search.titles_of(items.map(|item| Doc(item.0))))
    }

    /// How far in front a title stands that has every word of a text: 1 for the first, falling; 0 when there is none.
    fn nearness(&self, text: &str) -> f64 {
        self.0.first_with(text).map_or(0.0, |place| 1.0 / (1.0 + place as f64 / NEAR))
    }
}

fn places(page: &PageView<'_>, request: &SuggestRequest, field: &FacetField) -> Vec<SuggestedPlace> {
    let facets = page.world.search.facets();
    let told = |value: Value| {
        let text = facets.text(value);
        let (name, walk) = match field {
            FacetField::Brand => ("refine.brand", Walk::Brand(text)),
            _ => ("category", Walk::Category(text)),
        };
        let products = walk.total(page, &search_for(request, ""));
        let url = format!("?{name}={}", encoded(text));
        let place = SuggestedPlace { value: text.to_owned(), label: leaf_of(text).to_owned(), products, url };
        (products > 0).then_some(place)
    };
    let wanted = request.places.unwrap_or(PLACES).min(MOST);
    facets.places(field, &request.q, MOST).into_iter().filter_map(told).take(wanted).collect()
}

/// A value in an address.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Before the first letter: what the customer is likely to want, else what everybody buys, with the reasons.
fn wanted(
    page: &PageView<'_>,
    request: &SuggestRequest,
    (hidden, strength): (&mut Hidden<'_>, f64),
) -> Vec<DecidedItem> {
    let wanted = request.products.unwrap_or(PRODUCTS).min(MOST);
    let fields = fields(request);
    let mut projection = Projection::new(&fields);
    let mut sources = Sources::new(page.world, page.person, &Page::default(), &[], page.now);
    let mut seen = Seen::default();
    let mut items: Vec<DecidedItem> = Vec::new();
    let for_you = (strength > 0.0).then_some(SourceKind::ForYou);
    for source in for_you.into_iter().chain([SourceKind::Popular]) {
        for Proposal { item, because_of, .. } in &sources.ask(source, Depth::Few, None).best_first {
            if items.len() >= wanted {
                return items;
            }
            let Ok(product) = available(page.world, *item) else { continue };
            let is_refused = refuse_for(page.person, page.world, (*item, product), page.now).is_err();
            if is_refused || seen.has(*item, product) || hidden.has(*item, product) {
                continue;
            }
            seen.add(*item, Some(product));
            items.push(DecidedItem {
                product_id: product.id.clone(),
                product: Some(projection.apply(product)),
                score: 1.0 / (items.len() + 1) as f64,
                propensity: 1.0,
                source: Some(source),
                reasons: vec![of_proposal(page, source, *item, *because_of)],
            });
        }
    }
    items
}

/// What is called as it was typed.
fn products(page: &PageView<'_>, request: &SuggestRequest, hidden: &mut Hidden<'_>) -> Vec<DecidedItem> {
    let world = page.world;
    let wanted = request.products.unwrap_or(PRODUCTS).min(MOST);
    let fields = fields(request);
    let mut projection = Projection::new(&fields);
    let mut found = world.search.find(&world.lexicon(), &request.q, true).matches;
    let product = |Doc(number): Doc| world.catalog.product(Item(number)).filter(|product| product.is_buyable());
    found.retain(|found| {
        product(found.doc).is_some_and(|product| hidden.is_empty() || !hidden.has(Item(found.doc.0), product))
    });
    // Beginnings fit many products alike: those that people want go first.
    found.iter_mut().for_each(|found| found.score *= 1.0 + world.popularity.score(Item(found.doc.0)));
    let told = |found: mercer_search::Match| {
        let product = product(found.doc)?;
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

fn fields(request: &SuggestRequest) -> Vec<String> {
    if request.fields.is_empty() { FIELDS.map(str::to_owned).to_vec() } else { request.fields.clone() }
}
