//! The transformer itself: from the tokens of some texts to a row for each.
//!
//! Devlin et al.: "BERT", NAACL 2019: a token's vector and one for its place, normalized; then layers
//! x ← norm(x + attend(x)), x ← norm(x + out(gelu(in(x)))), in which every token sees all others of its text. The texts of a
//! batch lie one behind the other, and nothing is padded.

use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;

use super::folder::{Folder, broken, json};
use super::weights::{Linear, Weights};
use crate::error::Error;
use crate::lanes;
use crate::ops::attend_row;

pub(super) struct Layers {
    width: usize,
    heads: usize,
    activation: Activation,
    epsilon: f32,
    words: Vec<f32>,
    /// A vector for each place, with that of the first kind of text in it.
    places: Vec<f32>,
    norm: (Vec<f32>, Vec<f32>),
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value side by side.
    looks: Linear,
    attention_out: Linear,
    attention_norm: (Vec<f32>, Vec<f32>),
    forward_in: Linear,
    forward_out: Linear,
    forward_norm: (Vec<f32>, Vec<f32>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Activation {
    #[serde(rename = "gelu")]
    Gelu,
    /// By a hyperbolic tangent.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    NearlyGelu,
    #[serde(rename = "relu")]
    Relu,
}

/// `config.json`, with DistilBERT's names beside those of the others.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: Activation,
    layer_norm_eps: Option<f32>,
    pad_token_id: Option<usize>,
    position_embedding_type: Option<String>,
}

/// What the families call the same things, and where places begin.
struct Family {
    layer: &'static str,
    looks: [&'static str; 3],
    attention_out: &'static str,
    attention_norm: &'static str,
    forward_in: &'static str,
    forward_out: &'static str,
    forward_norm: &'static str,
    /// The first place of a text is the one behind that of the padding.
    counts_from_padding: bool,
    has_kinds: bool,
}

const BERT: Family = Family {
    layer: "encoder.layer",
    looks: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attention_out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    forward_in: "intermediate.dense",
    forward_out: "output.dense",
    forward_norm: "output.LayerNorm",
    counts_from_padding: false,
    has_kinds: true,
};

const ROBERTA: Family = Family { counts_from_padding: true, ..BERT };

const DISTILBERT: Family = Family {
    layer: "transformer.layer",
    looks: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    forward_in: "ffn.lin1",
    forward_out: "ffn.lin2",
    forward_norm: "output_layer_norm",
    counts_from_padding: false,
    has_kinds: false,
};

impl Config {
    fn read(path: &Path) -> Result<(Self, Family), Error> {
        let config: Self = json(path)?;
        let family = match config.model_type.as_str() {
            "bert" => BERT,
            "roberta" | "xlm-roberta" | "camembert" => ROBERTA,
            "distilbert" => DISTILBERT,
            other => {
                let known = "bert, distilbert, roberta, xlm-roberta and camembert are";
                return Err(broken(path, format!("models of the type `{other}` are not known; {known}")));
            }
        };
        if config.position_embedding_type.as_deref().is_some_and(|kind| kind != "absolute") {
            return Err(broken(path, "only absolute places are known"));
        }
        let Self { hidden_size, num_attention_heads, .. } = config;
        if hidden_size == 0 || num_attention_heads == 0 || !hidden_size.is_multiple_of(num_attention_heads) {
            return Err(broken(path, "the width is no multiple of the heads"));
        }
        if config.layer_norm_eps.is_some_and(|epsilon| !(0.0..1.0).contains(&epsilon)) {
            return Err(broken(path, "layer_norm_eps is out of range"));
        }
        Ok((config, family))
    }
}

impl Layers {
    pub(super) fn read(folder: &Folder) -> Result<Self, Error> {
        let path = folder.transformer.join("config.json");
        let (config, family) = Config::read(&path)?;
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let mut weights = Weights::read(&folder.transformer, "embeddings.word_embeddings.weight")?;
        let [words, places, kinds] =
            ["word", "position", "token_type"].map(|of| format!("embeddings.{of}_embeddings.weight"));
        let words = weights.take(&words, &[weights.rows_of(&words), width])?;
        let mut places = weights.take(&places, &[weights.rows_of(&places), width])?;
        if family.counts_from_padding {
            let first = config.pad_token_id.map_or(2, |padding| padding.saturating_add(1));
            places.drain(..first.saturating_mul(width).min(places.len()));
        }
        if words.is_empty() || places.is_empty() {
            return Err(broken(&path, "no words or no places are left"));
        }
        if family.has_kinds {
            let kinds = weights.take(&kinds, &[weights.rows_of(&kinds), width])?;
            for row in places.chunks_exact_mut(width) {
                row.iter_mut().zip(&kinds).for_each(|(value, kind)| *value += kind);
            }
        }
        let norm = weights.norm("embeddings.LayerNorm", width)?;
        let layer = |number| family.read_layer(&mut weights, number, (width, inner));
        let layers = (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?;
        let epsilon = config.layer_norm_eps.unwrap_or(1e-12);
        let (heads, activation) = (config.num_attention_heads, config.hidden_act);
        Ok(Self { width, heads, activation, epsilon, words, places, norm, layers })
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Tokens that have a vector.
    pub(super) fn vocabulary(&self) -> usize {
        self.words.len() / self.width
    }

    /// Places that have one.
    pub(super) fn longest(&self) -> usize {
        self.places.len() / self.width
    }

    /// A row for each token of the sequences, one behind the other.
    pub(super) fn rows(&self, sequences: &[Vec<u32>]) -> Result<Vec<f32>, Error> {
        let mut x: Vec<f32> = Vec::new();
        for sequence in sequences {
            for (token, place) in sequence.iter().zip(self.places.chunks_exact(self.width)) {
                let word = &self.words[*token as usize * self.width..(*token as usize + 1) * self.width];
                x.extend(word.iter().zip(place).map(|(word, place)| word + place));
            }
        }
        let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
        let mut x = self.normalized(&x, &self.norm);
        for layer in &self.layers {
            x = self.layer(&x, &lengths, layer)?;
        }
        Ok(x)
    }

    fn layer(&self, x: &[f32], lengths: &[usize], layer: &Layer) -> Result<Vec<f32>, Error> {
        let found = self.attended(&layer.looks.of(x)?, lengths);
        let x = self.normalized(&sum(layer.attention_out.of(&found)?, x), &layer.attention_norm);
        let mut inner = layer.forward_in.of(&x)?;
        inner.par_chunks_mut(self.width).for_each(|row| self.activation.of(row));
        Ok(self.normalized(&sum(layer.forward_out.of(&inner)?, &x), &layer.forward_norm))
    }

    fn attended(&self, looks: &[f32], lengths: &[usize]) -> Vec<f32> {
        let (width, across) = (self.width, 3 * self.width);
        let mut found = vec![0.0; looks.len() / 3];
        let (mut into, mut from) = (&mut found[..], looks);
        let mut pieces = Vec::with_capacity(lengths.len());
        for length in lengths {
            let (of_text, rest) = std::mem::take(&mut into).split_at_mut(length * width);
            let (rows, after) = from.split_at(length * across);
            pieces.push((of_text, rows));
            (into, from) = (rest, after);
        }
        pieces.into_par_iter().for_each(|(into, rows)| {
            lanes::wide(
                #[inline(always)]
                || {
                    let mut shares = vec![0.0; rows.len() / across];
                    for (into, query) in into.chunks_exact_mut(width).zip(rows.chunks_exact(across)) {
                        attend_row(query, rows, self.heads, &mut shares, into);
                    }
                },
            );
        });
        found
    }

    fn normalized(&self, x: &[f32], (gain, shift): &(Vec<f32>, Vec<f32>)) -> Vec<f32> {
        let mut normal = vec![0.0; x.len()];
        normal.par_chunks_mut(self.width).zip(x.par_chunks(self.width)).for_each(|(into, row)| {
            lanes::wide(
                #[inline(always)]
                || lanes::normalize(row, gain, shift, self.epsilon, into),
            );
        });
        normal
    }
}

impl Family {
    fn read_layer(&self, weights: &mut Weights, number: usize, (width, inner): (usize, usize)) -> Result<Layer, Error> {
        let name = |part: &str| format!("{}.{number}.{part}", self.layer);
        let looks = self.looks.map(name);
        let looks = looks.each_ref().map(String::as_str);
        Ok(Layer {
            looks: weights.linear(&looks, width, width)?,
            attention_out: weights.linear(&[&name(self.attention_out)], width, width)?,
            attention_norm: weights.norm(&name(self.attention_norm), width)?,
            forward_in: weights.linear(&[&name(self.forward_in)], inner, width)?,
            forward_out: weights.linear(&[&name(self.forward_out)], width, inner)?,
            forward_norm: weights.norm(&name(self.forward_norm), width)?,
        })
    }
}

impl Activation {
    fn of(self, row: &mut [f32]) {
        // √(8 / π): a hyperbolic tangent is a sigmoid of twice as much.
        const SLOPE: f32 = 1.595_769;
        lanes::wide(
            #[inline(always)]
            || {
                for x in row {
                    *x = match self {
                        Self::Gelu => lanes::gelu(*x),
                        Self::NearlyGelu => *x * lanes::sigmoid(SLOPE * (*x + 0.044_715 * *x * *x * *x)),
                        Self::Relu => x.max(0.0),
                    };
                }
            },
        );
    }
}

fn sum(mut a: Vec<f32>, b: &[f32]) -> Vec<f32> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}
