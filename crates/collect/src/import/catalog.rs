//! A row of a catalog becomes a product.
//!
//! Invariant: what is against Google's limits but harmless is taken with a warning; what would show a wrong
//! price or sell what is not there is a bad row.

use std::collections::{BTreeMap, HashSet};

use mercer_schema::{Attributes, Availability, Money, Product, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::bind::Cells;
use super::field::Field;
use super::maker::{Maker, Outbox};
use super::mapping::Mapping;
use super::report::Report;
use super::time::{Clock, period};
use crate::{BadReason, Fault, Received};

/// Limits of Google's product data specification, in characters.
const GOOGLE_LIMITS: [(Field, usize); 3] = [(Field::Id, 50), (Field::Title, 150), (Field::Description, 5_000)];
const MAX_DESCRIPTION_CHARACTERS: usize = 20_000;
const MAX_TITLE_CHARACTERS: usize = 1_000;
const MAX_ATTRIBUTES: usize = 100;
const MAX_ATTRIBUTE_CHARACTERS: usize = 1_000;
const MAX_CATEGORY_STEPS: usize = 16;

/// Makes products; remembers a hash of each id to tell of doubles.
pub(super) struct Products {
    clock: Clock,
    seen: HashSet<u64>,
}

impl Products {
    pub(super) fn new(mapping: &Mapping) -> Self {
        let formats = mapping.rule(Field::SalePeriod).map(|rule| rule.formats.clone()).unwrap_or_default();
        Self { clock: Clock::new(mapping.zone.clone(), formats), seen: HashSet::new() }
    }

    fn product(&mut self, cells: Cells<'_>, received: &Received, report: &mut Report) -> Result<Product, Fault> {
        let line = cells.row.line;
        let mut product = Product::new(cells.required_id(Field::Id)?, cells.required(Field::Title)?.text);
        let text = |field| cells.text(field).map(|found| found.text.into_owned());
        product.description = text(Field::Description).unwrap_or_default();
        product.brand = text(Field::Brand);
        product.category = category(cells, report);
        product.url = text(Field::Url);
        product.image_url = text(Field::ImageUrl);
        product.group_id = text(Field::GroupId);
        product.availability = availability(cells)?;
        product.repurchase_days = repurchase_days(cells)?;
        (product.price, product.list_price) = self.prices(cells, received, report)?;
        product.attributes = attributes(cells, report);
        for (field, limit) in GOOGLE_LIMITS {
            let length = match field {
                Field::Id => product.id.as_str().chars().count(),
                Field::Title => shorten(&mut product.title, MAX_TITLE_CHARACTERS),
                _ => shorten(&mut product.description, MAX_DESCRIPTION_CHARACTERS),
            };
            if length > limit {
                report.warn(
                    line,
                    &format!("`{}` is longer than the {limit} characters of Google's specification", field.name()),
                );
            }
        }
        if product.price.is_none() {
            report.warn(line, "the product has no price");
        }
        if !self.seen.insert(xxh3_64(product.id.as_str().as_bytes())) {
            report.warn(line, "the product's id was there before: the later row replaces the earlier one");
        }
        Ok(product)
    }

    /// The price to pay now, and the one before the reduction.
    fn prices(
        &mut self,
        cells: Cells<'_>,
        received: &Received,
        report: &mut Report,
    ) -> Result<(Option<Money>, Option<Money>), Fault> {
        let money = |field| match cells.money(field, received.default_currency)? {
            Some(money) if money.minor < 0 => match cells.text(field) {
                Some(found) => Err(found.fault(BadReason::InvalidMoney, "expected a price of zero or more")),
                None => Ok(None),
            },
            money => Ok(money),
        };
        let price = money(Field::Price)?;
        let sale = money(Field::SalePrice)?.filter(|_| self.is_sale_on(cells, received.received_at, report));
        let (price, list) = match (price, sale) {
            (Some(price), Some(sale)) => (Some(sale), Some(price)),
            (price, sale) => (sale.or(price), money(Field::ListPrice)?),
        };
        let is_reduced =
            |list: &Money| price.is_some_and(|price| price.currency == list.currency && price.minor < list.minor);
        Ok((price, list.filter(is_reduced)))
    }

    fn is_sale_on(&mut self, cells: Cells<'_>, now: Timestamp, report: &mut Report) -> bool {
        let Some(found) = cells.text(Field::SalePeriod) else {
            return true;
        };
        match period(&found.text, &mut self.clock) {
            Some((start, end)) => start <= now && now < end,
            None => {
                report.warn(cells.row.line, "the period of the sale price cannot be read: it is taken as running");
                true
            }
        }
    }
}

impl Maker<Product> for Products {
    fn take(&mut self, cells: Cells<'_>, out: &mut Outbox<'_, Product>) {
        match self.product(cells, out.received, out.report) {
            Ok(product) => out.made("product", 1, product),
            Err(fault) => out.bad(fault, cells.to_raw(), cells.row.line, 1),
        }
    }
}

/// Cuts a text to at most `limit` characters; gives the length that it had.
fn shorten(text: &mut String, limit: usize) -> usize {
    let length = text.chars().count();
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
    length
}

fn category(cells: Cells<'_>, report: &mut Report) -> Vec<String> {
    let mut path = cells.path(Field::Category);
    if let [number] = path.as_slice()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        report.warn(cells.row.line, "the category is a number of Google's taxonomy, which has no name here: left out");
        return Vec::new();
    }
    path.truncate(MAX_CATEGORY_STEPS);
    path
}

fn repurchase_days(cells: Cells<'_>) -> Result<Option<u32>, Fault> {
    let Some(found) = cells.text(Field::RepurchaseDays) else {
        return Ok(None);
    };
    let days = super::value::whole_number(&found.text).and_then(|digits| digits.parse().ok());
    days.map(Some).ok_or_else(|| found.fault(BadReason::InvalidNumber, "expected a whole number of days"))
}

/// What the feed says, else whether any are in stock; a feed that says neither sells all that it lists.
fn availability(cells: Cells<'_>) -> Result<Availability, Fault> {
    if let Some(found) = cells.text(Field::Availability) {
        return availability_word(&found.text).ok_or_else(|| {
            found.fault(
                BadReason::UnknownValue,
                "expected in_stock, out_of_stock, preorder or backorder; teach other words with `words` in the mapping",
            )
        });
    }
    let Some(found) = cells.text(Field::Stock) else {
        return Ok(Availability::InStock);
    };
    match found.text.parse::<f64>() {
        Ok(pieces) if pieces > 0.0 => Ok(Availability::InStock),
        Ok(pieces) if pieces <= 0.0 => Ok(Availability::OutOfStock),
        _ => Err(found.fault(BadReason::InvalidNumber, "expected the number of pieces in stock")),
    }
}

/// Also schema.org's addresses (`https://schema.org/InStock`) and yes or no.
fn availability_word(text: &str) -> Option<Availability> {
    let word = text.rsplit('/').next().unwrap_or(text);
    let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match word.as_str() {
        "instock"
        | "available"
        | "availablefororder"
        | "limitedavailability"
        | "lowstock"
        | "onlineonly"
        | "true"
        | "yes"
        | "y"
        | "1" => Some(Availability::InStock),
        "outofstock" | "soldout" | "unavailable" | "notavailable" | "discontinued" | "false" | "no" | "n" | "0" => {
            Some(Availability::OutOfStock)
        }
        "preorder" | "presale" => Some(Availability::Preorder),
        "backorder" | "onbackorder" | "madetoorder" => Some(Availability::Backorder),
        _ => None,
    }
}

fn attributes(cells: Cells<'_>, report: &mut Report) -> Attributes {
    let mut attributes = BTreeMap::new();
    for (name, value) in cells.extras() {
        if value.chars().nth(MAX_ATTRIBUTE_CHARACTERS).is_some() || name.chars().nth(MAX_ATTRIBUTE_CHARACTERS).is_some()
        {
            let what = format!("an attribute is longer than {MAX_ATTRIBUTE_CHARACTERS} characters: left out");
            report.warn(cells.row.line, &what);
        } else if attributes.len() >= MAX_ATTRIBUTES {
            let what = format!("the product has more than {MAX_ATTRIBUTES} attributes: the others are left out");
            report.warn(cells.row.line, &what);
            break;
        } else {
            attributes.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
    }
    attributes.into_iter().collect()
}
