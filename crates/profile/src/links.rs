//! What was said about one identifier belonging to another: sets that only grow, up to their limits.
//!
//! Invariant: [`offer`] keeps the links with the earliest first times of all that were ever said. A link that was
//! pushed out can only come back with a time earlier than everything forgotten about it, so the order of arrival does
//! not show. Whether a link is obeyed is not decided here but in `identity`.

use mercer_schema::Timestamp;
use serde::{Deserialize, Serialize};

/// Refused links that are remembered beyond each limit, so that people can see them.
pub(crate) const REFUSED_KEPT: usize = 16;
/// Pairs of hour and customer that are kept per anonymous id.
const SIGN_INS_KEPT: usize = 64;

/// The other identifier, by its number, and when it was first seen together with this one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) first_at: Timestamp,
    /// A hash of the other identifier's text: numbers follow the order of arrival and must not decide.
    pub(crate) tie: u64,
    pub(crate) other: u32,
}

impl Link {
    pub(crate) const fn key(&self) -> (Timestamp, u64) {
        (self.first_at, self.tie)
    }
}

/// How the link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkedBy {
    /// An event carried both ids.
    Seen,
    /// An alias call said so.
    Alias,
}

/// A customer on an anonymous id within one hour: the first and the last time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SignIn {
    hour: i64,
    pub(crate) tie: u64,
    pub(crate) customer: u32,
    pub(crate) by: LinkedBy,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

/// Of one identifier. Customers have no sign-ins: those stand at the anonymous id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Links {
    /// Earliest first, as is `aliased`.
    pub(crate) seen: Vec<Link>,
    pub(crate) aliased: Vec<Link>,
    /// The newest pairs of hour and customer.
    pub(crate) sign_ins: Vec<SignIn>,
}

impl Links {
    pub(crate) fn list(&self, by: LinkedBy) -> &[Link] {
        match by {
            LinkedBy::Seen => &self.seen,
            LinkedBy::Alias => &self.aliased,
        }
    }

    pub(crate) const fn list_mut(&mut self, by: LinkedBy) -> &mut Vec<Link> {
        match by {
            LinkedBy::Seen => &mut self.seen,
            LinkedBy::Alias => &mut self.aliased,
        }
    }

    /// Every identifier that was ever tied to this one, as far as it is remembered.
    pub(crate) fn others(&self) -> impl Iterator<Item = u32> {
        self.seen.iter().chain(&self.aliased).map(|link| link.other)
    }

    /// All numbers in use, to check that a restored piece fits.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.others().chain(self.sign_ins.iter().map(|sign_in| sign_in.customer))
    }
}

/// Would [`offer`] change the list? Asked first so that nothing shared is copied in vain.
pub(crate) fn is_news(list: &[Link], link: &Link, limit: usize) -> bool {
    match list.iter().find(|held| held.other == link.other) {
        Some(held) => link.key() < held.key(),
        None => list.len() < limit || list.last().is_some_and(|last| link.key() < last.key()),
    }
}

/// Remembers a link, sorted by first time; beyond the limit the latest goes.
pub(crate) fn offer(list: &mut Vec<Link>, link: Link, limit: usize) {
    if !is_news(list, &link, limit) {
        return;
    }
    list.retain(|held| held.other != link.other);
    let index = list.partition_point(|held| held.key() < link.key());
    list.insert(index, link);
    list.truncate(limit);
}

/// Would [`sign_in`] change the list?
pub(crate) fn is_new_sign_in(list: &[SignIn], link: &Link, by: LinkedBy) -> bool {
    match list.binary_search_by_key(&sign_in_key(link, by), SignIn::key) {
        Ok(index) => link.first_at < list[index].first_at || link.first_at > list[index].last_at,
        Err(index) => index > 0 || list.len() < SIGN_INS_KEPT,
    }
}

/// Remembers that a customer was there at the link's time.
pub(crate) fn sign_in(list: &mut Vec<SignIn>, link: &Link, by: LinkedBy) {
    let (hour, tie, _) = sign_in_key(link, by);
    match list.binary_search_by_key(&(hour, tie, by), SignIn::key) {
        Ok(index) => {
            let held = &mut list[index];
            held.first_at = held.first_at.min(link.first_at);
            held.last_at = held.last_at.max(link.first_at);
        }
        Err(index) => {
            let (first_at, last_at) = (link.first_at, link.first_at);
            list.insert(index, SignIn { hour, tie, customer: link.other, by, first_at, last_at });
            if list.len() > SIGN_INS_KEPT {
                list.remove(0);
            }
        }
    }
}

const fn sign_in_key(link: &Link, by: LinkedBy) -> (i64, u64, LinkedBy) {
    (link.first_at.0.div_euclid(Timestamp::HOUR), link.tie, by)
}

impl SignIn {
    const fn key(&self) -> (i64, u64, LinkedBy) {
        (self.hour, self.tie, self.by)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(said: &[(u32, i64)], limit: usize) -> (Vec<Link>, Vec<SignIn>) {
        let (mut links, mut sign_ins) = (Vec::new(), Vec::new());
        for (other, at) in said {
            let link = Link { first_at: Timestamp(at * Timestamp::MINUTE), tie: u64::from(*other), other: *other };
            let news = (is_news(&links, &link, limit), is_new_sign_in(&sign_ins, &link, LinkedBy::Seen));
            let before = (links.clone(), sign_ins.clone());
            offer(&mut links, link, limit);
            sign_in(&mut sign_ins, &link, LinkedBy::Seen);
            assert_eq!(news, (before.0 != links, before.1 != sign_ins), "news is exactly what changes something");
        }
        (links, sign_ins)
    }

    proptest! {
        #[test]
        fn the_earliest_links_and_newest_sign_ins_stay_whatever_the_order(
            said in prop::collection::vec((0_u32..12, 0_i64..4_000), 0..200), limit in 1_usize..9,
        ) {
            let arrived = folded(&said, limit);
            let mut earliest: Vec<(i64, u32)> = Vec::new();
            let mut sorted = said;
            sorted.sort_by_key(|(other, at)| (*at, *other));
            for (other, at) in &sorted {
                if !earliest.iter().any(|(_, held)| held == other) {
                    earliest.push((*at, *other));
                }
            }
            earliest.truncate(limit);
            let kept: Vec<(i64, u32)> =
                arrived.0.iter().map(|link| (link.first_at.0 / Timestamp::MINUTE, link.other)).collect();
            prop_assert_eq!(kept, earliest);
            prop_assert_eq!(&folded(&sorted, limit), &arrived);
            sorted.reverse();
            prop_assert_eq!(&folded(&sorted, limit), &arrived);
        }
    }
}
