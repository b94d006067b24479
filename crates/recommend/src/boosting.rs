//! Gradient-boosted regression trees that learn to rank.
//!
//! The sum of many small trees, each fitted to what the ones before it still order wrongly (Friedman: "Greedy Function
//! Approximation: A Gradient Boosting Machine", Annals of Statistics 2001), with the gradients of LambdaMART (Burges: "From
//! RankNet to LambdaRank to LambdaMART: An Overview", MSR-TR-2010-82). Of two rows of a [group](Examples), i wanted more than
//! j, with scores s,
//!
//! λᵢⱼ = |ΔNDCG| / (1 + exp(sᵢ − sⱼ))
//!
//! pushes i up and j down, ΔNDCG being what changing their places would change. A leaf's value is a Newton step −Σλ / (Σλ' + l2),
//! times the rate. Trees grow leaf by leaf, where the gain is largest, on values put into at most 255 bins (Ke et al.:
//! "LightGBM", NeurIPS 2017). A value that is not a number is *missing*: each split learns where those go.
//!
//! A fit depends on the examples, the settings and the seed, not on the number of threads.

mod bins;
mod fit;
mod grow;
mod objective;
mod tree;

use crate::Error;
use crate::memory::room_of;
use crate::wire::{self, Kind, Reader, Reason, Writer};

pub use objective::Objective;
use tree::Tree;

const KIND: Kind = Kind { name: "boosted_trees", version: 1 };

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostingSettings {
    pub objective: Objective,
    /// Trees at most; early stopping ends sooner.
    pub trees: usize,
    /// Leaves a tree has at most.
    pub leaves: usize,
    /// What a tree's answer is multiplied by.
    pub rate: f32,
    /// A leaf has at least so many rows.
    pub least_rows: u32,
    /// Added to the second derivatives of a leaf.
    pub l2: f64,
    /// Share of the groups that each tree sees.
    pub group_share: f64,
    /// Share of the columns that each tree sees.
    pub column_share: f64,
    /// Places of a ranking that count.
    pub cutoff: usize,
    /// Trees without a better validation before the fit ends.
    pub patience: usize,
    pub seed: u64,
}

impl Default for BoostingSettings {
    fn default() -> Self {
        Self {
            objective: Objective::LambdaMart,
            trees: 800,
            leaves: 8,
            rate: 0.05,
            least_rows: 60,
            l2: 1.0,
            group_share: 0.7,
            column_share: 0.5,
            cutoff: 20,
            patience: 40,
            seed: 1,
        }
    }
}

/// Rows of one width in groups: the candidates of one question each, with how much each was wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examples {
    width: usize,
    /// Row after row.
    values: Vec<f32>,
    /// Where each row starts from, before any tree.
    starts: Vec<f32>,
    relevance: Vec<f32>,
    /// One past the last row of each group.
    ends: Vec<usize>,
    /// Rows that are wanted in each group, also those that are not among its rows.
    wanted: Vec<usize>,
}

impl Examples {
    pub fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    /// Adds a group: its rows one after the other, and how much each is wanted (0 for not at all). Of `wanted` rows some may
    /// not be here.
    pub fn push(&mut self, rows: &[f32], relevance: &[f32], wanted: usize) {
        debug_assert!(rows.len() == relevance.len() * self.width);
        self.values.extend_from_slice(rows);
        self.relevance.extend_from_slice(relevance);
        self.starts.resize(self.relevance.len(), 0.0);
        self.ends.push(self.relevance.len());
        self.wanted.push(wanted.max(relevance.iter().filter(|relevance| **relevance > 0.0).count()));
    }

    /// What each row scores before any tree, all groups one after the other; 0 unless it is said. Trees then learn what is to
    /// be added to that.
    pub fn set_starts(&mut self, starts: Vec<f32>) {
        debug_assert!(starts.len() == self.relevance.len());
        self.starts = starts;
        self.starts.resize(self.relevance.len(), 0.0);
    }

    pub const fn groups(&self) -> usize {
        self.ends.len()
    }

    pub const fn rows(&self) -> usize {
        self.relevance.len()
    }

    fn group(&self, group: usize) -> std::ops::Range<usize> {
        let start = if group == 0 { 0 } else { self.ends[group - 1] };
        start..self.ends[group]
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

/// A fitted sum of trees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoostedTrees {
    width: usize,
    trees: Vec<Tree>,
}

impl BoostedTrees {
    /// Numbers in a row.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Trees kept.
    pub const fn len(&self) -> usize {
        self.trees.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Adds the answer for each row, one row after the other, to what is in its place.
    pub fn add_to(&self, rows: &[f32], scores: &mut [f32]) {
        // Tree by tree: one stays near the processor while all rows pass through.
        for tree in &self.trees {
            for (score, row) in scores.iter_mut().zip(rows.chunks_exact(self.width.max(1))) {
                *score += tree.answer(row);
            }
        }
    }

    /// How far each column moved a row from the average one: what each split on its way changed of the expected answer (Saabas:
    /// "Interpreting random forests", 2014). With the answer of an average row they add up to the answer.
    pub fn contributions(&self, row: &[f32]) -> Vec<f32> {
        let mut contributions = vec![0.0; self.width];
        self.trees.iter().for_each(|tree| tree.add_contributions(row, &mut contributions));
        contributions
    }

    /// What splits on each column gained in all, as a share of the whole.
    pub fn importance(&self) -> Vec<f32> {
        let mut gains = vec![0.0; self.width];
        self.trees.iter().for_each(|tree| tree.add_gains(&mut gains));
        let total = gains.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        gains.iter().map(|gain| gain / total).collect()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        room_of(&self.trees) + self.trees.iter().map(|tree| room_of(&tree.nodes)).sum::<usize>()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(self.width);
        writer.count(self.trees.len());
        self.trees.iter().for_each(|tree| tree.write(&mut writer));
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        wire::decode(KIND, bytes, Self::read)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Reason> {
        let width = reader.count(0)?;
        if width > usize::from(u16::MAX) {
            return Err("it has too many columns");
        }
        let trees = (0..reader.count(4)?).map(|_| Tree::read(reader, width)).collect::<Result<_, _>>()?;
        Ok(Self { width, trees })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Groups of ten; wanted is what has a high first number, unless the second is high, too. The third says nothing.
    fn examples(seed: u64, groups: usize) -> Examples {
        let (mut random, mut examples) = (Random::new(seed), Examples::new(3));
        for _ in 0..groups {
            let mut rows: Vec<f32> = (0..30).map(|_| random.uniform() as f32).collect();
            rows[3] = f32::NAN;
            let is_wanted = |row: &[f32]| f32::from(u8::from(row[0] > 0.7 && row[1] < 0.5));
            let relevance: Vec<f32> = rows.chunks(3).map(is_wanted).collect();
            examples.push(&rows, &relevance, 0);
        }
        examples
    }

    fn settings() -> BoostingSettings {
        BoostingSettings { trees: 60, leaves: 6, least_rows: 5, rate: 0.2, ..BoostingSettings::default() }
    }

    fn share_in_order(model: &BoostedTrees, asked: &Examples) -> f64 {
        let mut scores = vec![0.0; asked.rows()];
        model.add_to(&asked.values, &mut scores);
        let (mut right, mut pairs) = (0, 0);
        for group in 0..asked.groups() {
            for wanted in asked.group(group).filter(|row| asked.relevance[*row] > 0.0) {
                for other in asked.group(group).filter(|row| asked.relevance[*row] == 0.0) {
                    pairs += 1;
                    right += u32::from(scores[wanted] > scores[other]);
                }
            }
        }
        f64::from(right) / f64::from(pairs)
    }

    #[test]
    fn learns_what_goes_together() {
        for objective in [Objective::LambdaMart, Objective::Softmax] {
            let model =
                BoostedTrees::fit(&examples(1, 300), &examples(2, 60), &BoostingSettings { objective, ..settings() });
            let share = share_in_order(&model, &examples(3, 60));
            assert!(share > 0.97, "{objective:?}: {share}");
            assert!(model.importance()[2] < 0.1, "{:?}", model.importance());
        }
    }

    #[test]
    fn contributions_explain_the_answer() {
        let model = BoostedTrees::fit(&examples(1, 300), &examples(2, 60), &settings());
        let (good, spoilt) = (model.contributions(&[0.9, 0.1, 0.5]), model.contributions(&[0.9, 0.9, 0.5]));
        assert!(good[0] > 0.0 && good[1] > 0.0 && spoilt[1] < 0.0, "{good:?} {spoilt:?}");
        let mut answers = [0.0; 2];
        model.add_to(&[0.9, 0.1, 0.5, 0.9, 0.9, 0.5], &mut answers);
        let difference = good.iter().sum::<f32>() - spoilt.iter().sum::<f32>();
        assert!((answers[0] - answers[1] - difference).abs() < 1e-4);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| BoostedTrees::fit(&examples(1, 100), &examples(2, 30), &settings()))
        };
        assert_eq!(fit(1), fit(3));
    }

    #[test]
    fn bytes_give_the_same_trees_and_broken_ones_are_refused() {
        let model = BoostedTrees::fit(&examples(1, 60), &examples(2, 30), &settings());
        let bytes = model.encode();
        assert_eq!(BoostedTrees::decode(&bytes).as_ref(), Ok(&model));
        for cut in 0..bytes.len() {
            assert!(BoostedTrees::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn nothing_to_learn_gives_no_trees() {
        let none = Examples::new(3);
        assert!(BoostedTrees::fit(&none, &none, &settings()).is_empty());
        let mut unwanted = Examples::new(1);
        unwanted.push(&[1.0, 2.0], &[0.0, 0.0], 0);
        assert!(BoostedTrees::fit(&unwanted, &none, &settings()).is_empty());
    }
}
