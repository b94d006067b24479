//! Words for the same thing: those of the languages, and the shop's own.
//!
//! Entries are found by their stems, so `laptops` finds what `laptop` has. What is on the left is what was searched;
//! what is on the right is looked for as well, and counts less.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::Language;
use crate::text::tokens;

/// Words of an entry that are read.
const MOST_WORDS: usize = 6;

/// Letters of an entry's word of which one may be mistyped.
const SHORTEST_MENDED: usize = 5;

/// A rule of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synonyms {
    /// Empty: all of `to` mean the same. Otherwise what is searched, which `to` answers too, but not the other way round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    pub to: Vec<String>,
}

/// A text that answers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub(crate) text: String,
    pub(crate) stems: Vec<String>,
}

/// Pairs of texts that do not mean the same here, by their stems, both ways round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusals(FxHashSet<(Vec<String>, Vec<String>)>);

impl Refusals {
    pub(crate) fn new(rules: &[Synonyms], language: Language) -> Self {
        let mut pairs = FxHashSet::default();
        for Synonyms { from, to } in rules {
            let to: Vec<Vec<String>> = to.iter().map(|text| stems(text, language)).collect();
            let left = from.as_ref().map_or_else(|| to.clone(), |from| vec![stems(from, language)]);
            for one in &left {
                for other in &to {
                    pairs.insert((one.clone(), other.clone()));
                    pairs.insert((other.clone(), one.clone()));
                }
            }
        }
        Self(pairs)
    }

    pub(crate) fn contains(&self, one: &[String], other: &[String]) -> bool {
        !self.0.is_empty() && self.0.contains(&(one.to_vec(), other.to_vec()))
    }
}

/// Entries by the stems of what is searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Thesaurus {
    entries: FxHashMap<Vec<String>, Vec<Alternative>>,
    /// What is searched in one word, as it is written: where slips are looked for.
    words: BTreeSet<String>,
}

static BUILT_IN: LazyLock<Vec<Thesaurus>> = LazyLock::new(|| Language::ALL.into_iter().map(Thesaurus::of).collect());

impl Thesaurus {
    /// What is known of a language.
    pub(crate) fn built_in(language: Language) -> &'static Self {
        &BUILT_IN[language as usize]
    }

    /// The shop's own, in its language.
    pub(crate) fn own(rules: &[Synonyms], language: Language) -> Self {
        let mut thesaurus = Self::default();
        for rule in rules {
            match &rule.from {
                Some(from) => thesaurus.also(from, &rule.to, language),
                None => thesaurus.same(&rule.to, language),
            }
        }
        thesaurus
    }

    pub(crate) fn find(&self, stems: &[String]) -> &[Alternative] {
        self.entries.get(stems).map_or(&[], Vec::as_slice)
    }

    /// Words of entries from which a word differs by one slip: a letter too much, too few, another or out of turn.
    pub(crate) fn near(&self, word: &str) -> impl Iterator<Item = &str> {
        let is_as_long = |other: &&String| other.len().abs_diff(word.len()) <= 2;
        let is_near = |other: &&String| strsim::osa_distance(other, word) == 1;
        self.words.iter().filter(is_as_long).filter(is_near).map(String::as_str)
    }

    fn of(language: Language) -> Self {
        let words = language.words();
        let mut thesaurus = Self::default();
        words.same.iter().for_each(|group| thesaurus.same(group, language));
        words.also.iter().for_each(|(from, to)| thesaurus.also(from, to, language));
        thesaurus
    }

    fn same(&mut self, group: &[String], language: Language) {
        for text in group {
            self.also(text, group, language);
        }
    }

    fn also(&mut self, from: &str, to: &[String], language: Language) {
        if let [word] = &tokens(from, MOST_WORDS)[..]
            && word.plain.chars().count() >= SHORTEST_MENDED
            && !word.has_digit()
        {
            self.words.insert(word.plain.clone());
        }
        let from = stems(from, language);
        if from.is_empty() {
            return;
        }
        let entry = self.entries.entry(from.clone()).or_default();
        for text in to {
            let stems = stems(text, language);
            if !stems.is_empty() && stems != from && entry.iter().all(|known| known.stems != stems) {
                entry.push(Alternative { text: text.clone(), stems });
            }
        }
    }
}

fn stems(text: &str, language: Language) -> Vec<String> {
    tokens(text, MOST_WORDS).iter().map(|token| language.words().stem(&token.written)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_both_ways_and_rules_one() {
        let rules = [
            Synonyms { from: None, to: vec!["Sofas".into(), "couch".into()] },
            Synonyms { from: Some("seating".into()), to: vec!["arm chair".into()] },
        ];
        let own = Thesaurus::own(&rules, Language::English);
        let find = |text: &str| {
            own.find(&stems(text, Language::English)).iter().map(|found| found.text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(find("sofa"), ["couch"]);
        assert_eq!(find("couches"), ["Sofas"]);
        assert_eq!(find("seating"), ["arm chair"]);
        assert!(find("arm chair").is_empty());
        for (typed, near) in [("couhc", &["couch"][..]), ("sofass", &["sofas"]), ("couch", &[]), ("chuoc", &[])] {
            assert_eq!(own.near(typed).collect::<Vec<_>>(), near, "{typed}");
        }
    }
}
