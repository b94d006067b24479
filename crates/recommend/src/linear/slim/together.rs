//! The products of each item's candidates with each other, for as many items at a time as there is room for.
//!
//! Added up row by row: a row of XᵀX takes one walk through what the customers of a candidate have, and serves every item of
//! the block that has this candidate. The walk is longest for what everybody takes, and that is a candidate in every block; so
//! of the popular ones the products with each other are added up once for all blocks.

use std::ops::Range;

use rayon::prelude::*;

use crate::Item;
use crate::interactions::{Matrix, Products};

/// Items that count as popular: their products take 64 MB.
const POPULAR: usize = 4_096;
/// Products that all blocks at work may hold: at least so many, and so many for each interaction.
const LEAST_PRODUCTS: usize = 1 << 25;
const PRODUCTS_PER_INTERACTION: usize = 8;
/// Rows that one thread takes before it looks for more.
const ROWS_AT_ONCE: usize = 16;
/// The place of what is not popular.
const NOWHERE: u32 = u32::MAX;

/// Candidates of one item with their products with it: the rare ones before the popular ones, each by number.
pub(super) type Near = Vec<(Item, f32)>;

/// Which items are popular, and their products with each other.
pub(super) struct Popular {
    /// Of each item among the popular ones.
    places: Vec<u32>,
    width: usize,
    table: Vec<f32>,
}

impl Popular {
    /// `columns` is the transpose of `rows`.
    pub(super) fn new(rows: &Matrix, columns: &Matrix) -> Self {
        let mut popular: Vec<usize> = (0..rows.width()).collect();
        popular.sort_by_key(|item| std::cmp::Reverse(columns.columns_of(*item).len()));
        popular.truncate(POPULAR);
        let mut places = vec![NOWHERE; rows.width()];
        (0..).zip(&popular).for_each(|(place, item)| places[*item] = place);
        let width = popular.len();
        let mut table = vec![0.0; width * width];
        table.par_chunks_mut(width.max(1)).with_min_len(ROWS_AT_ONCE).zip(&popular).for_each(|(row, item)| {
            for (customer, value) in columns.row(*item) {
                for (other, other_value) in rows.row(customer) {
                    if let Some(cell) = row.get_mut(places[other] as usize) {
                        *cell += value * other_value;
                    }
                }
            }
        });
        Self { places, width, table }
    }

    pub(super) fn has(&self, item: Item) -> bool {
        self.places[item.index()] != NOWHERE
    }

    /// The products of one with the others.
    fn row(&self, item: Item) -> &[f32] {
        let start = self.places[item.index()] as usize * self.width;
        &self.table[start..start + self.width]
    }
}

/// Cuts items that follow each other into blocks.
pub(super) fn blocks(order: &[u32], near: &[Near], interactions: usize) -> Vec<Range<usize>> {
    let room = LEAST_PRODUCTS.max(interactions * PRODUCTS_PER_INTERACTION) / rayon::current_num_threads().max(1);
    let mut blocks = Vec::new();
    let (mut start, mut taken) = (0, 0);
    for (end, item) in order.iter().enumerate() {
        let asked = triangle(near[*item as usize].len());
        if end > start && taken + asked > room {
            blocks.push(start..end);
            (start, taken) = (end, 0);
        }
        taken += asked;
    }
    blocks.push(start..order.len());
    blocks
}

/// What `each` finds for the items of a block, told for each candidate its products with those behind it. Rows are added up in
/// the order of their items' `ranks`.
pub(super) fn with_products<Found>(
    items: &[u32],
    near: &[Near],
    ranks: &[u32],
    (popular, rows): (&Popular, &mut Products<'_>),
    each: impl Fn(&Near, &Triangle<'_>) -> Found,
) -> Vec<Found> {
    let near: Vec<&Near> = items.iter().map(|item| &near[*item as usize]).collect();
    let mut table = vec![0.0; near.iter().map(|near| triangle(near.len())).sum()];
    // Which candidate of which item begins where in the table.
    let mut asked: Vec<(Item, u32, u32, usize)> = Vec::with_capacity(near.iter().map(|near| near.len()).sum());
    let mut start = 0;
    for (number, near) in (0..).zip(&near) {
        for (place, (candidate, _)) in (0..).zip(near.iter()) {
            asked.push((*candidate, number, place, start));
            start += near.len() - place as usize - 1;
        }
    }
    asked.sort_unstable_by_key(|(candidate, number, ..)| (ranks[candidate.index()], *number));
    for asked in asked.chunk_by(|a, b| a.0 == b.0) {
        let candidate = asked[0].0;
        let mut place_in = |place_of: &dyn Fn(Item) -> usize, row: &[f32]| {
            for (_, number, place, start) in asked {
                let behind = &near[*number as usize][*place as usize + 1..];
                let cells = &mut table[*start..*start + behind.len()];
                cells.iter_mut().zip(behind).for_each(|(cell, (other, _))| *cell = row[place_of(*other)]);
            }
        };
        if popular.has(candidate) {
            place_in(&|other| popular.places[other.index()] as usize, popular.row(candidate));
        } else {
            rows.whole_row(candidate.index(), |row| place_in(&|other| other.index(), row));
        }
    }
    let mut rest = table.as_slice();
    let of_item = |near: &Near| {
        let (own, behind) = rest.split_at(triangle(near.len()));
        rest = behind;
        each(near, &Triangle(own))
    };
    near.into_iter().map(of_item).collect()
}

/// Products of candidates with those behind them, one candidate after the other.
pub(super) struct Triangle<'a>(&'a [f32]);

impl<'a> Triangle<'a> {
    /// Of the first candidate, the second, and so on, of so many.
    pub(super) fn rows(&self, size: usize) -> impl Iterator<Item = &'a [f32]> {
        let mut rest = self.0;
        (0..size).map(move |place| {
            let (row, behind) = rest.split_at(size - place - 1);
            rest = behind;
            row
        })
    }
}

const fn triangle(size: usize) -> usize {
    size * size.saturating_sub(1) / 2
}
