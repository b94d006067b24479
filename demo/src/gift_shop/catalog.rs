//! The catalog, derived from the order lines.
//!
//! Title: the description that stood on most paid lines. Price: the unit price that known customers paid most often for
//! few pieces in the product's last 90 days of sale. In stock: sold within the last 60 days of the data. A stock
//! code is one product however the till wrote it; codes that differ only in their letters are variants of a group.

use std::collections::HashMap;

use mercer_schema::{Availability, Currency, Money, Product, ProductId, Timestamp};

use super::attributes::Vocabulary;
use super::categories::Categories;
use super::description::describe;
use super::goods::{group_of, is_sale, product_code};
use super::lines::{Line, for_each_line};
use super::names::Names;
use crate::Error;
use crate::words::Words;

/// A product that nobody bought for longer counts as sold out.
const IN_STOCK_DAYS: i64 = 60;
/// How far back from a product's last sale its price is looked for.
const PRICE_DAYS: i64 = 90;
/// More pieces on a line get the trade price.
const FEW_PIECES: i64 = 5;

/// Every product that was ever sold, by id.
pub fn catalog() -> Result<Vec<Product>, Error> {
    let (tallies, last_day) = tally_sales()?;
    let describer =
        Describer { names: Names::load()?, categories: Categories::load()?, vocabulary: Vocabulary::load()? };
    let currency = Currency::parse("GBP").ok();
    let mut group_sizes: HashMap<&str, u32> = HashMap::new();
    for group in tallies.keys().filter_map(|code| group_of(code)) {
        *group_sizes.entry(group).or_default() += 1;
    }
    let mut products: Vec<Product> = tallies
        .iter()
        .map(|(code, tally)| {
            let mut product = describer.product(code, tally.description());
            product.price = currency.zip(tally.price_minor()).map(|(currency, minor)| Money { minor, currency });
            product.availability = tally.availability(last_day);
            let group = group_of(code).filter(|group| group_sizes.get(group).is_some_and(|size| *size > 1));
            product.group_id = group.map(str::to_owned);
            product
        })
        .collect();
    products.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(products)
}

fn tally_sales() -> Result<(HashMap<String, Tally>, Timestamp), Error> {
    let mut tallies: HashMap<String, Tally> = HashMap::with_capacity(4_096);
    let mut last = Timestamp::default();
    for_each_line(super::ORDERS_PARQUET, |line| {
        last = last.max(line.sold_at);
        if !is_sale(&line) {
            return;
        }
        match tallies.get_mut(line.code) {
            Some(tally) => tally.add(&line),
            None => tallies.entry(product_code(line.code)).or_default().add(&line),
        }
    })?;
    Ok((tallies, last))
}

/// What the tills know of one product.
#[derive(Debug, Default)]
struct Tally {
    descriptions: HashMap<String, u32>,
    prices: Vec<Price>,
    last_sold_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Price {
    at: Timestamp,
    minor: i64,
    is_single: bool,
}

impl Tally {
    fn add(&mut self, line: &Line<'_>) {
        let description = line.description.trim();
        match self.descriptions.get_mut(description) {
            Some(count) => *count += 1,
            None => _ = self.descriptions.insert(description.to_owned(), 1),
        }
        let minor = (line.unit_price * 100.0).round() as i64;
        let is_single = line.has_customer && line.quantity <= FEW_PIECES;
        self.prices.push(Price { at: line.sold_at, minor, is_single });
        self.last_sold_at = self.last_sold_at.max(line.sold_at);
    }

    /// The most common; of equally common ones the longest says most.
    fn description(&self) -> &str {
        let best = self.descriptions.iter().max_by(|(a, a_count), (b, b_count)| {
            a_count.cmp(b_count).then_with(|| a.len().cmp(&b.len())).then_with(|| b.cmp(a))
        });
        best.map_or("", |(text, _)| text)
    }

    fn price_minor(&self) -> Option<i64> {
        let since = self.last_sold_at.plus(-PRICE_DAYS * Timestamp::DAY);
        let recent = |price: &&Price| price.at >= since && price.minor > 0;
        let single: Vec<&Price> = self.prices.iter().filter(recent).filter(|price| price.is_single).collect();
        if single.is_empty() { most_common(self.prices.iter().filter(recent)) } else { most_common(single.into_iter()) }
    }

    fn availability(&self, last_day: Timestamp) -> Availability {
        let is_current = last_day.since(self.last_sold_at) <= IN_STOCK_DAYS * Timestamp::DAY;
        if is_current { Availability::InStock } else { Availability::OutOfStock }
    }
}

/// Of equally common prices the one that was paid last.
fn most_common<'a>(prices: impl Iterator<Item = &'a Price>) -> Option<i64> {
    let mut counts: HashMap<i64, (u32, Timestamp)> = HashMap::new();
    for price in prices {
        let (count, last) = counts.entry(price.minor).or_default();
        *count += 1;
        *last = (*last).max(price.at);
    }
    counts.into_iter().max_by_key(|(minor, (count, last))| (*count, *last, *minor)).map(|(minor, _)| minor)
}

struct Describer {
    names: Names,
    categories: Categories,
    vocabulary: Vocabulary,
}

impl Describer {
    fn product(&self, code: &str, description: &str) -> Product {
        let title = self.names.title(description);
        let words = Words::of(&title);
        let said = self.vocabulary.read(&title, &words);
        let mut product = Product::new(ProductId::trusted(code), title);
        product.category = self.categories.of(&words);
        product.description = describe(&said, &product.category, code);
        product.url = Some(format!("/p/{code}"));
        product.image_url = Some(format!("/shop/tile/{code}.svg"));
        let named = [
            ("colour", (!said.colours.is_empty()).then(|| said.colours.join(", "))),
            ("material", said.material),
            ("design", said.design),
            ("pieces", said.pieces.map(|pieces| pieces.to_string())),
        ];
        product.attributes = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        product
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static CATALOG: LazyLock<Vec<Product>> = LazyLock::new(|| catalog().unwrap());

    fn product(id: &str) -> &'static Product {
        CATALOG.iter().find(|product| product.id.as_str() == id).unwrap()
    }

    #[test]
    fn holds_every_product_that_was_sold() {
        assert!((3_600..3_900).contains(&CATALOG.len()), "{}", CATALOG.len());
        assert!(CATALOG.is_sorted_by(|a, b| a.id < b.id));
        assert!(CATALOG.iter().all(|product| product.price.is_some_and(|price| price.minor > 0)));
        assert!(CATALOG.iter().all(|product| !product.title.is_empty() && product.title.len() <= 60));
        let in_stock = CATALOG.iter().filter(|product| product.is_buyable()).count();
        assert!((2_300..3_300).contains(&in_stock), "{in_stock}");
    }

    #[test]
    fn describes_the_best_seller() {
        let heart = product("85123A");
        assert_eq!(heart.title, "White Hanging Heart T-Light Holder");
        assert_eq!(heart.category, ["Home & Living", "Candles & Holders"]);
        assert_eq!(heart.price.unwrap().to_string(), "2.95 GBP");
        assert_eq!(heart.group_id.as_deref(), None);
        assert_eq!(heart.attributes.get("colour"), Some("White"));
        assert!(heart.is_buyable());
    }

    #[test]
    fn variants_share_a_group() {
        assert_eq!(product("84997A").group_id, product("84997B").group_id);
        assert!(product("84997A").group_id.is_some());
    }

    #[test]
    fn nearly_everything_has_a_category() {
        let lost =
            CATALOG.iter().filter(|product| product.leaf_category().is_none_or(|leaf| leaf == "Gifts & Curiosities"));
        assert!(lost.count() * 200 < CATALOG.len());
    }

    #[test]
    fn no_note_of_the_stock_keepers_is_a_title() {
        for word in ["damage", "wrong", "ebay", "missing", "adjust", "found", "dotcom", "amazon", "thrown", "mystery"] {
            let titled: Vec<_> =
                CATALOG.iter().filter(|p| p.title.to_lowercase().contains(word)).map(|p| &p.title).collect();
            assert!(titled.iter().all(|title| title.contains("Dotcomgiftshop")), "{titled:?}");
        }
    }
}
