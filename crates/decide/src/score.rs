//! Phase *score*: the shop's boosts on top of the ranking.
//!
//! A boost multiplies the score of the products it is true for. Boosts look at the candidates that a placement
//! has gathered (four times its size), not at the whole catalog: they reorder what fits, they do not search.

use crate::arrange::Candidate;
use crate::filter::facts;
use crate::notes::Notes;
use crate::page::PageView;
use crate::placements::Compiled;
use crate::rule::{Fault, PageRule};

/// A boost with its rule as it stands on this page.
struct Active<'a> {
    rule: PageRule,
    label: &'a str,
    factor: f64,
}

/// Multiplies and sorts again.
pub(crate) fn boost<'a>(
    page: &PageView<'_>,
    compiled: &'a Compiled,
    candidates: &mut [Candidate<'a>],
    notes: &mut Notes,
) {
    let active = active(page, compiled, notes);
    if active.is_empty() {
        return;
    }
    for candidate in candidates.iter_mut() {
        let mut best = 1.0;
        for boost in &active {
            let facts = facts(page, candidate.ranked.item, candidate.product);
            match boost.rule.holds(&page.scope, Some(facts)) {
                Ok(true) => {
                    candidate.ranked.score *= boost.factor;
                    if boost.factor > best {
                        (best, candidate.boost) = (boost.factor, Some(boost.label));
                    }
                }
                Ok(false) | Err(Fault::Absent) => {}
                Err(Fault::Failed(message)) => {
                    notes.add(format!(
                        "The boost `{}` of `{}` failed for a product, which it leaves as it is: {message}.",
                        boost.label, compiled.placement.id
                    ));
                }
            }
        }
    }
    candidates.sort_by(|a, b| a.ranked.order(&b.ranked));
}

/// Those that can be true for some product on this page.
fn active<'a>(page: &PageView<'_>, compiled: &'a Compiled, notes: &mut Notes) -> Vec<Active<'a>> {
    let mut active = Vec::new();
    for (boost, readable) in compiled.placement.boosts.iter().zip(&compiled.boosts) {
        match readable {
            Ok(rule) => {
                let rule = rule.on_page(&page.scope);
                if rule.constant() != Some(false) {
                    active.push(Active { rule, label: &boost.label, factor: boost.factor });
                }
            }
            Err(message) => notes.add(format!(
                "The boost `{}` of `{}` cannot be read and does nothing: {message}.",
                boost.label, compiled.placement.id
            )),
        }
    }
    active
}
