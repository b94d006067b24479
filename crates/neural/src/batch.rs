//! Sequences of one step, one behind the other without padding.

use mercer_recommend::Item;

/// What goes in, and what should come next at each place.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) items: Vec<u32>,
    /// Place of each item in its sequence.
    pub(crate) places: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    /// Sequence s is `starts[s]..starts[s + 1]`.
    pub(crate) starts: Vec<usize>,
}

impl Batch {
    /// All but the last item of each window goes in, all but the first should come out.
    pub(crate) fn to_learn(windows: &[&[Item]]) -> Self {
        let mut batch = Self { starts: vec![0], ..Self::default() };
        for window in windows {
            batch.targets.extend(window.iter().skip(1).map(|item| item.0));
            batch.push(&window[..window.len().saturating_sub(1)]);
        }
        batch
    }

    /// Whole sequences go in; nothing is known of what comes next.
    pub(crate) fn to_ask<'a>(sequences: impl Iterator<Item = &'a [Item]>, longest: usize) -> Self {
        let mut batch = Self { starts: vec![0], ..Self::default() };
        for sequence in sequences {
            batch.push(&sequence[sequence.len().saturating_sub(longest)..]);
        }
        batch
    }

    fn push(&mut self, items: &[Item]) {
        self.items.extend(items.iter().map(|item| item.0));
        self.places.extend(0..items.len() as u32);
        self.starts.push(self.items.len());
    }

    /// Row of the last item of each sequence.
    pub(crate) fn lasts(&self) -> Vec<u32> {
        self.starts.iter().skip(1).map(|end| end.saturating_sub(1) as u32).collect()
    }
}

/// Cuts sequences into pieces of at most `longest` steps that together ask for every item but the first.
pub(crate) fn windows(sequences: &[Vec<Item>], longest: usize) -> Vec<&[Item]> {
    let mut windows = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let mut end = sequence.len();
        while end >= 2 {
            let from = end.saturating_sub(longest + 1);
            windows.push(&sequence[from..end]);
            end = if from == 0 { 0 } else { from + 1 };
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(numbers: std::ops::Range<u32>) -> Vec<Item> {
        numbers.map(Item).collect()
    }

    #[test]
    fn windows_ask_for_every_item_but_the_first_once() {
        let sequences = [items(0..8), items(0..1), items(0..2), items(0..4)];
        let found = windows(&sequences, 3);
        let expected = [4..8, 1..5, 0..2, 0..2, 0..4].map(items);
        assert_eq!(found, expected.iter().map(|items| &items[..]).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_puts_one_behind_the_other() {
        let batch = Batch::to_learn(&[&items(3..6), &items(8..10)]);
        assert_eq!((&batch.items[..], &batch.places[..]), (&[3, 4, 8][..], &[0, 1, 0][..]));
        assert_eq!((&batch.targets[..], &batch.starts[..]), (&[4, 5, 9][..], &[0, 2, 3][..]));
        let asked = items(0..5);
        assert_eq!(Batch::to_ask([&asked[..]].into_iter(), 2).items, [3, 4]);
        assert_eq!(batch.lasts(), [1, 2]);
    }
}
