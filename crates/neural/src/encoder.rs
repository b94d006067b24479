//! What a text means as a vector, by a sentence encoder that the user brings.
//!
//! A folder as sentence-transformers writes it (Reimers, Gurevych: "Sentence-BERT", EMNLP 2019), with the weights as
//! safetensors: `modules.json` names a transformer, a pooling and what comes behind them. Read are the encoders of the BERT
//! family (Devlin et al., NAACL 2019): BERT and MiniLM, RoBERTa and XLM-RoBERTa, DistilBERT. Nothing is ever downloaded.
//!
//! It runs on the processor and trains nothing. The last bits of a vector depend on the processor, so vectors are worked out
//! once and kept. Whatever is wrong with a folder is an error of [`Encoder::open`] that names the file.

mod folder;
mod layers;
mod tail;
mod weights;

use std::path::Path;

use rayon::prelude::*;
use tokenizers::Tokenizer;

use crate::error::Error;
use folder::Folder;
use layers::Layers;
use tail::Tail;

/// Tokens that go through the layers together.
const TOGETHER: usize = 2_048;

/// A sentence encoder, read from its folder.
pub struct Encoder {
    tokenizer: Tokenizer,
    /// Goes before every text.
    prompt: String,
    lowercases: bool,
    layers: Layers,
    tail: Tail,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("dimensions", &self.dimensions()).finish_non_exhaustive()
    }
}

impl Encoder {
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let folder = Folder::open(folder)?;
        let layers = Layers::read(&folder)?;
        let tail = Tail::read(&folder, layers.width())?;
        let longest = folder.longest.min(layers.longest());
        let tokenizer = folder.tokenizer(longest, layers.vocabulary())?;
        Ok(Self { tokenizer, prompt: folder.prompt, lowercases: folder.lowercases, layers, tail })
    }

    /// Puts this before every text, in the place of what the folder says: models of the E5 family want `passage: `.
    #[must_use]
    pub fn with_prompt(self, prompt: &str) -> Self {
        Self { prompt: prompt.to_owned(), ..self }
    }

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.tail.dimensions()
    }

    /// A vector for each text, in their order. What is longer than the encoder reads is cut off.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let tokens: Vec<Vec<u32>> = texts.par_iter().map(|text| self.tokens(text)).collect::<Result<_, _>>()?;
        let mut vectors = Vec::with_capacity(texts.len());
        let mut rest = &tokens[..];
        while !rest.is_empty() {
            let mut sum = 0;
            let fits = |tokens: &&Vec<u32>| {
                sum += tokens.len();
                sum <= TOGETHER
            };
            let (batch, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            vectors.extend(self.batch(batch)?);
            rest = after;
        }
        Ok(vectors)
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
        let mut text = format!("{}{}", self.prompt, text.trim());
        if self.lowercases {
            text = text.to_lowercase();
        }
        let encoding = self.tokenizer.encode_fast(text, true).map_err(|error| Error::Tokens(error.to_string()))?;
        let tokens = encoding.get_ids().to_vec();
        // The marks around a text are no part of the vocabulary that was checked.
        let known = self.layers.vocabulary();
        if let Some(unknown) = tokens.iter().find(|token| **token as usize >= known) {
            return Err(Error::Tokens(format!("token {unknown} is not among the {known} that have weights")));
        }
        if tokens.len() > self.layers.longest() {
            return Err(Error::Tokens(format!("{} tokens are more than there are places", tokens.len())));
        }
        Ok(tokens)
    }

    fn batch(&self, sequences: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, Error> {
        let rows = self.layers.rows(sequences)?;
        let mut rest = &rows[..];
        let mut vectors = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let (of_sequence, after) = rest.split_at(sequence.len() * self.layers.width());
            vectors.push(self.tail.vector(of_sequence)?);
            rest = after;
        }
        Ok(vectors)
    }
}
