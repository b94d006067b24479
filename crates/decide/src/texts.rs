//! What texts mean to a sentence encoder of the shop's, from a crate that deciding does not know.

use std::fmt;
use std::sync::Arc;

use mercer_recommend::Scored;
use mercer_recommend::nearest::Nearest;

/// Makes a vector of what was typed: the same text gives the same vector. Nothing where it cannot.
pub trait Encodes: Send + Sync {
    fn encode(&self, text: &str) -> Option<Vec<f32>>;
}

/// The vectors of products by an encoder, and the encoder itself. Nothing, until a shop brings both.
#[derive(Clone, Default)]
pub struct Texts {
    nearest: Nearest,
    encoder: Option<Arc<dyn Encodes>>,
    /// A smaller cosine is chance.
    least: f32,
}

impl Texts {
    /// The vectors of a version; who reads them has no encoder yet.
    pub fn new(nearest: Nearest) -> Self {
        Self { nearest, ..Self::default() }
    }

    /// With the encoder that made the vectors, and the smallest cosine that says anything. Without vectors there is nothing to
    /// compare with, and an encoder of other dimensions is another.
    #[must_use]
    pub fn with_encoder(self, encoder: Arc<dyn Encodes>, dimensions: usize, least: f32) -> Self {
        if self.nearest.is_empty() || self.nearest.dimensions() != dimensions {
            return self;
        }
        Self { encoder: Some(encoder), least, ..self }
    }

    pub const fn is_asked(&self) -> bool {
        self.encoder.is_some()
    }

    pub const fn nearest(&self) -> &Nearest {
        &self.nearest
    }

    /// At most so many products that are near to a text.
    pub(crate) fn near(&self, text: &str, most: usize) -> Vec<Scored> {
        let vector = self.encoder.as_ref().filter(|_| !text.is_empty()).and_then(|encoder| encoder.encode(text));
        vector.map_or_else(Vec::new, |vector| self.nearest.find(&vector, most, self.least))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.nearest.heap_bytes()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("is_asked", &self.is_asked()).finish_non_exhaustive()
    }
}
