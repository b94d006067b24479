//! A persistent table over dense numbers: a clone shares everything and never changes.
//!
//! Three levels of shared pages, so that a read follows three pointers without hashing, and a write after a clone
//! copies one page a level. Numbers that are far apart cost 8 bytes for each 4,096 in between.

use std::sync::Arc;

/// Places of a page.
const PAGE: usize = 64;
/// Places below an entry of the root.
const SPAN: usize = PAGE * PAGE;

type Page<T> = [Option<Arc<T>>; PAGE];
type Middle<T> = Option<Arc<Page<Page<T>>>>;

#[derive(Debug)]
pub(super) struct Table<T> {
    root: Arc<Vec<Middle<T>>>,
}

// Written out, since a derived Clone would want T: Clone.
impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { root: Arc::clone(&self.root) }
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { root: Arc::default() }
    }
}

impl<T> Table<T> {
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let middle = self.root.get(index / SPAN)?.as_ref()?;
        let page = middle[index / PAGE % PAGE].as_ref()?;
        page[index % PAGE].as_deref()
    }

    /// The entries with their numbers, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.root.iter().enumerate().flat_map(|(high, middle)| {
            let pages = middle.iter().flat_map(|middle| middle.iter().enumerate());
            pages.flat_map(move |(middle, page)| {
                let entries = page.iter().flat_map(|page| page.iter().enumerate());
                entries.filter_map(move |(low, entry)| Some((high * SPAN + middle * PAGE + low, entry.as_deref()?)))
            })
        })
    }

    /// One past the largest number that has an entry.
    pub(super) fn end(&self) -> usize {
        self.iter().last().map_or(0, |(index, _)| index + 1)
    }
}

impl<T: Clone> Table<T> {
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.get(index)?;
        let middle = Arc::make_mut(Arc::make_mut(&mut self.root).get_mut(index / SPAN)?.as_mut()?);
        let page = Arc::make_mut(middle[index / PAGE % PAGE].as_mut()?);
        page[index % PAGE].as_mut().map(Arc::make_mut)
    }

    /// The entry, made when there is none.
    pub(super) fn entry(&mut self, index: usize) -> &mut T
    where
        T: Default,
    {
        Arc::make_mut(self.slot(index).get_or_insert_default())
    }

    pub(super) fn remove(&mut self, index: usize) {
        if self.get(index).is_some() {
            *self.slot(index) = None;
        }
    }

    fn slot(&mut self, index: usize) -> &mut Option<Arc<T>> {
        let root = Arc::make_mut(&mut self.root);
        if root.len() <= index / SPAN {
            root.resize(index / SPAN + 1, None);
        }
        let middle = Arc::make_mut(root[index / SPAN].get_or_insert_with(empty_page));
        let page = Arc::make_mut(middle[index / PAGE % PAGE].get_or_insert_with(empty_page));
        &mut page[index % PAGE]
    }
}

fn empty_page<T>() -> Arc<Page<T>> {
    Arc::new(std::array::from_fn(|_| None))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_map_and_clones_never_change(
            steps in proptest::collection::vec((prop_oneof![0_usize..200, 4_000_usize..4_200, 90_000_usize..90_010], 0_u32..4), 0..200),
        ) {
            let (mut table, mut map) = (Table::<u32>::default(), BTreeMap::new());
            let mut kept = Vec::new();
            for (index, value) in steps {
                if value == 0 {
                    table.remove(index);
                    map.remove(&index);
                } else {
                    *table.entry(index) += value;
                    *map.entry(index).or_insert(0) += value;
                }
                if let (Some(ours), Some(theirs)) = (table.get_mut(index), map.get_mut(&index)) {
                    *ours ^= 8;
                    *theirs ^= 8;
                }
                if value == 3 {
                    kept.push((table.clone(), map.clone()));
                }
            }
            kept.push((table, map));
            for (table, map) in kept {
                prop_assert_eq!(table.end(), map.keys().last().map_or(0, |last| last + 1));
                prop_assert!(table.iter().eq(map.iter().map(|(index, value)| (*index, value))));
                prop_assert!((0..300).all(|index| table.get(index) == map.get(&index)));
            }
        }
    }
}
