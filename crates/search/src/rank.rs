//! How well each product fits what was typed.
//!
//! A unit is weighed by BM25F (Robertson, Zaragoza and Taylor, CIKM 2004, equations 1 to 3): how often it stands in each
//! field, divided by how long the field is, added up and only then saturated; and by how rare it is. A product that lacks
//! units is worth less by a power of the share that it has, and one that *is* what the last unit names is worth more than
//! one that only goes with it.

use std::cell::RefCell;

use crate::Doc;
use crate::index::{Posting, SearchIndex};
use crate::marks::{FIELD_STATES, Field, Marks, count_and_length};
use crate::query::{Form, How, Reading, Unit};

/// Coverages of which the power is kept.
const MOST_STRENGTHS: usize = 16;
/// Above any sum of words.
const CODE_SCORE: f32 = 100_000.0;

/// What the fields and the other evidence weigh. Found by cross-validation on judged queries; see docs/results.md.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    pub title: f32,
    pub description: f32,
    pub attributes: f32,
    pub brand: f32,
    pub category: f32,
    /// How much a long field dilutes a word: 0 not at all, 1 in proportion.
    pub dilution: f32,
    /// From how many times on a further one counts little.
    pub saturation: f32,
    /// The power of the share of units, weighed by rarity, that a product has.
    pub coverage: f32,
    /// What a word is worth that was not typed so, beside one that was.
    pub corrected: f32,
    /// `t shirt` as `tshirt`, and the other way round.
    pub joined: f32,
    pub synonym: f32,
    /// A word of which the beginning was typed, or that ends in it.
    pub completed: f32,
    /// The word that says what it is, of several that are a name together.
    pub part: f32,
    /// How much less a form covers that was not typed: 0 nothing, 1 all that its weight is less.
    pub doubt: f32,
    /// More for being what the head of the query names, by the title, by the description, by the category.
    pub title_head: f32,
    pub description_head: f32,
    pub category_head: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            title: 2.2,
            description: 3.2,
            attributes: 0.25,
            brand: 6.0,
            category: 2.0,
            dilution: 0.85,
            saturation: 7.0,
            coverage: 3.0,
            corrected: 0.9,
            joined: 0.4,
            synonym: 0.58,
            completed: 0.5,
            part: 0.05,
            doubt: 0.7,
            title_head: 0.14,
            description_head: 0.24,
            category_head: 0.5,
        }
    }
}

impl Weights {
    const fn of(&self, how: How) -> f32 {
        match how {
            How::Typed => 1.0,
            How::Corrected => self.corrected,
            How::Joined | How::Split => self.joined,
            How::Synonym => self.synonym,
            How::Completed | How::Compound => self.completed,
            How::Part => self.part,
        }
    }
}

/// A product that has some of what was typed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    pub doc: Doc,
    /// Compares within one query only.
    pub score: f32,
    /// The share of the units, weighed by rarity, that it has: 1 has all.
    pub coverage: f32,
    /// The share of the units that it has, each counting the same.
    pub share: f32,
    /// A code of it was typed.
    pub is_coded: bool,
}

/// What was typed, ready to be matched: the units in order of their rarity, the rarest first.
pub(crate) struct Matcher<'a> {
    index: &'a SearchIndex,
    reading: &'a Reading,
    weights: &'a Weights,
    tables: Tables,
    units: Vec<Weighed<'a>>,
    /// What all units cover together.
    possible: f32,
}

/// A unit in the forms that count.
struct Weighed<'a> {
    forms: Vec<&'a Form>,
    is_head: bool,
    rarity: f32,
}

impl<'a> Weighed<'a> {
    fn new(index: &SearchIndex, unit: &'a Unit, weights: &Weights) -> Self {
        let forms = strongest(unit, weights);
        let (all, having) = (index.len() as f32, having(index, &forms) as f32);
        let rarity = (1.0 + (all - having + 0.5).max(0.0) / (having + 0.5)).ln();
        Self { forms, is_head: unit.is_head, rarity }
    }
}

/// The forms of a unit but those that no product gains by, such as *laser printer* for *printer*: it has that, too.
fn strongest<'a>(unit: &'a Unit, weights: &Weights) -> Vec<&'a Form> {
    let is_at_least = |one: &Form, other: &Form| {
        weights.of(one.how) >= weights.of(other.how)
            && one.terms.iter().all(|term| other.terms.contains(term))
            && (!unit.is_head || one.terms.last() == other.terms.last())
    };
    let mut strongest: Vec<&Form> = Vec::with_capacity(unit.forms.len());
    for form in &unit.forms {
        if !strongest.iter().any(|known| is_at_least(known, form)) {
            strongest.retain(|known| !is_at_least(form, known));
            strongest.push(form);
        }
    }
    strongest
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(index: &'a SearchIndex, reading: &'a Reading, weights: &'a Weights) -> Self {
        let mut units: Vec<Weighed<'_>> = reading.units.iter().map(|unit| Weighed::new(index, unit, weights)).collect();
        units.sort_by(|a, b| b.rarity.total_cmp(&a.rarity));
        let possible = units.iter().map(|unit| unit.rarity).sum();
        Self { index, reading, weights, tables: Tables::new(index, weights), units, possible }
    }

    pub(crate) const fn units(&self) -> usize {
        self.units.len()
    }

    /// Some product has a code that was typed.
    pub(crate) const fn is_coded(&self) -> bool {
        !self.reading.coded.is_empty()
    }

    /// The share, weighed by rarity, that all units cover but the rarest ones, so many.
    pub(crate) fn covered_without(&self, rarest: usize) -> f32 {
        self.units[rarest..].iter().map(|unit| unit.rarity).sum::<f32>() / self.possible
    }

    /// Every product that has any of the rarest units, so many, by its number.
    pub(crate) fn having(&self, rarest: usize) -> Vec<Match> {
        let mut found = SCRATCH.with_borrow_mut(|scratch| {
            for (place, unit) in self.units.iter().enumerate() {
                scratch.add_unit(self, unit, place < rarest);
            }
            scratch.drain((self.possible, self.units.len()), self.weights)
        });
        for doc in &self.reading.coded {
            match found.binary_search_by_key(doc, |found| found.doc) {
                Ok(place) => (found[place].score, found[place].is_coded) = (found[place].score + CODE_SCORE, true),
                Err(place) => {
                    found.insert(
                        place,
                        Match { doc: *doc, score: CODE_SCORE, coverage: 1.0, share: 1.0, is_coded: true },
                    );
                }
            }
        }
        if !self.reading.unwanted.is_empty() {
            found.retain(|found| !has_any(self.index, &self.reading.unwanted, found.doc));
        }
        found
    }
}

/// How many products have any of these forms.
fn having(index: &SearchIndex, forms: &[&Form]) -> usize {
    if let [form] = forms
        && let [term] = form.terms.as_slice()
    {
        return index.postings(*term).len();
    }
    let mut counted = vec![0_u64; index.docs().div_ceil(64)];
    for form in forms {
        for_each_product(index, form, |Doc(doc), _| counted[doc as usize / 64] |= 1 << (doc % 64));
    }
    counted.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// Whether a product has one of the units where it says what it is.
pub(crate) fn has_any(index: &SearchIndex, units: &[Unit], doc: Doc) -> bool {
    units.iter().any(|unit| has(index, unit, doc))
}

/// Whether a product has a unit anywhere but in its description.
fn has(index: &SearchIndex, unit: &Unit, doc: Doc) -> bool {
    has_where(index, unit, doc, |marks| marks.is_prominent() || marks.is_in(Field::Attributes))
}

/// Whether a product has a unit anywhere.
pub(crate) fn is_in(index: &SearchIndex, unit: &Unit, doc: Doc) -> bool {
    has_where(index, unit, doc, |_| true)
}

fn has_where(index: &SearchIndex, unit: &Unit, doc: Doc, is_meant: impl Fn(Marks) -> bool) -> bool {
    unit.forms.iter().filter(|form| form.how != How::Part).any(|form| {
        form.terms.iter().all(|term| {
            let postings = index.postings(*term);
            let place = postings.binary_search_by_key(&doc, |posting| posting.doc);
            place.is_ok_and(|place| is_meant(postings[place].marks))
        })
    })
}

/// What each state of each field is worth, worked out once a query.
struct Tables {
    fields: [[f32; FIELD_STATES]; 3],
    brand: f32,
    category: f32,
}

impl Tables {
    fn new(index: &SearchIndex, weights: &Weights) -> Self {
        let field = |field: Field, weight: f32| {
            let average = index.average_length(field as usize);
            let mut table = [0.0; FIELD_STATES];
            for (state, worth) in table.iter_mut().enumerate() {
                let (count, length) = count_and_length(state);
                *worth = weight * count / (1.0 - weights.dilution + weights.dilution * length / average);
            }
            table
        };
        Self {
            fields: [
                field(Field::Title, weights.title),
                field(Field::Description, weights.description),
                field(Field::Attributes, weights.attributes),
            ],
            brand: weights.brand,
            category: weights.category,
        }
    }

    fn frequency(&self, marks: Marks) -> f32 {
        let fields: f32 = Field::ALL.iter().map(|field| self.fields[*field as usize][marks.state(*field)]).sum();
        let brand = if marks.is_brand() { self.brand } else { 0.0 };
        let category = if marks.is_category() { self.category } else { 0.0 };
        fields + brand + category
    }
}

fn headship(marks: Marks, weights: &Weights) -> f32 {
    let title = if marks.is_head(Field::Title) { weights.title_head } else { 0.0 };
    let description = if marks.is_head(Field::Description) { weights.description_head } else { 0.0 };
    let category = if marks.is_leaf() { weights.category_head } else { 0.0 };
    title + description + category
}

/// What a product has of the unit at hand.
#[derive(Debug, Clone, Copy)]
struct Gain {
    doc: Doc,
    frequency: f32,
    cover: f32,
    headship: f32,
}

/// What a product has of all units so far.
#[derive(Debug, Clone, Copy)]
struct Sum {
    doc: Doc,
    score: f32,
    covered: f32,
    headship: f32,
    units: u8,
}

impl Sum {
    const fn nothing(doc: Doc) -> Self {
        Self { doc, score: 0.0, covered: 0.0, headship: 0.0, units: 0 }
    }

    fn add(&mut self, gain: &Gain, rarity: f32, weights: &Weights) {
        let saturated = gain.frequency * (weights.saturation + 1.0) / (weights.saturation + gain.frequency);
        self.score += rarity * saturated;
        self.covered += rarity * gain.cover;
        self.headship = self.headship.max(gain.headship);
        self.units += 1;
    }
}

/// Lists in order of the products' numbers, of which the room is used again for the next query. They are read from end to end:
/// of a million products a common word is in a tenth, and a table by product would be a walk through memory for each.
#[derive(Default)]
struct Scratch {
    gains: Vec<Gain>,
    sums: Vec<Sum>,
    merged: Vec<Sum>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Scratch {
    /// Adds what a unit is worth to each product that has it; where products do not enter by it, to those that are there.
    fn add_unit(&mut self, matcher: &Matcher<'_>, unit: &Weighed<'_>, is_entered: bool) {
        self.gather(matcher, unit, is_entered);
        let Self { gains, sums, merged } = self;
        merged.clear();
        let mut old = sums.drain(..).peekable();
        for gain in &*gains {
            while let Some(before) = old.next_if(|sum| sum.doc < gain.doc) {
                merged.push(before);
            }
            let mut sum = old.next_if(|sum| sum.doc == gain.doc).unwrap_or(Sum::nothing(gain.doc));
            sum.add(gain, unit.rarity, matcher.weights);
            merged.push(sum);
        }
        merged.extend(old);
        std::mem::swap(sums, merged);
    }

    /// What products have of a unit in that of its forms which is worth most.
    fn gather(&mut self, matcher: &Matcher<'_>, unit: &Weighed<'_>, is_entered: bool) {
        let Matcher { index, tables, weights, .. } = matcher;
        let Self { gains, sums, .. } = self;
        gains.clear();
        for form in &unit.forms {
            let weight = weights.of(form.how);
            let cover = 1.0 - weights.doubt + weights.doubt * weight;
            let take = |doc: Doc, marks: &[Marks]| {
                // How much it has of what it has least of.
                let frequency = marks.iter().map(|marks| tables.frequency(*marks)).fold(f32::MAX, f32::min);
                // The last word of a name is its head; in a name that reads the other way round the first is as good.
                let head = marks.last().filter(|_| unit.is_head).map_or(0.0, |last| headship(*last, weights));
                gains.push(Gain { doc, frequency: weight * frequency, cover, headship: cover * head });
            };
            if is_entered {
                for_each_product(index, form, take);
            } else {
                for_each_of(index, form, sums.iter().map(|sum| sum.doc), take);
            }
        }
        if unit.forms.len() > 1 {
            // Each form's come in order, and are merged.
            gains.sort_by_key(|gain| gain.doc);
            gains.dedup_by(|next, kept| {
                let is_same = next.doc == kept.doc;
                if is_same {
                    kept.frequency = kept.frequency.max(next.frequency);
                    kept.cover = kept.cover.max(next.cover);
                    kept.headship = kept.headship.max(next.headship);
                }
                is_same
            });
        }
    }

    fn drain(&mut self, (possible, units): (f32, usize), weights: &Weights) -> Vec<Match> {
        // There are only a few: those of the sets of units, by the forms in which they were found.
        let mut strengths: Vec<(f32, f32)> = Vec::new();
        let told = |sum: Sum| {
            let coverage = (sum.covered / possible).min(1.0);
            let known = strengths.iter().find(|(known, _)| *known == coverage).map(|(_, strength)| *strength);
            let strength = known.unwrap_or_else(|| {
                let strength = coverage.powf(weights.coverage);
                if strengths.len() < MOST_STRENGTHS {
                    strengths.push((coverage, strength));
                }
                strength
            });
            let score = sum.score * strength * (1.0 + sum.headship);
            let share = f32::from(sum.units) / units.max(1) as f32;
            Match { doc: sum.doc, score, coverage, share, is_coded: false }
        };
        self.sums.drain(..).map(told).collect()
    }
}

/// Calls `take` with each product that has all terms of a form, and with where it has them.
fn for_each_product(index: &SearchIndex, form: &Form, mut take: impl FnMut(Doc, &[Marks])) {
    if let [term] = form.terms.as_slice() {
        for Posting { doc, marks } in index.postings(*term) {
            take(*doc, std::slice::from_ref(marks));
        }
        return;
    }
    let lists = form.terms.iter().map(|term| index.postings(*term));
    let shortest = lists.min_by_key(|list| list.len()).unwrap_or_default();
    for_each_of(index, form, shortest.iter().map(|posting| posting.doc), take);
}

/// The same of these products alone, which are in order.
fn for_each_of(index: &SearchIndex, form: &Form, docs: impl Iterator<Item = Doc>, mut take: impl FnMut(Doc, &[Marks])) {
    let mut lists: Vec<Cursor<'_>> = form.terms.iter().map(|term| Cursor(index.postings(*term))).collect();
    let mut of_form = Vec::with_capacity(lists.len());
    for doc in docs {
        of_form.clear();
        if lists.iter_mut().all(|list| list.find(doc).map(|marks| of_form.push(marks)).is_some()) {
            take(doc, &of_form);
        }
    }
}

/// What is left of a list that is read for products in their order.
struct Cursor<'a>(&'a [Posting]);

impl Cursor<'_> {
    /// In steps that double until one is too long (Bentley, Yao, Inf. Process. Lett. 1976).
    fn find(&mut self, doc: Doc) -> Option<Marks> {
        let mut step = 1;
        while self.0.get(step).is_some_and(|posting| posting.doc < doc) {
            step *= 2;
        }
        let end = (step + 1).min(self.0.len());
        let place = step / 2 + self.0[(step / 2).min(end)..end].partition_point(|posting| posting.doc < doc);
        self.0 = self.0.get(place..).unwrap_or_default();
        self.0.first().filter(|posting| posting.doc == doc).map(|posting| posting.marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Term;

    #[test]
    fn a_form_that_has_all_of_a_stronger_one_is_not_looked_for() {
        let form = |terms: &[u32], how: How| Form {
            terms: terms.iter().map(|term| Term(*term)).collect(),
            how,
            text: String::new(),
        };
        let kept = |forms: Vec<Form>, is_head: bool| {
            let unit = Unit { forms, is_head, ..Unit::default() };
            let places = |form: &&Form| unit.forms.iter().position(|other| std::ptr::eq(other, *form)).unwrap();
            strongest(&unit, &Weights::default()).iter().map(places).collect::<Vec<usize>>()
        };
        let (printer, laser_printer) = (form(&[1], How::Typed), form(&[2, 1], How::Synonym));
        assert_eq!(kept(vec![printer.clone(), laser_printer.clone()], true), [0]);
        assert_eq!(kept(vec![laser_printer.clone(), printer.clone()], true), [1]);
        // A cartridge for printers is called by its other word, which may be a better head.
        let printer_cartridge = form(&[1, 3], How::Synonym);
        assert_eq!(kept(vec![printer.clone(), printer_cartridge.clone()], true), [0, 1]);
        assert_eq!(kept(vec![printer.clone(), printer_cartridge], false), [0]);
        // What is worth less does not stand for what is worth more.
        assert_eq!(kept(vec![form(&[1], How::Part), laser_printer], true), [0, 1]);
        assert_eq!(kept(vec![printer.clone(), printer], true), [0]);
    }

    #[test]
    fn a_word_in_a_short_field_counts_more() {
        let index = SearchIndex::default();
        let tables = Tables::new(&index, &Weights::default());
        let marks = |length: usize| {
            let mut marks = Marks::default();
            marks.add(Field::Title, length, false);
            marks
        };
        assert!(tables.frequency(marks(3)) > tables.frequency(marks(12)));
        assert_eq!(tables.frequency(Marks::default()), 0.0);
    }
}
