//! What each source of a placement weighs for this customer.
//!
//! The written weights, or the learned ones. Where the shop asks for confidence, personal sources weigh n / (n + k) of
//! that, n being what is known of the customer and k the n at which they weigh half, and the first fallback weighs the
//! rest: the posterior mean of a normal model (Efron, Morris: "Stein's estimation rule and its competitors", 1973).

use mercer_schema::{Placement, Source, SourceKind};

use crate::page::PageView;

pub(crate) fn of_sources(page: &PageView<'_>, placement: &Placement) -> Vec<Source> {
    let mut sources = placement.sources.clone();
    if placement.learned_weights
        && let Some(learned) = page.world.models.weights.get(&placement.id)
    {
        for source in &mut sources {
            if let Some(known) = learned.iter().find(|known| known.kind == source.kind) {
                source.weight = known.weight;
            }
        }
    }
    if let (Some(half), Some(safe)) = (placement.half_confident_at, placement.fallback.first()) {
        let mut rest = 0.0;
        for source in &mut sources {
            if let Some(evidence) = evidence(page, source.kind) {
                let doubted = source.weight * half / (evidence + half);
                source.weight -= doubted;
                rest += doubted;
            }
        }
        match sources.iter_mut().find(|source| source.kind == *safe) {
            Some(source) => source.weight += rest,
            None => sources.push(Source { kind: *safe, weight: rest }),
        }
    }
    sources.retain(|source| source.weight > 0.0);
    sources
}

/// How many contacts a personal source speaks from; nothing for one that says the same to everybody.
fn evidence(page: &PageView<'_>, kind: SourceKind) -> Option<f64> {
    let person = page.person;
    let contacts = match kind {
        SourceKind::SessionNext => person.session.len(),
        SourceKind::ForYou | SourceKind::Taste | SourceKind::Sequence => person.viewed.len() + person.ordered.len(),
        SourceKind::RecentlyViewed => person.viewed.len(),
        SourceKind::BuyAgain => person.ordered.len(),
        SourceKind::Popular
        | SourceKind::Trending
        | SourceKind::Newest
        | SourceKind::AlsoViewed
        | SourceKind::BoughtTogether
        | SourceKind::Similar
        | SourceKind::Complements
        | SourceKind::Bundle => return None,
    };
    Some(contacts as f64)
}
