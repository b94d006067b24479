//! Phase *explain*: why each product is there, in words that its customer may read.
//!
//! Only what was seen in this shop is said, and a product is named only while the shop still has it and the
//! customer has not turned it down.

use mercer_recommend::Item;
use mercer_schema::{Reason, ReasonCode, SourceKind};

use crate::arrange::{Candidate, Stand};
use crate::line::Ranked;
use crate::page::PageView;
use crate::words::{Sentence, say};

pub(crate) fn reasons(page: &PageView<'_>, stand: &Stand<'_>) -> Vec<Reason> {
    match stand {
        Stand::Pinned(..) => vec![plain(page, ReasonCode::Pinned)],
        Stand::Ranked(candidate) => of_candidate(page, candidate),
        Stand::Explored(candidate) => {
            let mut reasons = vec![plain(page, ReasonCode::Explored)];
            reasons.extend(of_candidate(page, candidate));
            reasons
        }
    }
}

fn plain(page: &PageView<'_>, code: ReasonCode) -> Reason {
    Reason { code, text: say(page.language, Sentence::Plain(code)), because_of: None }
}

fn of_candidate(page: &PageView<'_>, candidate: &Candidate<'_>) -> Vec<Reason> {
    let Ranked { item, source, because_of, .. } = candidate.ranked;
    let mut reasons = vec![of_proposal(page, source, item, because_of)];
    if let Some(label) = candidate.boost {
        reasons.push(Reason { code: ReasonCode::Boosted, text: label.to_owned(), because_of: None });
    } else if candidate.is_aimed_at {
        reasons.push(plain(page, ReasonCode::Boosted));
    }
    reasons
}

/// Why a source proposes a product.
pub(crate) fn of_proposal(page: &PageView<'_>, source: SourceKind, item: Item, because_of: Option<Item>) -> Reason {
    match (source, because_of) {
        // The next-order model proposes what was ordered before, and what everybody orders.
        (SourceKind::ForYou, Some(cause)) if cause == item => plain(page, ReasonCode::BuyAgain),
        (SourceKind::ForYou, None) => plain(page, ReasonCode::Popular),
        _ => of_source(page, source, because_of),
    }
}

fn of_source(page: &PageView<'_>, source: SourceKind, because_of: Option<Item>) -> Reason {
    let code = code_of(source);
    let named = because_of.filter(|item| !page.person.dismissed.contains(item)).and_then(|item| {
        let product = page.world.catalog.product(item)?;
        Some((item, product))
    });
    let Some((item, product)) = named else {
        return plain(page, code);
    };
    let sentence = match code {
        ReasonCode::ForYou | ReasonCode::Taste if page.person.bought.contains_key(&item) => {
            Sentence::Bought(&product.title)
        }
        // The customer looks at it at this very moment and need not be told its name.
        ReasonCode::SessionNext if page.own.has(item, product) => Sentence::Plain(code),
        _ => Sentence::Naming(code, &product.title),
    };
    Reason { code, text: say(page.language, sentence), because_of: Some(product.id.clone()) }
}

const fn code_of(source: SourceKind) -> ReasonCode {
    match source {
        SourceKind::Popular => ReasonCode::Popular,
        SourceKind::Trending => ReasonCode::Trending,
        SourceKind::Newest => ReasonCode::Newest,
        SourceKind::RecentlyViewed => ReasonCode::RecentlyViewed,
        SourceKind::BuyAgain => ReasonCode::BuyAgain,
        SourceKind::AlsoViewed => ReasonCode::AlsoViewed,
        SourceKind::BoughtTogether => ReasonCode::BoughtTogether,
        SourceKind::Similar => ReasonCode::Similar,
        SourceKind::SessionNext => ReasonCode::SessionNext,
        SourceKind::ForYou => ReasonCode::ForYou,
        SourceKind::Complements => ReasonCode::Complements,
        SourceKind::Bundle => ReasonCode::Bundle,
        SourceKind::Taste => ReasonCode::Taste,
        SourceKind::Sequence => ReasonCode::Sequence,
    }
}
