//! What the address of a page with results asks for: the same parameters that the SDK's `<mercer-search-results>` reads
//! and writes.
//!
//! Invariant: an address can be made by anybody, so what the server would refuse is left out.

use mercer_schema::{Refinement, SearchSort};

use super::view::{PATH, encoded};

/// Products a page.
pub(super) const PAGE: usize = 24;
const REFINE: &str = "refine.";
const LONGEST_QUERY: usize = 120;
const LONGEST_TEXT: usize = 1_000;
const LONGEST_FIELD: usize = 200;
const MOST_LISTED: usize = 16;
const MOST_CHOSEN: usize = 50;
const MOST_PAGES: usize = 50;

/// The orders, as the address and as people call them.
pub(super) const SORTS: [(SearchSort, &str, &str); 5] = [
    (SearchSort::Relevance, "relevance", "Best match"),
    (SearchSort::Popular, "popular", "Most popular"),
    (SearchSort::Newest, "newest", "Newest"),
    (SearchSort::PriceUp, "price_up", "Price, low to high"),
    (SearchSort::PriceDown, "price_down", "Price, high to low"),
];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) q: String,
    pub(super) category: String,
    pub(super) refine: Vec<Refinement>,
    pub(super) ignore: Vec<String>,
    pub(super) sort: SearchSort,
    /// How many pages are shown, one below the other.
    pub(super) page: usize,
}

impl Asked {
    pub(super) fn read(pairs: &[(String, String)]) -> Self {
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
        let mut asked = Self {
            q: first("q").chars().take(LONGEST_QUERY).collect(),
            category: first("category").chars().take(LONGEST_TEXT).collect(),
            sort: SORTS.iter().find(|(_, name, _)| *name == first("sort")).map(|(sort, ..)| *sort).unwrap_or_default(),
            page: first("page").parse().unwrap_or(1).clamp(1, MOST_PAGES),
            ..Self::default()
        };
        for (key, value) in pairs {
            let is_sound = !value.is_empty() && value.chars().count() <= LONGEST_TEXT;
            match key.strip_prefix(REFINE) {
                Some(field) if is_sound && (1..=LONGEST_FIELD).contains(&field.chars().count()) => {
                    asked.choose(field, value);
                }
                None if key == "ignore" && is_sound && !asked.ignore.contains(value) => {
                    asked.ignore.push(value.clone());
                }
                _ => {}
            }
        }
        asked.ignore.truncate(MOST_LISTED);
        asked
    }

    fn choose(&mut self, field: &str, value: &str) {
        let place = self.refine.iter().position(|one| one.field == field).or_else(|| {
            (self.refine.len() < MOST_LISTED).then(|| {
                self.refine.push(Refinement { field: field.to_owned(), values: Vec::new() });
                self.refine.len() - 1
            })
        });
        let Some(chosen) = place.map(|place| &mut self.refine[place].values) else { return };
        if chosen.len() < MOST_CHOSEN && !chosen.iter().any(|one| one == value) {
            chosen.push(value.to_owned());
        }
    }

    /// Without one of the chosen values.
    pub(super) fn without(&self, field: &str, value: &str) -> Self {
        let mut other = Self { page: 1, ..self.clone() };
        for one in other.refine.iter_mut().filter(|one| one.field == field) {
            one.values.retain(|chosen| chosen != value);
        }
        other.refine.retain(|one| !one.values.is_empty());
        other
    }

    /// With these chips taken away too.
    pub(super) fn ignoring<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut other = Self { page: 1, ..self.clone() };
        other.ignore.extend(ids.into_iter().map(str::to_owned));
        other
    }

    /// Nothing was typed or chosen.
    pub(super) fn is_empty(&self) -> bool {
        self.q.is_empty() && self.category.is_empty() && self.refine.is_empty()
    }

    /// Nothing but words: a search that somebody has just typed.
    pub(super) fn is_fresh(&self) -> bool {
        *self == Self { q: self.q.clone(), page: 1, ..Self::default() }
    }

    /// Names and values, in the order of an address.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut put = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        if !self.q.is_empty() {
            put("q", &self.q);
        }
        if !self.category.is_empty() {
            put("category", &self.category);
        }
        for Refinement { field, values } in &self.refine {
            values.iter().for_each(|value| put(&format!("{REFINE}{field}"), value));
        }
        self.ignore.iter().for_each(|id| put("ignore", id));
        if self.sort != SearchSort::default() {
            put("sort", self.sort_name());
        }
        if self.page > 1 {
            put("page", &self.page.to_string());
        }
        pairs
    }

    pub(super) fn sort_name(&self) -> &'static str {
        SORTS.iter().find(|(sort, ..)| *sort == self.sort).map_or("", |(_, name, _)| name)
    }

    /// The address that asks for this, on a page of the shop.
    pub(super) fn url(&self, path: &str) -> String {
        let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name, PATH), encoded(value, PATH));
        let pairs: Vec<String> = self.pairs().iter().map(pair).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_address_is_read_and_written() {
        let asked = Asked::read(&pairs(&[
            ("q", " red mug "),
            ("refine.colour", "Red"),
            ("utm", "x"),
            ("refine.colour", "Blue"),
            ("ignore", "price:under 5"),
            ("sort", "price_up"),
            ("page", "3"),
        ]));
        assert_eq!(
            asked.url("/search"),
            "/search?q=red%20mug&refine.colour=Red&refine.colour=Blue&ignore=price%3Aunder%205&sort=price_up&page=3"
        );
        assert_eq!(asked.without("colour", "Red").without("colour", "Blue").refine, []);
        assert!(!asked.is_fresh() && Asked::read(&pairs(&[("q", "mug")])).is_fresh());
        assert!(Asked::read(&pairs(&[("sort", "nonsense"), ("page", "-1"), ("refine.", "x")])).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in proptest::collection::vec(("(q|category|refine\\.[a-c]|ignore|sort|page)", "\\PC{0,12}"), 0..12)) {
            let asked = Asked::read(&all);
            prop_assert_eq!(Asked::read(&asked.pairs()), asked);
        }
    }
}
