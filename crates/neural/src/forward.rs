//! The way of one sequence through the network; the same sums as the graph of training, row by row.

use crate::lanes;
use crate::model::NextItem;
use crate::ops::{EPSILON, attend_row};
use crate::parts::Block;

/// Rows that are multiplied together.
const TOGETHER: usize = 4;

impl NextItem {
    /// What the newest place of a sequence of table rows looks for. The sequence is neither empty nor too long.
    #[inline(always)]
    pub(crate) fn hidden(&self, sequence: &[usize]) -> Vec<f32> {
        let width = self.shape.width;
        let mut x = self.parts.places[..sequence.len() * width].to_vec();
        for (row, into) in sequence.iter().zip(x.chunks_exact_mut(width)) {
            lanes::add_scaled(into, 1.0, &self.table[row * width..(row + 1) * width]);
        }
        for (number, block) in self.parts.blocks.iter().enumerate() {
            let is_last = number + 1 == self.parts.blocks.len();
            x = self.block(&x, block, is_last);
        }
        let newest = x.len() - width;
        let mut hidden = normalized(&x[newest..], &self.parts.gain, &self.parts.shift);
        if self.scale > 0.0 {
            lanes::resize(&mut hidden, self.scale);
        }
        hidden
    }

    /// Only the newest row comes out of the last block.
    #[inline(always)]
    fn block(&self, x: &[f32], block: &Block<Vec<f32>>, is_last: bool) -> Vec<f32> {
        let width = self.shape.width;
        let normal = normalized(x, &block.attention_gain, &block.attention_shift);
        let looks = multiply(&normal, &block.looks, width);
        let first = if is_last { x.len() / width - 1 } else { 0 };
        let (mut x, normal) = (x[first * width..].to_vec(), &normal[first * width..]);
        let mut found = vec![0.0; x.len()];
        let mut shares = vec![0.0; first + x.len() / width];
        for (place, into) in found.chunks_mut(width).enumerate() {
            let seen = first + place + 1;
            let rows = &looks[..seen * 3 * width];
            attend_row(&rows[(seen - 1) * 3 * width..], rows, self.shape.heads, &mut shares[..seen], into);
        }
        let found = multiply(&found, &block.attention_out, width);
        add_gated(&mut x, &found, &multiply(normal, &block.attention_gate, width));
        let normal = normalized(&x, &block.forward_gain, &block.forward_shift);
        let mut inner = multiply(&normal, &block.forward_in, width);
        for value in &mut inner {
            *value *= lanes::sigmoid(*value);
        }
        let found = multiply(&inner, &block.forward_out, self.shape.inner);
        add_gated(&mut x, &found, &multiply(&normal, &block.forward_gate, width));
        x
    }
}

#[inline(always)]
fn normalized(x: &[f32], gain: &[f32], shift: &[f32]) -> Vec<f32> {
    let mut normal = vec![0.0; x.len()];
    for (into, row) in normal.chunks_mut(gain.len()).zip(x.chunks(gain.len())) {
        lanes::normalize(row, gain, shift, EPSILON, into);
    }
    normal
}

/// `x ← x + value · σ(gate)`.
#[inline(always)]
fn add_gated(x: &mut [f32], value: &[f32], gate: &[f32]) {
    for ((x, value), gate) in x.iter_mut().zip(value).zip(gate) {
        *x += value * lanes::sigmoid(*gate);
    }
}

/// Rows of `inner` numbers times a matrix of `inner` rows.
#[inline(always)]
fn multiply(rows: &[f32], matrix: &[f32], inner: usize) -> Vec<f32> {
    let across = matrix.len() / inner;
    let mut result = vec![0.0; rows.len() / inner * across];
    for (rows, into) in rows.chunks(TOGETHER * inner).zip(result.chunks_mut(TOGETHER * across)) {
        for (place, weights) in matrix.chunks(across).enumerate() {
            for (row, into) in rows.chunks(inner).zip(into.chunks_mut(across)) {
                lanes::add_scaled(into, row[place], weights);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use mercer_recommend::Item;

    use super::*;
    use crate::batch::Batch;
    use crate::network::Network;
    use crate::noise::Noise;
    use crate::ops::{Features, values};
    use crate::settings::{Settings, Shape};

    /// A network whose weights are far from where training begins.
    fn network(layers: usize, scale: f32) -> Network {
        let shape = Shape { width: 24, layers, heads: 3, inner: 40, longest: 9 };
        let features = Features::new([&[0_u32, 1][..], &[], &[1], &[], &[0]].into_iter());
        let seen = vec![1.0; 5];
        let network =
            Network::new(&Settings { shape, scale, ..Settings::default() }, features, seen, &Device::Cpu).unwrap();
        network
            .with_values(|variable| {
                let spread = |(place, value): (usize, f32)| value * 3.0 + ((place * 37 % 19) as f32 - 9.0) / 40.0;
                Ok(values(variable)?.into_iter().enumerate().map(spread).collect())
            })
            .unwrap()
    }

    #[test]
    fn plain_and_graph_agree() {
        for (layers, scale) in [(1, 0.0), (2, 0.0), (3, 0.0), (2, 12.0)] {
            let network = network(layers, scale);
            let model = NextItem::of(&network, &Settings::default()).unwrap();
            let table = network.table(&mut Noise::none()).unwrap();
            for length in 1..=9_u32 {
                let sequence: Vec<Item> = (0..length).map(|place| Item(place * 3 % 5)).collect();
                let batch = Batch::to_ask([&sequence[..]].into_iter(), 9);
                let graph = values(&network.hidden(&table, &batch, &mut Noise::none()).unwrap()).unwrap();
                let rows: Vec<usize> = sequence.iter().map(|item| model.row(*item).unwrap()).collect();
                let plain = lanes::wide(
                    #[inline(always)]
                    || model.hidden(&rows),
                );
                for (plain, graph) in plain.iter().zip(&graph[graph.len() - 24..]) {
                    let near = 1e-4 * scale.max(1.0);
                    assert!((plain - graph).abs() < near, "{layers} layers, {length} items: {plain} is not {graph}");
                }
            }
        }
    }
}
