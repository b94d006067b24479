//! The learned order of a search's hits: a model of a version, with what it was worth when it was taught.
//!
//! It is taught by the engine and serves only where held-out days said that it is better than the formula, beyond chance; a
//! version always says which of the two serves, and why.

use mercer_recommend::Error;
use mercer_recommend::guided::{GuidedTrees, Rows};
use mercer_recommend::wire::{Kind, Reader, Reason, Writer, decode};

use super::features::{GUESS, names};

/// The least weight of words that scores are measured by.
const LEAST_WEIGHT: f32 = 0.25;
const KIND: Kind = Kind { name: "search_ranker", version: 1 };

/// What a ranker learned from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TaughtBy {
    /// Nothing: there was too little.
    #[default]
    Nothing,
    /// Words of the titles of what was ordered next.
    Orders,
    /// What was clicked, put into baskets and ordered of what searches showed.
    Searches,
}

/// Reciprocal ranks of what was wanted on days that the ranker does not know: by the formula, and learned.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RankerExam {
    pub queries: u32,
    pub formula: f64,
    pub learned: f64,
    /// Of the paired difference, with 95 %.
    pub low: f64,
    pub high: f64,
}

/// The default knows nothing and does not serve.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchRanker {
    order: GuidedTrees<GUESS>,
    taught_by: TaughtBy,
    lessons: u32,
    exam: RankerExam,
}

impl SearchRanker {
    pub const fn new(order: GuidedTrees<GUESS>, taught_by: TaughtBy, lessons: u32) -> Self {
        let exam = RankerExam { queries: 0, formula: 0.0, learned: 0.0, low: 0.0, high: 0.0 };
        Self { order, taught_by, lessons, exam }
    }

    /// With what it reached on days that it does not know.
    #[must_use]
    pub fn examined(self, exam: RankerExam) -> Self {
        Self { exam, ..self }
    }

    /// As if it had been better, to be measured beside the formula.
    #[must_use]
    pub fn on_trial(mut self) -> Self {
        self.exam.low = f64::MIN_POSITIVE;
        self
    }

    /// It was better than the formula beyond chance.
    pub fn serves(&self) -> bool {
        self.taught_by != TaughtBy::Nothing && self.exam.low > 0.0
    }

    pub const fn taught_by(&self) -> TaughtBy {
        self.taught_by
    }

    pub const fn lessons(&self) -> u32 {
        self.lessons
    }

    pub const fn exam(&self) -> &RankerExam {
        &self.exam
    }

    /// What was used most of the numbers of a row, with its share.
    pub fn importance(&self) -> Vec<(&'static str, f32)> {
        let mut shares: Vec<(&'static str, f32)> = names().zip(self.order.trees().importance()).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// On the scale of the logarithm of what words and clicks say: what it learned that to weigh is one.
    pub(super) fn scores(&self, rows: &Rows<GUESS>) -> Vec<f32> {
        let scale = self.scale();
        self.order.scores(rows).into_iter().map(|score| score / scale).collect()
    }

    /// What a difference in words weighs. A ranker that thinks little of words is not let off having a scale.
    fn scale(&self) -> f32 {
        self.order.weights()[0].max(LEAST_WEIGHT)
    }

    /// On the same scale.
    pub(super) fn contributions(&self, rows: &Rows<GUESS>, place: usize) -> (Vec<f32>, [f32; GUESS]) {
        let (of_row, of_guess) = self.order.contributions(rows, place);
        let scale = self.scale();
        (of_row.into_iter().map(|value| value / scale).collect(), of_guess.map(|value| value / scale))
    }

    pub fn heap_bytes(&self) -> usize {
        self.order.heap_bytes()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.u16(match self.taught_by {
            TaughtBy::Nothing => 0,
            TaughtBy::Orders => 1,
            TaughtBy::Searches => 2,
        });
        writer.u32(self.lessons);
        let RankerExam { queries, formula, learned, low, high } = self.exam;
        writer.u32(queries);
        [formula, learned, low, high].into_iter().for_each(|value| writer.f64(value));
        // Rows of another making would be misread.
        writer.text(&named());
        writer.block(&self.order.encode());
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (ranker, order) = decode(KIND, bytes, Self::read)?;
        let order = GuidedTrees::decode(order)?;
        if order.trees().is_empty() || order.trees().width() == names().count() {
            return Ok(Self { order, ..ranker });
        }
        Err(Error::BrokenModel { model: KIND.name, reason: "its trees are for other rows" })
    }

    fn read<'a>(reader: &mut Reader<'a>) -> Result<(Self, &'a [u8]), Reason> {
        let taught_by = match reader.u16()? {
            0 => TaughtBy::Nothing,
            1 => TaughtBy::Orders,
            2 => TaughtBy::Searches,
            _ => return Err("it was taught by something unknown"),
        };
        let (lessons, queries) = (reader.u32()?, reader.u32()?);
        let [formula, learned, low, high] = [reader.f64()?, reader.f64()?, reader.f64()?, reader.f64()?];
        if reader.text()? != named() {
            return Err("its rows hold other numbers than this program's");
        }
        let exam = RankerExam { queries, formula, learned, low, high };
        Ok((Self { taught_by, lessons, exam, ..Self::default() }, reader.block()?))
    }
}

fn named() -> String {
    names().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_give_the_same_ranker_and_broken_ones_are_refused() {
        let exam = RankerExam { queries: 10, formula: 0.5, learned: 0.6, low: 0.01, high: 0.2 };
        let ranker = SearchRanker::new(GuidedTrees::default(), TaughtBy::Orders, 300).examined(exam);
        let bytes = ranker.encode();
        assert_eq!(SearchRanker::decode(&bytes).as_ref(), Ok(&ranker));
        assert!(ranker.serves());
        for cut in 0..bytes.len() {
            assert!(SearchRanker::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn who_is_not_better_beyond_chance_does_not_serve() {
        let ranker = SearchRanker::new(GuidedTrees::default(), TaughtBy::Orders, 300);
        assert!(!ranker.serves() && !SearchRanker::default().serves());
        let exam = RankerExam { queries: 10, formula: 0.5, learned: 0.6, low: -0.01, high: 0.2 };
        assert!(!ranker.examined(exam).serves());
    }
}
