//! How likely each slip is: the channel between the word that was meant and the one that was typed.
//!
//! Every cost is −ln of a probability, from the four confusion matrices of Kernighan, Church and Gale (COLING 1990: del, add,
//! sub and rev, each divided by how often it could have happened): P(left out | letter meant), P(surplus letter | a place),
//! P(typed | letter meant), P(swapped | two letters). They were counted once on 1,572 mistyped words of shoppers, aligned with
//! what they meant, and smoothed with what is known of any typist: keys that touch, vowels, letters that sound alike
//! (`bench/peers/slips.py`). Letters of one sound written with two (`ph`, `ck`) are one slip, as in Brill and Moore (ACL 2000).

use std::sync::LazyLock;

const LETTERS: usize = 26;
/// What a sign below stands for: so many halves of a nat, `a` being ten.
const HALF: f32 = 0.5;
/// A slip that says nothing but that it happened.
pub(super) const OTHER: f32 = 8.0;
/// A row for the letter that was meant, a column for the one that was typed.
const REPLACED: [&str; LETTERS] = [
    "0hch7hhc8hheeh8hehbhbhehbe", // a
    "f0ffffbcfffffaf8fffcfcffff", // b
    "dh0chdhhhhdhhhdhbh9bhahahd", // c
    "ggd0abbgcggcggccgaa9gggdgg", // d
    "8iic0cie8iicie9iibdebibibi", // e
    "ffca90bafffffffafbfcf9ffff", // f
    "gabaga0agcgggcgcgggbgbgcbc", // g
    "ccggbgb0gbcggcggggcccgcgcg", // h
    "8hhc8hee0debee9hhhheahhh9e", // i
    "eeeeee9bb0bebbeeeeeebeeeee", // j
    "ff9fbff9cc09cfcfafbbffffff", // k
    "hhdhdhhhchc0hhcehbhcchdhhh", // l
    "ggggggggcccg07gggggggggggg", // m
    "hchdddhedehh90hhhbhddhhhhh", // n
    "8hhc8dhh9he9hh0bhchh9hdhah", // o
    "gbgggcggggcbgga0gggbgggggg", // p
    "beaeeeaeeeaeeeee0eaeeebeee", // q
    "biidadiieiieiedii0ibdiiiii", // r
    "ahabahhdhhdhhhhhdh0ahhccha", // s
    "ddhacecchhddhhdhh9d0hhhhbh", // t
    "8g8c9ggd9dgbcc8ggcgg0gag9g", // u
    "baaff8cfbffffffffffff0afff", // v
    "cfffcfffffffffffafabaa0fff", // w
    "ee9beeeeeeeeebeeee8eeee0ea", // x
    "6fff7fcc7ffffb9fffb99fff0f", // y
    "bebeeeeeeeeeeeeeee8eeee9e0", // z
];
const LEFT_OUT: &str = "69655875678687788676676767";
const SURPLUS: &str = "dgecbjfecgfdhdeggceddgfjgi";
/// One letter of a double left out, one typed twice, two neighbours swapped.
const UNDOUBLED: f32 = 1.25;
const DOUBLED: f32 = 4.5;
pub(super) const SWAPPED: f32 = 4.0;
/// A beginning is seldom wrong: a third as often as any other place.
pub(super) const FIRST_LETTER: f32 = 1.0;
/// Two letters that sound as one, or as two others.
pub(super) const SOUNDS: f32 = 4.0;
const SOUNDING: [(&str, &str); 8] =
    [("ph", "f"), ("ck", "k"), ("ck", "c"), ("qu", "k"), ("gh", "g"), ("wh", "w"), ("sh", "ch"), ("ti", "si")];

/// Letters that were meant, and others of the same sound that were typed.
#[derive(Debug)]
pub(super) struct Sounding {
    pub(super) meant: Vec<char>,
    pub(super) typed: Vec<char>,
}

/// The costs as tables.
#[derive(Debug)]
pub(crate) struct Channel {
    replaced: [[f32; LETTERS]; LETTERS],
    left_out: [f32; LETTERS],
    surplus: [f32; LETTERS],
    /// By the last letter that was meant.
    sounding: [Vec<Sounding>; LETTERS],
}

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| {
    let row = |signs: &str| {
        let mut row = [0.0; LETTERS];
        for (cost, sign) in row.iter_mut().zip(signs.chars()) {
            *cost = (sign.to_digit(36).unwrap_or(0) as f32 * HALF).min(OTHER);
        }
        row
    };
    let mut sounding = [const { Vec::new() }; LETTERS];
    let both = SOUNDING.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    for (meant, typed) in both {
        if let Some(last) = meant.chars().next_back().and_then(letter) {
            sounding[last].push(Sounding { meant: meant.chars().collect(), typed: typed.chars().collect() });
        }
    }
    Channel { replaced: REPLACED.map(row), left_out: row(LEFT_OUT), surplus: row(SURPLUS), sounding }
});

impl Channel {
    pub(crate) fn get() -> &'static Self {
        &CHANNEL
    }

    /// What each letter costs that is typed where `meant` was meant; none of a letter that is not in the tables.
    pub(super) fn replaced(&self, meant: char) -> Option<&[f32; LETTERS]> {
        Some(&self.replaced[letter(meant)?])
    }

    /// `typed` was typed where `meant` was meant.
    #[cfg(test)]
    pub(super) fn cost(&self, meant: char, typed: char, is_first: bool) -> f32 {
        if meant == typed {
            return 0.0;
        }
        let cost = self.replaced(meant).zip(letter(typed)).map_or(OTHER, |(row, typed)| row[typed]);
        if is_first { cost + FIRST_LETTER } else { cost }
    }

    /// `meant` was left out behind `before`.
    pub(super) fn left_out(&self, before: Option<char>, meant: char) -> f32 {
        match before {
            Some(before) if before == meant => UNDOUBLED,
            Some(_) => letter(meant).map_or(OTHER, |meant| self.left_out[meant]),
            None => letter(meant).map_or(OTHER, |meant| self.left_out[meant]) + FIRST_LETTER,
        }
    }

    /// `typed` was typed behind `before` and should not have been.
    pub(super) fn surplus(&self, before: Option<char>, typed: char) -> f32 {
        if before == Some(typed) { DOUBLED } else { letter(typed).map_or(OTHER, |typed| self.surplus[typed]) }
    }

    /// What of the same sound may be typed for letters of which this is the last.
    pub(super) fn sounding(&self, last: char) -> &[Sounding] {
        letter(last).map_or(&[], |last| &self.sounding[last])
    }
}

/// The place of a letter in the tables.
pub(super) fn letter(letter: char) -> Option<usize> {
    letter.is_ascii_lowercase().then(|| letter as usize - 'a' as usize)
}
