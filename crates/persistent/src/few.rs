//! A list that mostly has one element.

use std::ops::Deref;
use std::sync::Arc;

/// A list of which one element takes no room of its own: most words of a catalog stand in one product alone. Clones share the
/// longer ones until they change.
///
/// ```
/// use mercer_persistent::Few;
///
/// let mut few = Few::default();
/// few.insert(0, 'b');
/// let before = few.clone();
/// few.insert(0, 'a');
/// assert_eq!((&*few, &*before), (&['a', 'b'][..], &['b'][..]));
/// ```
#[derive(Debug, Clone, Default)]
pub enum Few<T> {
    #[default]
    None,
    One(T),
    /// Two or more.
    Several(Arc<Vec<T>>),
}

impl<T: Copy> Few<T> {
    /// Puts an element before the one at this place.
    pub fn insert(&mut self, place: usize, value: T) {
        match self {
            Self::None => *self = Self::One(value),
            Self::One(one) => {
                let both = if place == 0 { vec![value, *one] } else { vec![*one, value] };
                *self = Self::Several(Arc::new(both));
            }
            Self::Several(values) => {
                let values = Arc::make_mut(values);
                if values.len() == values.capacity() {
                    // Not twice as much: together these lists are much of a catalog's room.
                    values.reserve_exact(values.len() / 8 + 1);
                }
                values.insert(place.min(values.len()), value);
            }
        }
    }

    /// Takes the element at this place out, if there is one.
    pub fn remove(&mut self, place: usize) {
        match self {
            _ if place >= self.len() => {}
            Self::None | Self::One(_) => *self = Self::None,
            Self::Several(values) => {
                let values = Arc::make_mut(values);
                values.remove(place);
                if let [one] = values[..] {
                    *self = Self::One(one);
                }
            }
        }
    }
}

/// Of elements in order of a key that each has for itself.
impl<T: Copy> Few<T> {
    /// Puts an element where its key belongs.
    pub fn insert_by_key<K: Ord>(&mut self, value: T, key: impl Fn(&T) -> K) {
        let of_it = key(&value);
        self.insert(self.partition_point(|other| key(other) < of_it), value);
    }

    /// Takes out the element with a key, if there is one.
    pub fn remove_by_key<K: Ord>(&mut self, wanted: &K, key: impl Fn(&T) -> K) {
        if let Ok(place) = self.binary_search_by_key(wanted, key) {
            self.remove(place);
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(values) => values,
        }
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_come_and_go_by_their_keys() {
        let mut few = Few::default();
        for pair in [(3, 'c'), (1, 'a'), (2, 'b')] {
            few.insert_by_key(pair, |pair| pair.0);
        }
        assert_eq!(&*few, &[(1, 'a'), (2, 'b'), (3, 'c')]);
        few.remove_by_key(&2, |pair| pair.0);
        few.remove_by_key(&9, |pair| pair.0);
        assert_eq!(&*few, &[(1, 'a'), (3, 'c')]);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_vector_holds_and_clones_stay_as_they_were(
            steps in prop::collection::vec((0_usize..6, prop::option::of(any::<u32>())), 0..40), cut in 0_usize..40,
        ) {
            let (mut few, mut vector) = (Few::default(), Vec::new());
            let mut copies = None;
            for (number, (place, value)) in steps.into_iter().enumerate() {
                if number == cut {
                    copies = Some((few.clone(), vector.clone()));
                }
                match value {
                    Some(value) => {
                        few.insert(place.min(vector.len()), value);
                        vector.insert(place.min(vector.len()), value);
                    }
                    None => {
                        few.remove(place);
                        if place < vector.len() {
                            vector.remove(place);
                        }
                    }
                }
                prop_assert_eq!(&*few, &vector[..]);
                prop_assert_eq!(matches!(few, Few::Several(_)), vector.len() > 1);
            }
            if let Some((few, vector)) = copies {
                prop_assert_eq!(&*few, &vector[..]);
            }
        }
    }
}
