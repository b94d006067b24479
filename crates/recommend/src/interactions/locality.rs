//! An order in which what is taken together lies together.
//!
//! Models walk from an item to all who have it, and from each of them to everything else that they have. In a large shop
//! these are far apart, and the walk waits for memory more than it computes. Here each item follows the more popular one
//! that it is most alike (by cosine, in a sample), which makes a forest; its items, each before those that follow it, are
//! the order of the items, and rows stand where their rarest item does. Nothing that is counted depends on the order.

use std::cmp::Reverse;

use rayon::prelude::*;

use super::Matrix;

/// So many entries lie in a processor's cache however they are ordered.
const CACHED: usize = 1 << 22;
/// Of the rows of a column one in so many is looked at, and so many at most, and so many entries of each.
const SHARE: usize = 16;
const SAMPLE: usize = 16;
const MOST_ENTRIES: usize = 256;
/// Items that one thread takes before it looks for more.
const ITEMS_AT_ONCE: usize = 256;

impl Matrix {
    /// The same rows in an order in which those with the same rare columns are near each other, and an order of the
    /// columns in which those that the same rows have are.
    pub(crate) fn gathered(self) -> (Self, Vec<u32>) {
        if self.columns.len() <= CACHED {
            let order = (0..self.width as u32).collect();
            return (self, order);
        }
        self.rearranged()
    }

    /// The same, whatever its size.
    pub(crate) fn rearranged(self) -> (Self, Vec<u32>) {
        let transposed = self.transposed();
        let order = order(&self, &transposed);
        let mut places = vec![0_u32; self.width];
        (0..).zip(&order).for_each(|(place, column)| places[*column as usize] = place);
        let key = |row: usize| {
            let rarest =
                self.columns_of(row).iter().min_by_key(|column| transposed.columns_of(**column as usize).len());
            (rarest.map_or(u32::MAX, |column| places[*column as usize]), row)
        };
        let mut rows: Vec<(u32, usize)> = (0..self.height()).map(key).collect();
        rows.sort_unstable();
        let mut gathered = Self {
            starts: Vec::with_capacity(self.starts.len()),
            columns: Vec::with_capacity(self.columns.len()),
            values: Vec::with_capacity(self.values.len()),
            width: self.width,
        };
        gathered.starts.push(0);
        for (_, row) in rows {
            gathered.columns.extend_from_slice(self.columns_of(row));
            gathered.values.extend_from_slice(&self.values[self.places_of(row)]);
            gathered.starts.push(gathered.columns.len());
        }
        (gathered, order)
    }
}

/// What `each` finds for each column, worked on in this order.
pub(crate) fn map_in_order<Found: Default + Send, State>(
    order: &[u32],
    at_once: usize,
    state: impl Fn() -> State + Sync + Send,
    each: impl Fn(&mut State, usize) -> Found + Sync + Send,
) -> Vec<Found> {
    let each = |state: &mut State, column: &u32| each(state, *column as usize);
    let found: Vec<Found> = order.par_iter().with_min_len(at_once).map_init(state, each).collect();
    let mut placed: Vec<Found> = Vec::new();
    placed.resize_with(order.len(), Found::default);
    order.iter().zip(found).for_each(|(column, found)| placed[*column as usize] = found);
    placed
}

/// The columns, each before those that follow it.
fn order(rows: &Matrix, transposed: &Matrix) -> Vec<u32> {
    let width = rows.width();
    let leaders: Vec<Option<u32>> = (0..width)
        .into_par_iter()
        .with_min_len(ITEMS_AT_ONCE)
        .map_init(|| vec![0_u32; width], |counts, column| leader(rows, transposed, column, counts))
        .collect();
    let mut followers: Vec<Vec<u32>> = vec![Vec::new(); width];
    let mut waiting = Vec::new();
    for column in (0..width as u32).rev() {
        match leaders[column as usize] {
            Some(leader) => followers[leader as usize].push(column),
            None => waiting.push(column),
        }
    }
    let mut order = Vec::with_capacity(width);
    while let Some(column) = waiting.pop() {
        order.push(column);
        waiting.append(&mut followers[column as usize]);
    }
    order
}

/// The more popular column that is most like one, where any of them was met twice.
fn leader(rows: &Matrix, transposed: &Matrix, column: usize, counts: &mut [u32]) -> Option<u32> {
    let popularity = |column: usize| transposed.columns_of(column).len();
    let own = (popularity(column), Reverse(column));
    let with = transposed.columns_of(column);
    let count = (with.len() / SHARE).min(SAMPLE);
    if count < 2 {
        return None;
    }
    let sample = || with.iter().step_by(with.len() / count).take(count);
    let entries = || sample().flat_map(|row| rows.columns_of(*row as usize).iter().take(MOST_ENTRIES));
    entries().for_each(|other| counts[*other as usize] += 1);
    let mut best: Option<(f32, Reverse<u32>)> = None;
    for other in entries() {
        let count = std::mem::take(&mut counts[*other as usize]);
        if count > 1 && (popularity(*other as usize), Reverse(*other as usize)) > own {
            let likeness = (count * count) as f32 / popularity(*other as usize) as f32;
            let found = (likeness, Reverse(*other));
            if best.is_none_or(|best| found > best) {
                best = Some(found);
            }
        }
    }
    best.map(|(_, Reverse(leader))| leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Item;

    #[test]
    fn what_is_taken_together_lies_together() {
        // Ten groups of items, numbered in turns, each with customers of its own, who come in turns, too.
        let basket =
            |customer: u32| (0..6).map(move |step| (Item(customer % 10 + 10 * ((customer / 10 + step) % 8)), 1.0));
        let matrix = Matrix::of_baskets(&(0..4_000).map(|customer| basket(customer).collect()).collect::<Vec<_>>());
        let (gathered, order) = matrix.clone().rearranged();
        let mut numbers = order.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..80).collect::<Vec<_>>());
        let changes = order.windows(2).filter(|pair| pair[0] % 10 != pair[1] % 10).count();
        assert_eq!(changes, 9, "{order:?}");
        let groups: Vec<u32> = (0..4_000).map(|row| gathered.columns_of(row)[0] % 10).collect();
        assert_eq!(groups.windows(2).filter(|pair| pair[0] != pair[1]).count(), 9, "{groups:?}");
        let sorted = |matrix: &Matrix| {
            let mut rows: Vec<Vec<u32>> = (0..4_000).map(|row| matrix.columns_of(row).to_vec()).collect();
            rows.sort();
            rows
        };
        assert_eq!(sorted(&gathered), sorted(&matrix));
    }
}
