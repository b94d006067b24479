//! Measures what goes with a cart on a shop's orders: is the line that was taken out found?
//!
//! `cargo run --release -p mercer-recommend --example complements -- orders.csv catalog.jsonl [test]`: the orders that the
//! example `next_order` reads, the gift shop's catalog as `mercer demo` writes it. Everything before 60 days before the end
//! is learned and the orders of the 30 days after it are asked, to choose settings on; with `test`, the last 30 days with
//! all before them learned. Of every order with two lines or more one line is to be found in ten places, given the others.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shop;

use std::collections::{BTreeSet, HashMap};

use mercer_recommend::bundles::{self, Bundles};
use mercer_recommend::complements::{Complements, Settings};
use mercer_recommend::content::ContentIndex;
use mercer_recommend::evaluate::{Settings as Measured, measure};
use mercer_recommend::interactions::{Basket, Order};
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::popularity::{self, Popularity};
use mercer_recommend::{Item, Query, Recommender};
use mercer_schema::{Product, ProductId, Timestamp};

const PLACES: usize = 10;
/// Two prices are of one band when neither is more than so many times the other.
const BAND: f64 = 1.5;

/// What the catalog says.
#[derive(Default)]
struct Shop {
    titles: HashMap<Item, String>,
    words: ContentIndex,
    categories: HashMap<Item, String>,
    prices: HashMap<Item, f64>,
}

impl Shop {
    fn same_category(&self, one: Item, other: Item) -> bool {
        self.categories.get(&one).is_some_and(|category| self.categories.get(&other) == Some(category))
    }

    /// Of one category, the more alike in words the more; half as much outside of the price band.
    fn alike(&self, one: Item, other: Item) -> f32 {
        if !self.same_category(one, other) {
            return 0.0;
        }
        let prices = self.prices.get(&one).zip(self.prices.get(&other));
        let is_near = prices.is_none_or(|(one, other)| one / other < BAND && other / one < BAND);
        (0.5 + 0.5 * self.words.likeness(one, other)) * if is_near { 1.0 } else { 0.5 }
    }
}

/// A cart and the line that was taken out of it.
struct Asked {
    cart: Vec<Item>,
    missing: BTreeSet<Item>,
}

fn questions(orders: &[Order]) -> Vec<Asked> {
    let question = |(number, order): (usize, &Order)| {
        let items: BTreeSet<Item> = order.lines.iter().map(|(item, _)| *item).collect();
        let mut cart: Vec<Item> = items.into_iter().collect();
        // Some line, the same at every run.
        let missing = (cart.len() >= 2).then(|| cart.remove(number.wrapping_mul(7_919) % cart.len()))?;
        Some(Asked { cart, missing: BTreeSet::from([missing]) })
    };
    orders.iter().enumerate().filter_map(question).collect()
}

fn print(name: &str, model: &dyn Recommender, asked: &[Asked], shop: &Shop) {
    let ask = |seeds: &[Item]| -> Vec<Item> {
        let found = model.recommend(&Query { seeds, ..Query::default() }, PLACES + 100);
        let others = found.into_iter().map(|scored| scored.item).filter(|item| !seeds.contains(item));
        others.take(PLACES).collect()
    };
    let measured = Measured { cutoff: PLACES, ..Measured::default() };
    let report = measure(asked.iter().map(|question| (ask(&question.cart), &question.missing)), &measured);
    // Of one item, how many answers are of its own category?
    let items: BTreeSet<Item> = asked.iter().flat_map(|question| &question.missing).copied().collect();
    let (mut same, mut alike, mut all) = (0.0, 0.0, 0.0);
    for item in items {
        let found = ask(&[item]);
        same += found.iter().filter(|other| shop.same_category(item, **other)).count() as f64;
        alike += found.iter().filter(|other| shop.alike(item, **other) >= 0.5).count() as f64;
        all += found.len() as f64;
    }
    println!(
        "{name:<34} hit@10 {:.4} [{:.4}, {:.4}]  mrr {:.4}  of the seed's category {:.1} %, and price {:.1} %",
        report.hit_rate.mean,
        report.hit_rate.low,
        report.hit_rate.high,
        report.mrr.mean,
        100.0 * same / all,
        100.0 * alike / all,
    );
}

fn report(orders: &[Order], shop: &Shop, moment: Timestamp, is_test: bool) {
    let until = moment.plus(30 * Timestamp::DAY);
    let (train, later): (Vec<Order>, Vec<Order>) = orders.iter().cloned().partition(|order| order.at < moment);
    let asked = questions(&later.into_iter().filter(|order| order.at <= until).collect::<Vec<_>>());
    println!("{} orders to learn from, {} carts", train.len(), asked.len());
    let mut popularity = Popularity::new(popularity::Settings::default());
    train.iter().flat_map(|order| &order.lines).for_each(|(item, _)| popularity.observe(*item, 1.0, moment));
    print("popularity", &popularity.popular(), &asked, shop);
    let baskets: Vec<Basket> = train.iter().map(|order| order.lines.clone()).collect();
    let plain = Neighbours::fit(&baskets, &neighbours::Settings::bought_together());
    print("bought together", &plain, &asked, shop);
    let default = Settings::default();
    let without = Settings { discount: 0.0, ..default };
    let mut tried = vec![("complements".to_owned(), default), ("without the discount".to_owned(), without)];
    if !is_test {
        for lift_power in [0.0, 0.5, 0.75, 1.0] {
            tried.push((format!("lift {lift_power}, discount 0"), Settings { lift_power, discount: 0.0, ..default }));
        }
        for discount in [0.4, 0.6, 1.0] {
            tried.push((format!("discount {discount}"), Settings { discount, ..default }));
        }
        for (damping, kept) in [(0.5, 200), (1.5, 200), (1.0, 100), (1.0, 300)] {
            let neighbours =
                neighbours::Settings { weighting: neighbours::Weighting::Damped(damping), kept, ..default.neighbours };
            tried.push((format!("damping {damping}, kept {kept}"), Settings { neighbours, ..default }));
        }
    }
    for (name, settings) in tried {
        let model = Complements::fit(&baskets, &settings, |one, other| shop.alike(one, other));
        print(&name, &model, &asked, shop);
    }
    let bundles = Bundles::fit(&train, &bundles::Settings::default());
    println!("{} bundles; the first:", bundles.all().len());
    for bundle in bundles.all().iter().take(12) {
        let titles: Vec<&str> =
            bundle.items.iter().map(|item| shop.titles.get(item).map_or("?", String::as_str)).collect();
        println!(
            "  {} orders, lift {:.0}, {:.0} % of the customers of any: {}",
            bundle.orders,
            bundle.lift,
            100.0 * bundle.customers,
            titles.join(" + ")
        );
    }
    let sizes = [2, 3, 4].map(|size| bundles.all().iter().filter(|bundle| bundle.items.len() == size).count());
    println!("  of two, three and four items: {sizes:?}");
}

fn read_shop(text: &str, items: &HashMap<String, Item>) -> Shop {
    let mut shop = Shop::default();
    for line in text.lines() {
        let product: serde_json::Value = serde_json::from_str(line).expect("a product a line");
        let Some(item) = product["id"].as_str().and_then(|id| items.get(id)).copied() else { continue };
        let title = product["title"].as_str().unwrap_or_default();
        shop.words.upsert(item, &Product::new(ProductId::trusted("p"), title));
        shop.titles.insert(item, title.to_owned());
        if let Some(leaf) = product["category"].as_array().and_then(|levels| levels.last()?.as_str()) {
            shop.categories.insert(item, leaf.to_owned());
        }
        shop.prices.extend(product["price"]["minor"].as_f64().map(|price| (item, price)));
    }
    shop
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [orders, catalog, rest @ ..] = &arguments[..] else { panic!("the paths of orders and catalog") };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut items = HashMap::new();
    let orders = shop::read_orders(&read(orders), &mut items, |_| 1.0);
    let shop = read_shop(&read(catalog), &items);
    let newest = orders.iter().map(|order| order.at).max().expect("an order");
    let is_test = rest.iter().any(|word| word == "test");
    report(&orders, &shop, newest.plus(if is_test { -30 } else { -60 } * Timestamp::DAY), is_test);
}
