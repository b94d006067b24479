//! A trained network as it is asked: plain numbers, no graph, no library.
//!
//! The vectors of the items are ready-made, only the newest place goes through the last block, and the sums are the
//! same on every processor.

use std::collections::BTreeMap;

use mercer_recommend::sessions::Repeats;
use mercer_recommend::{Item, Query, Recommender, Scored, best_of};

use crate::lanes;
use crate::network::Network;
use crate::newcomers;
use crate::noise::Noise;
use crate::ops;
use crate::parts::Parts;
use crate::settings::{Settings, Shape};

/// No row for this item.
const NOWHERE: u32 = u32::MAX;

/// What a customer takes next, by what was taken until now.
#[derive(Debug, Clone, PartialEq)]
pub struct NextItem {
    pub(crate) shape: Shape,
    pub(crate) repeats: Repeats,
    /// What cosines are multiplied by; 0 for plain products.
    pub(crate) scale: f32,
    pub(crate) parts: Parts<Vec<f32>>,
    /// Items with a vector, in the order of their numbers.
    pub(crate) items: Vec<Item>,
    /// Vectors of the items, one behind the other.
    pub(crate) table: Vec<f32>,
    /// Vectors of the attributes by their numbers, as long as new items want them.
    pub(crate) attributes: BTreeMap<u32, Vec<f32>>,
    /// Row of each item number.
    pub(crate) rows: Vec<u32>,
}

/// Items in the order of their numbers with their vectors, and those of the attributes.
pub(crate) struct Vectors {
    pub(crate) items: Vec<Item>,
    pub(crate) table: Vec<f32>,
    pub(crate) attributes: BTreeMap<u32, Vec<f32>>,
}

impl NextItem {
    /// Of what was trained. New items are those that the training knew by their attributes alone.
    pub(crate) fn of(network: &Network, settings: &Settings) -> candle_core::Result<Self> {
        let table = ops::values(&network.table(&mut Noise::none())?)?;
        let (width, features) = (network.shape.width, &network.features);
        let mut vectors = ops::values(&network.attributes)?;
        // Cosines leave lengths out.
        if network.scale <= 0.0 {
            let factor = newcomers::factor(&table, &network.seen, &vectors, (features, width), settings.standing);
            vectors.iter_mut().for_each(|value| *value *= factor);
        }
        let has_attributes = !features.entries.is_empty();
        let attributes = (0..).zip(vectors.chunks(width).map(<[f32]>::to_vec)).filter(|_| has_attributes);
        let known: Vec<usize> = (0..network.seen.len()).filter(|item| network.seen[*item] > 0.0).collect();
        let mut model = Self::new(
            network.shape,
            settings.repeats,
            network.scale,
            network.parts.map(|part| ops::values(part))?,
            Vectors {
                items: known.iter().map(|item| Item(*item as u32)).collect(),
                table: known.iter().flat_map(|item| table[item * width..(item + 1) * width].iter().copied()).collect(),
                attributes: attributes.collect(),
            },
        );
        for item in (0..network.seen.len()).filter(|item| network.seen[*item] <= 0.0) {
            model.admit(Item(item as u32), features.of(item));
        }
        Ok(model)
    }

    pub(crate) fn new(shape: Shape, repeats: Repeats, scale: f32, parts: Parts<Vec<f32>>, vectors: Vectors) -> Self {
        let Vectors { items, table, attributes } = vectors;
        let mut rows = vec![NOWHERE; items.iter().map(|item| item.index() + 1).max().unwrap_or(0)];
        (0..).zip(&items).for_each(|(row, item)| rows[item.index()] = row);
        Self { shape, repeats, scale, parts, items, table, attributes, rows }
    }

    /// Gives an item that training did not know a vector, the mean of those of its attributes. Says whether it has one
    /// now: an item without known attributes gets none.
    pub fn admit(&mut self, item: Item, attributes: &[u32]) -> bool {
        if self.row(item).is_some() {
            return true;
        }
        let width = self.shape.width;
        let vectors: Vec<&Vec<f32>> =
            attributes.iter().filter_map(|attribute| self.attributes.get(attribute)).collect();
        if vectors.is_empty() {
            return false;
        }
        let mut vector = vec![0.0; width];
        vectors.iter().for_each(|row| lanes::add_scaled(&mut vector, 1.0 / vectors.len() as f32, row));
        if self.scale > 0.0 {
            lanes::resize(&mut vector, 1.0);
        }
        if self.rows.len() <= item.index() {
            self.rows.resize(item.index() + 1, NOWHERE);
        }
        // Sums go by the order of the item numbers, so that they do not depend on when an item came.
        let row = self.items.partition_point(|known| *known < item);
        self.items.insert(row, item);
        self.table.splice(row * width..row * width, vector);
        (row as u32..).zip(&self.items[row..]).for_each(|(row, item)| self.rows[item.index()] = row);
        true
    }

    /// Items that can be proposed.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes on the heap, without what the tree takes to keep the attributes in order.
    pub fn heap_bytes(&self) -> usize {
        let numbers = |list: &Vec<f32>| list.capacity() * size_of::<f32>();
        let parts: usize = self.parts.all().into_iter().map(numbers).sum();
        let attributes: usize = self.attributes.values().map(numbers).sum();
        let of_items = self.items.capacity() * size_of::<Item>() + self.rows.capacity() * size_of::<u32>();
        parts + attributes + numbers(&self.table) + of_items
    }

    pub(crate) fn row(&self, item: Item) -> Option<usize> {
        self.rows.get(item.index()).filter(|row| **row != NOWHERE).map(|row| *row as usize)
    }

    /// The probability of every item to be the next one, in the order of the rows.
    fn probabilities(&self, sequence: &[usize]) -> Vec<f32> {
        lanes::wide(
            #[inline(always)]
            || {
                let hidden = self.hidden(sequence);
                let mut scores = vec![0.0; self.items.len()];
                for (score, row) in scores.iter_mut().zip(self.table.chunks_exact(self.shape.width)) {
                    *score = lanes::dot(row, &hidden);
                }
                let (sum, _) = lanes::exponentials(&mut scores);
                for score in &mut scores {
                    *score /= sum;
                }
                scores
            },
        )
    }
}

impl Recommender for NextItem {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        let mut newest: Vec<usize> =
            query.session.iter().rev().filter_map(|item| self.row(*item)).take(self.shape.longest).collect();
        newest.reverse();
        if newest.is_empty() || limit == 0 {
            return Vec::new();
        }
        let mut scores = self.probabilities(&newest);
        for row in self.repeats.excluded(query).filter_map(|item| self.row(item)) {
            scores[row] = 0.0;
        }
        let scored = |(item, score): (&Item, f32)| Scored { item: *item, score, because_of: None };
        best_of(self.items.iter().zip(scores).map(scored).collect(), limit)
    }
}
