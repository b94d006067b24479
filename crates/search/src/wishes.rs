//! Wishes that stand in what was typed: a highest price, a size, a colour, a brand.
//!
//! *red nike shoes size 42 under 80* is words, a colour, a brand, a size and a price. Prices and sizes are taken out of the
//! words, since no product has them there; colours, brands and other values stay, and are told besides.

use crate::facets::{FacetField, Value};
use crate::language::Words;
use crate::text::{Gap, Token, fold, tokens};
use crate::{SearchIndex, measure, minus};

/// Words of what is typed that are read.
const MOST_WORDS: usize = 16;
/// Words that a value may have.
const LONGEST_VALUE: usize = 3;
/// Letters of a size, as `42`, `10.5` or `xxl`, where products have sizes, but not this one.
const LONGEST_SIZE: usize = 4;
const LETTERS_OF_SIZES: &str = "smlx";
/// What signs of currencies are read as.
const SIGNS: [&str; 3] = ["eur", "gbp", "usd"];
/// Hundredths make one.
const MINOR: f64 = 100.0;
/// *Around 5* is from so much less to so much more.
const NEAR: f64 = 0.2;
/// Parts of names of attributes that hold a size.
const SIZE_NAMES: [&str; 8] = ["size", "grosse", "groesse", "taille", "talla", "taglia", "maat", "rozmiar"];
/// Parts of names of attributes that say for whom a product is.
const AUDIENCE_NAMES: [&str; 7] = ["gender", "audience", "age_group", "geschlecht", "genre", "genero", "plec"];
/// Parts of names of attributes that hold a colour.
const COLOUR_NAMES: [&str; 6] = ["colo", "farbe", "couleur", "kleur", "kolor", "cor"];

/// Something that was wished for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// In whole units of the shop's currency.
    Price {
        least: Option<f64>,
        most: Option<f64>,
    },
    /// One of these values, all of which are written so.
    Size(Vec<Value>),
    Value(Vec<Value>),
}

/// A wish with the words that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Wished {
    pub wish: Wish,
    pub from: String,
}

impl Wished {
    /// A size that no product has.
    pub fn is_unmet(&self) -> bool {
        matches!(&self.wish, Wish::Size(values) if values.is_empty())
    }
}

/// What was typed without the words that only say a price or a size, and all wishes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    pub rest: String,
    pub wished: Vec<Wished>,
}

/// What an attribute's name says that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Colour,
    Size,
    /// For women, for men, for children.
    Audience,
    Other,
}

impl Role {
    pub fn of(field: &FacetField) -> Self {
        let FacetField::Attribute(name) = field else { return Self::Other };
        let name = fold(name);
        if SIZE_NAMES.iter().any(|part| name.contains(part)) {
            Self::Size
        } else if COLOUR_NAMES.iter().any(|part| name.contains(part)) {
            Self::Colour
        } else if AUDIENCE_NAMES.iter().any(|part| name.contains(part)) {
            Self::Audience
        } else {
            Self::Other
        }
    }
}

impl SearchIndex {
    /// Reads the wishes in what was typed. Those whose words are in `ignored` are left in the text.
    pub fn wishes(&self, text: &str, ignored: &[String]) -> Wishes {
        let words = self.languages()[0].words();
        let text = spelled_out(&minus::in_words(text, words), words);
        let mut reader = Reader { index: self, ignored, words: self.languages()[0].words(), wished: Vec::new() };
        let tokens = tokens(&text, MOST_WORDS);
        let mut rest = reader.take_prices_and_sizes(&tokens);
        // Who asks for nothing but a size that is not there is answered by words.
        if rest.is_empty() && reader.wished.iter().all(Wished::is_unmet) {
            reader.wished.clear();
            rest = tokens;
        }
        reader.find_values(&rest);
        Wishes { rest: written(&rest), wished: reader.wished }
    }
}

/// Signs of currencies as words, and those for less and more in front of a number.
fn spelled_out(text: &str, words: &Words) -> String {
    let text = text.replace('€', " eur ").replace('£', " gbp ").replace('$', " usd ");
    [('<', &words.below), ('>', &words.above)].into_iter().fold(text, |text, (sign, phrases)| {
        let Some((first, rest)) = text.split_once(sign) else { return text };
        let amount = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        let is_amount =
            amount.starts_with(|next: char| next.is_ascii_digit()) || SIGNS.iter().any(|sign| amount.starts_with(sign));
        match phrases.first().filter(|_| is_amount) {
            Some(phrase) => format!("{first} {} {amount}", phrase.join(" ")),
            None => text,
        }
    })
}

/// Tokens as a text that is taken apart in the same way.
fn written(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        text.push_str(match token.gap {
            _ if text.is_empty() => "",
            Gap::Joined => "-",
            Gap::Slash => "/",
            Gap::Break => ", ",
            Gap::Space => " ",
        });
        text.push_str(&token.written);
    }
    text
}

/// A number that may be a price.
struct Amount {
    /// Tokens that say it.
    length: usize,
    value: f64,
    has_currency: bool,
    /// A sign or the letters of a currency, which no measure has.
    has_sign: bool,
}

fn begins(tokens: &[Token], phrase: &[String]) -> bool {
    tokens.len() >= phrase.len() && tokens.iter().zip(phrase).all(|(token, word)| token.plain == *word)
}

const fn up_to(most: f64) -> Wish {
    Wish::Price { least: None, most: Some(most) }
}

fn between(one: f64, other: f64) -> Wish {
    Wish::Price { least: Some(one.min(other)), most: Some(one.max(other)) }
}

struct Reader<'a> {
    index: &'a SearchIndex,
    ignored: &'a [String],
    words: &'static Words,
    wished: Vec<Wished>,
}

impl Reader<'_> {
    fn take_prices_and_sizes(&mut self, tokens: &[Token]) -> Vec<Token> {
        let mut rest = Vec::with_capacity(tokens.len());
        let mut place = 0;
        while place < tokens.len() {
            let here = &tokens[place..];
            let found = self.price(here).or_else(|| self.size(here));
            match found {
                Some((length, wish)) if self.add(&tokens[place..place + length], wish.clone()) => place += length,
                _ => {
                    rest.push(tokens[place].clone());
                    place += 1;
                }
            }
        }
        rest
    }

    fn add(&mut self, from: &[Token], wish: Wish) -> bool {
        let from = from.iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" ");
        if self.ignored.contains(&from) {
            return false;
        }
        self.wished.push(Wished { wish, from });
        true
    }

    /// A price at the beginning of these tokens, with how many of them say it.
    fn price(&self, tokens: &[Token]) -> Option<(usize, Wish)> {
        let words = self.words;
        for (from, to) in &words.between {
            if let Some(first) = self.amount_behind(tokens, from)
                && let Some(second) = self.amount_behind(&tokens[first.length..], to)
            {
                return Some((first.length + second.length, between(first.value, second.value)));
            }
        }
        let behind =
            |phrases: &'static [Vec<String>]| phrases.iter().find_map(|phrase| self.amount_behind(tokens, phrase));
        if let Some(amount) = behind(&words.below) {
            return Some((amount.length, up_to(amount.value)));
        }
        if let Some(amount) = behind(&words.above) {
            return Some((amount.length, Wish::Price { least: Some(amount.value), most: None }));
        }
        if let Some(amount) = behind(&words.around) {
            return Some((amount.length, between(amount.value * (1.0 - NEAR), amount.value * (1.0 + NEAR))));
        }
        self.amount_itself(tokens)
    }

    /// A price without a phrase in front: *5 or less*, *2 to 5 euros*, *£1-£2*, *£5*.
    fn amount_itself(&self, tokens: &[Token]) -> Option<(usize, Wish)> {
        let first = self.amount(tokens)?;
        let rest = &tokens[first.length..];
        if let Some(phrase) = self.words.or_less.iter().find(|phrase| begins(rest, phrase)) {
            return Some((first.length + phrase.len(), up_to(first.value)));
        }
        let to = self.words.between.iter().find(|(_, to)| begins(rest, to)).map(|(_, to)| to.len());
        let is_range = |second: &Amount, gap: Gap| {
            (first.has_currency || second.has_currency)
                && (to.is_some()
                    || gap == Gap::Joined
                    || (gap == Gap::Break && first.has_currency && second.has_currency))
        };
        let second = rest.get(to.unwrap_or(0)..).unwrap_or_default();
        if let Some(amount) = self.amount(second)
            && is_range(&amount, second[0].gap)
        {
            let length = first.length + to.unwrap_or(0) + amount.length;
            return Some((length, between(first.value, amount.value)));
        }
        first.has_sign.then(|| (first.length, up_to(first.value)))
    }

    /// The number behind a phrase at the beginning, if it can be a price.
    fn amount_behind(&self, tokens: &[Token], phrase: &[String]) -> Option<Amount> {
        if !begins(tokens, phrase) {
            return None;
        }
        let amount = self.amount(&tokens[phrase.len()..])?;
        // `max 256` is a part of a name where products are called so.
        let (last, number) = (phrase.last()?, tokens.get(phrase.len())?);
        if !amount.has_currency && self.index.stand_together(last, &number.plain) {
            return None;
        }
        Some(Amount { length: phrase.len() + amount.length, ..amount })
    }

    /// A number at the beginning, with or without a currency around it, that no unit makes a measure.
    fn amount(&self, tokens: &[Token]) -> Option<Amount> {
        let is_sign = |token: &Token| SIGNS.contains(&token.plain.as_str());
        let is_currency = |token: &Token| is_sign(token) || self.words.currency.contains(&token.plain);
        let before = tokens.first().filter(|token| is_currency(token));
        let mut place = usize::from(before.is_some());
        let number = tokens.get(place)?;
        place += 1;
        let next = tokens.get(place);
        if let Some(minor) = self.in_minor(number, next) {
            return Some(Amount { length: place + minor.0, value: minor.1, has_currency: true, has_sign: false });
        }
        let value = number.plain.parse().ok().or_else(|| self.words.numbers.get(&number.plain).copied())?;
        let after = next.filter(|next| before.is_none() && is_currency(next));
        if after.is_none() && next.is_some_and(|next| measure::of(&number.plain, &next.plain).is_some()) {
            return None;
        }
        Some(Amount {
            length: place + usize::from(after.is_some()),
            value,
            has_currency: before.is_some() || after.is_some(),
            has_sign: before.or(after).is_some_and(is_sign),
        })
    }

    /// *50 pence*, *50p*: how many more tokens say it, and what it is in whole units.
    fn in_minor(&self, number: &Token, next: Option<&Token>) -> Option<(usize, f64)> {
        let minor = &self.words.minor;
        if let Some(value) =
            minor.iter().find_map(|minor| number.plain.strip_suffix(minor.as_str())?.parse::<u32>().ok())
        {
            return Some((0, f64::from(value) / MINOR));
        }
        let value: u32 = next.filter(|next| minor.contains(&next.plain)).and_then(|_| number.plain.parse().ok())?;
        Some((1, f64::from(value) / MINOR))
    }

    fn size(&self, tokens: &[Token]) -> Option<(usize, Wish)> {
        let [word, value, ..] = tokens else { return None };
        if !self.words.size.contains(&word.plain) {
            return None;
        }
        let values = self.index.facets().written(&value.plain);
        let of_sizes = values.into_iter().filter(|value| self.index.facets().role(*value) == Role::Size);
        let of_sizes: Vec<Value> = of_sizes.collect();
        let is_written_so = value.has_digit() || value.plain.chars().all(|letter| LETTERS_OF_SIZES.contains(letter));
        let is_short = value.plain.chars().count() <= LONGEST_SIZE;
        let is_size = || is_written_so && is_short && self.index.facets().has(Role::Size);
        (!of_sizes.is_empty() || is_size()).then_some((2, Wish::Size(of_sizes)))
    }

    /// Brands, categories and values of attributes that are named, the longest names first.
    fn find_values(&mut self, tokens: &[Token]) {
        let mut place = 0;
        while place < tokens.len() {
            let longest = LONGEST_VALUE.min(tokens.len() - place);
            let is_unit = |place: usize| measure::of(&tokens[place - 1].plain, &tokens[place].plain).is_some();
            if place > 0 && is_unit(place) {
                place += 1;
                continue;
            }
            let named = (1..=longest).rev().find_map(|length| {
                let here = &tokens[place..place + length];
                let values = self.values(here);
                let is_word = here.iter().all(|token| token.plain.parse::<f64>().is_err());
                (is_word && !values.is_empty()).then_some((length, values))
            });
            match named {
                Some((length, values)) => {
                    self.add(&tokens[place..place + length], Wish::Value(values));
                    place += length;
                }
                // *Without red and blue* wishes for neither.
                None if self.words.negation.contains(&tokens[place].plain) => {
                    place += 2;
                    let ends_with_and = matches!(&tokens[place.min(tokens.len())..], [and, _] if self.words.conjunction.contains(&and.plain));
                    place += if ends_with_and { 2 } else { 0 };
                }
                None => place += 1,
            }
        }
    }
}

impl Reader<'_> {
    /// Values that are written so; of *ladies*, those for women by whatever name.
    fn values(&self, tokens: &[Token]) -> Vec<Value> {
        let facets = self.index.facets();
        let values = facets.written(&tokens.iter().map(|token| token.plain.as_str()).collect::<Vec<_>>().join(" "));
        let [token] = tokens else { return values };
        match self.words.audience.get(&token.plain) {
            Some(audience) if values.is_empty() => {
                let others = self.words.audience.iter().filter(|(_, name)| *name == audience).map(|(word, _)| word);
                let mut values: Vec<Value> = others.flat_map(|word| facets.written(word)).collect();
                values.sort_unstable();
                values
            }
            _ => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Product, ProductId};

    use super::*;
    use crate::Doc;

    fn index() -> SearchIndex {
        let mut index = SearchIndex::default();
        for (number, (title, brand, colour, size)) in
            [("Running shoe", "Nike", "red", "42"), ("iPhone Pro Max 256", "Apple", "blue", "M")]
                .into_iter()
                .enumerate()
        {
            let mut product = Product::new(ProductId::parse(&format!("p{number}")).unwrap(), title);
            product.brand = Some(brand.into());
            product.attributes.insert("colour", colour);
            product.attributes.insert("shoe_size", size);
            index.put(Doc(number as u32), None, &product);
        }
        index
    }

    fn told(text: &str) -> (String, Vec<String>) {
        let found = index().wishes(text, &[]);
        (found.rest, found.wished.iter().map(|wished| format!("{}: {:?}", wished.from, kind(&wished.wish))).collect())
    }

    fn kind(wish: &Wish) -> (&'static str, Option<f64>, Option<f64>) {
        match wish {
            Wish::Price { least, most } => ("price", *least, *most),
            Wish::Size(_) => ("size", None, None),
            Wish::Value(_) => ("value", None, None),
        }
    }

    #[test]
    fn a_sentence_of_wishes() {
        let (rest, wished) = told("red Nike shoes size 42 under £80");
        assert_eq!(rest, "red nike shoes");
        assert_eq!(
            wished,
            [
                "size 42: (\"size\", None, None)",
                "under gbp 80: (\"price\", None, Some(80.0))",
                "red: (\"value\", None, None)",
                "nike: (\"value\", None, None)",
            ]
        );
    }

    #[test]
    fn numbers_that_are_no_prices() {
        assert_eq!(told("cable under 2 m").1, [] as [String; 0]);
        assert_eq!(told("iphone pro max 256").0, "iphone pro max 256");
        assert_eq!(
            told("between 20 and 40 euros shoes").1,
            ["between 20 and 40 euros: (\"price\", Some(20.0), Some(40.0))"]
        );
        assert_eq!(told("shoes at least 30").1, ["at least 30: (\"price\", Some(30.0), None)"]);
    }

    #[test]
    fn prices_in_everyday_words() {
        let price = |text: &str| {
            let found = index().wishes(text, &[]);
            let prices: Vec<_> = found.wished.iter().map(|wished| kind(&wished.wish)).collect();
            match prices[..] {
                [("price", least, most)] => (found.rest, least, most),
                _ => panic!("{text}: {found:?}"),
            }
        };
        let shoes = |least, most| ("shoes".to_owned(), least, most);
        for text in ["shoes under five pounds", "shoes <5", "shoes <= £5", "shoes £5", "shoes 5€", "shoes 5 or less"]
        {
            assert_eq!(price(text), shoes(None, Some(5.0)), "{text}");
        }
        for text in ["shoes 2 to 5 pounds", "shoes £2-£5", "shoes 2-5 euros", "shoes between two and five euros"] {
            assert_eq!(price(text), shoes(Some(2.0), Some(5.0)), "{text}");
        }
        for text in ["shoes under 50 pence", "shoes under 50p"] {
            assert_eq!(price(text), shoes(None, Some(0.5)), "{text}");
        }
        assert_eq!(price("shoes > 10"), shoes(Some(10.0), None));
        assert_eq!(price("shoes around 10"), shoes(Some(8.0), Some(12.0)));
        for text in ["shoes 5", "pack of 2, 5 pounds", "five shoes", "bag 2-5 kg", "a < b", "5 pounds"] {
            assert_eq!(told(text).1, [] as [String; 0], "{text}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_no_wish() {
        for text in ["shoe without red", "shoe without blue and red", "shoe without blue or nike"] {
            assert_eq!(told(text).1, [] as [String; 0], "{text}");
        }
        assert_eq!(told("shoe without blue and red nike").1.len(), 2, "what follows is wanted");
    }

    #[test]
    fn a_wish_that_was_taken_away_is_words_again() {
        let found = index().wishes("shoes under 80", &["under 80".into()]);
        assert_eq!((found.rest.as_str(), found.wished.len()), ("shoes under 80", 0));
    }
}
