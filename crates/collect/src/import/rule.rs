//! Conditions on a row: which rows a mapping leaves out, and which are credit notes.
//!
//! Invariant: a condition looks at one column and at nothing else; there are no expressions here.

use super::row::{Columns, Row};

/// A column and what it must look like. Any one of the tests is enough.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct When {
    pub(super) column: String,
    pub(super) one_of: Vec<String>,
    pub(super) starts_with: Vec<String>,
    /// `*` stands for any letters, `?` for one.
    pub(super) matches: Vec<String>,
    pub(super) is_empty: bool,
    /// Zero or less; a text that is no number is not meant.
    pub(super) is_not_positive: bool,
}

impl When {
    pub(super) fn holds(&self, cell: &str) -> bool {
        self.one_of.iter().any(|text| text == cell)
            || self.starts_with.iter().any(|start| cell.starts_with(start.as_str()))
            || self.matches.iter().any(|pattern| matches(pattern, cell))
            || self.is_empty && cell.is_empty()
            || self.is_not_positive && cell.parse::<f64>().is_ok_and(|number| number <= 0.0)
    }
}

/// Why rows are left out, and which.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SkipRule {
    pub(super) reason: String,
    pub(super) when: When,
}

/// What a mark in a row makes of its order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CancelRule {
    pub(super) when: When,
    pub(super) makes: Cancellation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cancellation {
    /// The row is on a credit note, which has an id of its own.
    Refund,
    /// The order itself was called off.
    Cancellation,
}

/// Consecutive rows that describe one thing, of which only the first says what they share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) by: String,
    pub(super) inherit: Vec<String>,
}

/// Hands on what the first row of a group says.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    first: Row,
    has_first: bool,
}

impl Inheritance {
    pub(super) fn apply(&mut self, group: &Group, columns: &Columns, row: &mut Row) {
        let Some(by) = columns.find(&group.by) else {
            return;
        };
        let is_same = self.has_first && !row.get(by).trim().is_empty() && self.first.get(by) == row.get(by);
        if !is_same {
            self.first.clone_from(row);
            self.has_first = true;
            return;
        }
        for column in group.inherit.iter().filter_map(|name| columns.find(name)) {
            if row.get(column).trim().is_empty() {
                row.set(column, self.first.get(column));
            }
        }
    }
}

/// Whole-text match with `*` and `?`, without regard to case. Linear in pattern times text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    // Most texts fail at their first letter.
    if let (Some(first), Some(letter)) = (pattern.bytes().next(), text.bytes().next())
        && first.is_ascii_alphanumeric()
        && letter.is_ascii()
        && !first.eq_ignore_ascii_case(&letter)
    {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on when the letters after the last star do not fit.
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                retry = Some((at_pattern + 1, at_text));
                at_pattern += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    at_pattern = after_star;
                    at_text = from + 1;
                    retry = Some((after_star, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("gift_*_20", "Gift_0001_20", true),
            ("gift_*_20", "gift_0001_30", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*ab*ab", "abxab", true),
            ("*ab*ab", "ab", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn tests_are_alternatives() {
        let when = When {
            one_of: vec!["POST".to_owned()],
            starts_with: vec!["C2".to_owned()],
            is_empty: true,
            is_not_positive: true,
            ..When::default()
        };
        for cell in ["POST", "C2x", "", "0", "-1.5", "0.00"] {
            assert!(when.holds(cell), "{cell}");
        }
        for cell in ["post", "1", "abc", "85123A"] {
            assert!(!when.holds(cell), "{cell}");
        }
    }
}
