//! One placement through the phases: candidates and filter, score, arrange, explain.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdSet;
use mercer_recommend::Item;
use mercer_schema::{
    DecidedItem, DecisionId, Diversity, Explain, PlacementDecision, Product, SourceKind, Suppressed, SuppressedBecause,
    Timestamp,
};
use rustc_hash::FxHashSet;

use crate::arrange::{Arrangement, Candidate, Pins, Rules, Stand, arrange};
use crate::candidates::Sources;
use crate::explain::reasons;
use crate::fields::Projection;
use crate::filter::{Removed, Seen, Sieve, available};
use crate::line::{Line, Ranked};
use crate::notes::Notes;
use crate::page::PageView;
use crate::placements::{Compiled, Readable};
use crate::rule::PageRule;
use crate::seed::Dice;
use crate::{quotas, relevance, score, weights};

/// For exploration a product is new for so long.
pub(crate) const NEW_FOR: i64 = 30 * Timestamp::DAY;
/// Candidates that are gathered for each place when boosts, caps or exploration choose among them.
const CANDIDATES_PER_PLACE: usize = 4;
/// New products that exploration adds to those that sources name, the newest first.
const MOST_NEWCOMERS: usize = 100;
/// What `explain: full` tells of at most.
const MOST_SUPPRESSED: usize = 100;

/// A placement on its page.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a> {
    pub(crate) compiled: &'a Compiled,
    /// From 1, in the page's order.
    pub(crate) number: usize,
    /// The answer goes on where an earlier one ended: the pins have been shown.
    pub(crate) is_continued: bool,
}

/// What the placements of a page hand on to the next.
pub(crate) struct Common<'a, 's> {
    pub(crate) sources: Sources<'a>,
    pub(crate) seen: Seen,
    pub(crate) projection: Projection<'s>,
    pub(crate) notes: Notes,
}

/// A filled placement; `has_more` when there is something for a following page.
pub(crate) struct Filled {
    pub(crate) decision: PlacementDecision,
    pub(crate) has_more: bool,
}

/// Candidates that may be shown, and those that may not.
#[derive(Default)]
struct Gathered<'a> {
    candidates: Vec<Candidate<'a>>,
    /// For chance alone.
    newcomers: Vec<Candidate<'a>>,
    suppressed: Vec<Suppressed>,
    has_more: bool,
}

pub(crate) fn fill<'a>(page: &PageView<'a>, slot: Slot<'a>, id: &DecisionId, common: &mut Common<'a, '_>) -> Filled {
    let placement = &slot.compiled.placement;
    let pins = if slot.is_continued { BTreeMap::new() } else { pins(page, slot, common) };
    let mut gathered = gather(page, slot, &pins, common);
    score::boost(page, slot.compiled, &mut gathered.candidates, &mut common.notes);
    relevance::weigh_aims(page, placement, &mut gathered.candidates);
    let places = slot.compiled.size().saturating_sub(pins.len());
    relevance::vary(page, placement, places, &mut gathered.candidates);
    gathered.candidates.append(&mut gathered.newcomers);
    let rules = Rules {
        size: slot.compiled.size(),
        diversity: &placement.diversity,
        quotas: quotas::count(page, slot.compiled, (&gathered.candidates, &pins), &mut common.notes),
        exploration: placement.exploration,
    };
    let mut dice = Dice::new(id, slot.number);
    let arrangement = arrange(gathered.candidates, pins, &rules, &mut dice);
    let items = arrangement.stands.iter().map(|(stand, propensity)| show(page, stand, *propensity, common)).collect();
    for (stand, _) in &arrangement.stands {
        common.seen.add(stand.item(), Some(stand.product()));
    }
    let has_left =
        !(arrangement.beyond.is_empty() && arrangement.held_back.is_empty() && arrangement.displaced.is_empty());
    let suppressed = match page.explain {
        Explain::Full => with_left_over(page, gathered.suppressed, &arrangement),
        Explain::None | Explain::Reasons => Vec::new(),
    };
    let decision = PlacementDecision {
        decision_id: DecisionId::trusted(format!("{id}.{}", slot.number)),
        placement: placement.id.clone(),
        title: placement.title.clone(),
        items,
        suppressed,
        next: None,
        control: page.person.objects,
    };
    // What no quota lets onto this page will not come on the following one.
    let has_more = !decision.items.is_empty() && (has_left || gathered.has_more);
    Filled { decision, has_more }
}

/// The pins that can stand, by place from 0. Of several for one place the first that can stands.
fn pins<'a>(page: &PageView<'a>, slot: Slot<'a>, common: &mut Common<'a, '_>) -> Pins<'a> {
    let mut pins = BTreeMap::new();
    let mut seen = common.seen.clone();
    let placement = &slot.compiled.placement;
    for (pin, when) in placement.pins.iter().zip(&slot.compiled.pins) {
        let place = pin.position.saturating_sub(1);
        if place >= slot.compiled.size() || pins.contains_key(&place) {
            continue;
        }
        let mut refuse = |why: &str| {
            let (product, place, id) = (&pin.product_id, pin.position, &placement.id);
            common.notes.add(format!("`{product}`, pinned to place {place} of `{id}`, cannot stand there: {why}."));
        };
        match condition(page, when.as_ref()) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(fault) => {
                refuse(&fault);
                continue;
            }
        }
        let Some(item) = page.world.catalog.item(&pin.product_id) else {
            refuse("the catalog does not have it");
            continue;
        };
        match may_stand(page, item, &seen) {
            Ok(product) => {
                seen.add(item, Some(product));
                pins.insert(place, (item, product));
            }
            Err(why) => refuse(why),
        }
    }
    pins
}

fn condition(page: &PageView<'_>, when: Option<&Readable>) -> Result<bool, String> {
    match when {
        None => Ok(true),
        Some(Err(message)) => Err(format!("its condition cannot be read ({message})")),
        Some(Ok(rule)) => match rule.on_page(&page.scope).holds(&page.scope, None) {
            Ok(truth) => Ok(truth),
            Err(crate::rule::Fault::Absent) => Ok(false),
            Err(crate::rule::Fault::Failed(message)) => Err(format!("its condition failed ({message})")),
        },
    }
}

/// A pin obeys the stock, the page and the customer's own word; the filter is the shop's, as the pin is.
fn may_stand<'a>(page: &PageView<'a>, item: Item, seen: &Seen) -> Result<&'a Arc<Product>, &'static str> {
    let product = available(page.world, item).map_err(|removed| match removed.because {
        SuppressedBecause::OutOfStock => "it is out of stock",
        _ => "the catalog does not have it",
    })?;
    if page.own.has(item, product) {
        return Err("it is the page's own product, or in the cart");
    }
    if seen.has(item, product) {
        return Err("the page already shows it");
    }
    if page.person.dismissed.contains(&item) {
        return Err("the customer does not want to see it");
    }
    Ok(product)
}

/// Walks down the line until there is enough to choose from.
fn gather<'a>(page: &PageView<'a>, slot: Slot<'a>, pins: &Pins<'a>, common: &mut Common<'a, '_>) -> Gathered<'a> {
    let (compiled, placement) = (slot.compiled, &slot.compiled.placement);
    let mut gathered = Gathered::default();
    let Some(rule) = rule_on(page, compiled, &mut common.notes) else { return gathered };
    let mut seen = common.seen.clone();
    pins.values().for_each(|(item, product)| seen.add(*item, Some(product)));
    let mut sieve = Sieve::new(page, seen, rule);
    let members: Option<OrdSet<Item>> = sieve.members();
    let wanted = wanted(compiled);
    let sources = weights::of_sources(page, placement);
    let mut line = Line::of(&sources, &placement.fallback, members.as_ref());
    let mut considered = FxHashSet::with_capacity_and_hasher(wanted, rustc_hash::FxBuildHasher);
    let is_full = page.explain == Explain::Full;
    // One more than wanted is looked for, to know whether there is a following page.
    'line: while !(gathered.has_more || sieve.is_spent())
        && let Some(batch) = line.next_batch(&mut common.sources)
    {
        for ranked in batch {
            if !considered.insert(ranked.item) {
                continue;
            }
            if sieve.is_spent() || gathered.has_more && !(is_full && gathered.suppressed.len() < MOST_SUPPRESSED) {
                break 'line;
            }
            match sieve.examine(ranked.item) {
                Ok(product) if gathered.candidates.len() < wanted => {
                    let is_new = is_new(page, ranked.item);
                    gathered.candidates.push(Candidate {
                        ranked,
                        product,
                        boost: None,
                        is_aimed_at: false,
                        is_new,
                        is_newcomer: false,
                    });
                }
                Ok(product) => {
                    gathered.has_more = true;
                    gathered.suppressed.extend(is_full.then(|| lower(product)));
                }
                Err(removed) => gathered.suppress(page, ranked.item, removed),
            }
        }
    }
    if placement.exploration > 0.0 && sources.iter().any(|source| is_open(source.kind)) {
        gathered.newcomers = newcomers(page, &mut sieve, |item| considered.contains(&item));
    }
    sieve.tell_faults(&mut common.notes, placement.id.as_str());
    gathered
}

fn is_new(page: &PageView<'_>, item: Item) -> bool {
    page.world.catalog.since(item).is_some_and(|since| page.now.since(since) < NEW_FOR)
}

/// A source of the whole shop. Others speak of the page's products or of what the customer had: nothing new belongs there
/// that they do not name.
const fn is_open(kind: SourceKind) -> bool {
    match kind {
        SourceKind::Popular
        | SourceKind::Trending
        | SourceKind::Newest
        | SourceKind::SessionNext
        | SourceKind::ForYou
        | SourceKind::Taste
        | SourceKind::Sequence => true,
        SourceKind::RecentlyViewed
        | SourceKind::BuyAgain
        | SourceKind::AlsoViewed
        | SourceKind::BoughtTogether
        | SourceKind::Similar
        | SourceKind::Complements
        | SourceKind::Bundle => false,
    }
}

/// New products that no source named, as far as they may be shown.
fn newcomers<'a>(
    page: &PageView<'a>,
    sieve: &mut Sieve<'a, '_>,
    is_known: impl Fn(Item) -> bool,
) -> Vec<Candidate<'a>> {
    let newest = page.world.catalog.newest().take_while(|item| is_new(page, *item)).filter(|item| !is_known(*item));
    let mut found = Vec::new();
    for item in newest.take(MOST_NEWCOMERS) {
        if sieve.is_spent() {
            break;
        }
        let Ok(product) = sieve.examine(item) else { continue };
        let ranked = Ranked { item, tier: usize::MAX, score: 0.0, source: SourceKind::Newest, because_of: None };
        found.push(Candidate { ranked, product, boost: None, is_aimed_at: false, is_new: true, is_newcomer: true });
    }
    found
}

impl Gathered<'_> {
    fn suppress(&mut self, page: &PageView<'_>, item: Item, removed: Removed) {
        if page.explain == Explain::Full && self.suppressed.len() < MOST_SUPPRESSED {
            self.suppressed.extend(removed.told(page.world, item));
        }
    }
}

fn wanted(compiled: &Compiled) -> usize {
    let placement = &compiled.placement;
    let chooses = !placement.boosts.is_empty()
        || placement.exploration > 0.0
        || !placement.objectives.is_empty()
        || !placement.quotas.is_empty()
        || placement.diversity != Diversity::default();
    compiled.size() * if chooses { CANDIDATES_PER_PLACE } else { 1 }
}

/// The filter as it stands on this page. `None` when nothing can pass it.
#[expect(clippy::option_option, reason = "no filter and no way through are two things")]
fn rule_on<'a>(page: &PageView<'_>, compiled: &'a Compiled, notes: &mut Notes) -> Option<Option<(PageRule, &'a str)>> {
    match &compiled.filter {
        None => Some(None),
        Some(Ok(rule)) => Some(Some((rule.on_page(&page.scope), rule.text()))),
        Some(Err(message)) => {
            notes.add(format!(
                "The filter of `{}` cannot be read, so nothing passes it: {message}.",
                compiled.placement.id
            ));
            None
        }
    }
}

fn show(page: &PageView<'_>, stand: &Stand<'_>, propensity: f64, common: &mut Common<'_, '_>) -> DecidedItem {
    let (score, source) = match stand {
        Stand::Pinned(..) => (0.0, None),
        Stand::Ranked(candidate) | Stand::Explored(candidate) => {
            (candidate.ranked.score, Some(candidate.ranked.source))
        }
    };
    let product = stand.product();
    DecidedItem {
        product_id: product.id.clone(),
        product: Some(common.projection.apply(product)),
        score,
        propensity,
        source,
        reasons: match page.explain {
            Explain::None => Vec::new(),
            Explain::Reasons | Explain::Full => reasons(page, stand),
        },
    }
}

/// First what could not be shown, then what was not good enough.
fn with_left_over(
    page: &PageView<'_>,
    mut suppressed: Vec<Suppressed>,
    arrangement: &Arrangement<'_>,
) -> Vec<Suppressed> {
    let told = |candidates: &[Candidate<'_>], because, detail: Option<&str>| -> Vec<Suppressed> {
        let tell = |candidate: &Candidate<'_>| Suppressed {
            product_id: candidate.product.id.clone(),
            because,
            detail: detail.map(str::to_owned),
        };
        candidates.iter().map(tell).collect()
    };
    debug_assert_eq!(page.explain, Explain::Full);
    let room = "gave its place to a product that is shown to learn about it";
    let mut left = told(&arrangement.displaced, SuppressedBecause::RankedLower, Some(room));
    left.extend(told(&arrangement.held_back, SuppressedBecause::Diversity, None));
    left.extend(told(&arrangement.beyond, SuppressedBecause::RankedLower, None));
    // What was removed has a reason that people look for; what stands lower is cut first.
    let (lower, removed): (Vec<_>, Vec<_>) =
        suppressed.drain(..).partition(|entry| entry.because == SuppressedBecause::RankedLower);
    removed.into_iter().chain(left).chain(lower).take(MOST_SUPPRESSED).collect()
}

fn lower(product: &Product) -> Suppressed {
    Suppressed { product_id: product.id.clone(), because: SuppressedBecause::RankedLower, detail: None }
}
