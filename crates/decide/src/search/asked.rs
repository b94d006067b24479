//! Before all phases: names in a request as the catalog writes them, so that letter case is no matter.

use mercer_schema::{Refinement, SearchRequest};
use mercer_search::{FacetField, LEVEL_SEPARATOR, leaf_of};

use crate::World;

/// The request with its category and its chosen values as the catalog writes them, and the choices of a field in one place.
/// What the catalog does not know stays as it is.
pub fn as_catalog_says(world: &World, request: SearchRequest) -> SearchRequest {
    let category = request.category.filter(|name| !name.trim().is_empty());
    let category = category.map(|name| category_named(world, &name).unwrap_or(name));
    let mut refine: Vec<Refinement> = Vec::with_capacity(request.refine.len());
    for Refinement { field, values } in request.refine {
        let facet = FacetField::parse(&field);
        let values = values.into_iter().flat_map(|value| {
            let known: Vec<String> = world.search.facets().named(&facet, &value).map(str::to_owned).collect();
            if known.is_empty() { vec![value] } else { known }
        });
        match refine.iter_mut().find(|other| other.field == field) {
            Some(other) => other.values.extend(values),
            None => refine.push(Refinement { values: values.collect(), field }),
        }
    }
    SearchRequest { category, refine, ..request }
}

/// A category as the catalog writes it: the name of a level, or the path from the widest.
pub fn category_named(world: &World, name: &str) -> Option<String> {
    let name = name.trim();
    if world.catalog.in_category(name).next().is_some() {
        return Some(name.to_owned());
    }
    let facets = world.search.facets();
    if name.contains(LEVEL_SEPARATOR) {
        return facets.named(&FacetField::Category, name).next().map(str::to_owned);
    }
    let lower = name.to_lowercase();
    let mut named = facets.places(&FacetField::Category, name, usize::MAX).into_iter().map(|place| facets.text(place));
    named.find(|path| leaf_of(path).to_lowercase() == lower).map(|path| leaf_of(path).to_owned())
}
