//! Measures in a common form: `0,5 l`, `500ml` and `50 cl` are all `=500ml`.

/// A unit as it is written, the unit that it is brought to, and how many of those it is.
const UNITS: &[(&str, &str, f64)] = &[
    ("ml", "ml", 1.0),
    ("cl", "ml", 10.0),
    ("dl", "ml", 100.0),
    ("l", "ml", 1_000.0),
    ("ltr", "ml", 1_000.0),
    ("liter", "ml", 1_000.0),
    ("liters", "ml", 1_000.0),
    ("litre", "ml", 1_000.0),
    ("litres", "ml", 1_000.0),
    ("litro", "ml", 1_000.0),
    ("litros", "ml", 1_000.0),
    ("litri", "ml", 1_000.0),
    ("mg", "g", 0.001),
    ("g", "g", 1.0),
    ("gr", "g", 1.0),
    ("gram", "g", 1.0),
    ("grams", "g", 1.0),
    ("gramm", "g", 1.0),
    ("kg", "g", 1_000.0),
    ("kilo", "g", 1_000.0),
    ("oz", "oz", 1.0),
    ("lb", "lb", 1.0),
    ("lbs", "lb", 1.0),
    ("mm", "mm", 1.0),
    ("cm", "mm", 10.0),
    ("m", "mm", 1_000.0),
    ("metre", "mm", 1_000.0),
    ("metres", "mm", 1_000.0),
    ("meter", "mm", 1_000.0),
    ("meters", "mm", 1_000.0),
    ("in", "in", 1.0),
    ("inch", "in", 1.0),
    ("inches", "in", 1.0),
    ("zoll", "in", 1.0),
    ("pouces", "in", 1.0),
    ("pulgadas", "in", 1.0),
    ("pollici", "in", 1.0),
    ("cali", "in", 1.0),
    ("ft", "ft", 1.0),
    ("foot", "ft", 1.0),
    ("feet", "ft", 1.0),
    ("mb", "mb", 1.0),
    ("gb", "mb", 1_000.0),
    ("tb", "mb", 1_000_000.0),
    ("w", "w", 1.0),
    ("watt", "w", 1.0),
    ("watts", "w", 1.0),
    ("kw", "w", 1_000.0),
    ("v", "v", 1.0),
    ("volt", "v", 1.0),
    ("volts", "v", 1.0),
    ("mah", "mah", 1.0),
    ("ah", "mah", 1_000.0),
    ("hz", "hz", 1.0),
    ("khz", "hz", 1_000.0),
    ("mhz", "hz", 1_000_000.0),
    ("ghz", "hz", 1_000_000_000.0),
    ("mp", "mp", 1.0),
    ("megapixel", "mp", 1.0),
    ("megapixels", "mp", 1.0),
    ("lm", "lm", 1.0),
    ("lumen", "lm", 1.0),
    ("pc", "pc", 1.0),
    ("pcs", "pc", 1.0),
    ("piece", "pc", 1.0),
    ("pieces", "pc", 1.0),
    ("stuck", "pc", 1.0),
    ("stk", "pc", 1.0),
];

/// A measure in one token: `500ml`.
pub(crate) fn in_one(token: &str) -> Option<String> {
    let unit_at = token.find(|character: char| character.is_ascii_alphabetic())?;
    of(&token[..unit_at], &token[unit_at..])
}

/// A measure in two tokens: `500`, `ml`.
pub(crate) fn of(number: &str, unit: &str) -> Option<String> {
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (_, base, factor) = UNITS.iter().find(|(written, _, _)| *written == unit)?;
    let value = number.parse::<f64>().ok()? * factor;
    // Three decimals hold a milligram; more would tell 0.1 + 0.2 from 0.3.
    Some(format!("={}{base}", (value * 1_000.0).round() / 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_come_together() {
        let half = Some("=500ml".to_owned());
        assert_eq!(in_one("500ml"), half);
        assert_eq!(of("0.5", "l"), half);
        assert_eq!(of("50", "cl"), half);
        assert_eq!(in_one("16gb"), of("16000", "mb"));
        assert_eq!(of("17", "inch"), in_one("17in"));
        for token in ["dv7", "ml", "500", "7x", "1211ea", "=5ml", "é5ml"] {
            assert_eq!(in_one(token), None, "{token}");
        }
    }
}
