//! Phase *understand*: wishes read from the words, as chips that the customer can take away.

use mercer_recommend::Item;
use mercer_schema::{Chip, Currency, Money, Product, SearchRequest};
use mercer_search::{Doc, Role, Value, Wish, Wished, leaf_of};

use super::preset;
use crate::World;
use crate::words::{Words, fill, language_of, words};

/// What a wish does.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Products outside of these prices, in minor units, are left out.
    Price { least: Option<i64>, most: Option<i64> },
    /// Products without one of these values, in order, are left out.
    Only(Vec<Value>),
    /// Products with one of these values, in order, are put first.
    Prefer(Vec<Value>),
}

/// The wishes of a search, and the words beside them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    pub(crate) rest: String,
    pub(crate) chips: Vec<Chip>,
    pub(crate) effects: Vec<Effect>,
    /// Words that wish for what no product has.
    pub(crate) unmet: Vec<String>,
    /// What rules chose beforehand; the products are narrowed down by the request then.
    pub(crate) preset: Vec<Chip>,
}

impl Wishes {
    /// Only words.
    pub(crate) fn none(text: &str) -> Self {
        Self { rest: text.to_owned(), ..Self::default() }
    }

    pub(crate) fn read(world: &World, request: &SearchRequest) -> Self {
        let ids = request.ignore.iter().filter(|id| !id.starts_with(preset::PREFIX));
        let ignored: Vec<String> =
            ids.map(|id| id.split_once(':').map_or(&**id, |(_, from)| from).to_owned()).collect();
        let found = world.search.wishes(&request.q, &ignored);
        let said = words(language_of(request.locale.as_deref(), world));
        let mut wishes = Self { rest: found.rest, ..Self::default() };
        for wished in found.wished {
            if wished.is_unmet() {
                wishes.unmet.push(wished.from);
            } else {
                wishes.add(world, wished, said);
            }
        }
        wishes
    }

    fn add(&mut self, world: &World, Wished { wish, from }: Wished, said: &Words) {
        let facets = world.search.facets();
        let first = |values: &[Value]| {
            let value = *values.first()?;
            Some((facets.field(value)?.name().to_owned(), facets.text(value).to_owned()))
        };
        let (field, label, effect) = match wish {
            Wish::Price { least, most } => {
                let Some(currency) = currency(world) else { return };
                let scale = 10_f64.powi(currency.exponent() as i32);
                let minor = |amount: f64| (amount * scale).round() as i64;
                let (least, most) = (least.map(minor), most.map(minor));
                let money = |minor: i64| said.money(Money { minor, currency });
                let ranges = &said.facets;
                let label = match (least, most) {
                    (Some(least), Some(most)) => fill(&ranges.between, &[&money(least), &money(most)]),
                    (Some(least), None) => fill(&ranges.from, &[&money(least)]),
                    (None, most) => fill(&ranges.up_to, &[&money(most.unwrap_or_default())]),
                };
                ("price".to_owned(), label, Effect::Price { least, most })
            }
            Wish::Size(values) => {
                let Some((field, text)) = first(&values) else { return };
                (field, text, Effect::Only(in_order(values)))
            }
            Wish::Value(values) => {
                let Some((field, text)) = first(&values) else { return };
                // What else a product is called or said to be weighs already in its words.
                let looks_so = |value: &Value| facets.role(*value) != Role::Other;
                let values = if values.iter().all(looks_so) { values } else { Vec::new() };
                let text = leaf_of(&text).to_owned();
                (field, text, Effect::Prefer(in_order(values)))
            }
        };
        let is_filter = !matches!(effect, Effect::Prefer(_));
        self.chips.push(Chip { id: format!("{field}:{from}"), field, label, from, is_filter });
        self.effects.push(effect);
    }

    /// How many of the preferred values a product has.
    pub(crate) fn fulfilled(&self, world: &World, item: Item) -> usize {
        let facets = world.search.facets();
        let has_one =
            |effect: &&Effect| matches!(effect, Effect::Prefer(values) if facets.has_any(Doc(item.0), values));
        self.effects.iter().filter(has_one).count()
    }

    /// Some wish leaves products out.
    pub(crate) fn narrow(&self) -> bool {
        self.chips.iter().any(|chip| chip.is_filter)
    }

    /// Whether a product is what the wishes allow.
    pub(crate) fn allow(&self, world: &World, item: Item, product: &Product) -> bool {
        // Asked first, as otherwise the price is read ahead for nothing: of thousands each is a wait for memory.
        !self.narrow()
            || self.effects.iter().all(|effect| match effect {
                Effect::Price { least, most } => product.price.is_some_and(|price| {
                    least.is_none_or(|least| price.minor >= least) && most.is_none_or(|most| price.minor <= most)
                }),
                Effect::Only(values) => world.search.facets().has_any(Doc(item.0), values),
                Effect::Prefer(_) => true,
            })
    }
}

fn in_order(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_unstable();
    values
}

/// The shop's currency, by the first product with a price.
fn currency(world: &World) -> Option<Currency> {
    world.catalog.products().find_map(|(_, product)| product.price).map(|price| price.currency)
}
