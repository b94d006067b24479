//! From the till's capitals to a title: "SET/3 RED GINGHAM ROSE STORAGE BOX" becomes "Set of 3 Red Gingham Rose
//! Storage Box".
//!
//! The words to spell out, keep small or keep in capitals stand in `names.toml`. A title never says more than the
//! till did.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::Error;

const FILE: &str = "demo/names.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    small: HashSet<String>,
    capitals: HashSet<String>,
    spelling: HashMap<String, String>,
}

#[derive(Debug)]
pub(super) struct Names {
    small: HashSet<String>,
    capitals: HashSet<String>,
    /// One word to what it stands for.
    words: HashMap<String, String>,
    /// Runs of words with a space around, longest first.
    runs: Vec<(String, String)>,
}

impl Names {
    pub(super) fn load() -> Result<Self, Error> {
        let file: File = toml::from_str(include_str!("../../names.toml"))
            .map_err(|source| Error::Rules { file: FILE, source: Box::new(source) })?;
        let (runs, words): (Vec<_>, Vec<_>) = file.spelling.into_iter().partition(|(key, _)| key.contains(' '));
        let mut runs: Vec<_> =
            runs.into_iter().map(|(key, value)| (format!(" {key} "), format!(" {value} "))).collect();
        runs.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        Ok(Self { small: file.small, capitals: file.capitals, words: words.into_iter().collect(), runs })
    }

    /// The title of a product whose till description is `description`.
    pub(super) fn title(&self, description: &str) -> String {
        let mut text = format!(" {} ", tidy(description));
        for (run, meaning) in &self.runs {
            if text.contains(run.as_str()) {
                text = text.replace(run.as_str(), meaning);
            }
        }
        let spelled: Vec<String> = text.split_whitespace().map(|word| self.spell(word)).collect();
        let mut words: Vec<&str> = spelled.iter().flat_map(|word| word.split(' ')).collect();
        drop_reference(&mut words);
        words.iter().enumerate().map(|(index, word)| self.case(word, index == 0)).collect::<Vec<_>>().join(" ")
    }

    fn spell(&self, word: &str) -> String {
        if let Some(counted) = counted_set(word) {
            return counted;
        }
        let bare = word.trim_end_matches([',', '.']);
        match self.words.get(word).or_else(|| self.words.get(bare)) {
            Some(meaning) => format!("{meaning}{}", if word.ends_with(',') { "," } else { "" }),
            None => word.to_owned(),
        }
    }

    fn case(&self, word: &str, is_first: bool) -> String {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        if self.capitals.contains(bare) {
            return word.to_uppercase();
        }
        if self.small.contains(word) && !is_first {
            return word.to_owned();
        }
        let mut cased = String::with_capacity(word.len());
        let mut begins = true;
        for letter in word.chars() {
            if begins {
                cased.extend(letter.to_uppercase());
            } else {
                cased.push(letter);
            }
            // "70's" and "15cm" go on in small letters, "T-Light" and "Pink/White" begin anew.
            begins = !letter.is_alphanumeric() && letter != '\'';
        }
        cased.replace("Mother-Of-Pearl", "Mother-of-Pearl")
    }
}

/// Small letters, one space between words, signs where they belong.
fn tidy(description: &str) -> String {
    let mut text = String::with_capacity(description.len() + 4);
    for letter in description.trim().trim_start_matches('*').chars() {
        match letter {
            '+' => text.push_str(" & "),
            ',' => text.push_str(", "),
            '(' => text.push_str(" ("),
            '"' => text.push('"'),
            _ => text.extend(letter.to_lowercase()),
        }
    }
    let text =
        text.replace(" ,", ",").replace("neckl.", "necklace ").replace("deco.", "deco ").replace(" s/", " set of ");
    let text = text.replace("36\"", "36\" ").replace("42\"", "42\" ");
    let text = text.replace("set3 ", "set of 3 ").replace(" of4 ", " of 4 ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut joined = String::with_capacity(text.len());
    for (index, word) in words.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| words[before]);
        let is_count = word.bytes().all(|byte| byte.is_ascii_digit());
        if is_count && matches!(previous, Some("set" | "pack")) {
            joined.push_str("of ");
        }
        joined.push_str(word);
        joined.push(' ');
    }
    joined.trim_end_matches([' ', ',', '.', '-']).to_owned()
}

/// "set/4", "s/4", "pack/12" and "18pc" in words.
fn counted_set(word: &str) -> Option<String> {
    let is_count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(count) = word.strip_suffix("pc").filter(|count| is_count(count)) {
        return Some(format!("{count} piece"));
    }
    let (kind, count) = word.split_once('/')?;
    match kind {
        "set" | "s" if is_count(count) => Some(format!("set of {count}")),
        "pack" | "box" if is_count(count) => Some(format!("{kind} of {count}")),
        _ => None,
    }
}

/// Cards end with their maker's five-digit number, which means nothing to a customer.
fn drop_reference(words: &mut Vec<&str>) {
    if words.len() > 3
        && words.last().is_some_and(|word| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit()))
    {
        words.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_titles_that_people_like_to_read() {
        let names = Names::load().unwrap();
        for (till, title) in [
            ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
            ("SET/3 RED GINGHAM ROSE STORAGE BOX", "Set of 3 Red Gingham Rose Storage Box"),
            ("S/4 ICON COASTER,ELVIS LIVES", "Set of 4 Icon Coaster, Elvis Lives"),
            ("SET OF 3 CAKE TINS PANTRY DESIGN ", "Set of 3 Cake Tins Pantry Design"),
            ("SET 36 COLOUR PENCILS DOLLY GIRL", "Set of 36 Colour Pencils Dolly Girl"),
            ("PACK OF 12 50'S CHRISTMAS TISSUES", "Pack of 12 50's Christmas Tissues"),
            ("RED TOADSTOOL LED NIGHT LIGHT", "Red Toadstool LED Night Light"),
            ("TV DINNER TRAY DOLLY GIRL", "TV Dinner Tray Dolly Girl"),
            ("AMBER CHUNKY GLASS+BEAD NECKLACE", "Amber Chunky Glass & Bead Necklace"),
            ("ORANGE PENDANT TRIPLE SHELL NECKLAC", "Orange Pendant Triple Shell Necklace"),
            ("PINK B'FLY C/COVER W BOBBLES", "Pink Butterfly Cushion Cover with Bobbles"),
            ("SET 10 CARDS JINGLE BELLS 16957", "Set of 10 Cards Jingle Bells"),
            ("GOLD M.O.P ORBIT BRACELET", "Gold Mother-of-Pearl Orbit Bracelet"),
            ("BAG 125g SWIRLY MARBLES", "Bag 125g Swirly Marbles"),
            ("BLACK CHRISTMAS TREE 120CM", "Black Christmas Tree 120cm"),
            ("POTTING SHED SOW 'N' GROW SET", "Potting Shed Sow 'n' Grow Set"),
            ("*USB Office Mirror Ball", "USB Office Mirror Ball"),
            ("18PC WOODEN CUTLERY SET DISPOSABLE", "18 Piece Wooden Cutlery Set Disposable"),
            ("WINE BOTTLE DRESSING LT.BLUE", "Wine Bottle Dressing Light Blue"),
            ("GREETING CARD,SQUARE, DOUGHNUTS", "Greeting Card, Square, Doughnuts"),
        ] {
            assert_eq!(names.title(till), title, "{till}");
        }
    }
}
