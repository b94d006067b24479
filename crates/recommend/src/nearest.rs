//! The nearest of many vectors to one, by cosine.
//!
//! Each vector is kept as whole numbers from −127 to 127 times a step of its own, a fourth of the room, and is looked at with
//! every question: sums of whole numbers are the same on every processor, and for a catalog of a shop a scan takes less time
//! than the rest of a search. The cosine is off by some thousandths, which no order of products by meaning can tell. It is a
//! persistent structure: a clone costs nothing and never changes, and one more product copies one block.

use std::sync::Arc;

use imbl::Vector;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

use crate::dense::{dot, wide};
use crate::ranking::best_of;
use crate::{Item, Scored};

/// Vectors of a block.
const BLOCK: usize = 256;
/// Largest number of a row.
const LARGEST: f32 = 127.0;
/// Largest number of a question: finer adds nothing.
const FINEST: f32 = 4_096.0;

/// Vectors by item number; some have none.
#[derive(Debug, Clone, Default)]
pub struct Nearest {
    dimensions: usize,
    blocks: Vector<Arc<Block>>,
}

#[derive(Debug, Clone)]
struct Block {
    numbers: Vec<i8>,
    /// What one is worth, of a vector of length one; 0 where there is none.
    steps: Vec<f32>,
}

impl Nearest {
    pub fn new(dimensions: usize) -> Self {
        Self { dimensions, blocks: Vector::new() }
    }

    /// Of many items at once, whose vectors `of` works out, on all threads.
    pub fn of_items<T: Sync>(dimensions: usize, items: &[(Item, T)], of: impl Fn(&T) -> Vec<f32> + Sync) -> Self {
        let mut nearest = Self::new(dimensions);
        let rows: Vec<(Vec<i8>, f32)> = items.par_iter().map(|(_, one)| row(&of(one))).collect();
        for ((item, _), (numbers, step)) in items.iter().zip(rows) {
            nearest.put(*item, &numbers, step);
        }
        nearest
    }

    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Gives an item a vector, of any length; zeros are none.
    pub fn set(&mut self, item: Item, vector: &[f32]) {
        let (numbers, step) = row(vector);
        self.put(item, &numbers, step);
    }

    pub fn remove(&mut self, item: Item) {
        if let Some(block) = self.blocks.get_mut(item.index() / BLOCK) {
            Arc::make_mut(block).steps[item.index() % BLOCK] = 0.0;
        }
    }

    /// An item has a vector.
    pub fn has(&self, item: Item) -> bool {
        self.blocks.get(item.index() / BLOCK).is_some_and(|block| block.steps[item.index() % BLOCK] > 0.0)
    }

    /// At most `limit` items of which the cosine is at least `least`, the nearest first; of equals the lower number.
    pub fn find(&self, query: &[f32], limit: usize, least: f32) -> Vec<Scored> {
        let mut found = Vec::new();
        if let Some(asked) = Asked::new(query).filter(|_| query.len() == self.dimensions) {
            wide(Scanning { nearest: self, asked: &asked, least, found: &mut found });
        }
        best_of(found, limit)
    }

    /// The cosine with one item.
    pub fn cosine(&self, query: &[f32], item: Item) -> Option<f32> {
        let asked = Asked::new(query).filter(|_| query.len() == self.dimensions)?;
        let (block, place) = (self.blocks.get(item.index() / BLOCK)?, item.index() % BLOCK);
        let row = &block.numbers[place * self.dimensions..(place + 1) * self.dimensions];
        (block.steps[place] > 0.0).then(|| sum(row, &asked.numbers) as f32 * asked.step * block.steps[place])
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.blocks.len() * BLOCK * (self.dimensions + size_of::<f32>())
    }

    fn put(&mut self, item: Item, numbers: &[i8], step: f32) {
        let (block, place) = (item.index() / BLOCK, item.index() % BLOCK);
        while self.blocks.len() <= block {
            let empty = Block { numbers: vec![0; BLOCK * self.dimensions], steps: vec![0.0; BLOCK] };
            self.blocks.push_back(Arc::new(empty));
        }
        if let Some(block) = self.blocks.get_mut(block) {
            let block = Arc::make_mut(block);
            block.numbers[place * self.dimensions..(place + 1) * self.dimensions].copy_from_slice(numbers);
            block.steps[place] = step;
        }
    }
}

/// A vector as whole numbers, with what one of them is worth once the vector has the length one.
fn row(vector: &[f32]) -> (Vec<i8>, f32) {
    let length = dot(vector, vector).sqrt();
    let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if !(length > 0.0 && length.is_finite()) {
        return (vec![0; vector.len()], 0.0);
    }
    let numbers = vector.iter().map(|value| (value / largest * LARGEST).round() as i8).collect();
    (numbers, largest / LARGEST / length)
}

/// A question as whole numbers.
struct Asked {
    numbers: Vec<i16>,
    step: f32,
}

impl Asked {
    fn new(query: &[f32]) -> Option<Self> {
        let length = dot(query, query).sqrt();
        let largest = query.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        if !(length > 0.0 && length.is_finite()) {
            return None;
        }
        // So that the sum of the products still is an i32.
        let finest = FINEST.min((i32::MAX as f32 / (LARGEST * query.len() as f32)).floor());
        let numbers = query.iter().map(|value| (value / largest * finest).round() as i16).collect();
        Some(Self { numbers, step: largest / finest / length })
    }
}

struct Scanning<'a> {
    nearest: &'a Nearest,
    asked: &'a Asked,
    least: f32,
    found: &'a mut Vec<Scored>,
}

impl NullaryFnOnce for Scanning<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (number, block) in self.nearest.blocks.iter().enumerate() {
            let rows = block.numbers.chunks_exact(self.nearest.dimensions.max(1)).zip(&block.steps);
            for (place, (row, step)) in rows.enumerate() {
                let cosine = sum(row, &self.asked.numbers) as f32 * self.asked.step * step;
                if cosine >= self.least && *step > 0.0 {
                    let item = Item((number * BLOCK + place) as u32);
                    self.found.push(Scored { item, score: cosine, because_of: None });
                }
            }
        }
    }
}

#[inline(always)]
fn sum(row: &[i8], numbers: &[i16]) -> i32 {
    let mut sum = 0_i32;
    for (a, b) in row.iter().zip(numbers) {
        sum += i32::from(*a) * i32::from(*b);
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;

    fn vectors(seed: u64, size: usize, dimensions: usize) -> Vec<Vec<f32>> {
        let mut random = Random::new(seed);
        (0..size).map(|_| (0..dimensions).map(|_| random.normal()).collect()).collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    proptest! {
        #[test]
        fn finds_what_is_near(seed in any::<u64>(), size in 1_usize..600, dimensions in 1_usize..40, limit in 0_usize..20) {
            let rows = vectors(seed, size + 1, dimensions);
            let query = &rows[size];
            let items: Vec<(Item, &Vec<f32>)> = (0..).map(Item).zip(&rows[..size]).collect();
            let nearest = Nearest::of_items(dimensions, &items, |vector| (*vector).clone());
            let found = nearest.find(query, limit, 0.2);
            let mut all: Vec<f32> = rows[..size].iter().map(|row| cosine(row, query)).collect();
            for one in &found {
                prop_assert!((one.score - all[one.item.index()]).abs() < 0.01);
                prop_assert_eq!(nearest.cosine(query, one.item), Some(one.score));
            }
            all.retain(|cosine| *cosine >= 0.21);
            all.sort_unstable_by(|a, b| b.total_cmp(a));
            prop_assert!(found.len() >= all.len().min(limit));
            for (found, best) in found.iter().zip(&all) {
                prop_assert!(found.score >= best - 0.01, "{} {best}", found.score);
            }
        }
    }

    #[test]
    fn what_was_taken_out_is_not_found_and_clones_stay() {
        let rows = vectors(1, 600, 8);
        let mut nearest = Nearest::new(8);
        for (number, row) in (0..).zip(&rows) {
            nearest.set(Item(number), row);
        }
        nearest.set(Item(7), &[0.0; 8]);
        let before = nearest.clone();
        nearest.remove(Item(300));
        nearest.remove(Item(9_999));
        let first = |nearest: &Nearest| nearest.find(&rows[300], 1, 0.5).first().map(|found| found.item);
        assert_eq!(first(&before), Some(Item(300)));
        assert_ne!(first(&nearest), Some(Item(300)));
        assert!(!nearest.has(Item(7)) && !nearest.has(Item(300)) && before.has(Item(300)));
        assert!(nearest.find(&[0.0; 8], 5, -1.0).is_empty() && nearest.find(&[1.0; 3], 5, -1.0).is_empty());
        assert_eq!(nearest.find(&[f32::NAN; 8], 5, -1.0), []);
    }
}
