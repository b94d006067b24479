//! Who took what, as a sparse matrix of customers × items.

use std::ops::Range;

use super::Basket;
use crate::Item;

/// Rows of (column, value), the columns ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Matrix {
    pub(super) starts: Vec<usize>,
    pub(super) columns: Vec<u32>,
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
}

impl Matrix {
    /// One row a basket. Lines without a positive weight are left out; of equal items the weightiest line counts.
    pub(crate) fn of_baskets(baskets: &[Basket]) -> Self {
        Self::of_weightiest(baskets, usize::MAX)
    }

    /// The same with the weightiest `most` lines of each basket, equal ones by item number.
    pub(crate) fn of_weightiest(baskets: &[Basket], most: usize) -> Self {
        let mut matrix = Self { starts: vec![0], ..Self::default() };
        let mut lines: Basket = Vec::new();
        for basket in baskets {
            lines.clear();
            lines.extend(basket.iter().filter(|(_, weight)| *weight > 0.0 && weight.is_finite()));
            lines.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            lines.dedup_by_key(|(item, _)| *item);
            if lines.len() > most {
                lines.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                lines.truncate(most);
                lines.sort_unstable_by_key(|(item, _)| *item);
            }
            matrix.columns.extend(lines.iter().map(|(item, _)| item.0));
            matrix.values.extend(lines.iter().map(|(_, weight)| *weight));
            matrix.starts.push(matrix.columns.len());
        }
        matrix.width = matrix.columns.iter().max().map_or(0, |largest| *largest as usize + 1);
        matrix
    }

    pub(crate) const fn height(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// One past the largest column.
    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Where the entries of a row lie among all entries.
    pub(crate) fn places_of(&self, row: usize) -> Range<usize> {
        self.starts[row]..self.starts[row + 1]
    }

    pub(crate) fn columns_of(&self, row: usize) -> &[u32] {
        &self.columns[self.places_of(row)]
    }

    /// Of all entries, row after row.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, f32)> + '_ {
        let range = self.places_of(row);
        self.columns[range.clone()].iter().zip(&self.values[range]).map(|(column, value)| (*column as usize, *value))
    }

    pub(crate) fn transposed(&self) -> Self {
        let mut starts = vec![0; self.width + 1];
        self.columns.iter().for_each(|column| starts[*column as usize + 1] += 1);
        (0..self.width).for_each(|column| starts[column + 1] += starts[column]);
        let mut next = starts.clone();
        let (mut columns, mut values) = (vec![0; self.columns.len()], vec![0.0; self.columns.len()]);
        for row in 0..self.height() {
            for (column, value) in self.row(row) {
                let place = next[column];
                next[column] += 1;
                columns[place] = row as u32;
                values[place] = value;
            }
        }
        Self { starts, columns, values, width: self.height() }
    }

    /// The same places with the values that `value` makes of (row, column, value).
    pub(crate) fn with_values(mut self, value: impl Fn(usize, usize, f32) -> f32) -> Self {
        for row in 0..self.height() {
            for place in self.places_of(row) {
                self.values[place] = value(row, self.columns[place] as usize, self.values[place]);
            }
        }
        self
    }
}

/// Adds up rows of a symmetric product one at a time: row i of XᵀX from X and Xᵀ, in a table over all items.
pub(crate) struct Products<'a> {
    rows: &'a Matrix,
    columns: &'a Matrix,
    table: Vec<f32>,
    touched: Vec<u32>,
}

impl<'a> Products<'a> {
    /// `columns` is the transpose of `rows`.
    pub(crate) fn new(rows: &'a Matrix, columns: &'a Matrix) -> Self {
        Self { rows, columns, table: vec![0.0; rows.width()], touched: Vec::new() }
    }

    /// Calls `entry` with each (item, Σ over customers of the product) of row `item`, in no particular order.
    pub(crate) fn row(&mut self, item: usize, mut entry: impl FnMut(Item, f32)) {
        for (customer, value) in self.columns.row(item) {
            for (other, other_value) in self.rows.row(customer) {
                let cell = &mut self.table[other];
                if *cell == 0.0 {
                    self.touched.push(other as u32);
                }
                *cell += value * other_value;
            }
        }
        for other in self.touched.drain(..) {
            entry(Item(other), std::mem::take(&mut self.table[other as usize]));
        }
    }

    /// Calls `seen` with all of row `item`, one place an item: for rows of which few are zero.
    pub(crate) fn whole_row(&mut self, item: usize, seen: impl FnOnce(&[f32])) {
        for (customer, value) in self.columns.row(item) {
            for (other, other_value) in self.rows.row(customer) {
                self.table[other] += value * other_value;
            }
        }
        seen(&self.table);
        self.table.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix::of_baskets(&[
            vec![(Item(2), 2.0), (Item(0), 1.0), (Item(2), 1.0), (Item(1), f32::NAN)],
            vec![],
            vec![(Item(2), 3.0), (Item(4), 0.0)],
        ])
    }

    #[test]
    fn rows_are_clean_and_in_order() {
        let matrix = matrix();
        assert_eq!((matrix.height(), matrix.width()), (3, 3));
        assert_eq!(matrix.row(0).collect::<Vec<_>>(), [(0, 1.0), (2, 2.0)]);
        assert_eq!(matrix.row(1).len(), 0);
        assert_eq!(matrix.columns_of(2), [2]);
    }

    #[test]
    fn transposing_twice_gives_it_back() {
        let transposed = matrix().transposed();
        assert_eq!(transposed.row(2).collect::<Vec<_>>(), [(0, 2.0), (2, 3.0)]);
        assert_eq!(transposed.transposed(), matrix());
    }

    #[test]
    fn products_are_those_of_the_columns() {
        let (rows, columns) = (matrix(), matrix().transposed());
        let mut products = Products::new(&rows, &columns);
        for _ in 0..2 {
            let mut found = Vec::new();
            products.row(2, |item, product| found.push((item.0, product)));
            found.sort_by_key(|(item, _)| *item);
            assert_eq!(found, [(0, 2.0), (2, 13.0)]);
            products.whole_row(2, |row| assert_eq!(row, [2.0, 0.0, 13.0]));
        }
    }
}
