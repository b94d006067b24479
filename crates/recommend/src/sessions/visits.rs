//! The visits of the index by number, packed 64 to a page.
//!
//! A page holds only the visits that are there, their items and contacts end to end, so that finding many visits
//! touches little memory and a page is cheap to copy after the index was cloned.

use mercer_schema::Timestamp;

use super::table::Table;
use crate::Item;

const PAGE: u64 = 64;

/// One visit, to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) visitor: u64,
    pub(super) last_at: Timestamp,
    /// Distinct, in the order of the last contact with each.
    pub(super) items: Vec<Item>,
    /// As they came.
    pub(super) contacts: Vec<(Item, Timestamp)>,
    /// Postings that hold this visit.
    pub(super) holders: u32,
}

/// One visit, to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VisitView<'a> {
    pub(super) visitor: u64,
    pub(super) last_at: Timestamp,
    /// Distinct, in the order of the last contact with each.
    pub(super) items: &'a [Item],
    /// The items of all contacts as they came, and their times.
    pub(super) clicks: &'a [Item],
    pub(super) times: &'a [Timestamp],
    pub(super) holders: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Visits {
    pages: Table<Page>,
    count: usize,
}

/// Words before the items of a visit.
const TIME_WORDS: usize = 2;

#[derive(Debug, Clone, Default)]
struct Page {
    /// A bit for each visit that is there; the others below it say where it lies.
    present: u64,
    /// Where the words of each visit end, also of those that are not there: they have none.
    ends: Ends,
    /// What most questions read of a visit, in one place: its last time in two words, then its items.
    words: Vec<Item>,
    heads: Vec<Head>,
    clicks: Vec<Item>,
    times: Vec<Timestamp>,
}

/// In the page itself, so that they are read with it.
#[derive(Debug, Clone, Copy)]
struct Ends([u32; PAGE as usize]);

impl Default for Ends {
    fn default() -> Self {
        Self([0; PAGE as usize])
    }
}

#[derive(Debug, Clone, Copy)]
struct Head {
    visitor: u64,
    holders: u32,
    first_click: u32,
    clicks: u32,
}

/// When a visit ended, and its items; read when they are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    words: &'a [Item],
}

impl Visit {
    pub(super) const fn begun_by(visitor: u64, at: Timestamp) -> Self {
        Self { visitor, last_at: at, items: Vec::new(), contacts: Vec::new(), holders: 0 }
    }

    /// Takes a contact; says whether the item is new here. Of more than `most` contacts the oldest that a later one
    /// repeats is forgotten.
    pub(super) fn take(&mut self, item: Item, at: Timestamp, most: usize) -> bool {
        self.last_at = self.last_at.max(at);
        let known = self.items.iter().position(|known| *known == item);
        if let Some(place) = known {
            self.items.remove(place);
        }
        self.items.push(item);
        self.contacts.push((item, at));
        if self.contacts.len() > most {
            let is_repeated = |place: &usize| {
                let (item, _) = self.contacts[*place];
                self.contacts[place + 1..].iter().any(|(later, _)| *later == item)
            };
            if let Some(place) = (0..self.contacts.len()).find(is_repeated) {
                self.contacts.remove(place);
            }
        }
        known.is_none()
    }

    /// The distinct items again from the contacts.
    pub(super) fn count_again(&mut self) {
        self.items.clear();
        for (item, _) in self.contacts.iter().rev() {
            if !self.items.contains(item) {
                self.items.push(*item);
            }
        }
        self.items.reverse();
    }
}

impl Visits {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, number: u64) -> Option<VisitView<'_>> {
        let page = self.pages.get((number / PAGE) as usize)?;
        page.view(number)
    }

    #[inline]
    pub(super) fn seen(&self, number: u64) -> Option<Seen<'_>> {
        let page = self.pages.get((number / PAGE) as usize)?;
        page.seen(number)
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, VisitView<'_>)> {
        self.pages.iter().flat_map(|(index, page)| {
            let numbers = (0..PAGE).map(move |bit| index as u64 * PAGE + bit);
            numbers.filter_map(|number| Some((number, page.view(number)?)))
        })
    }

    /// Puts a visit where none is.
    pub(super) fn insert(&mut self, number: u64, visit: &Visit) {
        let bit = number % PAGE;
        // A page that no visit begins in any more rarely grows again.
        if bit == 0
            && let Some(before) = (number / PAGE).checked_sub(1)
            && let Some(page) = self.pages.get_mut(before as usize)
        {
            page.shrink();
        }
        let page = self.pages.entry((number / PAGE) as usize);
        let place = (page.present & ((1 << bit) - 1)).count_ones() as usize;
        page.present |= 1 << bit;
        let before = place.checked_sub(1).and_then(|before| page.heads.get(before));
        let first_click = before.map_or(0, |before| before.first_click + before.clicks);
        page.heads.insert(place, Head { visitor: visit.visitor, holders: 0, first_click, clicks: 0 });
        page.write(number, visit);
        self.count += 1;
    }

    /// Takes a contact as [`Visit::take`] does; nothing where there is no such visit.
    pub(super) fn take(&mut self, number: u64, item: Item, at: Timestamp, most: usize) -> Option<bool> {
        let page = self.pages.get_mut((number / PAGE) as usize)?;
        let place = page.place(number)?;
        if page.heads.get(place)?.clicks as usize >= most {
            return self.update(number, |visit| visit.take(item, at, most));
        }
        page.take(number, place, (item, at))
    }

    /// Changes a visit.
    pub(super) fn update<R>(&mut self, number: u64, change: impl FnOnce(&mut Visit) -> R) -> Option<R> {
        let page = self.pages.get_mut((number / PAGE) as usize)?;
        let mut visit = page.view(number)?.to_visit();
        let outcome = change(&mut visit);
        page.write(number, &visit);
        Some(outcome)
    }

    /// Adds to the holders of a visit; how many there are then.
    pub(super) fn add_holders(&mut self, number: u64, difference: i32) -> Option<u32> {
        let page = self.pages.get_mut((number / PAGE) as usize)?;
        let place = page.place(number)?;
        let head = page.heads.get_mut(place)?;
        head.holders = head.holders.saturating_add_signed(difference);
        Some(head.holders)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Visit> {
        let index = (number / PAGE) as usize;
        let page = self.pages.get_mut(index)?;
        let place = page.place(number)?;
        let visit = page.view(number)?.to_visit();
        page.write(number, &Visit::begun_by(visit.visitor, visit.last_at));
        page.replace_words(number, &[]);
        page.heads.remove(place);
        page.present &= !(1 << (number % PAGE));
        if page.present == 0 {
            self.pages.remove(index);
        }
        self.count -= 1;
        Some(visit)
    }
}

impl<'a> Seen<'a> {
    #[inline]
    pub(super) fn last_at(self) -> Timestamp {
        let word = |place: usize| self.words.get(place).map_or(0, |word| u64::from(word.0));
        Timestamp((word(0) | word(1) << 32) as i64)
    }

    #[inline]
    pub(super) fn items(self) -> &'a [Item] {
        self.words.get(TIME_WORDS..).unwrap_or_default()
    }
}

impl VisitView<'_> {
    pub(super) fn to_visit(self) -> Visit {
        let contacts = self.clicks.iter().copied().zip(self.times.iter().copied()).collect();
        let Self { visitor, last_at, holders, .. } = self;
        Visit { visitor, last_at, items: self.items.to_vec(), contacts, holders }
    }
}

impl Page {
    #[inline]
    const fn place(&self, number: u64) -> Option<usize> {
        let bit = 1_u64 << (number % PAGE);
        if self.present & bit == 0 { None } else { Some((self.present & (bit - 1)).count_ones() as usize) }
    }

    /// Where the words of a visit lie.
    #[inline]
    fn range(&self, number: u64) -> std::ops::Range<usize> {
        let bit = (number % PAGE) as usize;
        let start = if bit == 0 { 0 } else { self.ends.0[bit - 1] };
        start as usize..self.ends.0[bit] as usize
    }

    #[inline]
    fn seen(&self, number: u64) -> Option<Seen<'_>> {
        // A visit that is there has words.
        let words = self.words.get(self.range(number)).filter(|words| !words.is_empty())?;
        Some(Seen { words })
    }

    fn view(&self, number: u64) -> Option<VisitView<'_>> {
        let (head, seen) = (self.heads.get(self.place(number)?)?, self.seen(number)?);
        let clicks = head.first_click as usize..(head.first_click + head.clicks) as usize;
        Some(VisitView {
            visitor: head.visitor,
            last_at: seen.last_at(),
            items: seen.items(),
            clicks: self.clicks.get(clicks.clone())?,
            times: self.times.get(clicks)?,
            holders: head.holders,
        })
    }

    /// Adds a contact where the visit lies; says whether its item is new there.
    fn take(&mut self, number: u64, place: usize, (item, at): (Item, Timestamp)) -> Option<bool> {
        let last_at = self.seen(number)?.last_at().max(at);
        let range = self.range(number);
        let words = self.words.get_mut(range.clone())?;
        words.get_mut(..TIME_WORDS)?.copy_from_slice(&time_words(last_at));
        let items = words.get_mut(TIME_WORDS..)?;
        let known = items.iter().position(|known| *known == item);
        match known {
            Some(known) => items[known..].rotate_left(1),
            None => {
                self.words.insert(range.end, item);
                self.ends.0[(number % PAGE) as usize..].iter_mut().for_each(|end| *end += 1);
            }
        }
        let head = self.heads.get_mut(place)?;
        let end = (head.first_click + head.clicks) as usize;
        head.clicks += 1;
        self.heads[place + 1..].iter_mut().for_each(|later| later.first_click += 1);
        self.clicks.insert(end, item);
        self.times.insert(end, at);
        Some(known.is_none())
    }

    fn write(&mut self, number: u64, visit: &Visit) {
        let mut words = time_words(visit.last_at).to_vec();
        words.extend(&visit.items);
        self.replace_words(number, &words);
        let Some(place) = self.place(number) else { return };
        let Some(head) = self.heads.get_mut(place) else { return };
        let clicks = head.first_click as usize..(head.first_click + head.clicks) as usize;
        let more_clicks = visit.contacts.len() as i32 - head.clicks as i32;
        head.holders = visit.holders;
        head.clicks = visit.contacts.len() as u32;
        self.clicks.splice(clicks.clone(), visit.contacts.iter().map(|(item, _)| *item));
        self.times.splice(clicks, visit.contacts.iter().map(|(_, at)| *at));
        for later in self.heads.iter_mut().skip(place + 1) {
            later.first_click = later.first_click.saturating_add_signed(more_clicks);
        }
    }

    fn replace_words(&mut self, number: u64, words: &[Item]) {
        let range = self.range(number);
        let more = words.len() as i32 - range.len() as i32;
        self.words.splice(range, words.iter().copied());
        for end in &mut self.ends.0[(number % PAGE) as usize..] {
            *end = end.saturating_add_signed(more);
        }
    }

    fn shrink(&mut self) {
        self.heads.shrink_to_fit();
        self.words.shrink_to_fit();
        self.clicks.shrink_to_fit();
        self.times.shrink_to_fit();
    }
}

const fn time_words(at: Timestamp) -> [Item; TIME_WORDS] {
    let at = at.0 as u64;
    [Item(at as u32), Item((at >> 32) as u32)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_contact_taken_in_place_is_what_the_visit_makes_of_it(
            contacts in prop::collection::vec((0_u64..6, 0_u32..5, 0_i64..100), 1..150), most in 1_usize..12,
        ) {
            let mut visits = Visits::default();
            (0..6).for_each(|number| visits.insert(number, &Visit::begun_by(number, Timestamp(0))));
            let mut other = visits.clone();
            let untouched = visits.clone();
            for (number, item, at) in contacts {
                let (item, at) = (Item(item), Timestamp(at));
                let is_new = other.update(number, |visit| visit.take(item, at, most));
                prop_assert_eq!(visits.take(number, item, at, most), is_new);
                prop_assert!(visits.iter().eq(other.iter()));
            }
            prop_assert_eq!(visits.take(6, Item(0), Timestamp(0), most), None);
            prop_assert!(untouched.iter().all(|(_, visit)| visit.clicks.is_empty()));
        }
    }
}
