//! What a feed says of a product beside what every product has.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name, in the order of the names.
///
/// All of a product's lie in one text: a catalog holds millions of them, reads them often and changes them hardly ever, and each
/// as two strings in a tree takes four times the room.
///
/// ```
/// use mercer_schema::Attributes;
///
/// let mut attributes = Attributes::from([("size", "M"), ("colour", "teal")]);
/// assert_eq!(attributes.get("colour"), Some("teal"));
/// attributes.insert("colour", "navy");
/// assert_eq!(attributes.iter().collect::<Vec<_>>(), [("colour", "navy"), ("size", "M")]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Each name and its value, one after the other.
    text: Box<str>,
    /// Where they end in the text.
    ends: Box<[u32]>,
}

impl Attributes {
    pub fn get(&self, name: &str) -> Option<&str> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.part(2 * middle).cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(self.part(2 * middle + 1)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub const fn len(&self) -> usize {
        self.ends.len() / 2
    }

    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        (0..self.len()).map(|place| (self.part(2 * place), self.part(2 * place + 1)))
    }

    /// Sets one, which copies all.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let mut all: BTreeMap<&str, &str> = self.iter().collect();
        all.insert(name.as_ref(), value.as_ref());
        *self = Self::of(&all);
    }

    fn part(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[place] as usize]
    }

    fn of<K: AsRef<str>, V: AsRef<str>>(all: &BTreeMap<K, V>) -> Self {
        let length = all.iter().map(|(name, value)| name.as_ref().len() + value.as_ref().len()).sum();
        let mut text = String::with_capacity(length);
        let mut ends = Vec::with_capacity(2 * all.len());
        for (name, value) in all {
            for part in [name.as_ref(), value.as_ref()] {
                text.push_str(part);
                ends.push(text.len() as u32);
            }
        }
        Self { text: text.into_boxed_str(), ends: ends.into_boxed_slice() }
    }
}

/// Of equal names the last one counts.
impl<K: AsRef<str> + Ord, V: AsRef<str>> FromIterator<(K, V)> for Attributes {
    fn from_iter<All: IntoIterator<Item = (K, V)>>(all: All) -> Self {
        Self::of(&all.into_iter().collect::<BTreeMap<K, V>>())
    }
}

impl<K: AsRef<str> + Ord, V: AsRef<str>, const COUNT: usize> From<[(K, V); COUNT]> for Attributes {
    fn from(all: [(K, V); COUNT]) -> Self {
        all.into_iter().collect()
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, String>::deserialize(deserializer).map(|all| Self::of(&all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            all in prop::collection::vec(("[a-cäß ]{0,3}", ".{0,5}"), 0..12), name in "[a-cäß ]{0,3}",
        ) {
            let map: BTreeMap<String, String> = all.iter().cloned().collect();
            let mut one_by_one = Attributes::default();
            all.iter().for_each(|(name, value)| one_by_one.insert(name, value));
            let attributes: Attributes = all.into_iter().collect();
            prop_assert_eq!(&attributes, &one_by_one);
            prop_assert!(attributes.iter().eq(map.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
            prop_assert_eq!((attributes.len(), attributes.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(attributes.get(&name), map.get(&name).map(String::as_str));
            let written = serde_json::to_string(&attributes).unwrap();
            prop_assert_eq!(&written, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(&serde_json::from_str::<Attributes>(&written).unwrap(), &attributes);
        }
    }

    #[test]
    fn only_texts_are_attributes() {
        assert!(serde_json::from_str::<Attributes>(r#"{"size": 7}"#).is_err());
        assert!(serde_json::from_str::<Attributes>(r#"["size"]"#).is_err());
    }
}
