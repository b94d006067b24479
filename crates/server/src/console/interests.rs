//! What somebody likes, as bars: categories, brands and prices, longest first.

use mercer_profile::Affinities;
use mercer_schema::Currency;

use super::page::money;

/// Bars of one list.
const MOST_BARS: usize = 8;

pub(crate) struct Interest {
    pub title: &'static str,
    pub bars: Vec<Bar>,
}

/// A length in words and in hundredths of the longest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    pub name: String,
    pub shown: String,
    pub width: String,
    /// They turned away from it.
    pub is_negative: bool,
}

/// Bars for shares; the numbers are told as shares of their sum, the lengths are relative to the longest.
pub(crate) fn bars(values: impl Iterator<Item = (String, f64)>) -> Vec<Bar> {
    let values: Vec<(String, f64)> = values.collect();
    let longest = values.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
    let positive: f64 = values.iter().map(|(_, value)| value.max(0.0)).sum();
    let sum = if positive > 0.0 { positive } else { 1.0 };
    let bar = |(name, value): (String, f64)| Bar {
        name,
        shown: format!("{:.0} %", 100.0 * value / sum),
        width: format!("{:.1}", if longest > 0.0 { 100.0 * value.abs() / longest } else { 0.0 }),
        is_negative: value < 0.0,
    };
    values.into_iter().map(bar).collect()
}

/// The lists that say anything.
pub(crate) fn interests(affinities: &Affinities, currency: Currency) -> Vec<Interest> {
    let band = |(band, share): &(u8, f64)| (price_band(*band, currency), *share);
    let all = [
        Interest { title: "Categories", bars: bars(affinities.categories.iter().take(MOST_BARS).cloned()) },
        Interest { title: "Brands", bars: bars(affinities.brands.iter().take(MOST_BARS).cloned()) },
        Interest { title: "Prices", bars: bars(affinities.price_bands.iter().take(MOST_BARS).map(band)) },
    ];
    all.into_iter().filter(|interest| !interest.bars.is_empty()).collect()
}

/// The prices of a band: each is half a power of two of the smallest unit.
fn price_band(band: u8, currency: Currency) -> String {
    let edge = |band: f64| (band / 2.0).exp2().ceil() as i64;
    let (low, high) = (edge(f64::from(band)), edge(f64::from(band) + 1.0) - 1);
    let low_amount = mercer_schema::Money { minor: low, currency }.amount();
    if high <= low { money(low, currency) } else { format!("{low_amount} to {}", money(high, currency)) }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{Money, Product, ProductId};

    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width() {
        let drawn = bars([("a".to_owned(), 0.5), ("b".to_owned(), 0.25), ("c".to_owned(), -0.1)].into_iter());
        let read: Vec<_> = drawn.iter().map(|bar| (bar.width.as_str(), bar.shown.as_str(), bar.is_negative)).collect();
        assert_eq!(read, [("100.0", "67 %", false), ("50.0", "33 %", false), ("20.0", "-13 %", true)]);
        assert_eq!(bars(std::iter::empty()), []);
    }

    #[test]
    fn prices_lie_in_the_band_that_is_named() {
        let currency = Currency::parse("GBP").unwrap();
        assert_eq!(price_band(15, currency), "1.82 to 2.55 GBP");
        for minor in [1, 2, 3, 4, 181, 182, 255, 256, 10_000] {
            let mut product = Product::new(ProductId::trusted("p"), "p");
            product.price = Some(Money { minor, currency });
            let band = product.price_band().unwrap();
            let edge = |band: f64| (band / 2.0).exp2().ceil() as i64;
            assert!((edge(f64::from(band))..edge(f64::from(band) + 1.0)).contains(&minor), "{minor} in {band}");
        }
    }
}
