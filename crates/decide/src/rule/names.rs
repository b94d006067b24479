//! The names that an expression may use, with what stands behind them.
//!
//! The one list from which checking, evaluation and the documentation's table come. A name that is not here
//! cannot be read by a rule, however it is written.

/// What a name stands for; it also says what an absent value reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Absent: `""`.
    Text,
    /// Absent: `null`.
    Number,
    /// Absent: `null`.
    Integer,
    /// Never absent.
    Flag,
    /// Absent: `[]`.
    Texts,
    /// Text by key; an absent key reads as `""`.
    Attributes,
    /// Amounts in major units by currency code; an absent key reads as `0.0`.
    Amounts,
    /// Text, number or truth by key; an absent key reads as `null`.
    Traits,
    Record(&'static [Field]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

pub(crate) const PRODUCT: &[Field] = &[
    field("id", Kind::Text),
    field("title", Kind::Text),
    field("brand", Kind::Text),
    field("category", Kind::Texts),
    field("leaf_category", Kind::Text),
    field("price", Kind::Number),
    field("list_price", Kind::Number),
    field("currency", Kind::Text),
    field("on_sale", Kind::Flag),
    field("in_stock", Kind::Flag),
    field("availability", Kind::Text),
    field("attributes", Kind::Attributes),
    field("group_id", Kind::Text),
    field("age_days", Kind::Integer),
];

pub(crate) const PAGE: &[Field] = &[
    field("type", Kind::Text),
    field("category", Kind::Text),
    field("query", Kind::Text),
    field("locale", Kind::Text),
    field("product_ids", Kind::Texts),
];

pub(crate) const CUSTOMER: &[Field] = &[
    field("known", Kind::Flag),
    field("orders", Kind::Integer),
    field("visits", Kind::Integer),
    field("spend", Kind::Amounts),
    field("days_since_last_order", Kind::Integer),
    field("categories", Kind::Texts),
    field("brands", Kind::Texts),
    field("traits", Kind::Traits),
];

pub(crate) const NOW: &[Field] = &[
    field("date", Kind::Text),
    field("hour", Kind::Integer),
    field("weekday", Kind::Integer),
    field("day", Kind::Integer),
    field("month", Kind::Integer),
];

/// What an expression can start with.
pub(crate) const ROOTS: &[Field] = &[
    field("product", Kind::Record(PRODUCT)),
    field("page", Kind::Record(PAGE)),
    field("customer", Kind::Record(CUSTOMER)),
    field("now", Kind::Record(NOW)),
];

/// Functions that may be called. All are linear in what they are given, so no rule can blow up.
pub(crate) const FUNCTIONS: &[&str] =
    &["contains", "double", "endsWith", "int", "lowerAscii", "size", "startsWith", "string", "trim", "upperAscii"];

/// Traits that name, reach or locate a person, or by law need special care. Rules may not read them.
const PERSONAL_TRAITS: &[&str] = &[
    "address",
    "age",
    "avatar",
    "birthday",
    "description",
    "email",
    "ethnicity",
    "firstname",
    "gender",
    "health",
    "id",
    "ip",
    "lastname",
    "mobile",
    "name",
    "password",
    "phone",
    "politics",
    "postalcode",
    "race",
    "religion",
    "sex",
    "sexuality",
    "ssn",
    "street",
    "surname",
    "taxid",
    "token",
    "username",
    "website",
    "zip",
];

/// True for a trait that a rule may read.
pub(crate) fn is_readable_trait(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    !PERSONAL_TRAITS.contains(&plain.as_str())
}

/// The known name that is closest to a mistyped one, when one is close enough to be meant.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most_edits = (typed.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(edits, _)| *edits <= most_edits)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let names = || PRODUCT.iter().map(|field| field.name);
        assert_eq!(nearest("categry", names()), Some("category"));
        assert_eq!(nearest("pirce", names()), Some("price"));
        assert_eq!(nearest("colour", names()), None);
    }

    #[test]
    fn personal_traits_are_closed_however_they_are_spelt() {
        for name in ["email", "First_Name", "postalCode", "E-Mail"] {
            assert!(!is_readable_trait(name), "{name}");
        }
        assert!(is_readable_trait("loyalty_tier"));
    }
}
