//! Vectors of products from a file of the shop's: read when a training begins, and never by a decision.
//!
//! A version holds what it needs of them, so that the file may change or go.

use std::path::Path;
use std::sync::Arc;

use mercer_recommend::latent::NamedVectors;
use xxhash_rust::xxh3::Xxh3;

use crate::Error;

/// None without a file. One that is named and cannot be used is an error: half of what was meant would be learned from.
pub(crate) fn read(path: Option<&Path>) -> Result<Arc<NamedVectors>, Error> {
    let Some(path) = path else { return Ok(Arc::default()) };
    let failed = |problem: String| {
        let advice = "mend it, write it anew with `mercer embed`, or leave `models.vectors` empty";
        Error::TrainingBroke(format!("the vectors in {} cannot be used: {problem}; {advice}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Ok(Arc::new(NamedVectors::read(&text).map_err(failed)?))
}

/// XXH3-128 in hexadecimal; nothing where there are none.
pub(crate) fn digest(vectors: &NamedVectors) -> Option<String> {
    let mut hasher = Xxh3::new();
    for (name, vector) in vectors.iter() {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        vector.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
    }
    (!vectors.is_empty()).then(|| format!("{:032x}", hasher.digest128()))
}
