//! Which lines of the tills are goods that a customer bought. The order mapping says the same to the importer.

use super::lines::Line;

/// Stock codes that look like goods and are none: carriage, pictures by post, packing.
const SERVICES: [&str; 3] = ["23444", "23574", "23702"];

/// True for a paid line of a product: no credit note, no correction, no service, no charge.
pub(super) fn is_sale(line: &Line<'_>) -> bool {
    line.quantity > 0
        && line.unit_price > 0.0
        && !line.invoice.starts_with('C')
        && is_product_code(line.code)
        && is_title(line.description)
}

/// Five digits and perhaps letters (`85123A`), or the codes of one supplier (`DCGS0076`).
fn is_product_code(code: &str) -> bool {
    if SERVICES.contains(&code) {
        return false;
    }
    if let Some(rest) = code.strip_prefix("DCGS") {
        return !rest.is_empty();
    }
    let digits = code.bytes().take_while(u8::is_ascii_digit).count();
    digits == 5 && code.bytes().skip(5).all(|byte| byte.is_ascii_alphabetic())
}

/// False for a missing description and for the stock keepers' notes ("damaged", "?", "wrong barcode", "ebay").
fn is_title(description: &str) -> bool {
    let text = description.trim();
    let is_missing = text.is_empty() || text == "nan";
    // The tills print goods in capitals; notes were typed by hand. A title may hold a small unit ("125g") or ending.
    let capitals = text.chars().filter(char::is_ascii_uppercase).count();
    let is_typed_by_hand = capitals <= 1 && text.split_whitespace().count() < 8;
    let is_voucher = text.contains("Gift Voucher");
    !is_missing && !is_typed_by_hand && !is_voucher && !text.contains('?')
}

/// The code under which the till's variants of writing (`85123a`) are one product.
pub(super) fn product_code(code: &str) -> String {
    code.trim().to_uppercase()
}

/// The part that variants share: `85123` of `85123A`. None when the code has no letters after its digits.
pub(super) fn group_of(code: &str) -> Option<&str> {
    let is_variant = code.len() > 5 && code.bytes().take(5).all(|byte| byte.is_ascii_digit());
    is_variant.then(|| &code[..5])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_goods_from_charges() {
        for code in ["85123A", "22423", "15056BL", "DCGS0076", "84997c"] {
            assert!(is_product_code(code), "{code}");
        }
        for code in ["POST", "DOT", "D", "M", "m", "C2", "S", "B", "BANK CHARGES", "AMAZONFEE", "gift_0001_20", "23444"]
        {
            assert!(!is_product_code(code), "{code}");
        }
    }

    #[test]
    fn knows_titles_from_notes() {
        for title in ["WHITE METAL LANTERN", "BAG 125g SWIRLY MARBLES", "Dr. Jam's Arouzer Stress Ball", "SOMBRERO"] {
            assert!(is_title(title), "{title}");
        }
        for note in [
            "nan",
            "",
            "?",
            "damaged",
            "Damaged",
            "wrong barcode",
            "ebay",
            "mystery! Only ever imported 1800",
            "???missing",
        ] {
            assert!(!is_title(note), "{note}");
        }
    }

    #[test]
    fn variants_share_a_group() {
        assert_eq!((group_of("85123A"), group_of("85123B"), group_of("22423")), (Some("85123"), Some("85123"), None));
    }
}
