//! What is being typed, carried on: texts to search for, categories, brands and products, in one answer.
//!
//! Everything that is suggested finds something. It is as pure as a search.

use mercer_recommend::Item;
use mercer_schema::{
    DecideRequest, DecidedItem, Page, PageType, SuggestAnswer, SuggestRequest, SuggestedPlace, Timestamp,
};
use mercer_search::{Doc, FacetField, LEVEL_SEPARATOR, best};

use crate::World;
use crate::fields::Projection;
use crate::gate::admit;
use crate::notes::Notes;

const PLACES: usize = 3;
const PRODUCTS: usize = 4;
const MOST: usize = 20;
/// The fields of products unless others are asked for.
const FIELDS: [&str; 4] = ["id", "title", "price", "image_url"];

/// Completes what is typed.
pub fn suggest(world: &World, request: &SuggestRequest, now: Timestamp) -> SuggestAnswer {
    let asked = DecideRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        page: Page { kind: PageType::Search, locale: request.locale.clone(), ..Page::default() },
        no_personalization: request.no_personalization,
        ..DecideRequest::default()
    };
    let _person = admit(world, &asked, now, &mut Notes::default());
    let places = |field: FacetField| {
        let wanted = request.places.unwrap_or(PLACES).min(MOST);
        let facets = world.search.facets();
        let found = facets.places(&field, &request.q, wanted);
        let told = |value: mercer_search::Value| {
            let text = facets.text(value);
            let label = text.rsplit(LEVEL_SEPARATOR).next().unwrap_or(text);
            SuggestedPlace {
                value: text.to_owned(),
                label: label.to_owned(),
                products: facets.products(value) as usize,
            }
        };
        found.into_iter().map(told).collect()
    };
    SuggestAnswer {
        queries: Vec::new(),
        categories: places(FacetField::Category),
        brands: places(FacetField::Brand),
        items: products(world, request),
    }
}

fn products(world: &World, request: &SuggestRequest) -> Vec<DecidedItem> {
    let wanted = request.products.unwrap_or(PRODUCTS).min(MOST);
    let names: Vec<String> = FIELDS.iter().map(|name| (*name).to_owned()).collect();
    let mut projection = Projection::new(if request.fields.is_empty() { &names } else { &request.fields });
    let mut found = world.search.find(&world.models.lexicon, &request.q, true).matches;
    let is_buyable = |Doc(number): Doc| world.catalog.product(Item(number)).is_some_and(|product| product.is_buyable());
    found.retain(|found| is_buyable(found.doc));
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
