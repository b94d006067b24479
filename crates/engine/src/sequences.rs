//! The transformer's part in training: what customers took one after the other, and what is known of the products.
//!
//! The only file that knows the crate with the tensor library. What it hands to the world answers like any other model.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_decide::{Sequence, World};
use mercer_neural::{HeldOut, NextItem, Settings};
use mercer_recommend::Item;
use mercer_recommend::interactions::{Basket, Order, by_customer, in_sequence};
use mercer_recommend::sessions::Repeats;
use mercer_schema::{Product, ProductId};

use crate::lessons::Lessons;
use crate::ranking::SEED;

/// Steps of the newest time that each customer is learned from.
const NEWEST: usize = 200;
/// Steps of all customers; of more, every n-th customer is taken.
const MOST_STEPS: usize = 1_000_000;
/// Every so many a customer tells by the last order when training is to end; with fewer such customers they would tell chance.
const HELD_OUT: usize = 20;
const LEAST_HELD_OUT: usize = 100;
/// Fewest steps of a training, as long as the passes are not more than so many.
const LEAST_STEPS: usize = 1_000;
const MOST_EPOCHS: usize = 100;
/// With fewer sequences there is nothing to learn.
const LEAST_SEQUENCES: usize = 100;

pub(crate) fn settings() -> Settings {
    // What was taken before is taken again.
    Settings { epochs: 12, patience: 3, seed: SEED, repeats: Repeats::All, ..Settings::default() }
}

/// A small shop has smaller batches, and more passes.
fn settings_for(sequences: &[Vec<Item>]) -> Settings {
    let settings = settings();
    let windows: usize = sequences.iter().map(|sequence| sequence.len().div_ceil(settings.shape.longest)).sum();
    let batch = (windows / 50).clamp(16, settings.batch);
    let steps = windows.div_ceil(batch).max(1);
    let epochs = LEAST_STEPS.div_ceil(steps).clamp(settings.epochs, MOST_EPOCHS);
    Settings { batch, epochs, warm_up: settings.warm_up.min(steps * epochs / 10), ..settings }
}

/// The bytes of the model; none where there is too little to learn from, or learning led nowhere.
pub(crate) fn fit(lessons: &Lessons, world: &World) -> Vec<u8> {
    let (sequences, held_out) = sequences(lessons);
    if sequences.len() < LEAST_SEQUENCES {
        return Vec::new();
    }
    let known = world.catalog.products().map(|(item, _)| item.index() + 1).max().unwrap_or(0);
    let taken = sequences.iter().flatten().map(|item| item.index() + 1).max().unwrap_or(0);
    let attributes = attributes(world);
    let lessons = mercer_neural::Lessons {
        sequences: &sequences,
        items: known.max(taken),
        attributes: &attributes,
        held_out: &held_out,
    };
    match NextItem::fit(&lessons, &settings_for(&sequences), |_| ()) {
        Ok(model) => {
            let name = |item: Item| world.catalog.id(item).map_or("", ProductId::as_str).to_owned();
            model.encode(name, |attribute| attribute.to_string())
        }
        Err(error) => {
            tracing::warn!(%error, "the transformer was not trained; its source has nothing to say");
            Vec::new()
        }
    }
}

pub(crate) fn read(bytes: &[u8], resolve: &dyn Fn(&str) -> Option<Item>) -> Result<Sequence, mercer_recommend::Error> {
    if bytes.is_empty() {
        return Ok(Sequence::default());
    }
    // Products that come later wait for the next training, and so nothing asks for attributes.
    let model = NextItem::decode(bytes, resolve, |_| None)?;
    let heap_bytes = model.heap_bytes();
    Ok(Sequence::new(Arc::new(model), heap_bytes))
}

/// What each customer ordered, oldest first, or where nobody ordered anything yet, what was looked at in a visit; and from some
/// the first of what the last order brought.
fn sequences(lessons: &Lessons) -> (Vec<Vec<Item>>, Vec<HeldOut>) {
    if lessons.orders.is_empty() {
        let items = |visit: &Basket| visit.iter().map(|(item, _)| *item).collect();
        return (lessons.visits.iter().map(items).collect(), Vec::new());
    }
    let customers = by_customer(&lessons.orders);
    let steps: usize =
        lessons.orders.iter().filter(|order| order.customer.is_some()).map(|order| order.lines.len()).sum();
    let every = steps.div_ceil(MOST_STEPS).max(1);
    let holds_out = customers.len() / every >= HELD_OUT * LEAST_HELD_OUT;
    let (mut sequences, mut held_out) = (Vec::new(), Vec::new());
    for (number, orders) in customers.into_values().step_by(every).enumerate() {
        let tells = holds_out && number.is_multiple_of(HELD_OUT);
        let (learned, last) = orders.split_at(orders.len() - usize::from(tells && orders.len() > 1));
        let sequence = newest(taken(learned));
        held_out.extend(taken(last).first().map(|next| HeldOut {
            sequence: sequence.clone(),
            next: *next,
            repeats: true,
        }));
        sequences.push(sequence);
    }
    sequences.retain(|sequence| sequence.len() > 1);
    (sequences, held_out)
}

fn taken(orders: &[&Order]) -> Vec<Item> {
    let lines = orders.iter().flat_map(|order| order.lines.iter().map(|(item, _)| (order.at, *item)));
    in_sequence(&lines.collect::<Vec<_>>())
}

fn newest(mut sequence: Vec<Item>) -> Vec<Item> {
    sequence.drain(..sequence.len().saturating_sub(NEWEST));
    sequence
}

/// Categories, brands and attributes of every product, as dense numbers in the order of their names.
fn attributes(world: &World) -> Vec<Vec<u32>> {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for (_, product) in world.catalog.products() {
        names.extend(told(product).map(|name| (name, 0)));
    }
    (0..).zip(names.values_mut()).for_each(|(number, place)| *place = number);
    let mut attributes: Vec<Vec<u32>> = Vec::new();
    for (item, product) in world.catalog.products() {
        attributes.resize(attributes.len().max(item.index() + 1), Vec::new());
        attributes[item.index()] = told(product).filter_map(|name| names.get(&name).copied()).collect();
    }
    attributes
}

fn told(product: &Product) -> impl Iterator<Item = String> + '_ {
    let categories = product.category.iter().map(|category| format!("category {category}"));
    let brand = product.brand.iter().map(|brand| format!("brand {brand}"));
    categories.chain(brand).chain(product.attributes.iter().map(|(name, value)| format!("{name} {value}")))
}
