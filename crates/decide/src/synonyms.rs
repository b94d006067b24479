//! The shop's own synonyms, ready to be searched with, and their form as lines of text.
//!
//! A line is `a, b, c`, all of which mean the same, or `a => b, c`, of which the right answers the left too. `!` before it
//! refuses it: these words do not mean the same here. `#` begins a remark. Every refusal names the line or the field.

use mercer_schema::SynonymRule;
use mercer_search::ShopWords;

use crate::placements::PlacementError;

const MOST_RULES: usize = 5_000;
const MOST_TEXTS: usize = 20;
const MOST_LETTERS: usize = 100;
const MOST_WORDS: usize = 6;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The whole list. Saving replaces it.
#[derive(Debug, Clone, Default)]
pub struct ShopSynonyms {
    rules: Vec<SynonymRule>,
    pub(crate) words: ShopWords,
}

impl ShopSynonyms {
    pub fn compile(rules: Vec<SynonymRule>) -> Self {
        Self { words: ShopWords::new(&rules), rules }
    }

    pub fn rules(&self) -> &[SynonymRule] {
        &self.rules
    }

    /// Says whether a list can be saved, and if not what to do about it.
    pub fn check(rules: &[SynonymRule]) -> Result<(), PlacementError> {
        if rules.len() > MOST_RULES {
            return refuse("rules", format!("{} rules; at most {MOST_RULES} are allowed", rules.len()));
        }
        for (number, rule) in rules.iter().enumerate() {
            check(rule).map_err(|(field, message)| PlacementError {
                field: format!("rules[{number}].{field}"),
                message,
                nearest: None,
            })?;
        }
        Ok(())
    }

    /// Reads lines of text. The fault's field is the line: `line 3`.
    pub fn read(text: &str) -> Result<Vec<SynonymRule>, PlacementError> {
        let mut rules = Vec::new();
        // Files put together have byte-order marks in their middle too.
        for (number, line) in text.replace(BYTE_ORDER_MARK, "").lines().enumerate() {
            let at = |message: String| PlacementError { field: format!("line {}", number + 1), message, nearest: None };
            for rule in read_line(line).map_err(at)? {
                check(&rule).map_err(|(_, message)| at(message))?;
                rules.push(rule);
            }
            if rules.len() > MOST_RULES {
                return Err(at(format!("more than {MOST_RULES} rules; split off what is not needed")));
            }
        }
        Ok(rules)
    }

    /// The same as text, one rule a line.
    pub fn write(rules: &[SynonymRule]) -> String {
        rules.iter().map(|rule| format!("{}\n", line_of(rule))).collect()
    }
}

/// A rule as its line.
pub fn line_of(rule: &SynonymRule) -> String {
    let sign = if rule.refused { "! " } else { "" };
    let from = rule.from.as_ref().map(|from| format!("{from} => ")).unwrap_or_default();
    format!("{sign}{from}{}", rule.to.join(", "))
}

/// None of an empty line; several where several texts stand on the left.
fn read_line(line: &str) -> Result<Vec<SynonymRule>, String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (refused, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
    if line.is_empty() {
        return if refused {
            Err("after `!` stand the words that do not mean the same".to_owned())
        } else {
            Ok(Vec::new())
        };
    }
    let list = |text: &str| -> Vec<String> {
        let texts = text.split(',').map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        texts.filter(|text| !text.is_empty()).collect()
    };
    let Some((from, to)) = line.split_once("=>") else {
        return Ok(vec![SynonymRule { from: None, to: list(line), refused }]);
    };
    if to.contains("=>") {
        return Err("`=>` stands twice; write two lines".to_owned());
    }
    let from = list(from);
    if from.is_empty() {
        return Err("nothing stands before `=>`; write what is searched there".to_owned());
    }
    Ok(from.into_iter().map(|from| SynonymRule { from: Some(from), to: list(to), refused }).collect())
}

fn check(rule: &SynonymRule) -> Result<(), (String, String)> {
    let least = if rule.from.is_some() { 1 } else { 2 };
    if rule.to.len() < least {
        let message = match rule.from {
            Some(_) => "nothing stands after `=>`; write what is looked for as well".to_owned(),
            None => "one text alone means nothing; write `a, b` or `a => b`".to_owned(),
        };
        return Err(("to".to_owned(), message));
    }
    if rule.to.len() > MOST_TEXTS {
        return Err(("to".to_owned(), format!("{} texts; at most {MOST_TEXTS} are allowed", rule.to.len())));
    }
    if let Some(from) = &rule.from {
        check_text(from).map_err(|message| ("from".to_owned(), message))?;
    }
    rule.to
        .iter()
        .enumerate()
        .try_for_each(|(number, text)| check_text(text).map_err(|message| (format!("to[{number}]"), message)))
}

/// What can be written as a line and read again.
fn check_text(text: &str) -> Result<(), String> {
    if !text.chars().any(char::is_alphanumeric) {
        return Err("this has no word".to_owned());
    }
    if text.chars().count() > MOST_LETTERS || text.split_whitespace().count() > MOST_WORDS {
        return Err(format!("write at most {MOST_WORDS} words of {MOST_LETTERS} letters in all"));
    }
    let is_plain = text.split_whitespace().collect::<Vec<_>>().join(" ") == text;
    let is_hidden = |letter: char| letter.is_control() || letter == BYTE_ORDER_MARK;
    if !is_plain || text.contains(is_hidden) || text.contains([',', '#', '!']) || text.contains("=>") {
        return Err("write words with single spaces, without `,` `#` `!` `=>`".to_owned());
    }
    Ok(())
}

fn refuse(field: &str, message: String) -> Result<(), PlacementError> {
    Err(PlacementError { field: field.to_owned(), message, nearest: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_read_and_written_again() {
        let text = "# ours\nsofa, couch ,  settee\r\n\n bed , cot=> bunk  bed # later\n! glass, cup\n";
        let rules = ShopSynonyms::read(text).unwrap();
        let written = "sofa, couch, settee\nbed => bunk bed\ncot => bunk bed\n! glass, cup\n";
        assert_eq!(ShopSynonyms::write(&rules), written);
        assert_eq!(ShopSynonyms::read(written).unwrap(), rules);
        assert_eq!(ShopSynonyms::check(&rules), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, field, part) in [
            ("a, b\nlonely", "line 2", "one text alone"),
            ("=> b", "line 1", "before"),
            ("a =>", "line 1", "after"),
            ("a => b => c", "line 1", "twice"),
            ("!", "line 1", "do not mean the same"),
            ("a, ---", "line 1", "no word"),
            ("a, one two three four five six seven", "line 1", "at most 6 words"),
        ] {
            let error = ShopSynonyms::read(text).unwrap_err();
            assert_eq!(error.field, field, "{text}");
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
        let marked = ShopSynonyms::read("\u{feff}sofa, \u{feff}couch").unwrap();
        assert_eq!(ShopSynonyms::write(&marked), "sofa, couch\n");
        let hostile = SynonymRule { from: Some("a\nb".into()), to: vec!["c".into()], refused: false };
        assert_eq!(ShopSynonyms::check(&[hostile]).unwrap_err().field, "rules[0].from");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_comes_back(text in "[a-c,=>!# \\n\u{feff}é]{0,60}|\\PC{0,80}") {
            if let Ok(rules) = ShopSynonyms::read(&text) {
                prop_assert_eq!(ShopSynonyms::check(&rules), Ok(()));
                prop_assert_eq!(ShopSynonyms::read(&ShopSynonyms::write(&rules)).unwrap(), rules);
            }
        }
    }
}
