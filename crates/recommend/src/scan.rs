//! The best inner products of one vector with many, exactly, from a sketch of them.
//!
//! Each vector v is kept a second time as v̂, whole numbers from −127 to 127 times a step of its own, which takes a fourth of
//! the memory to read. By Cauchy and Schwarz |q·v − q̂·v̂| ≤ ‖q‖ ‖v − v̂‖ + ‖q − q̂‖ ‖v̂‖, so the sketch says between which
//! bounds a product lies. Only vectors whose upper bound reaches the lower bound of the best `limit` are looked at
//! themselves. What is found is what a scan of all vectors would find, bit for bit.

use pulp::NullaryFnOnce;

use crate::dense::{dot, products, wide};
use crate::memory::room_of;
use crate::ranking::{best_of, best_of_all};
use crate::{Item, Scored};

/// Largest number of a sketch.
const LARGEST: f32 = 127.0;
/// With an answer of more than one in so many of all vectors, the sketch saves nothing.
const LONG_ANSWER: usize = 16;
/// What rounding may do to a bound.
const ROUNDING: f32 = 1e-4;

/// Sketches of vectors.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sketch {
    numbers: Vec<i8>,
    heads: Vec<Head>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Head {
    step: f32,
    /// ‖v̂‖
    length: f32,
    /// ‖v − v̂‖
    rest: f32,
}

impl Sketch {
    pub(crate) fn heap_bytes(&self) -> usize {
        room_of(&self.numbers) + room_of(&self.heads)
    }

    /// Of vectors one after the other.
    pub(crate) fn of(vectors: &[f32], dimensions: usize) -> Self {
        let mut sketch = Self::default();
        for (place, vector) in vectors.chunks_exact(dimensions.max(1)).enumerate() {
            sketch.set(place, vector);
        }
        sketch
    }

    /// Takes a vector, new or in the place of another; those between are zeros.
    pub(crate) fn set(&mut self, place: usize, vector: &[f32]) {
        let (dimensions, size) = (vector.len(), self.heads.len().max(place + 1));
        self.heads.resize(size, Head::default());
        self.numbers.resize(size * dimensions, 0);
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let step = largest / LARGEST;
        let (mut length, mut rest) = (0.0, 0.0);
        for (number, value) in self.numbers[place * dimensions..].iter_mut().zip(vector) {
            *number = if step > 0.0 { (value / step).round() as i8 } else { 0 };
            let kept = f32::from(*number) * step;
            length += kept * kept;
            rest += (value - kept).powi(2);
        }
        self.heads[place] = Head { step, length: length.sqrt(), rest: rest.sqrt() };
    }

    /// The best `limit` products of `query` with the vectors that were sketched, without the `excluded` and those that are
    /// not above zero.
    pub(crate) fn best(
        &self,
        vectors: &[f32],
        query: &[f32],
        limit: usize,
        excluded: impl Iterator<Item = Item>,
    ) -> Vec<Scored> {
        if limit >= self.heads.len() / LONG_ANSWER {
            return best_of_all(&mut products(vectors, query), limit, excluded);
        }
        let (mut lower, mut upper) = (vec![0.0; self.heads.len()], vec![0.0; self.heads.len()]);
        wide(Bounding { sketch: self, query, lower: &mut lower, upper: &mut upper });
        for item in excluded.filter(|item| item.index() < self.heads.len()) {
            lower[item.index()] = 0.0;
            upper[item.index()] = 0.0;
        }
        let best = best_of_all(&mut lower, limit, std::iter::empty());
        let least = if best.len() < limit { f32::MIN_POSITIVE } else { best.last().map_or(0.0, |last| last.score) };
        let mut found: Vec<Scored> = Vec::new();
        for (item, upper) in (0..).zip(&upper) {
            if *upper >= least {
                found.push(Scored { item: Item(item), score: 0.0, because_of: None });
            }
        }
        wide(Looking { found: &mut found, vectors, query });
        best_of(found, limit)
    }
}

struct Bounding<'a> {
    sketch: &'a Sketch,
    query: &'a [f32],
    /// What the product with each vector is at least.
    lower: &'a mut [f32],
    /// And at most.
    upper: &'a mut [f32],
}

impl NullaryFnOnce for Bounding<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let dimensions = self.query.len();
        let mut largest = 0.0_f32;
        for value in self.query {
            largest = largest.max(value.abs());
        }
        // The largest numbers whose sum of products still is an i32.
        let finest = (i32::MAX as f32 / (LARGEST * dimensions as f32)).min(32_000.0).floor();
        let step = largest / finest;
        let mut numbers = vec![0_i16; dimensions];
        let (mut length, mut rest) = (0.0, 0.0);
        for (number, value) in numbers.iter_mut().zip(self.query) {
            *number = if step > 0.0 { (value / step).round() as i16 } else { 0 };
            length += value * value;
            rest += (value - f32::from(*number) * step).powi(2);
        }
        let (length, rest) = (length.sqrt(), rest.sqrt());
        let rows = self.sketch.numbers.chunks_exact(dimensions).zip(&self.sketch.heads);
        for ((lower, upper), (row, head)) in self.lower.iter_mut().zip(self.upper).zip(rows) {
            let mut sum = 0_i32;
            for (a, b) in row.iter().zip(&numbers) {
                sum += i32::from(*a) * i32::from(*b);
            }
            let product = sum as f32 * head.step * step;
            let error = length * head.rest + (rest + ROUNDING * length) * (head.length + head.rest);
            *lower = product - error;
            *upper = product + error;
        }
    }
}

struct Looking<'a> {
    found: &'a mut [Scored],
    vectors: &'a [f32],
    query: &'a [f32],
}

impl NullaryFnOnce for Looking<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let dimensions = self.query.len();
        for scored in self.found {
            let start = scored.item.index() * dimensions;
            scored.score = dot(&self.vectors[start..start + dimensions], self.query).min(f32::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;

    proptest! {
        #[test]
        fn finds_what_a_scan_of_all_vectors_finds(
            seed in any::<u64>(), size in 1_usize..400, dimensions in 1_usize..40, limit in 0_usize..12, spread in 0_i32..30,
        ) {
            let mut random = Random::new(seed);
            let mut vector = |length: usize| -> Vec<f32> {
                (0..length).map(|_| random.normal() * 2_f32.powi((random.uniform() * f64::from(spread)) as i32 - spread)).collect()
            };
            let (mut vectors, query) = (vector(size * dimensions), vector(dimensions));
            // One without a vector, and two that are equal.
            vectors[..dimensions].fill(0.0);
            if size > 2 {
                vectors.copy_within(dimensions..2 * dimensions, (size - 1) * dimensions);
            }
            let excluded = || [Item(3), Item(9_999)].into_iter();
            let found = Sketch::of(&vectors, dimensions).best(&vectors, &query, limit, excluded());
            prop_assert_eq!(found, best_of_all(&mut products(&vectors, &query), limit, excluded()));
        }
    }
}
