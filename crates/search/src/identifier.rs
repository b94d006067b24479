//! What names one product: ids, SKUs, model numbers, GTINs.
//!
//! Some attributes say by their name that they hold such a code. In others a value can have the form of one; whether it is
//! one, the catalog tells: it must stand in one product or two alone.

use mercer_schema::Product;

use crate::measure;
use crate::text::{BETWEEN_LISTED, code};

/// A code that is shorter is found as a word only.
const SHORTEST: usize = 3;
/// What tells itself a code by its form is at least so long, with so many digits.
const SHORTEST_BY_FORM: usize = 6;
const LEAST_DIGITS: usize = 2;
/// Attributes that name one product, as its id does.
const ATTRIBUTES: [&str; 12] =
    ["sku", "mpn", "gtin", "gtin13", "gtin14", "ean", "ean13", "upc", "isbn", "barcode", "model", "model_number"];

/// Whether an attribute names one product, as its id does.
pub(crate) fn is_named(attribute: &str) -> bool {
    ATTRIBUTES.contains(&attribute.to_lowercase().as_str())
}

/// The product's id, its family's, and what attributes name as a code; letters and digits alone.
pub(crate) fn named(product: &Product) -> impl Iterator<Item = String> {
    let others = product.attributes.iter().filter(|(name, _)| is_named(name)).map(|(_, value)| value);
    let texts = others.chain([product.id.as_str()]).chain(product.group_id.as_deref());
    texts.flat_map(|text| text.split(BETWEEN_LISTED)).map(code).filter(|part| part.len() >= SHORTEST)
}

/// Values of other attributes that have the form of a code.
pub(crate) fn by_form(product: &Product) -> impl Iterator<Item = String> {
    let others = product.attributes.iter().filter(|(name, _)| !is_named(name)).map(|(_, value)| value);
    others.flat_map(|text| text.split(BETWEEN_LISTED)).map(str::trim).filter(|part| has_form(part)).map(code)
}

/// `0095205603217`, `DV7-1211EA`; not `2.5GHz`, `1366x768`, `3460.0` or `2012-10-24`.
fn has_form(text: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '/' | '_' | '.');
    if text.len() > 40 || !text.chars().all(is_sign) {
        return false;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return is_gtin(text);
    }
    let code = code(text);
    let digits = code.bytes().filter(u8::is_ascii_digit).count();
    let letters = code.len() - digits;
    // `1366x768` has one letter, `1000rpm` one run of digits and one of letters, as measures have.
    let turns = code.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let begins_with_letter = code.starts_with(|sign: char| sign.is_ascii_alphabetic());
    code.len() >= SHORTEST_BY_FORM
        && digits >= LEAST_DIGITS
        && letters >= 2
        && (begins_with_letter || turns > 1)
        && measure::in_one(&text.to_lowercase()).is_none()
}

/// Whether the last digit is the check digit (GS1 General Specifications, 7.9).
fn is_gtin(digits: &str) -> bool {
    let weighted = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 };
    matches!(digits.len(), 8 | 12..=14)
        && digits.bytes().rev().enumerate().map(weighted).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_their_form() {
        for yes in
            ["4006381333931", "036000291452", "96385074", "DV7-1211EA", "WD5000AAKX", "B00ABC123X", "12-AB-34-CD"]
        {
            assert!(has_form(yes), "{yes}");
        }
        for no in [
            "4006381333932",
            "12345",
            "3460.0",
            "2012-10-24",
            "1366x768",
            "2.5GHz",
            "1000rpm",
            "500ml",
            "red",
            "USB 2.0",
            "A4",
            "0x1F",
            "",
        ] {
            assert!(!has_form(no), "{no}");
        }
    }
}
