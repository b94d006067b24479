//! What a mapping can fill: the fields of products, order lines and events.
//!
//! Invariant: a field's name means the same in every mapping.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One product a row.
    Catalog,
    /// One line of an order a row.
    Orders,
    /// One event a row.
    Events,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Catalog => "catalog",
            Self::Orders => "orders",
            Self::Events => "events",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Catalog, Self::Orders, Self::Events]
            .into_iter()
            .find(|kind| kind.to_string() == text)
            .ok_or_else(|| format!("`{text}` cannot be imported; choose catalog, orders or events"))
    }
}

/// How a field's text is read; decides which options a mapping may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    Money,
    Time,
    Path,
}

macro_rules! fields {
    ($($variant:ident = $name:literal, $kinds:literal, $type:ident;)+) => {
        /// A field that a mapping can fill.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($variant,)+ }

        impl Field {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(super) const fn value_type(self) -> FieldType {
                match self { $(Self::$variant => FieldType::$type,)+ }
            }

            /// The first letters of the kinds that have the field.
            const fn kinds(self) -> &'static str {
                match self { $(Self::$variant => $kinds,)+ }
            }
        }
    };
}

// c: catalog, o: orders, e: events.
fields! {
    Id = "id", "c", Text;
    Title = "title", "c", Text;
    Description = "description", "c", Text;
    Brand = "brand", "c", Text;
    Category = "category", "ce", Path;
    Price = "price", "coe", Money;
    SalePrice = "sale_price", "c", Money;
    SalePeriod = "sale_period", "c", Time;
    ListPrice = "list_price", "c", Money;
    Currency = "currency", "coe", Text;
    Availability = "availability", "c", Text;
    Stock = "stock", "c", Text;
    Url = "url", "ce", Text;
    ImageUrl = "image_url", "c", Text;
    GroupId = "group_id", "c", Text;
    RepurchaseDays = "repurchase_days", "c", Text;
    OrderId = "order_id", "oe", Text;
    CustomerId = "customer_id", "oe", Text;
    AnonymousId = "anonymous_id", "oe", Text;
    ProductId = "product_id", "oe", Text;
    Quantity = "quantity", "oe", Text;
    Total = "total", "oe", Money;
    Time = "time", "oe", Time;
    Channel = "channel", "oe", Text;
    MessageId = "message_id", "e", Text;
    EventName = "event", "e", Text;
    Query = "query", "e", Text;
}

impl Field {
    pub(super) fn belongs_to(self, kind: Kind) -> bool {
        let letter = match kind {
            Kind::Catalog => 'c',
            Kind::Orders => 'o',
            Kind::Events => 'e',
        };
        self.kinds().contains(letter)
    }

    /// The fields without which a row of this kind means nothing.
    pub(super) const fn required(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Catalog => &[Self::Id, Self::Title],
            Kind::Orders => &[Self::OrderId, Self::ProductId, Self::Time],
            Kind::Events => &[Self::EventName, Self::Time],
        }
    }

    pub(super) fn named(name: &str, kind: Kind) -> Option<Self> {
        Self::of(kind).find(|field| field.name() == name)
    }

    pub(super) fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |field| field.belongs_to(kind))
    }
}
