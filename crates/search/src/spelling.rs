//! What somebody may have meant by what they typed.
//!
//! The noisy channel (Kernighan, Church and Gale, COLING 1990): of all words the one is meant for which
//! Pr(word) · Pr(typed | word) is greatest. Pr(word) is the share of products that have it, the channel is in [`channel`], and
//! [`walk`] finds all words that are near enough at once. A query is more than its words: [`mend`] reads all of it, with
//! what the catalog shows to stand together.

mod channel;
mod mend;
mod walk;

use std::sync::Arc;

use crate::vocabulary::Vocabulary;

pub(crate) use channel::Channel;
pub(crate) use mend::{Meant, Mender};
use walk::Walk;

/// Shorter words are left as they are: too much is near them.
pub(crate) const SHORTEST_CORRECTED: usize = 3;
/// Words of so many letters get a second slip forgiven.
const LONG_WORD: usize = 8;

/// What is near, and any one slip, as the channel's costs.
const NEAR: f32 = 6.0;
const ONE_SLIP: f32 = 9.0;
/// With a score above it nothing farther off is looked for.
const LIKELY: f64 = 0.0;

/// Beginnings that are less likely than the best by so much are not told beside it.
const BEGINNING_MARGIN: f64 = 2.5;

/// A word that may have been meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Correction {
    pub(crate) word: Arc<str>,
    pub(crate) products: u32,
    /// −ln of how likely the slips are.
    pub(crate) cost: f32,
    /// Higher is likelier: a logarithm.
    pub(crate) score: f64,
}

/// How far off a word may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// One slip of the common kinds.
    Near,
    /// Any slip and several, where nothing likely is near.
    Far,
}

/// The likeliest words, best first. What was typed itself is not among them.
pub(crate) fn corrections(vocabulary: &Vocabulary, typed: &str, most: usize, reach: Reach) -> Vec<Correction> {
    let typed: Vec<char> = typed.chars().collect();
    if typed.len() < SHORTEST_CORRECTED {
        return Vec::new();
    }
    let most_cost = most_cost(typed.len());
    let near = likeliest(vocabulary, || Walk::new(&typed, most_cost.min(NEAR), false), most);
    let is_enough = near.first().is_some_and(|best| best.score > LIKELY);
    if reach == Reach::Near || most_cost <= NEAR || is_enough {
        return near;
    }
    likeliest(vocabulary, || Walk::new(&typed, most_cost, false), most)
}

/// The likeliest words of which a mistyped beginning was typed, best first.
pub(crate) fn mended_beginnings(vocabulary: &Vocabulary, typed: &str, most: usize) -> Vec<Correction> {
    let typed: Vec<char> = typed.chars().collect();
    if typed.len() <= SHORTEST_CORRECTED {
        return Vec::new();
    }
    let walk = || Walk::new(&typed, most_cost(typed.len()).min(ONE_SLIP), true);
    let mut found = likeliest(vocabulary, walk, most);
    let best = found.first().map_or(0.0, |best| best.score);
    found.retain(|correction| correction.score > best - BEGINNING_MARGIN);
    found
}

fn likeliest<'a>(vocabulary: &Vocabulary, walk: impl Fn() -> Walk<'a>, most: usize) -> Vec<Correction> {
    let mut found = Vec::new();
    for words in vocabulary.tables() {
        walk().run(words, |place, cost| {
            let word = words.word(place);
            let products = vocabulary.products(word);
            // A table may be older than the words.
            if products > 0 {
                let score = f64::from(products + 1).ln() - f64::from(cost);
                found.push(Correction { word: Arc::clone(word), products, cost, score });
            }
        });
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.word.cmp(&b.word)));
    found.truncate(most);
    found
}

/// What is forgiven a word of so many letters.
const fn most_cost(letters: usize) -> f32 {
    match letters {
        0..=3 => 5.0,
        4..LONG_WORD => ONE_SLIP,
        _ => 12.0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::channel::{SOUNDS, SWAPPED};
    use super::*;
    use crate::index::Term;

    fn vocabulary(words: &[(&str, u32)]) -> Vocabulary {
        let mut vocabulary = Vocabulary::default();
        for (word, products) in words {
            (0..*products).for_each(|_| vocabulary.insert(word, (Term(0), &Arc::from(*word)), false));
        }
        vocabulary
    }

    fn best(vocabulary: &Vocabulary, typed: &str) -> Option<String> {
        corrections(vocabulary, typed, 1, Reach::Far).first().map(|found| found.word.to_string())
    }

    #[test]
    fn slips_lead_back_to_the_word() {
        let words = vocabulary(&[("lantern", 20), ("lamp", 90), ("lan", 3), ("toilet", 30), ("toiled", 1), ("dv7", 9)]);
        for typed in ["lanten", "lanntern", "lamtern", "lantren", "antern", "lanternn", "lxntern", "lentirn"] {
            assert_eq!(best(&words, typed).as_deref(), Some("lantern"), "{typed}");
        }
        assert_eq!(best(&words, "toliet").as_deref(), Some("toilet"));
        for typed in ["zzzzzz", "dv6", "la", "nretnal", ""] {
            assert_eq!(best(&words, typed), None, "{typed}");
        }
    }

    #[test]
    fn the_likelier_slip_and_the_more_frequent_word_win() {
        // `o` lies beside `i`, `x` does not.
        assert_eq!(best(&vocabulary(&[("pin", 5), ("pxn", 5), ("pen", 5)]), "pon").as_deref(), Some("pen"));
        assert_eq!(best(&vocabulary(&[("water", 50), ("wafer", 2)]), "waxer").as_deref(), Some("water"));
    }

    /// The same distance from a full table, as a second opinion.
    fn distance(meant: &[char], typed: &[char]) -> f32 {
        let channel = Channel::get();
        let before = |letters: &[char], place: usize| place.checked_sub(2).map(|place| letters[place]);
        let mut table = vec![vec![0.0_f32; typed.len() + 1]; meant.len() + 1];
        for (down, right) in (0..=meant.len()).flat_map(|down| (0..=typed.len()).map(move |right| (down, right))) {
            let mut best = if down + right == 0 { 0.0 } else { f32::INFINITY };
            if down > 0 {
                best = table[down - 1][right] + channel.left_out(before(meant, down), meant[down - 1]);
            }
            if right > 0 {
                best = best.min(table[down][right - 1] + channel.surplus(before(typed, right), typed[right - 1]));
            }
            if down > 0 && right > 0 {
                let cost = channel.cost(meant[down - 1], typed[right - 1], down == 1 && right == 1);
                best = best.min(table[down - 1][right - 1] + cost);
                for sound in channel.sounding(meant[down - 1]) {
                    if meant[..down].ends_with(&sound.meant) && typed[..right].ends_with(&sound.typed) {
                        best = best.min(table[down - sound.meant.len()][right - sound.typed.len()] + SOUNDS);
                    }
                }
            }
            if down > 1 && right > 1 && meant[down - 1] == typed[right - 2] && meant[down - 2] == typed[right - 1] {
                best = best.min(table[down - 2][right - 2] + SWAPPED);
            }
            table[down][right] = best;
        }
        table[meant.len()][typed.len()]
    }

    #[test]
    fn what_sounds_alike_is_one_slip() {
        let words = vocabulary(&[("philips", 20), ("fillip", 20), ("bracket", 5), ("brake", 5)]);
        assert_eq!(best(&words, "filips").as_deref(), Some("philips"));
        assert_eq!(best(&words, "braket").as_deref(), Some("bracket"));
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_a_look_at_each_word_finds(
            words in prop::collection::btree_set("[aehp]{3,9}|[fcksé]{3,6}", 1..40),
            typed in "[aehp]{3,9}|[fcksé]{3,6}",
        ) {
            let known: Vec<(&str, u32)> = words.iter().map(|word| (word.as_str(), 1)).collect();
            let typed_letters: Vec<char> = typed.chars().collect();
            let mut found = BTreeSet::new();
            let vocabulary = vocabulary(&known);
            let [sorted, _] = vocabulary.tables();
            Walk::new(&typed_letters, ONE_SLIP, false).run(sorted, |place, _| {
                found.insert(sorted.word(place).to_string());
            });
            let near = |word: &&String| {
                let cost = distance(&word.chars().collect::<Vec<_>>(), &typed_letters);
                cost > 0.0 && cost <= ONE_SLIP
            };
            prop_assert_eq!(found, words.iter().filter(near).cloned().collect::<BTreeSet<_>>());
        }

        #[test]
        fn any_text_may_be_corrected(words in prop::collection::vec("\\PC{1,8}", 0..10), typed in "\\PC{0,12}") {
            let known: Vec<(&str, u32)> = words.iter().map(|word| (word.as_str(), 1)).collect();
            corrections(&vocabulary(&known), &typed, 5, Reach::Far);
            mended_beginnings(&vocabulary(&known), &typed, 5);
        }
    }
}
