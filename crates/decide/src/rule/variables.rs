//! What `product`, `page`, `customer` and `now` are when a rule is evaluated.
//!
//! Text that is absent reads as `""`, a number as `null`, a list as `[]`. Money is in major units of its own
//! currency. Times are UTC. Traits that name or reach a person are not readable.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use mercer_schema::{Availability, Currency, Page, PageType, Product, Profile, Timestamp, TouchKind};
use serde_json::Value as Json;

use super::names::{self, is_readable_trait};
use super::values::{Attributes, Boxed, Fields, Record, absent, flag, integer, number, owned_text, text, texts};

/// A product with when the shop first had it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProductFacts<'a> {
    pub(crate) product: &'a Product,
    pub(crate) since: Timestamp,
    pub(crate) now: Timestamp,
}

impl<'a> Fields<'a> for ProductFacts<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        let product = self.product;
        Some(match name {
            "id" => text(product.id.as_str()),
            "title" => text(&product.title),
            "brand" => text(product.brand.as_deref()?),
            "category" if !product.category.is_empty() => texts(product.category.iter().map(String::as_str)),
            "leaf_category" => text(product.leaf_category()?),
            "price" => number(major(product.price?.minor, product.price?.currency)),
            "list_price" => number(major(product.list_price?.minor, product.list_price?.currency)),
            "currency" => owned_text(product.price?.currency.code().to_owned()),
            "on_sale" => flag(is_on_sale(product)),
            "in_stock" => flag(product.is_buyable()),
            "availability" => text(availability_name(product.availability)),
            "attributes" => Box::new(Record::new(Attributes(&product.attributes))),
            "group_id" => text(product.group_id.as_deref()?),
            "age_days" => integer((self.now.since(self.since) / Timestamp::DAY).max(0)),
            _ => return None,
        })
    }

    fn absent(self, name: &str) -> Boxed<'a> {
        absent(names::PRODUCT, name)
    }
}

const fn availability_name(availability: Availability) -> &'static str {
    match availability {
        Availability::InStock => "in_stock",
        Availability::OutOfStock => "out_of_stock",
        Availability::Preorder => "preorder",
        Availability::Backorder => "backorder",
    }
}

fn is_on_sale(product: &Product) -> bool {
    let (Some(price), Some(list_price)) = (product.price, product.list_price) else { return false };
    price.currency == list_price.currency && price.minor < list_price.minor
}

fn major(minor: i64, currency: Currency) -> f64 {
    minor as f64 / 10_f64.powi(currency.exponent() as i32)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFacts<'a>(pub(crate) &'a Page);

impl<'a> Fields<'a> for PageFacts<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        let page = self.0;
        Some(match name {
            "type" => text(page_type_name(page.kind)),
            "category" => text(page.category.as_deref()?),
            "query" => text(page.query.as_deref()?),
            "locale" => text(page.locale.as_deref()?),
            "product_ids" if !page.product_ids.is_empty() => texts(page.product_ids.iter().map(|id| id.as_str())),
            _ => return None,
        })
    }

    fn absent(self, name: &str) -> Boxed<'a> {
        absent(names::PAGE, name)
    }
}

const fn page_type_name(kind: PageType) -> &'static str {
    match kind {
        PageType::Home => "home",
        PageType::Category => "category",
        PageType::Product => "product",
        PageType::Cart => "cart",
        PageType::Checkout => "checkout",
        PageType::Search => "search",
        PageType::Other => "other",
    }
}

/// What rules may know of a customer. `profile` is `None` for an unknown visitor, and for every visitor who
/// objects to personalization.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CustomerFacts<'a> {
    pub(crate) profile: Option<&'a Profile>,
    /// Liked most, best first.
    pub(crate) categories: &'a [String],
    pub(crate) brands: &'a [String],
    pub(crate) now: Timestamp,
}

impl<'a> Fields<'a> for CustomerFacts<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        let Some(profile) = self.profile else {
            return matches!(name, "known" | "orders" | "visits" | "spend" | "traits").then(|| unknown(name));
        };
        Some(match name {
            "known" => flag(profile.customer_id.is_some()),
            "orders" => integer(i64::from(profile.orders)),
            "visits" => integer(i64::from(profile.visits)),
            "spend" => Box::new(Record::new(Spend(Some(&profile.spend_minor)))),
            "days_since_last_order" => integer(days_since_last_order(profile, self.now)?),
            "categories" if !self.categories.is_empty() => texts(self.categories.iter().map(String::as_str)),
            "brands" if !self.brands.is_empty() => texts(self.brands.iter().map(String::as_str)),
            "traits" => Box::new(Record::new(Traits(Some(profile)))),
            _ => return None,
        })
    }

    fn absent(self, name: &str) -> Boxed<'a> {
        absent(names::CUSTOMER, name)
    }
}

fn unknown<'a>(name: &str) -> Boxed<'a> {
    match name {
        "known" => flag(false),
        "spend" => Box::new(Record::new(Spend(None))),
        "traits" => Box::new(Record::new(Traits(None))),
        _ => integer(0),
    }
}

fn days_since_last_order(profile: &Profile, now: Timestamp) -> Option<i64> {
    let bought = profile.touches.iter().rfind(|touch| touch.kind == TouchKind::Purchased && touch.at <= now)?;
    Some(now.since(bought.at) / Timestamp::DAY)
}

/// `customer.spend`: by currency code.
#[derive(Debug, Clone, Copy)]
struct Spend<'a>(Option<&'a BTreeMap<Currency, i64>>);

impl<'a> Fields<'a> for Spend<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        let currency = Currency::parse(name).ok()?;
        self.0?.get(&currency).map(|minor| number(major(*minor, currency)))
    }

    fn absent(self, _: &str) -> Boxed<'a> {
        number(0.0)
    }
}

#[derive(Debug, Clone, Copy)]
struct Traits<'a>(Option<&'a Profile>);

impl<'a> Fields<'a> for Traits<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        if !is_readable_trait(name) {
            return None;
        }
        match self.0?.traits.get(name)? {
            Json::String(value) => Some(text(value)),
            Json::Bool(value) => Some(flag(*value)),
            Json::Number(value) => value.as_i64().map(integer).or_else(|| value.as_f64().map(number)),
            _ => None,
        }
    }

    fn absent(self, _: &str) -> Boxed<'a> {
        absent(&[], "")
    }
}

/// The moment of the decision, read as a UTC calendar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NowFacts(pub(crate) Timestamp);

impl<'a> Fields<'a> for NowFacts {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        if name == "hour" {
            return Some(integer(i64::from(self.0.hour())));
        }
        let date = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(self.0.0).ok()?).date();
        Some(match name {
            "weekday" => integer(i64::from(date.weekday().to_monday_one_offset())),
            "day" => integer(i64::from(date.day())),
            "month" => integer(i64::from(date.month())),
            "date" => owned_text(date.to_string()),
            _ => return None,
        })
    }

    fn absent(self, name: &str) -> Boxed<'a> {
        absent(names::NOW, name)
    }
}
