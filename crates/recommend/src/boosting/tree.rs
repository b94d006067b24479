//! One tree: splits and leaves in one list, a parent before its children.

use crate::wire::{Reader, Reason, Writer};

/// Goes left where the value is at most the threshold, or where it is missing and `missing_left` says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) column: u16,
    pub(super) threshold: f32,
    pub(super) missing_left: bool,
    pub(super) gain: f32,
    /// The left child; the right one stands behind it.
    pub(super) left: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    /// The answer of a leaf; of a split the mean over the rows that came by.
    pub(super) value: f32,
    pub(super) split: Option<Split>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Split {
    #[inline]
    fn child(&self, row: &[f32]) -> usize {
        let value = row[self.column as usize];
        let goes_left = if value.is_nan() { self.missing_left } else { value <= self.threshold };
        self.left as usize + usize::from(!goes_left)
    }
}

impl Tree {
    #[inline]
    pub(super) fn answer(&self, row: &[f32]) -> f32 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            node = &self.nodes[split.child(row)];
        }
        node.value
    }

    pub(super) fn add_contributions(&self, row: &[f32], contributions: &mut [f32]) {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let child = &self.nodes[split.child(row)];
            contributions[split.column as usize] += child.value - node.value;
            node = child;
        }
    }

    pub(super) fn add_gains(&self, gains: &mut [f32]) {
        let splits = self.nodes.iter().filter_map(|node| node.split);
        splits.for_each(|split| gains[split.column as usize] += split.gain);
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.nodes.len());
        for node in &self.nodes {
            writer.f32(node.value);
            writer.u32(node.split.map_or(0, |split| split.left));
            if let Some(split) = node.split {
                writer.u16(split.column);
                writer.u16(u16::from(split.missing_left));
                writer.f32(split.threshold);
                writer.f32(split.gain);
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, width: usize) -> Result<Self, Reason> {
        let count = reader.count(8)?;
        if count == 0 {
            return Err("a tree is empty");
        }
        let mut nodes = Vec::with_capacity(count);
        for place in 0..count {
            let (value, left) = (reader.f32()?, reader.u32()?);
            let split = if left == 0 { None } else { Some(Self::read_split(reader, left)?) };
            // Children stand behind their parent, so that every walk ends.
            if split.is_some_and(|split| {
                usize::from(split.column) >= width || left as usize <= place || left as usize >= count - 1
            }) {
                return Err("a tree leads astray");
            }
            nodes.push(Node { value, split });
        }
        Ok(Self { nodes })
    }

    fn read_split(reader: &mut Reader<'_>, left: u32) -> Result<Split, Reason> {
        let (column, missing_left) = (reader.u16()?, reader.u16()? != 0);
        Ok(Split { column, missing_left, threshold: reader.f32()?, gain: reader.f32()?, left })
    }
}
