//! Phase *explain*: why each product is there, in words that its customer may read.
//!
//! Only what was seen in this shop is said, and a product is named only while the shop still has it and the
//! customer has not turned it down.

use mercer_recommend::Item;
use mercer_schema::{Reason, ReasonCode, SourceKind};

use crate::arrange::{Candidate, Stand};
use crate::page::PageView;
use crate::words::{Sentence, say};

pub(crate) fn reasons(page: &PageView<'_>, stand: &Stand<'_>) -> Vec<Reason> {
    let plain = |code| Reason { code, text: say(page.language, Sentence::Plain(code)), because_of: None };
    match stand {
        Stand::Pinned(..) => vec![plain(ReasonCode::Pinned)],
        Stand::Ranked(candidate) => of_candidate(page, candidate),
        Stand::Explored(candidate) => {
            let mut reasons = vec![plain(ReasonCode::Explored)];
            reasons.extend(of_candidate(page, candidate));
            reasons
        }
    }
}

fn of_candidate(page: &PageView<'_>, candidate: &Candidate<'_>) -> Vec<Reason> {
    let mut reasons = vec![of_source(page, candidate.ranked.source, candidate.ranked.because_of)];
    if let Some(label) = candidate.boost {
        reasons.push(Reason { code: ReasonCode::Boosted, text: label.to_owned(), because_of: None });
    }
    reasons
}

fn of_source(page: &PageView<'_>, source: SourceKind, because_of: Option<Item>) -> Reason {
    let code = code_of(source);
    let named = because_of.filter(|item| !page.person.dismissed.contains(item)).and_then(|item| {
        let product = page.world.catalog.product(item)?;
        Some((item, product))
    });
    let Some((item, product)) = named else {
        return Reason { code, text: say(page.language, Sentence::Plain(code)), because_of: None };
    };
    let sentence = match code {
        ReasonCode::ForYou if page.person.bought.contains_key(&item) => Sentence::Bought(&product.title),
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
    }
}
