//! The sentences that a customer reads, by language.
//!
//! Every sentence says what was observed in this shop and nothing more. Languages are chosen by the page's locale; without one,
//! or where it is not translated, by the shop's. They lie in `languages/`, a file for each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mercer_schema::{BrowseBecause, Currency, Money, ReasonCode};
use mercer_search::Language;
use serde::Deserialize;

use crate::World;

/// Longest title inside a sentence, in letters.
const MOST_LETTERS: usize = 80;

/// What is said in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    reason: BTreeMap<ReasonCode, String>,
    naming: Naming,
    bought: String,
    browse: Browse,
    pub(crate) ways: Ways,
    pub(crate) facets: FacetWords,
    money: MoneyWords,
}

/// How amounts are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyWords {
    decimal: String,
    amount: String,
}

/// Reasons that name the product that led there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Naming {
    also_viewed: String,
    bought_together: String,
    complements: String,
    bundle: String,
    similar: String,
    looked_at: String,
}

/// Why a category is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Browse {
    looked: String,
    bought: String,
    liked: String,
    popular: String,
    shop: String,
}

/// Where to go on when little was found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ways {
    pub(crate) fewer_words: String,
    pub(crate) without_filters: String,
    pub(crate) category: String,
}

/// Names of the facets of every shop, and ranges of prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FacetWords {
    pub(crate) price: String,
    pub(crate) brand: String,
    pub(crate) category: String,
    pub(crate) under: String,
    pub(crate) between: String,
    pub(crate) from: String,
    pub(crate) up_to: String,
}

static WORDS: LazyLock<Vec<Words>> = LazyLock::new(|| Language::ALL.into_iter().map(read).collect());

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads all of them")]
fn read(language: Language) -> Words {
    toml::from_str(file(language)).expect("a language file that was tested")
}

const fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../languages/en.toml"),
        Language::German => include_str!("../languages/de.toml"),
        Language::French => include_str!("../languages/fr.toml"),
        Language::Spanish => include_str!("../languages/es.toml"),
        Language::Italian => include_str!("../languages/it.toml"),
        Language::Dutch => include_str!("../languages/nl.toml"),
        Language::Polish => include_str!("../languages/pl.toml"),
    }
}

/// The language of a page.
pub(crate) fn language_of(locale: Option<&str>, world: &World) -> Language {
    locale.and_then(Language::parse).unwrap_or_else(|| world.search.shop_language())
}

pub(crate) fn words(language: Language) -> &'static Words {
    &WORDS[language as usize]
}

/// Which sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sentence<'a> {
    /// The plain sentence of a code.
    Plain(ReasonCode),
    /// The same, naming the product that led there.
    Naming(ReasonCode, &'a str),
    /// `ForYou`, from a product that was bought.
    Bought(&'a str),
}

pub(crate) fn say(language: Language, sentence: Sentence<'_>) -> String {
    let words = words(language);
    match sentence {
        Sentence::Plain(code) => words.plain(code).to_owned(),
        Sentence::Naming(code, title) => name(words.naming(code), title),
        Sentence::Bought(title) => name(&words.bought, title),
    }
}

/// Puts texts into the places of a pattern, one after the other.
pub(crate) fn fill(pattern: &str, texts: &[&str]) -> String {
    let mut parts = pattern.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(texts).fold(first, |filled, (part, text)| filled + text + part)
}

impl Words {
    fn plain(&self, code: ReasonCode) -> &str {
        self.reason.get(&code).map_or("", String::as_str)
    }

    fn naming(&self, code: ReasonCode) -> &str {
        match code {
            ReasonCode::AlsoViewed => &self.naming.also_viewed,
            ReasonCode::BoughtTogether => &self.naming.bought_together,
            ReasonCode::Complements => &self.naming.complements,
            ReasonCode::Bundle => &self.naming.bundle,
            ReasonCode::Similar => &self.naming.similar,
            ReasonCode::SessionNext | ReasonCode::ForYou | ReasonCode::Taste => &self.naming.looked_at,
            _ => self.plain(code),
        }
    }

    /// An amount as people write it: *£5*, *0,50 €*.
    pub(crate) fn money(&self, money: Money) -> String {
        let amount = money.amount();
        let whole = amount.split_once('.').filter(|(_, decimals)| decimals.bytes().all(|digit| digit == b'0'));
        let number = whole.map_or(&*amount, |(whole, _)| whole).replace('.', &self.money.decimal);
        match sign_of(money.currency) {
            Some(sign) => self.money.amount.replace("{sign}", sign).replace("{number}", &number),
            None => format!("{number}\u{a0}{}", money.currency),
        }
    }

    /// Why a category is shown.
    pub(crate) fn browsed(&self, because: BrowseBecause) -> &str {
        match because {
            BrowseBecause::Looked => &self.browse.looked,
            BrowseBecause::Bought => &self.browse.bought,
            BrowseBecause::Liked => &self.browse.liked,
            BrowseBecause::Popular => &self.browse.popular,
            BrowseBecause::Shop => &self.browse.shop,
        }
    }
}

/// The sign of a currency where it means that one alone; many are called dollar or crown.
fn sign_of(currency: Currency) -> Option<&'static str> {
    Some(match currency.code() {
        "EUR" => "€",
        "GBP" => "£",
        "USD" => "$",
        "PLN" => "zł",
        _ => return None,
    })
}

fn name(pattern: &str, title: &str) -> String {
    match title.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => fill(pattern, &[&format!("{}…", title[..end].trim_end())]),
        None => fill(pattern, &[title]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything() {
        let english = words(Language::English);
        for language in Language::ALL {
            let said = words(language);
            assert!(said.reason.keys().eq(english.reason.keys()), "{language:?}");
            assert!(said.reason.values().all(|text| !text.is_empty() && !text.contains("{}")), "{language:?}");
            let Naming { also_viewed, bought_together, complements, bundle, similar, looked_at } = &said.naming;
            let Ways { fewer_words, without_filters, category } = &said.ways;
            let FacetWords { under, from, up_to, between, .. } = &said.facets;
            let with_one = [
                also_viewed,
                bought_together,
                complements,
                bundle,
                similar,
                looked_at,
                &said.bought,
                fewer_words,
                without_filters,
                category,
                under,
                from,
                up_to,
            ];
            for text in with_one {
                assert_eq!(text.matches("{}").count(), 1, "{language:?}: {text}");
            }
            assert_eq!(between.matches("{}").count(), 2, "{language:?}");
            assert!(["{sign}", "{number}"].iter().all(|part| said.money.amount.contains(part)), "{language:?}");
        }
        assert_eq!(english.reason.len(), 17);
    }

    #[test]
    fn locales_choose_the_language_and_else_the_shop() {
        let shop = |language| World { search: mercer_search::SearchIndex::new(language), ..World::default() };
        let (english, french) = (shop(Language::English), shop(Language::French));
        for (locale, expected) in [
            (None, Language::English),
            (Some("de"), Language::German),
            (Some("de-AT"), Language::German),
            (Some("DE_ch"), Language::German),
            (Some("den"), Language::English),
            (Some("fr-FR"), Language::French),
        ] {
            assert_eq!(language_of(locale, &english), expected, "{locale:?}");
        }
        assert_eq!(language_of(None, &french), Language::French);
        assert_eq!(language_of(Some("sv"), &french), Language::French);
    }

    #[test]
    fn amounts_are_written_as_people_do() {
        for (language, minor, currency, written) in [
            (Language::English, 500, "GBP", "£5"),
            (Language::English, 50, "USD", "$0.50"),
            (Language::German, 1_250, "EUR", "12,50\u{a0}€"),
            (Language::Dutch, 1_000, "EUR", "€\u{a0}10"),
            (Language::Polish, 999, "PLN", "9,99\u{a0}zł"),
            (Language::English, 250, "SEK", "2.50\u{a0}SEK"),
            (Language::English, 1_200, "JPY", "1200\u{a0}JPY"),
        ] {
            let currency = Currency::parse(currency).unwrap();
            assert_eq!(words(language).money(Money { minor, currency }), written);
        }
    }

    #[test]
    fn names_the_product_and_shortens_long_titles() {
        let naming = |title| say(Language::English, Sentence::Naming(ReasonCode::BoughtTogether, title));
        assert_eq!(naming("Paper Lantern"), "Often bought with Paper Lantern");
        assert_eq!(naming("{}"), "Often bought with {}");
        assert!(naming(&"ü".repeat(500)).chars().count() < 110);
        let german = say(Language::German, Sentence::Bought("Papierlaterne"));
        assert_eq!(german, "Weil Sie Papierlaterne gekauft haben");
        assert_eq!(fill("{} bis {}", &["{}", "2"]), "{} bis 2");
    }
}
