//! How large the network is and how it learns.

use mercer_recommend::sessions::Repeats;

/// The sizes of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Numbers in the vector of an item; a multiple of `heads`.
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    /// Numbers between the two products of the feed-forward part.
    pub inner: usize,
    /// Newest items of a sequence that are looked at.
    pub longest: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { width: 64, layers: 2, heads: 2, inner: 128, longest: 50 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub shape: Shape,
    /// Most passes over the training sequences.
    pub epochs: usize,
    /// Passes without a better result on the held-out items after which training ends.
    pub patience: usize,
    /// Sequences in one step.
    pub batch: usize,
    /// Largest step size.
    pub rate: f32,
    /// Steps over which the step size grows from 0.
    pub warm_up: usize,
    /// Share of every weight that is taken away in a step of size 1 (AdamW).
    pub decay: f32,
    /// Share of the numbers that are dropped between the layers.
    pub dropout: f32,
    /// The same for the vectors that come in.
    pub input_dropout: f32,
    /// Share of the items that stand by their attributes alone, drawn anew at every step.
    pub own_dropout: f32,
    /// How much an item stands out that only its attributes are known of: the length of a typical new vector as a share of
    /// that of a typical known one. More shows new items earlier and known ones later.
    pub standing: f32,
    /// Above 0, all vectors are made unit length and scores are cosines times this, so that an item's popularity cannot
    /// hide in the length of its vector (Gupta et al.: "NISER", 2019). 0 takes plain products.
    pub scale: f32,
    /// Items that the next one is told apart from in a step; 0 for all. With thousands of items a sample learns as well
    /// and several times faster.
    pub negatives: usize,
    /// Share of the probability that is spread over all items in training; only without a sample.
    pub smoothing: f32,
    /// Share of the weights' running average that is kept at every step; 0 serves the last weights.
    pub averaging: f32,
    pub seed: u64,
    /// What of the sequence may be proposed again.
    pub repeats: Repeats,
}

impl Default for Settings {
    /// Good on the validation part of the Amazon Beauty reviews, not on any test part.
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            epochs: 40,
            patience: 12,
            batch: 256,
            rate: 3e-3,
            warm_up: 200,
            decay: 0.1,
            dropout: 0.3,
            input_dropout: 0.2,
            own_dropout: 0.2,
            standing: 0.7,
            scale: 0.0,
            negatives: 1_024,
            smoothing: 0.0,
            averaging: 0.99,
            seed: 1,
            repeats: Repeats::All,
        }
    }
}

impl Settings {
    /// For sessions without attributes, which are many and short; good on the validation part of Yoochoose 1/64.
    pub fn sessions() -> Self {
        Self {
            epochs: 20,
            batch: 512,
            rate: 2e-3,
            dropout: 0.1,
            input_dropout: 0.1,
            own_dropout: 0.0,
            ..Self::default()
        }
    }
}
