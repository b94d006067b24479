//! The shop as files, in the shapes that the ordinary importers read: a catalog as JSON lines, orders as Parquet with
//! a mapping.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mercer_schema::Timestamp;

use super::{ORDERS_MAPPING, ORDERS_PARQUET, catalog};
use crate::Error;

/// The last line of the data: 2011-12-09T12:50:00Z.
const LAST_SALE: Timestamp = Timestamp(1_323_435_000 * Timestamp::SECOND);
const WEEK: i64 = 7 * Timestamp::DAY;

/// What [`files`] wrote, and by how much to move the orders' times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// One `schema::Product` a line.
    pub catalog: PathBuf,
    pub products: usize,
    /// The order lines as the tills wrote them.
    pub orders: PathBuf,
    /// How to read them (TOML).
    pub orders_mapping: PathBuf,
    /// Add this to every time of the orders.
    pub shift_micros: i64,
}

/// Whole weeks by which the data move, so that their last day lies within the last 7 days before `now` and weekdays
/// stay.
pub const fn shift_micros(now: Timestamp) -> i64 {
    now.since(LAST_SALE).div_euclid(WEEK) * WEEK
}

/// Writes `catalog.jsonl`, `orders.parquet` and `orders.toml` into `folder`, which it makes if need be.
pub fn files(now: Timestamp, folder: &Path) -> Result<Files, Error> {
    let write = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok::<_, Error>(path)
    };
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let products = catalog()?;
    let mut lines = Vec::with_capacity(products.len() * 512);
    for product in &products {
        serde_json::to_writer(&mut lines, product)?;
        lines.write_all(b"\n").map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    }
    Ok(Files {
        catalog: write("catalog.jsonl", &lines)?,
        products: products.len(),
        orders: write("orders.parquet", ORDERS_PARQUET)?,
        orders_mapping: write("orders.toml", ORDERS_MAPPING.as_bytes())?,
        shift_micros: shift_micros(now),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_last_sale_was_in_the_last_seven_days(now in 1_323_435_000_i64..4_000_000_000) {
            let now = Timestamp::from_seconds(now);
            let shift = shift_micros(now);
            prop_assert_eq!(shift % WEEK, 0);
            let age = now.since(LAST_SALE.plus(shift));
            prop_assert!((0..WEEK).contains(&age));
        }
    }

    #[test]
    fn writes_what_the_importers_read() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        let files = files(now, folder.path()).unwrap();
        let text = fs::read_to_string(&files.catalog).unwrap();
        assert_eq!(text.lines().count(), files.products);
        for line in text.lines() {
            serde_json::from_str::<mercer_schema::Product>(line).unwrap();
        }
        assert_eq!(fs::read(&files.orders).unwrap().len(), ORDERS_PARQUET.len());
    }
}
