//! The shop's quotas as they stand on this page: which products of the row each of them counts.

use crate::arrange::{Candidate, Counted, Pins};
use crate::filter::facts;
use crate::notes::Notes;
use crate::page::PageView;
use crate::placements::Compiled;
use crate::rule::Fault;

/// Asks each quota about candidates and pins. One that cannot be read counts nothing.
pub(crate) fn count(
    page: &PageView<'_>,
    compiled: &Compiled,
    (candidates, pins): (&[Candidate<'_>], &Pins<'_>),
    notes: &mut Notes,
) -> Vec<Counted> {
    let mut all = Vec::with_capacity(compiled.quotas.len());
    for (quota, readable) in compiled.placement.quotas.iter().zip(&compiled.quotas) {
        let tell = |what: &str, message: &str| {
            format!("The quota `{}` of `{}` {what}: {message}.", quota.when, compiled.placement.id)
        };
        let rule = match readable {
            Ok(rule) => rule.on_page(&page.scope),
            Err(message) => {
                notes.add(tell("cannot be read and does nothing", message));
                continue;
            }
        };
        let mut counted = Counted { at_least: quota.at_least, at_most: quota.at_most, ..Counted::default() };
        let ranked = candidates.iter().map(|candidate| (candidate.ranked.item, candidate.product));
        for (item, product) in ranked.chain(pins.values().copied()) {
            match rule.holds(&page.scope, Some(facts(page, item, product))) {
                Ok(true) => {
                    counted.items.insert(item);
                }
                Ok(false) | Err(Fault::Absent) => {}
                Err(Fault::Failed(message)) => {
                    notes.add(tell("failed for a product, which it does not count", &message));
                }
            }
        }
        all.push(counted);
    }
    all
}
