//! A vector that is a value: clones share its pages, and a change copies one page and the list of them.
//!
//! Reading is two steps whatever the length, where a tree takes more the longer it is; a search reads thousands of places.

use std::ops::Index;
use std::sync::Arc;

/// Values of a page.
const PAGE: usize = 64;

#[derive(Debug, Clone)]
pub struct Pages<T> {
    pages: Arc<Vec<Arc<Vec<T>>>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Arc::default() }
    }
}

impl<T> Pages<T> {
    pub fn get(&self, place: usize) -> Option<&T> {
        self.pages.get(place / PAGE)?.get(place % PAGE)
    }

    pub fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> + Clone {
        self.pages.iter().flat_map(|page| page.iter())
    }
}

impl<T: Clone> Pages<T> {
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        // What is not there copies nothing.
        self.get(place)?;
        let page = Arc::make_mut(&mut self.pages).get_mut(place / PAGE)?;
        Arc::make_mut(page).get_mut(place % PAGE)
    }

    pub fn push(&mut self, value: T) {
        let pages = Arc::make_mut(&mut self.pages);
        match pages.last_mut() {
            Some(last) if last.len() < PAGE => Arc::make_mut(last).push(value),
            _ => pages.push(Arc::new(vec![value])),
        }
    }

    /// Puts a value at a place; others before it that were never put are `blank`.
    pub fn put(&mut self, place: usize, value: T, blank: impl Fn() -> T) {
        while self.len() <= place {
            self.push(blank());
        }
        if let Some(old) = self.get_mut(place) {
            *old = value;
        }
    }
}

impl<T> Index<usize> for Pages<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        &self.pages[place / PAGE][place % PAGE]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_vector_holds_and_clones_stay_as_they_were(
            changes in prop::collection::vec((0_usize..300, any::<u32>()), 0..200), cut in 0_usize..200,
        ) {
            let (mut pages, mut vector, mut kept) = (Pages::default(), Vec::new(), None);
            for (count, (place, value)) in changes.into_iter().enumerate() {
                if count == cut {
                    kept = Some((pages.clone(), vector.clone()));
                }
                pages.put(place, value, || 7);
                vector.resize(vector.len().max(place + 1), 7);
                vector[place] = value;
            }
            for (pages, vector) in kept.into_iter().chain([(pages, vector)]) {
                prop_assert_eq!(pages.len(), vector.len());
                prop_assert!(pages.iter().eq(&vector));
                prop_assert!(vector.iter().enumerate().all(|(place, value)| pages.get(place) == Some(value)));
                prop_assert_eq!(pages.get(vector.len()), None);
            }
        }
    }
}
