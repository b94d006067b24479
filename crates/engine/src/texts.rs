//! The shop's sentence encoder: opened once at the start, asked what queries mean, and compared with the vectors of products
//! that it made (`mercer embed`), which a training takes from the file of the shop's.
//!
//! The vectors are a part of a version; the encoder is not. Answers of the past are made again as they were as long as the
//! folder holds the same encoder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use mercer_decide::{Encodes, Texts, World};
use mercer_neural::Encoder;
use mercer_recommend::Item;
use mercer_recommend::latent::NamedVectors;
use mercer_recommend::nearest::Nearest;
use mercer_recommend::wire::{Kind, Reader, Reason, Writer, decode};
use mercer_schema::ProductId;
use rustc_hash::FxHashMap;

use crate::Error;
use crate::recipes::Resolve;

const KIND: Kind = Kind { name: "texts", version: 1 };
/// Texts of which the vector is kept; then all are forgotten.
const MOST_KEPT: usize = 10_000;
/// Characters of a text that are read: what customers type is shorter, and what is longer costs more.
const LONGEST: usize = 100;

/// Where the encoder lies and how it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderOptions {
    /// As sentence-transformers writes it.
    pub folder: PathBuf,
    /// Goes before what was typed.
    pub prompt: String,
    /// A smaller cosine between what was typed and a product says nothing.
    pub least_cosine: f32,
}

/// An open encoder with what it was asked lately.
pub struct QueryEncoder {
    encoder: Encoder,
    least: f32,
    known: Mutex<FxHashMap<String, Option<Vec<f32>>>>,
}

impl std::fmt::Debug for QueryEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryEncoder").field("encoder", &self.encoder).finish_non_exhaustive()
    }
}

impl QueryEncoder {
    pub fn open(options: &EncoderOptions) -> Result<Self, Error> {
        let encoder = Encoder::open(&options.folder).map_err(|error| Error::Encoder(error.to_string()))?;
        let encoder = encoder.with_prompt(&options.prompt);
        Ok(Self { encoder, least: options.least_cosine, known: Mutex::default() })
    }

    /// Texts that this encoder is asked about.
    #[must_use]
    pub fn with_texts(self: &Arc<Self>, texts: Texts) -> Texts {
        let encoder = Arc::clone(self) as Arc<dyn Encodes>;
        texts.with_encoder(encoder, self.encoder.dimensions(), self.least)
    }
}

impl Encodes for QueryEncoder {
    fn encode(&self, text: &str) -> Option<Vec<f32>> {
        let text: String = text.chars().take(LONGEST).collect();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(vector) = known().get(&text) {
            return vector.clone();
        }
        // Not under the lock: others need not wait for what they know.
        let embedded = self.encoder.embed(&[&text]);
        let vector = embedded.inspect_err(|error| tracing::warn!(%error, "a query has no vector")).ok();
        let vector = vector.and_then(|vectors| vectors.into_iter().next());
        let mut known = known();
        if known.len() >= MOST_KEPT {
            known.clear();
        }
        known.insert(text, vector.clone());
        vector
    }
}

/// The vectors of the shop's file, as a part of a version: those of products that are there, so that it means the same whenever
/// it is read.
pub(crate) fn encode(vectors: &NamedVectors, world: &World) -> Vec<u8> {
    let known: Vec<(&str, &[f32])> =
        vectors.iter().filter(|(name, _)| world.catalog.item(&ProductId::trusted(*name)).is_some()).collect();
    let mut writer = Writer::model(KIND);
    writer.count(vectors.dimensions());
    writer.count(known.len());
    for (name, vector) in known {
        writer.text(name);
        vector.iter().for_each(|value| writer.f32(*value));
    }
    writer.bytes
}

pub(crate) fn read(bytes: &[u8], resolve: Resolve<'_>) -> Result<Texts, mercer_recommend::Error> {
    decode(KIND, bytes, |reader| Ok(Texts::new(nearest(reader, resolve)?)))
}

fn nearest(reader: &mut Reader<'_>, resolve: Resolve<'_>) -> Result<Nearest, Reason> {
    let dimensions = reader.count(0)?;
    let mut of_items: Vec<(Item, Vec<f32>)> = Vec::new();
    for _ in 0..reader.count(4)? {
        let item = resolve(reader.text()?);
        let vector = (0..dimensions).map(|_| reader.f32()).collect::<Result<Vec<f32>, Reason>>()?;
        of_items.extend(item.map(|item| (item, vector)));
    }
    Ok(Nearest::of_items(dimensions, &of_items, Vec::clone))
}
