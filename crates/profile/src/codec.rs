//! The fold as keyed pieces for a checkpoint, and back.
//!
//! Invariant: `restore` of all pieces ever drained, the newest of each key, gives profiles that answer every
//! question as the original does; anything less is an error, never a guess. A piece is a format byte, four bytes of a
//! checksum over key and content, and the content in postcard. It knows no storage.

use mercer_schema::ProductId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::facts::Facts;
use crate::identity::IdentitySettings;
use crate::links::Links;
use crate::persona::{Identifier, Persona};
use crate::profiles::Profiles;

/// Raised whenever the content of a piece changes its shape.
const FORMAT: u8 = 3;
const HEAD: &[u8] = b"h";
const PERSONA: u8 = b'p';
const PRODUCT: u8 = b's';
const CHECKSUM_BYTES: usize = 4;

/// Why a checkpoint of profiles cannot be used. The log holds everything: fold it anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "profile piece {key} has format {found}, but this version reads {FORMAT}: drop the checkpoint and fold the log anew"
    )]
    Format { key: String, found: u8 },
    #[error("profile piece {key} is broken ({what}): drop the checkpoint and fold the log anew")]
    Broken { key: String, what: &'static str },
    #[error("the checkpoint should have {expected} {what} but has {found}: drop it and fold the log anew")]
    Incomplete { what: &'static str, expected: u32, found: usize },
}

#[derive(Serialize, Deserialize)]
struct Head {
    settings: IdentitySettings,
    personas: u32,
    products: u32,
    nobodys_events: u64,
}

#[derive(Serialize)]
struct PersonaPiece<'a>(&'a Identifier, &'a Facts, &'a Links);

type OwnedPersonaPiece = (Identifier, Facts, Links);

impl Profiles {
    /// What changed since the last call, as keyed pieces; a piece replaces the earlier one of its key.
    pub fn drain_changes(&mut self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let changed = std::mem::take(&mut self.changes);
        self.changes.round = changed.round.wrapping_add(1);
        self.changes.products_from = self.products.len();
        if !changed.has_head {
            return Vec::new();
        }
        let head = Head {
            settings: self.settings().clone(),
            personas: number(self.personas.len()),
            products: number(self.products.len()),
            nobodys_events: self.nobodys_events,
        };
        let mut pieces = vec![piece(HEAD.to_vec(), &head)];
        for product in number(changed.products_from)..head.products {
            pieces.extend(self.products.name(product).map(|name| piece(key(PRODUCT, product), name)));
        }
        for persona in &changed.personas {
            let content = self.persona(*persona);
            let content = content.map(|held| PersonaPiece(&held.id, &held.facts, &held.links));
            pieces.extend(content.map(|content| piece(key(PERSONA, *persona), &content)));
        }
        pieces
    }

    /// Builds the fold from all its pieces, in any order. No pieces at all are an empty fold.
    pub fn restore(pieces: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<Self, Error> {
        let mut pieces: Vec<(Vec<u8>, Vec<u8>)> = pieces.into_iter().collect();
        if pieces.is_empty() {
            return Ok(Self::default());
        }
        pieces.sort_unstable();
        let mut head: Option<Head> = None;
        let mut personas: Vec<OwnedPersonaPiece> = Vec::new();
        let mut names: Vec<ProductId> = Vec::new();
        for (at, value) in &pieces {
            match at.split_first() {
                Some((b'h', [])) => head = Some(read(at, value)?),
                Some((&PERSONA, _)) if *at == key(PERSONA, number(personas.len())) => personas.push(read(at, value)?),
                Some((&PRODUCT, _)) if *at == key(PRODUCT, number(names.len())) => names.push(read(at, value)?),
                Some((&PERSONA | &PRODUCT, _)) => return Err(broken(at, "the piece before it is missing")),
                _ => return Err(broken(at, "no piece of profiles has such a key")),
            }
        }
        let head = head.ok_or_else(|| broken(HEAD, "it is missing"))?;
        check_count("personas", head.personas, personas.len())?;
        check_count("products", head.products, names.len())?;
        let mut profiles = Self::new(head.settings);
        profiles.nobodys_events = head.nobodys_events;
        names.iter().for_each(|name| {
            profiles.products.number(name);
        });
        check_count("distinct products", head.products, profiles.products.len())?;
        for (index, (id, facts, links)) in (0..).zip(personas) {
            check_references(&key(PERSONA, index), &facts, &links, (head.products, head.personas))?;
            profiles.add(Persona::with(id, facts, links));
        }
        profiles.relist(0..head.personas);
        profiles.changes.personas.clear();
        profiles.changes.products_from = names.len();
        profiles.changes.round = 1;
        Ok(profiles)
    }
}

fn check_count(what: &'static str, expected: u32, found: usize) -> Result<(), Error> {
    if found == expected as usize { Ok(()) } else { Err(Error::Incomplete { what, expected, found }) }
}

fn check_references(at: &[u8], facts: &Facts, links: &Links, (products, personas): (u32, u32)) -> Result<(), Error> {
    if facts.greatest_product().is_some_and(|product| product >= products) {
        return Err(broken(at, "it names a product that is not there"));
    }
    if links.numbers().any(|number| number >= personas) {
        return Err(broken(at, "it is tied to a persona that is not there"));
    }
    Ok(())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn key(kind: u8, number: u32) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend(number.to_be_bytes());
    key
}

fn piece(key: Vec<u8>, content: &impl Serialize) -> (Vec<u8>, Option<Vec<u8>>) {
    // Postcard fails only on maps and lists of unknown length, of which there are none. If one is ever added, the
    // empty content fails its checks on restore, and the log is folded anew.
    let content = postcard::to_stdvec(content).unwrap_or_default();
    let mut value = vec![FORMAT];
    value.extend(checksum(&key, &content));
    value.extend(content);
    (key, Some(value))
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = xxh3_64_with_seed(content, xxh3_64(key)).to_le_bytes();
    [a, b, c, d]
}

fn read<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, Error> {
    let (format, rest) = value.split_first().ok_or_else(|| broken(key, "it is empty"))?;
    if *format != FORMAT {
        return Err(Error::Format { key: name_of(key), found: *format });
    }
    let (sum, content) = rest.split_at_checked(CHECKSUM_BYTES).ok_or_else(|| broken(key, "it is cut short"))?;
    if *sum != checksum(key, content) {
        return Err(broken(key, "its checksum is wrong"));
    }
    match postcard::take_from_bytes(content) {
        Ok((read, [])) => Ok(read),
        Ok(_) => Err(broken(key, "it is too long")),
        Err(_) => Err(broken(key, "it cannot be read")),
    }
}

fn broken(key: &[u8], what: &'static str) -> Error {
    Error::Broken { key: name_of(key), what }
}

/// A key as people can read it: its letter and its number.
fn name_of(key: &[u8]) -> String {
    match key.split_first() {
        Some((kind, number)) => match <[u8; 4]>::try_from(number) {
            Ok(number) => format!("{}{}", char::from(*kind), u32::from_be_bytes(number)),
            Err(_) => String::from_utf8_lossy(key).into_owned(),
        },
        None => "without a key".to_owned(),
    }
}
