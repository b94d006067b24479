//! A dense vector for each item, or none: by the items' lasting names, as files have them, or by their numbers.

use std::collections::BTreeMap;

use crate::Item;
use crate::dense::dot;
use crate::memory::room_of;
use crate::wire::{Reader, Reason, Writer};

/// Vectors by the lasting names of items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedVectors {
    dimensions: usize,
    by_name: BTreeMap<String, Vec<f32>>,
}

impl NamedVectors {
    /// Reads a JSON object that gives names vectors of one length: `{"mug-1": [0.1, -0.3], …}`.
    pub fn read(text: &str) -> Result<Self, String> {
        let by_name: BTreeMap<String, Vec<f32>> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let dimensions = by_name.values().next().map_or(0, Vec::len);
        for (name, vector) in &by_name {
            if vector.len() != dimensions || !vector.iter().all(|value| value.is_finite()) {
                return Err(format!("`{name}` has no {dimensions} finite numbers"));
            }
        }
        Ok(Self { dimensions, by_name })
    }

    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The vector of a name that has one.
    pub fn of(&self, name: &str) -> Option<&[f32]> {
        self.by_name.get(name).map(Vec::as_slice).filter(|vector| vector.iter().any(|value| *value != 0.0))
    }

    /// In the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.by_name.iter().map(|(name, vector)| (name.as_str(), vector.as_slice()))
    }

    /// Those whose names are such.
    #[must_use]
    pub fn only(&self, is_such: impl Fn(&str) -> bool) -> Self {
        let such = self.by_name.iter().filter(|(name, _)| is_such(name));
        let by_name = such.map(|(name, vector)| (name.clone(), vector.clone())).collect();
        Self { dimensions: self.dimensions, by_name }
    }

    /// By the numbers of the items. Names that `resolve` does not know are left out.
    pub fn of_items(&self, resolve: impl Fn(&str) -> Option<Item>) -> ItemVectors {
        let mut vectors = ItemVectors::new(self.dimensions);
        for (name, vector) in &self.by_name {
            if let Some(item) = resolve(name) {
                vectors.set(item, vector);
            }
        }
        vectors
    }

    /// Bytes on the heap, without what the tree itself takes to keep its names in order.
    pub(crate) fn heap_bytes(&self) -> usize {
        let entry = |(name, vector): (&String, &Vec<f32>)| {
            size_of::<String>() + name.capacity() + size_of::<Vec<f32>>() + room_of(vector)
        };
        self.by_name.iter().map(entry).sum()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.count(self.dimensions);
        writer.count(self.by_name.len());
        for (name, vector) in &self.by_name {
            writer.text(name);
            vector.iter().for_each(|value| writer.f32(*value));
        }
    }

    pub(crate) fn read_written(reader: &mut Reader<'_>) -> Result<Self, Reason> {
        let dimensions = reader.count(0)?;
        let mut by_name = BTreeMap::new();
        for _ in 0..reader.count(4)? {
            let (name, vector) = (reader.text()?.to_owned(), reader.f32s(dimensions)?);
            if by_name.insert(name, vector).is_some() {
                return Err("a name is there twice");
            }
        }
        Ok(Self { dimensions, by_name })
    }
}

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
        let nothing = (vec![0.0; self.dimensions], vec![0.0; other.dimensions]);
        for item in (0..self.size().max(other.size()) as u32).map(Item) {
            let (ours, theirs) = (self.of(item).unwrap_or(&nothing.0), other.of(item).unwrap_or(&nothing.1));
            both.set(item, &joined((ours, 1.0), (theirs, weight)));
        }
        both
    }
}

/// One vector behind the other, each brought to its length; zeros stay.
pub(crate) fn joined(ours: (&[f32], f32), theirs: (&[f32], f32)) -> Vec<f32> {
    let mut both = Vec::with_capacity(ours.0.len() + theirs.0.len());
    for (from, length) in [ours, theirs] {
        let own = dot(from, from).sqrt();
        let factor = if own > 0.0 { length / own } else { 0.0 };
        both.extend(from.iter().map(|value| factor * value));
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ItemVectors, String> {
        let resolve = |name: &str| name.parse().ok().map(Item);
        Ok(NamedVectors::read(text)?.of_items(resolve))
    }

    #[test]
    fn reads_vectors_of_one_length() {
        let vectors = read(r#"{"2": [3, 4], "x": [1, 1], "0": [1, 0]}"#).unwrap();
        assert_eq!(
            (vectors.of(Item(2)), vectors.of(Item(1)), vectors.of(Item(9))),
            (Some(&[3.0, 4.0][..]), None, None)
        );
        for wrong in [r#"{"0": [1], "1": [1, 2]}"#, "[1]", r#"{"0": ["a"]}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stands_beside_another_by_weight() {
        let words = read(r#"{"0": [3, 4]}"#).unwrap();
        let pictures = read(r#"{"0": [2], "1": [5]}"#).unwrap();
        let both = words.beside(&pictures, 0.5);
        assert_eq!(
            (both.of(Item(0)).unwrap(), both.of(Item(1)).unwrap()),
            (&[0.6, 0.8, 0.5][..], &[0.0, 0.0, 0.5][..])
        );
    }

    #[test]
    fn named_vectors_are_written_and_read_and_a_part_is_taken() {
        let vectors = NamedVectors::read(r#"{"mug": [3, 4], "pot": [1, 0], "new": [0, 0]}"#).unwrap();
        assert_eq!((vectors.of("mug"), vectors.of("new"), vectors.of("cup")), (Some(&[3.0, 4.0][..]), None, None));
        let mut writer = Writer::default();
        vectors.only(|name| name != "mug").write(&mut writer);
        let read = NamedVectors::read_written(&mut Reader::new(&writer.bytes)).unwrap();
        assert_eq!(read.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["new", "pot"]);
        for cut in 0..writer.bytes.len() {
            assert!(NamedVectors::read_written(&mut Reader::new(&writer.bytes[..cut])).is_err(), "{cut}");
        }
    }
}
