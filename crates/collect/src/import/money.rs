//! Amounts as shops write them: `12.50 GBP`, `£12.50`, `1,234.50`, `12,50 €`.
//!
//! Invariant: money is never guessed. `1,234` could be a thousand or one and a bit, and `$5` is no price in
//! pounds: both are refused until the mapping says more.

use mercer_schema::{Currency, Money};

use crate::amount::MAX_MINOR;

/// How the amounts of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct AmountStyle {
    /// The decimal mark, when the mapping names it.
    pub(super) decimal: Option<char>,
    /// The column counts cents.
    pub(super) is_minor: bool,
}

/// Symbols that name a currency only together with what is expected.
const SYMBOLS: &[(&str, &[&str])] = &[
    ("£", &["GBP", "GIP", "FKP", "SHP", "EGP"]),
    ("€", &["EUR"]),
    ("$", &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "ARS", "CLP", "COP"]),
    ("US$", &["USD"]),
    ("¥", &["JPY", "CNY"]),
    ("₹", &["INR"]),
    ("zł", &["PLN"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
    ("kr.", &["DKK", "NOK"]),
    ("Kč", &["CZK"]),
    ("R$", &["BRL"]),
];

/// Reads an amount; `expected` is its currency unless the text names one itself. Bounded as the amounts of events are.
pub(super) fn amount(text: &str, expected: Currency, style: AmountStyle) -> Result<Money, String> {
    match any_amount(text, expected, style)? {
        money if money.minor.unsigned_abs() > MAX_MINOR.unsigned_abs() => {
            Err("expected an amount below ten billion".to_owned())
        }
        money => Ok(money),
    }
}

fn any_amount(text: &str, expected: Currency, style: AmountStyle) -> Result<Money, String> {
    let is_plain = style == AmountStyle::default() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain && let Ok(money) = Money::parse(text, expected) {
        return Ok(money);
    }
    let (number, currency) = split_currency(text.trim(), expected)?;
    if style.is_minor {
        let minor = super::value::whole_number(number).and_then(|digits| digits.parse().ok());
        return minor
            .map(|minor| Money { minor, currency })
            .ok_or_else(|| "expected a whole number of cents or pence".to_owned());
    }
    let plain = plain_number(number, style.decimal)?;
    Money::parse(&plain, currency).map_err(|_| "expected an amount such as 12.50 or 12.50 GBP".to_owned())
}

/// Takes a code (`GBP`) or a symbol (`£`) off either end.
fn split_currency(text: &str, expected: Currency) -> Result<(&str, Currency), String> {
    let is_number = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '-' | '\'');
    let start = text.find(is_number).unwrap_or(text.len());
    let end = text.rfind(is_number).map_or(start, |last| last + 1);
    let (before, number, after) = (text[..start].trim(), &text[start..end], text[end..].trim());
    // `-£5` carries its sign before the symbol; everything else that surrounds the number must be the currency.
    let (before, number) = (before.trim_end(), number.trim());
    let mark = match (before, after) {
        ("", "") => return Ok((number, expected)),
        ("", mark) | (mark, "") => mark,
        (first, second) if first == second => first,
        _ => return Err("expected one currency, before or after the amount".to_owned()),
    };
    if let Some((_, codes)) = SYMBOLS.iter().find(|(symbol, _)| *symbol == mark) {
        if codes.contains(&expected.code()) {
            return Ok((number, expected));
        }
        return Err(format!(
            "expected an amount in {expected}, not with `{mark}`; set `currency` in the mapping or pass --currency"
        ));
    }
    Currency::parse(mark).map(|currency| (number, currency)).map_err(|_| {
        format!("expected an amount such as 12.50 or 12.50 {expected}; `{}` is no currency code", clip(mark))
    })
}

fn clip(text: &str) -> String {
    text.chars().take(16).collect()
}

/// The number with a point for a decimal mark and without marks between thousands.
fn plain_number(number: &str, decimal: Option<char>) -> Result<String, String> {
    let number: String = number.chars().filter(|letter| !letter.is_whitespace() && *letter != '\'').collect();
    let points = number.matches('.').count();
    let commas = number.matches(',').count();
    let decimal = match (decimal, points, commas) {
        (Some(mark), _, _) => Some(mark),
        (None, 0, 0) => None,
        (None, 1, 0) => Some('.'),
        (None, 0, 1) if is_ambiguous(&number) => {
            return Err(
                "cannot tell a thousand from a fraction; set `decimal = \".\"` or `\",\"` in the mapping".to_owned()
            );
        }
        (None, 0, 1) => Some(','),
        // Several equal marks stand between thousands; of two kinds the last one is the decimal mark.
        (None, _, 0) => Some(','),
        (None, 0, _) => Some('.'),
        (None, _, _) => number.rfind(['.', ',']).and_then(|last| number[last..].chars().next()),
    };
    let Some(decimal) = decimal else {
        return Ok(number);
    };
    let (whole, fraction) = number.split_once(decimal).unwrap_or((&number, ""));
    let other = if decimal == '.' { ',' } else { '.' };
    let has_groups = whole.contains(other);
    let groups_fit = whole.split(other).skip(1).all(|group| group.len() == 3);
    if has_groups && !groups_fit || fraction.contains(['.', ',']) {
        return Err("expected an amount such as 12.50 or 1,234.50".to_owned());
    }
    let whole = whole.replace(other, "");
    Ok(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

/// `1,234`: three digits after the only comma, and a number before it that could be thousands.
fn is_ambiguous(number: &str) -> bool {
    number.split_once(',').is_some_and(|(whole, fraction)| {
        let whole = whole.trim_start_matches('-');
        fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let pounds = Currency::parse("GBP").map_err(|error| error.to_string())?;
        amount(text, pounds, AmountStyle::default()).map(|money| money.to_string())
    }

    #[test]
    fn reads_what_shops_write() {
        let cases = [
            ("12.50 GBP", "12.50 GBP"),
            ("12.50", "12.50 GBP"),
            ("EUR 12,5", "12.50 EUR"),
            ("£12", "12.00 GBP"),
            ("1,234.50 usd", "1234.50 USD"),
            ("1.234,50 EUR", "1234.50 EUR"),
            ("1 234,50", "1234.50 GBP"),
            ("1,234,567", "1234567.00 GBP"),
            ("0,125", "0.13 GBP"),
            ("2.55", "2.55 GBP"),
            ("1'234.5", "1234.50 GBP"),
            ("-3.10", "-3.10 GBP"),
            ("1500JPY", "1500 JPY"),
            (".5", "0.50 GBP"),
            ("1234,567", "1234.57 GBP"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for text in
            ["1,234", "$5", "€5", "", "GBP", "abc", "1.2.3,4", "5 GBP EUR", "12.50 POUNDS", "1,23.4", "1e5", "5-6"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_mapping_settles_it() {
        let euros = Currency::parse("EUR").unwrap();
        let style = AmountStyle { decimal: Some(','), is_minor: false };
        assert_eq!(amount("1.234", euros, style).unwrap().minor, 123_400);
        let point = AmountStyle { decimal: Some('.'), is_minor: false };
        assert_eq!(amount("€1,234", euros, point).unwrap().minor, 123_400);
        let cents = AmountStyle { decimal: None, is_minor: true };
        assert_eq!(amount("1250", euros, cents).unwrap().minor, 1_250);
        assert!(amount("12.50", euros, cents).is_err());
        for endless in ["-9223372036854775808", "9223372036854775807", "1000000000001"] {
            assert!(amount(endless, euros, cents).is_err(), "{endless}");
            assert!(amount(endless, euros, AmountStyle::default()).is_err(), "{endless}");
        }
    }
}
