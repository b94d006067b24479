//! Every word of the vocabulary that is near enough to what was typed.
//!
//! The vocabulary is walked in order of the alphabet, so that words share the work of their common beginning and branches
//! that are too far off are left at once (Oflazer, Computational Linguistics 1996). The distance is Damerau's (CACM
//! 1964) with each stretch edited once, and the costs are those of the channel. Of each row of the table only what can
//! still come near enough is worked out (Ukkonen, Information and Control 1985).

use super::channel::{Channel, FIRST_LETTER, OTHER, SOUNDS, SWAPPED, letter};
use crate::vocabulary::Sorted;

/// No letter is typed for another for less.
const CHEAPEST: f32 = 2.5;
const TOO_FAR: f32 = f32::INFINITY;

pub(super) struct Walk<'a> {
    typed: &'a [char],
    /// Places of the letters in the tables.
    letters: Vec<Option<usize>>,
    channel: &'static Channel,
    most_cost: f32,
    /// What was typed may be only the beginning of the word.
    is_beginning: bool,
    /// The letters of the word at hand, and for each a row of distances; one row more than letters.
    word: Vec<char>,
    rows: Vec<Row>,
    /// Rows that were given up, for the next ones.
    spare: Vec<Vec<f32>>,
    /// Of each letter, what typing it for nothing costs.
    surplus: Vec<f32>,
}

/// Distances from a beginning of the word at hand to each beginning of what was typed.
struct Row {
    costs: Vec<f32>,
    /// Where they are near enough: everything outside is too far.
    near: (usize, usize),
    least: f32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(typed: &'a [char], most_cost: f32, is_beginning: bool) -> Self {
        let channel = Channel::get();
        let before = |place: usize| place.checked_sub(1).map(|place| typed[place]);
        let surplus: Vec<f32> = (0..typed.len()).map(|place| channel.surplus(before(place), typed[place])).collect();
        let mut first = vec![TOO_FAR; typed.len() + 1];
        first[0] = 0.0;
        let mut last = 0;
        while last < typed.len() && first[last] + surplus[last] <= most_cost {
            first[last + 1] = first[last] + surplus[last];
            last += 1;
        }
        let rows = vec![Row { costs: first, near: (0, last), least: 0.0 }];
        let letters = typed.iter().copied().map(letter).collect();
        Self { typed, letters, channel, most_cost, is_beginning, word: Vec::new(), rows, spare: Vec::new(), surplus }
    }

    /// Calls `take` with the place of each word that is near enough and not what was typed, and with what the slips cost.
    pub(super) fn run(mut self, words: &Sorted, mut take: impl FnMut(usize, f32)) {
        let mut place = 0;
        while place < words.len() {
            let hopeless = self.enter(words.letters(place), words.shared(place));
            let cost = self.cost();
            if hopeless.is_none() && cost > 0.0 && cost <= self.most_cost {
                take(place, cost);
            }
            place = hopeless.map_or(place + 1, |letters| words.behind(place, letters));
        }
    }

    /// The distance from the word at hand, or from the nearest beginning of it.
    fn cost(&self) -> f32 {
        let whole = |row: &Row| row.costs.last().copied().unwrap_or(TOO_FAR);
        if self.is_beginning {
            self.rows[1..].iter().map(whole).fold(TOO_FAR, f32::min)
        } else {
            self.rows.last().map_or(TOO_FAR, whole)
        }
    }

    /// Makes `word` the one at hand, of which the first letters are those of the one before. Of a beginning that cannot become
    /// near enough, the number of its letters.
    fn enter(&mut self, word: &[char], shared: usize) -> Option<usize> {
        let shared = shared.min(self.word.len());
        self.word.truncate(shared);
        self.spare.extend(self.rows.drain(shared + 1..).map(|row| row.costs));
        for letter in &word[shared..] {
            self.word.push(*letter);
            self.push_row(*letter);
            let depth = self.word.len();
            // Two letters that change places look back one row more.
            let is_near = self.is_beginning && self.cost() <= self.most_cost;
            if !is_near && self.rows[depth].least.min(self.rows[depth - 1].least) > self.most_cost {
                return Some(depth);
            }
        }
        None
    }

    fn push_row(&mut self, letter: char) {
        let depth = self.word.len();
        let mut costs = self.spare.pop().unwrap_or_default();
        costs.clear();
        costs.resize(self.typed.len() + 1, TOO_FAR);
        let before = depth.checked_sub(2).map(|place| self.word[place]);
        let above = &self.rows[depth - 1];
        let two_above = depth.checked_sub(2).map(|row| &self.rows[row]);
        let left_out = self.channel.left_out(before, letter);
        let replaced = self.channel.replaced(letter);
        let first_letter = if depth == 1 { FIRST_LETTER } else { 0.0 };
        let sounding = self.channel.sounding(letter);
        let has_sound = sounding.iter().any(|sound| self.word.ends_with(&sound.meant));
        // One beyond what is near in the row above; two for what looks back further.
        let first = above.near.0.min(two_above.map_or(usize::MAX, |row| row.near.0 + 1));
        let end = (above.near.1 + 2).max(two_above.map_or(0, |row| row.near.1 + 2)).min(self.typed.len());
        let mut near = (usize::MAX, 0);
        let mut least = TOO_FAR;
        for place in first..=self.typed.len() {
            let mut best = above.costs[place] + left_out;
            if place > 0 {
                let typed = self.typed[place - 1];
                best = best.min(costs[place - 1] + self.surplus[place - 1]);
                let diagonal = above.costs[place - 1];
                if typed == letter {
                    best = best.min(diagonal);
                } else if diagonal + CHEAPEST < best {
                    let cost = replaced.zip(self.letters[place - 1]).map_or(OTHER, |(row, typed)| row[typed]);
                    best = best.min(diagonal + cost + if place == 1 { first_letter } else { 0.0 });
                }
                if place > 1 && before == Some(typed) && self.typed[place - 2] == letter {
                    best = best.min(two_above.map_or(TOO_FAR, |row| row.costs[place - 2]) + SWAPPED);
                }
                for sound in if has_sound { sounding } else { &[] } {
                    if self.word.ends_with(&sound.meant) && self.typed[..place].ends_with(&sound.typed) {
                        let from = &self.rows[depth - sound.meant.len()];
                        best = best.min(from.costs[place - sound.typed.len()] + SOUNDS);
                    }
                }
            }
            if best <= self.most_cost {
                costs[place] = best;
                near = (near.0.min(place), place);
                least = least.min(best);
            } else if place >= end {
                break;
            }
        }
        self.rows.push(Row { costs, near: if least <= self.most_cost { near } else { (0, 0) }, least });
    }
}
