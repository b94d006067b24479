//! How long a page takes. Not a test of speed but a meter: run it in release.
//!
//! `cargo test --release -p mercer-decide -- --ignored --nocapture a_page_of_four_rows`

use std::time::{Duration, Instant};

use mercer_schema::{PageType, Placement, PlacementId, ProductId, Timestamp};

use crate::default_placements;
use crate::testing::{Shop, boost, request};

const PRODUCTS: usize = 4_000;

/// A shop of 4,000 products with 60,000 contacts by 600 visitors.
fn shop() -> Shop {
    let mut shop = Shop::with_products(PRODUCTS);
    for number in 0..PRODUCTS {
        shop.change(&format!("p{number}"), |product| {
            product.title = format!("Product {number} in {} and {}", number % 13, number % 17);
            product.category = vec![format!("wide{}", number % 8), format!("narrow{}", number % 80)];
            product.brand = Some(format!("brand{}", number % 40));
            product.attributes.insert("colour", ["red", "blue", "green"][number % 3]);
        });
    }
    // A fixed walk over the products stands in for chance.
    let mut state = 12_345_usize;
    let mut next = |below: usize| {
        state = (state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)) % (1 << 62);
        (state >> 20) % below
    };
    for contact in 0..60_000_usize {
        let who = format!("v{}", contact % 600);
        let ago = (60_000 - contact) as i64 * Timestamp::MINUTE;
        let id = |number: usize| format!("p{}", number * number / PRODUCTS);
        let first = id(next(PRODUCTS));
        if contact % 12 == 0 {
            let (second, third) = (id(next(PRODUCTS)), id(next(PRODUCTS)));
            shop.buys(&who, &[&first, &second, &third], ago);
        } else {
            shop.views(&who, &first, ago);
        }
    }
    shop.train();
    shop
}

fn with_rules(mut placement: Placement, filter: &str) -> Placement {
    placement.filter = Some(filter.to_owned());
    placement.boosts = vec![boost("Sale", "product.attributes.colour == 'red'", 1.5)];
    placement
}

#[test]
#[ignore = "a meter, for release builds"]
fn a_page_of_four_rows() {
    let mut shop = shop();
    let defaults = default_placements();
    let row = |id: &str| defaults.iter().find(|placement| placement.id.as_str() == id).unwrap().clone();
    let rows = |rules: [Option<&str>; 4]| {
        let ids = ["home-for-you", "home-trending", "home-popular", "product-also-viewed"];
        let placements = ids.into_iter().zip(rules).enumerate().map(|(number, (id, rule))| {
            let placed = rule.map_or_else(|| row(id), |rule| with_rules(row(id), rule));
            Placement { id: PlacementId::trusted(format!("r{number}")), size: 12, ..placed }
        });
        placements.collect::<Vec<_>>()
    };
    let half = Some("product.in_stock && product.price < 50.0 && product.attributes.colour != 'green'");
    let tenth = Some("product.price < 50.0 && product.title.contains('7 in')");
    let category = Some("page.category in product.category");
    for (name, rules) in [
        ("no rules", [None; 4]),
        ("typical filters and a boost", [half; 4]),
        ("selective filters and a boost", [tenth; 4]),
        ("category filters and a boost", [category; 4]),
    ] {
        shop.places(rows(rules));
        let mut times: Vec<Duration> = (0..2_000)
            .map(|number| {
                let mut asked = request(&format!("v{}", number % 600), &["r0", "r1", "r2", "r3"]);
                asked.page.kind = PageType::Product;
                asked.page.product_ids = vec![ProductId::trusted(format!("p{}", number % PRODUCTS))];
                asked.page.category = Some(format!("narrow{}", number % 80));
                asked.fields = ["title", "price", "url", "image_url"].map(str::to_owned).to_vec();
                let id = format!("d{number}");
                let started = Instant::now();
                let page = shop.decides(&asked, &id);
                let took = started.elapsed();
                assert_eq!(page.placements.len(), 4);
                took
            })
            .collect();
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        println!("{name}: p50 {:?}, p99 {:?}, worst {:?}", at(0.5), at(0.99), times[times.len() - 1]);
    }
}
