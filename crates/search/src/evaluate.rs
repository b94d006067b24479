//! How good the results of queries are, against what people judged.
//!
//! Gain 2^grade − 1, discount log2(rank + 1), the ideal per query, products that nobody judged count as not relevant (Järvelin
//! and Kekäläinen, TOIS 2002; Burges et al., ICML 2005). *Condensed* leaves products that nobody judged out of the list
//! first (Sakai, SIGIR 2007): where few were judged, the truth lies between both. Queries without any relevant product are
//! left out.

pub mod spelling;

use std::collections::BTreeMap;

/// What people said about the products of each query.
pub type Judgments = BTreeMap<String, BTreeMap<String, u8>>;

/// Ranks that count.
const TOP: usize = 10;
/// Products of a list that are looked at.
pub const DEPTH: usize = 50;
/// A word of so many letters may be typed wrong.
const LONG_ENOUGH: usize = 5;

/// How well queries were answered: a value a query, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    pub ndcg: Vec<f64>,
    pub condensed_ndcg: Vec<f64>,
    pub reciprocal_rank: Vec<f64>,
    pub recall: Vec<f64>,
}

/// Asks every query that has a relevant product, changed by `typed`, and compares the answers with the judgments.
/// Queries of which `typed` is none are left out.
pub fn evaluate(
    judgments: &Judgments,
    typed: impl Fn(&str) -> Option<String>,
    mut answer: impl FnMut(&str) -> Vec<String>,
) -> Quality {
    let mut quality = Quality::default();
    for (query, grades) in judgments.iter().filter(|(_, grades)| grades.values().any(|grade| *grade > 0)) {
        let Some(typed) = typed(query) else { continue };
        let mut list = answer(&typed);
        list.truncate(DEPTH);
        let relevant = grades.values().filter(|grade| **grade > 0).count();
        let is_relevant = |id: &&String| grades.get(*id).is_some_and(|grade| *grade > 0);
        quality.ndcg.push(ndcg_at(TOP, &list, grades));
        let first = list.iter().position(|id| is_relevant(&id));
        quality.reciprocal_rank.push(first.map_or(0.0, |place| 1.0 / (place + 1) as f64));
        quality.recall.push(list.iter().filter(is_relevant).count() as f64 / relevant.min(DEPTH) as f64);
        list.retain(|id| grades.contains_key(id));
        quality.condensed_ndcg.push(ndcg_at(TOP, &list, grades));
    }
    quality
}

fn ndcg_at(top: usize, list: &[String], grades: &BTreeMap<String, u8>) -> f64 {
    let gain = |grade: u8| f64::from((1_u32 << grade.min(30)) - 1);
    let discounted = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        gains.take(top).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum()
    };
    let mut ideal: Vec<u8> = grades.values().copied().collect();
    ideal.sort_unstable_by_key(|grade| std::cmp::Reverse(*grade));
    let best = discounted(&mut ideal.iter().map(|grade| gain(*grade)));
    discounted(&mut list.iter().map(|id| gain(grades.get(id).copied().unwrap_or(0)))) / best
}

/// The query with one slip in one of its longer words; none when no word is long enough. The same for the same seed.
pub fn with_a_typo(query: &str, seed: u64) -> Option<String> {
    let mut random = Random(
        seed ^ query
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
    );
    let words: Vec<&str> = query.split(' ').collect();
    let is_long = |word: &str| word.chars().count() >= LONG_ENOUGH && word.chars().all(char::is_alphabetic);
    let long: Vec<usize> = (0..words.len()).filter(|place| is_long(words[*place])).collect();
    let chosen = *long.get(random.below(long.len()))?;
    let mut letters: Vec<char> = words[chosen].chars().collect();
    let at = random.below(letters.len());
    let letter = char::from(b'a' + random.below(26) as u8);
    match random.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letter),
        2 => letters[at] = if letters[at] == letter { if letter == 'z' { 'y' } else { 'z' } } else { letter },
        _ => {
            let at = at.min(letters.len() - 2);
            letters.swap(at, at + 1);
        }
    }
    let mistyped: String = letters.into_iter().collect();
    let changed = words.iter().enumerate().map(|(place, word)| if place == chosen { mistyped.as_str() } else { word });
    Some(changed.collect::<Vec<_>>().join(" "))
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged() -> Judgments {
        let grades = BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 1), ("c".to_owned(), 0)]);
        BTreeMap::from([("lamp".to_owned(), grades), ("none".to_owned(), BTreeMap::from([("a".to_owned(), 0)]))])
    }

    fn answered(list: &[&str]) -> Quality {
        evaluate(&judged(), |query| Some(query.to_owned()), |_| list.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn the_ideal_order_is_worth_one() {
        let ideal = answered(&["a", "b"]);
        assert_eq!((ideal.ndcg.as_slice(), ideal.recall.as_slice()), (&[1.0][..], &[1.0][..]));
        let turned = answered(&["b", "a"]);
        let expected = (1.0 + 7.0 / 3_f64.log2()) / (7.0 + 1.0 / 3_f64.log2());
        assert!((turned.ndcg[0] - expected).abs() < 1e-12);
    }

    #[test]
    fn condensed_leaves_out_what_nobody_judged() {
        let found = answered(&["x", "y", "a", "b"]);
        assert_eq!(found.condensed_ndcg, [1.0]);
        assert!(found.ndcg[0] < 1.0);
        assert_eq!(found.reciprocal_rank, [1.0 / 3.0]);
    }

    #[test]
    fn a_typo_is_one_slip_in_a_long_word() {
        assert_eq!(with_a_typo("usb fan 12345", 7), None);
        for seed in 0..200 {
            let typed = with_a_typo("usb keyboard", seed).unwrap();
            assert!(typed != "usb keyboard" && typed.starts_with("usb "), "{typed}");
            assert_eq!(with_a_typo("usb keyboard", seed), Some(typed));
        }
    }
}
