//! A dense vector for each item, or none.

use std::collections::BTreeMap;

use crate::Item;
use crate::dense::dot;

/// Vectors by item number; zeros where there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemVectors {
    dimensions: usize,
    values: Vec<f32>,
}

impl ItemVectors {
    pub const fn new(dimensions: usize) -> Self {
        Self { dimensions, values: Vec::new() }
    }

    /// Reads a JSON object that gives names vectors of one length: `{"mug-1": [0.1, -0.3], …}`. Names that `resolve` does not
    /// know are left out.
    pub fn read(text: &str, resolve: impl Fn(&str) -> Option<Item>) -> Result<Self, String> {
        let by_name: BTreeMap<String, Vec<f32>> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut vectors = Self::new(by_name.values().next().map_or(0, Vec::len));
        for (name, vector) in &by_name {
            if vector.len() != vectors.dimensions || !vector.iter().all(|value| value.is_finite()) {
                return Err(format!("`{name}` has no {} finite numbers", vectors.dimensions));
            }
            if let Some(item) = resolve(name) {
                vectors.set(item, vector);
            }
        }
        Ok(vectors)
    }

    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// One past the largest item number.
    pub fn size(&self) -> usize {
        self.values.len() / self.dimensions.max(1)
    }

    /// Gives an item a vector, which has as many numbers as all others.
    pub fn set(&mut self, item: Item, vector: &[f32]) {
        let start = item.index() * self.dimensions;
        self.values.resize(self.values.len().max(start + self.dimensions), 0.0);
        self.values[start..start + self.dimensions].copy_from_slice(&vector[..self.dimensions]);
    }

    /// The vector of an item that has one.
    pub fn of(&self, item: Item) -> Option<&[f32]> {
        let start = item.index().checked_mul(self.dimensions)?;
        self.values.get(start..start + self.dimensions).filter(|vector| vector.iter().any(|value| *value != 0.0))
    }

    /// Each vector with the other's behind it, both first brought to a length: of 1 here and of `weight` there.
    #[must_use]
    pub fn beside(&self, other: &Self, weight: f32) -> Self {
        let mut both = Self::new(self.dimensions + other.dimensions);
        for item in (0..self.size().max(other.size()) as u32).map(Item) {
            let mut vector = vec![0.0; both.dimensions];
            let (ours, theirs) = vector.split_at_mut(self.dimensions);
            for (into, from, length) in [(ours, self.of(item), 1.0), (theirs, other.of(item), weight)] {
                if let Some(from) = from {
                    let factor = length / dot(from, from).sqrt();
                    into.iter_mut().zip(from).for_each(|(into, from)| *into = factor * from);
                }
            }
            both.set(item, &vector);
        }
        both
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(name: &str) -> Option<Item> {
        name.parse().ok().map(Item)
    }

    #[test]
    fn reads_vectors_of_one_length() {
        let vectors = ItemVectors::read(r#"{"2": [3, 4], "x": [1, 1], "0": [1, 0]}"#, resolve).unwrap();
        assert_eq!(
            (vectors.of(Item(2)), vectors.of(Item(1)), vectors.of(Item(9))),
            (Some(&[3.0, 4.0][..]), None, None)
        );
        for wrong in [r#"{"0": [1], "1": [1, 2]}"#, "[1]", r#"{"0": ["a"]}"#] {
            assert!(ItemVectors::read(wrong, resolve).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stands_beside_another_by_weight() {
        let words = ItemVectors::read(r#"{"0": [3, 4]}"#, resolve).unwrap();
        let pictures = ItemVectors::read(r#"{"0": [2], "1": [5]}"#, resolve).unwrap();
        let both = words.beside(&pictures, 0.5);
        assert_eq!(
            (both.of(Item(0)).unwrap(), both.of(Item(1)).unwrap()),
            (&[0.6, 0.8, 0.5][..], &[0.0, 0.0, 0.5][..])
        );
    }
}
