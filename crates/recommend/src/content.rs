//! Alike in what the shop says about them: title, brand, category, attributes, description.
//!
//! Products are vectors of words and features. The weighting is `lnc.ltc` in SMART notation (Salton, Buckley:
//! "Term-weighting approaches in automatic text retrieval", 1988; Manning, Raghavan, Schütze, "Introduction to
//! Information Retrieval", section 6.4): logarithmic counts and length one for what is found, times the inverse
//! document frequency for what is asked. So a stored vector never changes when other products come and go, while
//! document frequencies are always those of the present catalog: the index depends on the products in it and on
//! nothing else, not on the order in which they came.
//!
//! A call reads at most `SCANNED` posting entries, those of the rarest words first; words that half the catalog
//! shares are never reached in a large one. Variants of a seed (same `group_id`) are the same thing and are left out.

mod document;

use std::sync::Arc;

use imbl::OrdMap;
use mercer_persistent::Few;
use mercer_schema::Product;

use crate::ranking::Sums;
use crate::{Item, Query, Recommender, Scored};

pub(crate) use document::{Document, Term, hash, terms_of_words};

/// Posting entries read per call, all seeds together.
const SCANNED: usize = 20_000;
/// Seeds looked at; a cart may hold more.
const MOST_SEEDS: usize = 10;

/// The live index. Cloning is cheap, and a clone never changes.
#[derive(Debug, Clone, Default)]
pub struct ContentIndex {
    documents: OrdMap<u32, Arc<Known>>,
    /// For each term, the products that have it in order of their items, with its share of their vectors. A tree takes a fifth of
    /// the room of a hash trie, whose nodes are nearly empty.
    postings: OrdMap<u32, Few<Part>>,
    groups: OrdMap<u64, Arc<Vec<u32>>>,
    /// One past the largest item number.
    items: usize,
}

/// A term of a product or a product of a term, and what share of the product's vector the term has. In six bytes, since there
/// are millions of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    of: [u16; 2],
    /// In parts of `u16::MAX`.
    share: u16,
}

impl Part {
    const fn new(of: u32, share: u16) -> Self {
        Self { of: [(of >> 16) as u16, of as u16], share }
    }

    fn of(self) -> u32 {
        u32::from(self.of[0]) << 16 | u32::from(self.of[1])
    }

    fn share(self) -> f32 {
        f32::from(self.share) / f32::from(u16::MAX)
    }
}

/// A product's terms by half of their bits, which are the same for a handful of terms in a million, in their order.
#[derive(Debug, PartialEq)]
struct Known {
    terms: Box<[Part]>,
    group: Option<u64>,
}

impl Known {
    fn of(product: &Product) -> Self {
        let Document { terms, group } = Document::of(product);
        let mut terms: Vec<(u32, f32)> = terms.into_iter().map(|(term, share)| (term as u32, share)).collect();
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        terms.dedup_by_key(|(term, _)| *term);
        let rounded = |share: f32| (share * f32::from(u16::MAX)).round() as u16;
        Self { terms: terms.into_iter().map(|(term, share)| Part::new(term, rounded(share))).collect(), group }
    }
}

impl ContentIndex {
    /// Puts a product in, or in the place of what the item was before.
    pub fn upsert(&mut self, item: Item, product: &Product) {
        let document = Known::of(product);
        if self.documents.get(&item.0).is_some_and(|known| **known == document) {
            return;
        }
        self.remove(item);
        self.items = self.items.max(item.index() + 1);
        for part in &document.terms {
            let posting = self.postings.entry(part.of()).or_default();
            posting.insert_by_key(Part::new(item.0, part.share), |part| part.of());
        }
        if let Some(group) = document.group {
            let members = Arc::make_mut(self.groups.entry(group).or_default());
            members.insert(members.partition_point(|member| *member < item.0), item.0);
        }
        self.documents.insert(item.0, Arc::new(document));
    }

    /// Takes a product out; one that is not there is no matter.
    pub fn remove(&mut self, item: Item) {
        let Some(document) = self.documents.remove(&item.0) else { return };
        for term in document.terms.iter().map(|part| part.of()) {
            let Some(posting) = self.postings.get_mut(&term) else { continue };
            posting.remove_by_key(&item.0, |part| part.of());
            if posting.is_empty() {
                self.postings.remove(&term);
            }
        }
        if let Some(group) = document.group
            && let Some(members) = self.groups.get_mut(&group).map(Arc::make_mut)
        {
            members.retain(|member| *member != item.0);
            if members.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Products in the index.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The cosine of two products' words, between 0 and 1; 0 when one is not known.
    pub fn likeness(&self, one: Item, other: Item) -> f32 {
        let (Some(one), Some(other)) = (self.documents.get(&one.0), self.documents.get(&other.0)) else { return 0.0 };
        let (mut sum, mut rest) = (0.0, &*other.terms);
        for part in &one.terms {
            let place = rest.partition_point(|other| other.of() < part.of());
            rest = &rest[place..];
            if let Some(other) = rest.first()
                && other.of == part.of
            {
                sum += part.share() * other.share();
            }
        }
        sum
    }

    /// Products like these, best first: the sum of their cosines, divided by the number of seeds.
    pub fn similar(&self, seeds: &[Item], limit: usize) -> Vec<Scored> {
        let known: Vec<(Item, &Known)> =
            seeds.iter().filter_map(|seed| Some((*seed, &**self.documents.get(&seed.0)?))).take(MOST_SEEDS).collect();
        if known.is_empty() || limit == 0 {
            return Vec::new();
        }
        let budget = SCANNED / known.len();
        let plans: Vec<_> = known.iter().map(|(seed, document)| (*seed, self.plan(document, budget))).collect();
        let additions = plans.iter().flat_map(|(_, plan)| plan).map(|step| step.products.len()).sum();
        let mut sums = Sums::new(self.items, additions);
        for (seed, plan) in &plans {
            for step in plan {
                for part in step.products {
                    sums.add(Item(part.of()), part.share() * step.weight, Some(*seed));
                }
            }
        }
        let siblings = known.iter().filter_map(|(_, document)| self.groups.get(&document.group?));
        let siblings = siblings.flat_map(|members| members.iter().map(|member| Item(*member)));
        let share = 1.0 / known.len() as f32;
        sums.best(limit, seeds.iter().copied().chain(siblings), |_| share)
    }

    /// Which postings to read for a product, rarest word first, and what an entry's share is worth there.
    fn plan(&self, document: &Known, budget: usize) -> Vec<Step<'_>> {
        let products = self.documents.len() as f32;
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(document.terms.len());
        for part in &document.terms {
            let Some(posting) = self.postings.get(&part.of()) else { continue };
            let rarity = (products / posting.len() as f32).ln_1p();
            steps.push(Step { weight: part.share() * rarity, products: posting });
        }
        let length = steps.iter().map(|step| step.weight * step.weight).sum::<f32>().sqrt();
        steps.iter_mut().for_each(|step| step.weight /= length);
        // Stable, so that words that are equally rare stay in the order of their terms.
        steps.sort_by_key(|step| step.products.len());
        let mut left = budget;
        for step in &mut steps {
            step.products = if step.products.len() <= left || left == budget {
                &step.products[..step.products.len().min(left)]
            } else {
                &[]
            };
            left -= step.products.len();
        }
        steps
    }
}

struct Step<'a> {
    weight: f32,
    products: &'a [Part],
}

/// Like the seeds.
impl Recommender for ContentIndex {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        self.similar(query.seeds, limit)
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;
    use proptest::prelude::*;

    use super::*;

    /// The share of each of a title's two words, as it is kept: 1/sqrt(2) in parts of 65,535.
    const OF_TWO: f32 = 46_340.0 / 65_535.0;

    fn product(title: &str) -> Product {
        Product::new(ProductId::trusted("p"), title)
    }

    fn index_of(titles: &[&str]) -> ContentIndex {
        let mut index = ContentIndex::default();
        for (item, title) in titles.iter().enumerate() {
            index.upsert(Item(item as u32), &product(title));
        }
        index
    }

    fn similar(index: &ContentIndex, seed: u32) -> Vec<u32> {
        index.similar(&[Item(seed)], 10).iter().map(|scored| scored.item.0).collect()
    }

    #[test]
    fn rare_words_count_more_than_common_ones() {
        let mut titles = vec!["red lantern", "blue lantern", "red mug", "red plate", "red bowl", "red tray"];
        titles.extend(["red jug", "red box", "green hat"]);
        assert_eq!(similar(&index_of(&titles), 0)[0], 1);
        assert!(similar(&index_of(&titles), 8).is_empty());
    }

    #[test]
    fn follows_the_formula() {
        // Both titles have two words of share 1/sqrt(2). Of the question, `red` has rarity ln(1 + 2/2), `mug` ln(1 + 2/1).
        let (common, rare) = (1.0_f32.ln_1p(), 2.0_f32.ln_1p());
        let expected = common / common.hypot(rare) * OF_TWO;
        let found = index_of(&["red mug", "red hat"]).similar(&[Item(0)], 5);
        assert_eq!((found[0].item, found[0].because_of), (Item(1), Some(Item(0))));
        assert!((found[0].score - expected).abs() < 1e-6, "{found:?} is not {expected}");
    }

    #[test]
    fn brand_category_and_attributes_count() {
        let mut index = index_of(&["alpha", "beta", "gamma", "delta", "epsilon"]);
        let mut seed = product("alpha");
        seed.brand = Some("Acme".into());
        seed.category = vec!["Kitchen".into(), "Mugs".into()];
        seed.attributes.insert("colour", "Teal");
        index.upsert(Item(0), &seed);
        let mut same_brand = product("beta");
        same_brand.brand = Some("ACME ".into());
        index.upsert(Item(1), &same_brand);
        let mut same_category = product("gamma");
        same_category.category = vec!["Kitchen".into(), "Mugs".into()];
        index.upsert(Item(2), &same_category);
        index.upsert(Item(3), &product("teal delta"));
        let mut found = similar(&index, 0);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3]);
    }

    #[test]
    fn variants_of_a_seed_are_left_out() {
        let mut index = ContentIndex::default();
        for item in 0..4 {
            let mut variant = product("wool jumper");
            variant.group_id = (item < 3).then(|| "jumper".to_owned());
            index.upsert(Item(item), &variant);
        }
        assert_eq!(similar(&index, 0), [3]);
        index.upsert(Item(1), &product("wool jumper"));
        assert_eq!(similar(&index, 0), [1, 3]);
    }

    #[test]
    fn likeness_is_the_cosine_of_the_words() {
        let index = index_of(&["red mug", "red hat", "blue tray"]);
        let likeness = |one, other| index.likeness(Item(one), Item(other));
        let half = OF_TWO * OF_TWO;
        assert!((likeness(0, 1) - half).abs() < 1e-6 && (likeness(1, 1) - 2.0 * half).abs() < 1e-6);
        assert_eq!((likeness(0, 2), likeness(0, 9)), (0.0, 0.0));
    }

    #[test]
    fn a_clone_does_not_change() {
        let mut index = index_of(&["red mug", "red hat", "blue mug"]);
        let (clone, before) = (index.clone(), index.similar(&[Item(0)], 5));
        index.remove(Item(1));
        index.upsert(Item(2), &product("green tray"));
        assert_eq!(clone.similar(&[Item(0)], 5), before);
        assert!(similar(&index, 0).is_empty());
    }

    #[test]
    fn a_word_on_every_product_does_not_make_a_call_slow() {
        let mut index = ContentIndex::default();
        for item in 0..30_000 {
            index.upsert(Item(item), &product(if item < 3 { "gift candle" } else { "gift" }));
        }
        assert_eq!(similar(&index, 0), [1, 2], "the common word is over the budget and is not read");
        assert_eq!(similar(&index, 9).len(), 10, "when there is no other word, the first entries are");
    }

    proptest! {
        /// The index is a function of the products in it, however they got there.
        #[test]
        fn history_leaves_no_trace(
            steps in proptest::collection::vec((0_u32..8, proptest::option::of("[abc]{1,2} [abc]{1,2} [abc]{1,2}")), 0..40),
        ) {
            let mut index = ContentIndex::default();
            let mut present = std::collections::BTreeMap::new();
            for (item, title) in steps {
                match title {
                    Some(title) => {
                        index.upsert(Item(item), &product(&title));
                        present.insert(item, title);
                    }
                    None => {
                        index.remove(Item(item));
                        present.remove(&item);
                    }
                }
            }
            let mut fresh = ContentIndex::default();
            for (item, title) in present.iter().rev() {
                fresh.upsert(Item(*item), &product(title));
            }
            prop_assert_eq!(index.len(), fresh.len());
            prop_assert!(index.documents == fresh.documents && index.postings == fresh.postings);
            for item in 0..8 {
                prop_assert_eq!(index.similar(&[Item(item)], 5), fresh.similar(&[Item(item)], 5));
            }
        }
    }
}
