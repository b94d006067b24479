//! A decided placement as people of the shop read it: each item with its reasons, and what was left out and why.
//!
//! Shows a decision as it is; nothing here decides.

use mercer_decide::Catalog;
use mercer_schema::{DecidedItem, PlacementDecision, SourceKind, Suppressed, SuppressedBecause};

use super::catalog::Card;

/// Rows of the table of what was left out.
const MOST_LEFT_OUT: usize = 200;

pub(crate) struct Decided {
    pub placement: String,
    pub title: String,
    pub items: Vec<Shown>,
    /// How many were left out for each cause, most first.
    pub causes: Vec<(usize, &'static str)>,
    pub left_out: Vec<LeftOut>,
    /// Left out beyond those listed.
    pub more_left_out: usize,
    /// Made without the customer's behaviour.
    pub is_control: bool,
}

/// An item at its place.
pub(crate) struct Shown {
    pub card: Card,
    pub source: &'static str,
    pub reasons: Vec<String>,
    /// None for a pin, which no score put there.
    pub score: Option<String>,
    /// The chance with which it came to this place, when it was not certain.
    pub chance: Option<String>,
}

pub(crate) struct LeftOut {
    pub id: String,
    pub title: String,
    pub because: &'static str,
    pub detail: String,
}

impl Decided {
    pub(crate) fn new(decision: &PlacementDecision, catalog: &Catalog) -> Self {
        let left_out =
            decision.suppressed.iter().take(MOST_LEFT_OUT).map(|suppressed| LeftOut::new(suppressed, catalog));
        Self {
            placement: decision.placement.to_string(),
            title: decision.title.clone(),
            items: decision.items.iter().map(|item| Shown::new(item, catalog)).collect(),
            causes: causes(&decision.suppressed),
            left_out: left_out.collect(),
            more_left_out: decision.suppressed.len().saturating_sub(MOST_LEFT_OUT),
            is_control: decision.control,
        }
    }
}

impl Shown {
    fn new(item: &DecidedItem, catalog: &Catalog) -> Self {
        Self {
            card: Card::find(catalog, &item.product_id),
            source: item.source.map_or("Pinned", source_label),
            reasons: item.reasons.iter().map(|reason| reason.text.clone()).collect(),
            score: item.source.map(|_| format!("{:.3}", item.score)),
            chance: (item.propensity < 0.9995).then(|| format!("{:.1} %", item.propensity * 100.0)),
        }
    }
}

impl LeftOut {
    fn new(suppressed: &Suppressed, catalog: &Catalog) -> Self {
        let title = catalog.get(&suppressed.product_id).map_or("", |product| product.title.as_str());
        Self {
            id: suppressed.product_id.to_string(),
            title: title.to_owned(),
            because: cause(suppressed.because),
            detail: suppressed.detail.clone().unwrap_or_default(),
        }
    }
}

fn causes(suppressed: &[Suppressed]) -> Vec<(usize, &'static str)> {
    let mut counts = std::collections::BTreeMap::<SuppressedBecause, usize>::new();
    for one in suppressed {
        *counts.entry(one.because).or_default() += 1;
    }
    let mut counts: Vec<(usize, &'static str)> =
        counts.into_iter().map(|(because, count)| (count, cause(because))).collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts
}

const fn cause(because: SuppressedBecause) -> &'static str {
    match because {
        SuppressedBecause::NotInCatalog => "Not in the catalog",
        SuppressedBecause::OutOfStock => "Out of stock",
        SuppressedBecause::OnThisPage => "Already the subject of this page",
        SuppressedBecause::AlreadyShown => "Shown further up on the page",
        SuppressedBecause::JustBought => "Just bought",
        SuppressedBecause::Dismissed => "Not for me",
        SuppressedBecause::Filtered => "Filter",
        SuppressedBecause::Diversity => "Enough of its kind",
        SuppressedBecause::RankedLower => "Ranked lower",
    }
}

pub(crate) const fn source_label(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Popular => "Popular",
        SourceKind::Trending => "Trending",
        SourceKind::Newest => "Newest",
        SourceKind::RecentlyViewed => "Recently viewed",
        SourceKind::BuyAgain => "Buy again",
        SourceKind::AlsoViewed => "Also viewed",
        SourceKind::BoughtTogether => "Bought together",
        SourceKind::Similar => "Similar",
        SourceKind::SessionNext => "Next in the session",
        SourceKind::ForYou => "For you",
        SourceKind::Complements => "Complements",
        SourceKind::Bundle => "Bundle",
        SourceKind::Taste => "Taste",
        SourceKind::Sequence => "What follows",
    }
}

#[cfg(test)]
mod tests {
    use mercer_schema::{DecisionId, PlacementId, ProductId};

    use super::*;

    #[test]
    fn causes_are_counted_most_first_and_the_rest_is_counted_too() {
        let one = |number: usize, because| Suppressed {
            product_id: ProductId::trusted(format!("p{number}")),
            because,
            detail: None,
        };
        let mut suppressed = vec![one(0, SuppressedBecause::OutOfStock)];
        suppressed.extend((1..=MOST_LEFT_OUT).map(|number| one(number, SuppressedBecause::RankedLower)));
        let decision = PlacementDecision {
            decision_id: DecisionId::trusted("d.1"),
            placement: PlacementId::trusted("row"),
            title: "Row".into(),
            items: Vec::new(),
            suppressed,
            next: None,
            control: false,
        };
        let shown = Decided::new(&decision, &Catalog::default());
        assert_eq!(shown.causes, [(MOST_LEFT_OUT, "Ranked lower"), (1, "Out of stock")]);
        assert_eq!((shown.left_out.len(), shown.more_left_out), (MOST_LEFT_OUT, 1));
    }
}
