//! Valid bytes with a few things done to them: what a broken client, a torn file or an attacker would send.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One thing done to bytes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Set(Index, u8),
    Cut(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
    End(Index),
}

/// A few changes; `words` are what the format's reader looks for.
pub(crate) fn changes(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Change>> {
    let inserted = prop_oneof![
        3 => select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        2 => select(HOSTILE.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..9),
        1 => (select(vec!["[", "{\"a\":", "<a>", "9", "\"", "(", "\0"]), 1_usize..400)
            .prop_map(|(piece, times)| piece.repeat(times).into_bytes()),
    ];
    let change = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), 1_usize..60).prop_map(|(at, length)| Change::Cut(at, length)),
        2 => (any::<Index>(), 1_usize..60).prop_map(|(at, length)| Change::Repeat(at, length)),
        4 => (any::<Index>(), inserted).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => any::<Index>().prop_map(Change::End),
    ];
    prop::collection::vec(change, 0..6)
}

/// What readers of numbers, times and texts stumble over.
const HOSTILE: [&str; 22] = [
    "1e-2147483648",
    "1e2147483647",
    "-9223372036854775808",
    "99999999999999999999999999999999",
    "0.30000000000000004440892098500626161694526672363281250",
    "1e308",
    "-0",
    "NaN",
    "Infinity",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udfff\\ud800\"",
    "null",
    "-009999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "0000-00-00T00:00:00Z",
    "2026-02-30T25:61:61+99:99",
    "\u{feff}",
    "\u{202e}",
    "%n%s",
    "'; DROP TABLE records; --",
    "../../../../etc/passwd",
];

pub(crate) fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        match change {
            Change::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Change::Cut(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Change::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Insert(at, piece) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, piece.iter().copied());
            }
            Change::End(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}
