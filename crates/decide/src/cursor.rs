//! The `next` of an answer: which placement goes on, and what has been shown.
//!
//! Opaque to clients and self-contained: it names every product of the page that was answered, so that the
//! following pages repeat nothing even when the ranking has moved meanwhile. It grants nothing, so it carries a
//! checksum against damage and no signature. A search names what it showed in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercer_recommend::Item;
use mercer_schema::PlacementId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

const FORMAT: u8 = 1;
const CHECKSUM_BYTES: usize = 4;
/// Products that a cursor names at most; a page that goes on longer ends.
const MOST_ITEMS: usize = 1_000;
const MOST_BYTES: usize = 8_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) placement: PlacementId,
    /// By number.
    pub(crate) shown: Vec<Item>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    format: u8,
    placement: String,
    shown: Steps,
}

/// `None` when too much has been shown for a cursor.
pub(crate) fn encode(placement: &PlacementId, shown: impl IntoIterator<Item = Item>) -> Option<String> {
    let placement = placement.as_str().to_owned();
    sealed(&Wire { format: FORMAT, placement, shown: Steps::between(shown)? })
}

/// `None` when the text is damaged or of another version.
pub(crate) fn decode(text: &str) -> Option<Cursor> {
    let wire: Wire = opened(text)?;
    if wire.format != FORMAT {
        return None;
    }
    Some(Cursor { placement: PlacementId::parse(&wire.placement).ok()?, shown: wire.shown.items()? })
}

/// Products by the steps from one number to the next: small numbers make short cursors.
#[derive(Serialize, Deserialize)]
pub(crate) struct Steps(Vec<u32>);

impl Steps {
    /// `None` when they are too many for a cursor.
    pub(crate) fn between(items: impl IntoIterator<Item = Item>) -> Option<Self> {
        let mut numbers: Vec<u32> = items.into_iter().map(|item| item.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > MOST_ITEMS {
            return None;
        }
        let mut previous = 0;
        for number in &mut numbers {
            (previous, *number) = (*number, *number - previous);
        }
        Some(Self(numbers))
    }

    /// In order of their numbers; `None` when these are none.
    pub(crate) fn items(self) -> Option<Vec<Item>> {
        if self.0.len() > MOST_ITEMS {
            return None;
        }
        let mut number = 0_u32;
        let item = |step: u32| {
            number = number.checked_add(step)?;
            Some(Item(number))
        };
        self.0.into_iter().map(item).collect()
    }
}

/// As a text in which damage is noticed.
pub(crate) fn sealed(content: &impl Serialize) -> Option<String> {
    let mut bytes = postcard::to_stdvec(content).ok()?;
    bytes.extend_from_slice(&checksum(&bytes));
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What was sealed; `None` when the text is damaged.
pub(crate) fn opened<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if sum != checksum(body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = xxh3_64(bytes).to_le_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comes_back_and_notices_damage(
            numbers in prop::collection::btree_set(any::<u32>(), 0..80),
            flip in any::<(usize, u8)>(),
            junk in ".{0,40}",
        ) {
            let placement = PlacementId::trusted("home-für-dich");
            let shown: Vec<Item> = numbers.into_iter().map(Item).collect();
            let text = encode(&placement, shown.clone()).unwrap();
            prop_assert_eq!(decode(&text), Some(Cursor { placement, shown }));
            let mut bytes = text.into_bytes();
            let place = flip.0 % bytes.len();
            let other = b"ABCDabcd0123"[flip.1 as usize % 12];
            if bytes[place] != other && place + 2 < bytes.len() {
                bytes[place] = other;
                prop_assert_eq!(decode(std::str::from_utf8(&bytes).unwrap()), None);
            }
            prop_assert_eq!(decode(&junk), None);
        }
    }

    proptest! {
        /// The checksum is no secret: what it covers may be anything.
        #[test]
        fn any_content_is_refused_or_read(
            placement in ".{0,20}",
            steps in prop::collection::vec(any::<u32>(), 0..30),
            junk in prop::collection::vec(any::<u8>(), 0..80),
            cut in any::<prop::sample::Index>(),
            format in 0_u8..3,
        ) {
            let wire = postcard::to_stdvec(&Wire { format, placement, shown: Steps(steps) }).unwrap();
            let short = wire[..cut.index(wire.len())].to_vec();
            // A list that says it has four billion entries.
            let endless = [&wire[..1], &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]].concat();
            for body in [wire, short, junk, endless] {
                let text = URL_SAFE_NO_PAD.encode([body.as_slice(), &checksum(&body)].concat());
                if let Some(cursor) = decode(&text) {
                    prop_assert!(format == FORMAT && cursor.shown.len() <= MOST_ITEMS);
                    prop_assert!(cursor.shown.is_sorted());
                }
            }
        }

        #[test]
        fn any_text_is_refused(text in "[A-Za-z0-9_=-]{0,200}") {
            prop_assert_eq!(decode(&text), None);
        }
    }

    #[test]
    fn ends_before_it_grows_too_long() {
        let placement = PlacementId::trusted("p");
        assert!(encode(&placement, (0..1_000).map(Item)).is_some());
        assert_eq!(encode(&placement, (0..1_001).map(Item)), None);
    }
}
