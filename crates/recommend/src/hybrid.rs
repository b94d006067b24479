//! Two stages: several models propose, and one that was taught by what customers took puts the proposals in order.
//!
//! The first stage asks each source for its best items; those that most sources rank high are the candidates (reciprocal
//! rank fusion, Cormack, Clarke, Büttcher, SIGIR 2009). The second describes each candidate by a row of numbers: its score and
//! rank in every source, what is known of the item ([`Facts`]), how the customer stands to it and what the moment is
//! (`taste.rs`). A first guess adds up ranks and shares of the sources, weighed by a conditional logit (`logit.rs`), so that the
//! worst outcome of learning is a good blend; [`BoostedTrees`] fitted with LambdaMART add what the rows say beside:
//!
//! score(i) = exp(w · (ln ranks, ln shares of i) + Σ treeₜ(row of i))
//!
//! Nothing learns from its own answers. Sources are fitted on what lies before a cut, the ranker learns from what was taken
//! after it ([`Lessons`]), and then the sources are fitted again on everything. A ranker of its own for a placement or a
//! device is one that was given lessons of that placement alone.
//!
//! The reason for an item is that of the source that moved it up most, by the contributions of its row.

mod describe;
mod facts;
mod features;
mod lessons;
mod taste;
mod traits;

use crate::boosting::BoostedTrees;
use crate::dense::dot;
use crate::memory::room_of;
use crate::ranking::{better, keep_first};
use crate::wire::{self, Kind, Reader, Reason, Writer};
use crate::{Error, Item, Query, Recommender, Scored};

use features::{Candidates, GUESS};

pub use describe::{DESCRIBED, Describing, described};
pub use facts::{Facts, Taken};
pub use lessons::{Lessons, RankerSettings};
pub use traits::{Catalog, Traits};

const KIND: Kind = Kind { name: "ranker", version: 1 };

/// A first stage: who proposes, and what is known of the items.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// In the order of the ranker's names.
    pub models: &'a [&'a dyn Recommender],
    pub facts: &'a Facts,
    pub catalog: &'a Catalog,
}

impl std::fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources").field("models", &self.models.len()).finish_non_exhaustive()
    }
}

/// How many items take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Items that each source is asked for.
    pub each: usize,
    /// Candidates that are ranked.
    pub all: usize,
}

impl Default for Depth {
    fn default() -> Self {
        Self { each: 150, all: 250 }
    }
}

/// The fitted second stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranker {
    /// Names of the sources that it was taught with.
    sources: Vec<String>,
    depth: Depth,
    /// Weights of the first guess, to which the trees add.
    guess: [f32; GUESS],
    trees: BoostedTrees,
}

impl Ranker {
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// What each number of a row is called.
    pub fn features(&self) -> Vec<String> {
        features::names(&self.sources)
    }

    pub const fn trees(&self) -> &BoostedTrees {
        &self.trees
    }

    /// What was used most, with its share, most first.
    pub fn importance(&self) -> Vec<(String, f32)> {
        let mut shares: Vec<(String, f32)> = self.features().into_iter().zip(self.trees.importance()).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let names: usize = self.sources.iter().map(String::capacity).sum();
        room_of(&self.sources) + names + self.trees.heap_bytes()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::model(KIND);
        writer.count(self.depth.each);
        writer.count(self.depth.all);
        writer.count(self.sources.len());
        self.sources.iter().for_each(|name| writer.text(name));
        self.guess.iter().for_each(|weight| writer.f32(*weight));
        // Rows of another making would be misread.
        writer.text(&features::names(&[]).join(" "));
        writer.block(&self.trees.encode());
        writer.bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (mut ranker, trees) = wire::decode(KIND, bytes, Self::read)?;
        ranker.trees = BoostedTrees::decode(trees)?;
        if ranker.trees.is_empty() || ranker.trees.width() == ranker.features().len() {
            return Ok(ranker);
        }
        Err(Error::BrokenModel { model: KIND.name, reason: "its trees are for other rows" })
    }

    fn read<'a>(reader: &mut Reader<'a>) -> Result<(Self, &'a [u8]), Reason> {
        let depth = Depth { each: reader.count(0)?, all: reader.count(0)? };
        let sources = (0..reader.count(4)?).map(|_| Ok(reader.text()?.to_owned())).collect::<Result<_, Reason>>()?;
        let mut guess = [0.0; GUESS];
        for weight in &mut guess {
            *weight = reader.f32()?;
        }
        if reader.text()? != features::names(&[]).join(" ") {
            return Err("its rows hold other numbers than this program's");
        }
        Ok((Self { sources, depth, guess, trees: BoostedTrees::default() }, reader.block()?))
    }
}

/// Both stages together.
#[derive(Debug, Clone, Copy)]
pub struct Hybrid<'a> {
    pub sources: Sources<'a>,
    pub ranker: &'a Ranker,
}

impl Hybrid<'_> {
    /// What moved an item up or down beside the average candidate, by the names of [`Ranker::features`], the strongest first;
    /// nothing for an item that no source proposes.
    pub fn explain(&self, query: &Query<'_>, item: Item) -> Vec<(String, f32)> {
        let candidates = Candidates::of(&self.sources, self.ranker.depth, query);
        let Some(place) = candidates.items.iter().position(|candidate| *candidate == item) else { return Vec::new() };
        let contributions = self.ranker.trees.contributions(candidates.row(place));
        let mut parts: Vec<(String, f32)> = self.ranker.features().into_iter().zip(contributions).collect();
        parts.retain(|(_, part)| *part != 0.0);
        parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        parts
    }

    /// The item, if any, that is named by the source that moved this candidate up most, among those that propose it.
    fn cause(&self, candidates: &Candidates, place: usize) -> Option<Item> {
        let named = candidates.causes(place);
        if let [cause] = named {
            return *cause;
        }
        let contributions = self.ranker.trees.contributions(candidates.row(place));
        let moved = features::by_source(&contributions, named.len());
        let proposing = (0..named.len()).filter(|source| candidates.is_proposed_by(place, *source));
        let best = proposing.reduce(|most, next| if moved[next] > moved[most] { next } else { most });
        best.and_then(|source| named[source])
    }
}

/// What the sources propose, in the order of the ranker; without trees, by reciprocal rank fusion alone.
impl Recommender for Hybrid<'_> {
    fn recommend(&self, query: &Query<'_>, limit: usize) -> Vec<Scored> {
        if limit == 0 || self.sources.models.len() != self.ranker.sources.len() {
            return Vec::new();
        }
        let candidates = Candidates::of(&self.sources, self.ranker.depth, query);
        let mut scores: Vec<f32> = candidates.guesses.iter().map(|guess| dot(guess, &self.ranker.guess)).collect();
        self.ranker.trees.add_to(&candidates.rows, &mut scores);
        for score in &mut scores {
            // Above zero and finite, whatever the numbers of a file add up to.
            let odds = if score.is_nan() { 0.0 } else { score.exp() };
            *score = odds.clamp(f32::MIN_POSITIVE, f32::MAX);
        }
        let scored =
            |(place, score): (usize, f32)| (Scored { item: candidates.items[place], score, because_of: None }, place);
        let mut found: Vec<(Scored, usize)> = scores.into_iter().enumerate().map(scored).collect();
        keep_first(&mut found, limit, |a, b| better(&a.0, &b.0));
        let explained =
            |(scored, place): (Scored, usize)| Scored { because_of: self.cause(&candidates, place), ..scored };
        found.into_iter().map(explained).collect()
    }
}
