//! Input that could not be taken, kept durably until a person has looked at it.

use mercer_collect::import::{self, Imported};
use mercer_collect::{BadRow, Limits, Protocol};
use mercer_schema::Timestamp;
use mercer_store::{Scan, Tables, Write};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

const TABLE: &str = "bad_rows";

/// A bad row with its number and its fate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptBadRow {
    /// Rises with the time of arrival.
    pub id: String,
    pub row: BadRow,
    /// When a replay took it after all.
    pub replayed_at: Option<Timestamp>,
}

/// Keeps rows durably; the same row sent again stays one row.
pub(crate) fn keep(tables: &dyn Tables, rows: Vec<BadRow>) -> Result<(), Error> {
    let writes = rows.into_iter().map(|row| put(&KeptBadRow { id: id_of(&row), row, replayed_at: None }));
    Ok(tables.write(&writes.collect::<Vec<_>>())?)
}

/// Newest first, starting before the row `before`.
pub(crate) fn list(tables: &dyn Tables, before: Option<&str>, limit: usize) -> Result<Vec<KeptBadRow>, Error> {
    let page = tables.scan(TABLE, Scan::all().and_before(before.map(str::as_bytes)).backward(), limit)?;
    Ok(page.iter().filter_map(|(_, value)| serde_json::from_slice(value).ok()).collect())
}

pub(crate) fn get(tables: &dyn Tables, id: &str) -> Result<Option<KeptBadRow>, Error> {
    Ok(tables.get(TABLE, id.as_bytes())?.and_then(|value| serde_json::from_slice(&value).ok()))
}

/// Reads the row as it came in, by its own protocol.
pub(crate) fn read_again(row: &BadRow, limits: &Limits) -> Result<Vec<Imported>, Box<BadRow>> {
    match row.protocol {
        Protocol::Import => import::replay(row, None),
        _ => mercer_collect::replay(row, limits).map(|event| vec![Imported::Event(Box::new(event))]).map_err(Box::new),
    }
}

pub(crate) fn mark_replayed(tables: &dyn Tables, mut kept: KeptBadRow, now: Timestamp) -> Result<(), Error> {
    kept.replayed_at = Some(now);
    Ok(tables.write(&[put(&kept)])?)
}

fn put(kept: &KeptBadRow) -> Write {
    // Plain data with text keys always serializes.
    Write::put(TABLE, kept.id.as_bytes().to_vec(), serde_json::to_vec(kept).unwrap_or_default())
}

/// Time of arrival and a hash of the content, in hexadecimal, so that byte order is time order.
fn id_of(row: &BadRow) -> String {
    format!("{:016x}{:016x}", row.received_at.0.max(0), xxh3_64(&row.raw))
}
