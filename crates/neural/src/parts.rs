//! The weights of a network, in one order for training, storing and asking.

use crate::settings::Shape;

/// One thing for each matrix: its size, its variable, or its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts<Part> {
    /// A vector for each place of a sequence, from its beginning.
    pub(crate) places: Part,
    pub(crate) blocks: Vec<Block<Part>>,
    pub(crate) gain: Part,
    pub(crate) shift: Part,
}

/// Attention and a feed-forward part, each normalized before, gated behind, and added to what came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block<Part> {
    pub(crate) attention_gain: Part,
    pub(crate) attention_shift: Part,
    /// Query, key and value side by side.
    pub(crate) looks: Part,
    pub(crate) attention_out: Part,
    pub(crate) attention_gate: Part,
    pub(crate) forward_gain: Part,
    pub(crate) forward_shift: Part,
    pub(crate) forward_in: Part,
    pub(crate) forward_out: Part,
    pub(crate) forward_gate: Part,
}

/// Rows and columns; one row for a vector.
pub(crate) type Size = (usize, usize);

impl Parts<Size> {
    pub(crate) fn sizes(shape: &Shape) -> Self {
        let Shape { width, inner, .. } = *shape;
        let block = Block {
            attention_gain: (1, width),
            attention_shift: (1, width),
            looks: (width, 3 * width),
            attention_out: (width, width),
            attention_gate: (width, width),
            forward_gain: (1, width),
            forward_shift: (1, width),
            forward_in: (width, inner),
            forward_out: (inner, width),
            forward_gate: (width, width),
        };
        let blocks = vec![block; shape.layers];
        Self { places: (shape.longest, width), blocks, gain: (1, width), shift: (1, width) }
    }
}

impl<Part> Parts<Part> {
    /// Makes another thing of each, in the order of [`Parts::all`].
    pub(crate) fn map<Other, Error>(
        &self,
        mut make: impl FnMut(&Part) -> Result<Other, Error>,
    ) -> Result<Parts<Other>, Error> {
        let places = make(&self.places)?;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            blocks.push(Block {
                attention_gain: make(&block.attention_gain)?,
                attention_shift: make(&block.attention_shift)?,
                looks: make(&block.looks)?,
                attention_out: make(&block.attention_out)?,
                attention_gate: make(&block.attention_gate)?,
                forward_gain: make(&block.forward_gain)?,
                forward_shift: make(&block.forward_shift)?,
                forward_in: make(&block.forward_in)?,
                forward_out: make(&block.forward_out)?,
                forward_gate: make(&block.forward_gate)?,
            });
        }
        Ok(Parts { places, blocks, gain: make(&self.gain)?, shift: make(&self.shift)? })
    }

    pub(crate) fn all(&self) -> Vec<&Part> {
        let mut all = vec![&self.places];
        for block in &self.blocks {
            all.extend([
                &block.attention_gain,
                &block.attention_shift,
                &block.looks,
                &block.attention_out,
                &block.attention_gate,
                &block.forward_gain,
                &block.forward_shift,
                &block.forward_in,
                &block.forward_out,
                &block.forward_gate,
            ]);
        }
        all.extend([&self.gain, &self.shift]);
        all
    }

    /// Those that multiply a normalized row: they begin as ones.
    pub(crate) fn gains(&self) -> Vec<&Part> {
        let mut gains = vec![&self.gain];
        gains.extend(self.blocks.iter().flat_map(|block| [&block.attention_gain, &block.forward_gain]));
        gains
    }
}
