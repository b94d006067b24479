//! Settings of a placement that do nothing in this shop, as it is now: told where people set them, never refused, as what is
//! missing may come tomorrow.

use std::collections::BTreeSet;

use mercer_schema::{Aim, Pin, Placement, SourceKind};
use mercer_search::FacetField;
use serde::Serialize;

use crate::World;

/// Sources, objectives and caps that do nothing, each with what to do about it.
pub fn idle_settings(world: &World, placement: &Placement) -> Vec<String> {
    let mut told = Vec::new();
    let kinds = placement.sources.iter().map(|source| source.kind).chain(placement.fallback.iter().copied());
    let kinds: BTreeSet<SourceKind> = kinds.collect();
    if world.models.version.is_none() {
        let names: Vec<String> = kinds.iter().filter(|kind| is_trained(**kind)).map(written).collect();
        if !names.is_empty() {
            let names = names.join("`, `");
            told.push(format!("No version of the models serves yet, so nothing comes from `{names}`: train first."));
        }
    } else {
        if kinds.contains(&SourceKind::Sequence) && world.models.sequence.is_empty() {
            told.push(
                "`sequence` proposes nothing: no transformer is trained; set `models.transformer` and train.".into(),
            );
        }
        if kinds.contains(&SourceKind::Bundle) && world.models.bundles.all().is_empty() {
            told.push("`bundle` proposes nothing: no set of products was ordered often enough together.".into());
        }
    }
    for objective in &placement.objectives {
        let missing = match objective.aim {
            Aim::Margin => lacks_attribute(world, "margin").then_some("has the attribute `margin`"),
            Aim::Stock => lacks_attribute(world, "stock").then_some("has the attribute `stock`"),
            Aim::Discount => lacks_discount(world).then_some("has a list price"),
            Aim::Freshness | Aim::Novelty => None,
        };
        if let Some(missing) = missing {
            told.push(format!("The objective `{}` changes nothing: no product {missing}.", written(&objective.aim)));
        }
    }
    let caps = [
        (placement.diversity.max_per_brand, FacetField::Brand, "max_per_brand", "brand"),
        (placement.diversity.max_per_category, FacetField::Category, "max_per_category", "category"),
    ];
    for (most, field, name, what) in caps {
        if most.is_some() && world.search.facets().totals(&field).products == 0 {
            told.push(format!("`{name}` changes nothing: no product has a {what}."));
        }
    }
    told
}

/// Pins that cannot stand; a decision that meets one tells so as well.
pub fn idle_pins(world: &World, placement: &Placement) -> Vec<String> {
    let idle = |pin: &Pin| {
        let id = &pin.product_id;
        match world.catalog.get(id) {
            None => Some(format!("The pin of `{id}` does nothing: the catalog does not have it.")),
            Some(product) if product.is_buyable() => None,
            Some(_) => Some(format!("The pin of `{id}` does nothing while it cannot be bought.")),
        }
    };
    placement.pins.iter().filter_map(idle).collect()
}

/// As it stands in a placement.
fn written(setting: &impl Serialize) -> String {
    serde_json::to_value(setting).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

/// A source that speaks from what is trained.
const fn is_trained(kind: SourceKind) -> bool {
    match kind {
        SourceKind::AlsoViewed
        | SourceKind::BoughtTogether
        | SourceKind::ForYou
        | SourceKind::Complements
        | SourceKind::Bundle
        | SourceKind::Taste
        | SourceKind::Sequence => true,
        SourceKind::Popular
        | SourceKind::Trending
        | SourceKind::Newest
        | SourceKind::RecentlyViewed
        | SourceKind::BuyAgain
        | SourceKind::Similar
        | SourceKind::SessionNext => false,
    }
}

fn lacks_attribute(world: &World, name: &str) -> bool {
    world.search.facets().totals(&FacetField::Attribute(name.into())).numbers == 0
}

fn lacks_discount(world: &World) -> bool {
    !world.catalog.products().any(|(_, product)| product.list_price.is_some())
}
