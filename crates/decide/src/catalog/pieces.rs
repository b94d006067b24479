//! The catalog on disk: one piece of JSON for each number, under the number's four bytes.
//!
//! Each piece carries its format version. JSON because a product leaves out what it does not have, which
//! compact formats cannot read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use mercer_recommend::Item;
use mercer_schema::{Product, ProductId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Catalog, Entry};
use crate::Error;

const FORMAT: u32 = 1;

#[derive(Serialize)]
struct PieceOut<'a> {
    format: u32,
    id: &'a ProductId,
    since_us: Option<i64>,
    product: Option<&'a Product>,
}

#[derive(Deserialize)]
struct PieceIn {
    id: ProductId,
    since_us: Option<i64>,
    product: Option<Product>,
}

/// Read before the rest, so that a newer piece is named as such and not as broken.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Catalog {
    /// The pieces that changed since the last call. Nothing is ever deleted: numbers last.
    pub fn drain_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .iter()
            .filter_map(|item| {
                let entry = self.entries.get(item.0 as usize)?;
                let piece = PieceOut {
                    format: FORMAT,
                    id: &entry.id,
                    since_us: entry.since.map(|since| since.0),
                    product: entry.product.as_deref(),
                };
                // Plain data with text keys: serializing it into memory cannot fail.
                Some((item.0.to_be_bytes().to_vec(), Some(serde_json::to_vec(&piece).ok()?)))
            })
            .collect()
    }

    /// The catalog that all its pieces describe.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, Error> {
        let sorted: BTreeMap<Vec<u8>, Vec<u8>> = pieces.into_iter().collect();
        let mut catalog = Self::default();
        for (expected, (key, value)) in sorted.into_iter().enumerate() {
            let number = <[u8; 4]>::try_from(key.as_slice()).map(u32::from_be_bytes).ok();
            if number != Some(expected as u32) {
                return Err(Error::MissingPiece { expected: expected as u32 });
            }
            let item = Item(expected as u32);
            let piece = read(item, &value)?;
            let since = piece.since_us.map(Timestamp);
            let product = piece.product.map(Arc::new);
            if let Some(product) = &product {
                catalog.index.insert(item, product, since.unwrap_or_default());
            }
            if catalog.numbers.insert(piece.id.clone(), item).is_some() {
                return Err(Error::BrokenPiece { number: item.0, reason: format!("`{}` has two numbers", piece.id) });
            }
            catalog.entries.push(Entry { id: piece.id, since, product });
        }
        Ok(catalog)
    }
}

fn read(item: Item, value: &[u8]) -> Result<PieceIn, Error> {
    let broken = |error: serde_json::Error| Error::BrokenPiece { number: item.0, reason: error.to_string() };
    let Version { format } = serde_json::from_slice(value).map_err(broken)?;
    if format != FORMAT {
        return Err(Error::UnknownFormat { number: item.0, format, known: FORMAT });
    }
    serde_json::from_slice(value).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut catalog = Catalog::default();
        catalog.mention(&ProductId::trusted("a"));
        catalog.mention(&ProductId::trusted("b"));
        catalog.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    #[test]
    fn refuses_gaps_and_newer_and_broken_pieces() {
        let whole = pieces();
        assert!(Catalog::restore(whole.clone()).is_ok());
        assert_eq!(Catalog::restore(whole[1..].to_vec()).unwrap_err(), Error::MissingPiece { expected: 0 });
        let with = |text: &str| Catalog::restore([(whole[0].0.clone(), text.as_bytes().to_vec())]).unwrap_err();
        assert_eq!(with(r#"{"format":2,"shape":"new"}"#), Error::UnknownFormat { number: 0, format: 2, known: 1 });
        assert!(matches!(with(r#"{"format":1,"id":""}"#), Error::BrokenPiece { number: 0, .. }));
        assert!(matches!(with("{"), Error::BrokenPiece { .. }));
        let twice = vec![(vec![0, 0, 0, 0], whole[0].1.clone()), (vec![0, 0, 0, 1], whole[0].1.clone())];
        assert!(matches!(Catalog::restore(twice).unwrap_err(), Error::BrokenPiece { number: 1, .. }));
    }
}
