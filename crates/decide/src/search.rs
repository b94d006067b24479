//! What fits these words, in the order in which this customer wants it?
//!
//! A search goes through phases like a page does: *gate* (who asks) → *understand* (wishes, then words) → *match* (the
//! index) → *mean* (what is near in meaning, where words find little) → *narrow* (filters, what may be shown, one of each family) → *order* (relevance, clicks, then the customer) →
//! *rules* (the merchandiser's) → *interleave* or *explore* → *facets* → *explain*. It is as pure as a page: the same world, request, id and time give the same answer, bit for bit.

mod asked;
mod chance;
mod chips;
mod clicked;
mod exploring;
mod facets;
mod families;
mod features;
mod hidden;
mod interleaving;
mod learned;
mod lesson;
mod meaning;
mod narrow;
mod paging;
mod personal;
mod preset;
mod ranker;
mod rules;
mod walk;
mod ways;

use std::borrow::Cow;
use std::cmp::Reverse;

use mercer_recommend::Item;
use mercer_schema::{
    DecideRequest, DecidedItem, DecisionId, Explain, Explanation, OtherWord, Page, PageType, Product, Reason,
    ReasonCode, ScorePart, SearchAnswer, SearchRequest, SearchSort, SearchTeam, Timestamp, Understood, UnderstoodWord,
};
use mercer_search::{Doc, Found, Match, best, leaf_of};

use crate::fields::Projection;
use crate::gate::{Person, admit};
use crate::notes::Notes;
use crate::page::PageView;
use crate::placements::{PlacementError, check_rule};
use crate::rule::Subject;
use crate::words::{Sentence, say};
use crate::{World, canary};

pub use asked::{as_catalog_says, category_named};
pub use lesson::{SearchLesson, search_lesson, taught_order};
pub use ranker::{RankerExam, SearchRanker, TaughtBy};

pub(crate) use hidden::Hidden;
pub(crate) use narrow::price_range;
pub(crate) use walk::Walk;

use chips::Wishes;
use exploring::explore;
use interleaving::Rival;
use learned::Ranked;
use narrow::Narrowed;
pub use paging::LARGEST_PAGE;
use paging::{Earlier, MOST_PAGED};
use personal::{Part, Preferred};
use rules::Rules;

const FACETS: usize = 8;
const MOST_FACETS: usize = 30;
/// In `ignore`: the words are meant as they were typed.
const CORRECTED: &str = "corrected";

/// A product that was found, with what speaks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    pub(crate) item: Item,
    pub(crate) product: &'a Product,
    /// By the words, from 0 to 1, the best.
    pub(crate) relevance: f64,
    pub(crate) coverage: f64,
    /// The relevance with what speaks for it with everybody.
    pub(crate) fit: f64,
    /// The fit once clicks are known, on the same scale, and how unsure that is.
    pub(crate) learned: f64,
    pub(crate) doubt: f64,
    /// A code of it was typed: it stays where it is.
    pub(crate) is_coded: bool,
    /// Place by the words alone, from 1; what is there by its meaning comes behind.
    pub(crate) place: usize,
    /// The cosine of what has too few of the words and is there by its meaning.
    pub(crate) meaning: Option<f64>,
    pub(crate) score: f64,
    /// What was added, as [`Part::ALL`].
    pub(crate) parts: [f32; Part::ALL.len()],
    /// How probable it was where it stands.
    pub(crate) propensity: f64,
    /// Whose choice it is, where settings are tried.
    pub(crate) team: Option<SearchTeam>,
}

impl<'a> Hit<'a> {
    /// Found, and not yet put in order.
    fn new(item: Item, product: &'a Product) -> Self {
        Self {
            item,
            product,
            relevance: 0.0,
            coverage: 0.0,
            fit: 0.0,
            learned: 0.0,
            doubt: 0.0,
            is_coded: false,
            place: 0,
            meaning: None,
            score: 0.0,
            parts: Default::default(),
            propensity: 1.0,
            team: None,
        }
    }

    /// It cannot be bought, and nobody asked for it by its code.
    fn is_sold_out(&self) -> bool {
        !self.is_coded && !self.product.is_buyable()
    }

    /// It is there by its meaning alone.
    const fn is_near(&self) -> bool {
        self.meaning.is_some()
    }

    /// Lines in which hits stand one behind the other, whatever their scores: what is only near never comes before what has
    /// the words.
    fn line(&self) -> u8 {
        if self.is_near() { 2 } else { u8::from(self.is_sold_out()) }
    }

    /// What was added for these reasons together.
    fn lift(&self, is_meant: impl Fn(Part) -> bool) -> f64 {
        self.parts().filter(|(part, _)| is_meant(*part)).map(|(_, value)| value).sum()
    }

    /// What speaks for it for a reason, from 0 to 1; for a learned order, which has the whole of each part.
    fn part(&self, part: Part) -> f64 {
        f64::from(self.parts[part as usize]) / part.weight()
    }

    /// What the formula makes of it.
    fn by_formula(&self) -> f64 {
        self.learned * (1.0 + self.lift(Part::is_personal))
    }

    /// How much better clicks say it is, as a share of the fit.
    fn by_clicks(&self) -> Option<f64> {
        (self.learned != self.fit).then(|| self.learned / self.fit.max(f64::MIN_POSITIVE) - 1.0)
    }

    /// What was added for which reason.
    fn parts(&self) -> impl Iterator<Item = (Part, f64)> {
        Part::ALL
            .into_iter()
            .zip(self.parts)
            .filter(|(_, value)| *value != 0.0)
            .map(|(part, value)| (part, f64::from(value)))
    }
}

/// Answers a search. It never fails; what could not be done as asked is said in `notes`.
pub fn search(world: &World, request: &SearchRequest, id: DecisionId, now: Timestamp) -> SearchAnswer {
    let mut notes = Notes::default();
    let asked = page_request(request);
    let person = admit(world, &asked, now, &mut notes);
    let arm = canary::arm(world, &asked, person.objects);
    let on_trial = canary::world_of(world, arm);
    let world = on_trial.as_ref().unwrap_or(world);
    let page = PageView::new(world, &person, &asked.page, now, request.explain);
    let typed = &*request.q;
    let looked = Looked::at(&page, request, &mut notes);
    let Looked { request, wishes, found, mut narrowed, mut rules } = looked;
    let request = &*request;
    let rival = Rival::drawn(&page, request, &rules, &narrowed.hits);
    meaning::keep_if(world.search_settings.meaning, &mut narrowed.hits);
    let preferred = Preferred::new(&page, request);
    let ranked = order(&page, request, &wishes, &preferred, &mut narrowed.hits);
    let pinned = rules.arrange(&mut narrowed.hits, &mut notes);
    if !request.ungrouped {
        narrowed.keep_one_of_each_family(&pinned);
    }
    rules.pin(&mut narrowed.hits, pinned);
    let is_tried = rival.is_some_and(|rival| rival.interleave(&wishes, &mut narrowed.hits));
    let earlier = Earlier::read(request, &mut notes);
    // Where the merchandiser decides, chance does not, nor where clicks are to compare.
    let may_explore = rules.is_empty() && !is_tried;
    let explored = if may_explore { explore(&page, request, earlier.settled(), &mut narrowed.hits) } else { None };
    let wanted = request.facets.unwrap_or(FACETS).min(MOST_FACETS);
    let facets = facets::facets(&page, request, &narrowed, &preferred, wanted);
    let by_meaning = narrowed.hits.iter().filter(|hit| hit.is_near()).count();
    let ways_on = ways::on(&page, request, (&wishes, &found), &narrowed.hits);
    let shown = earlier.page(world, request, &narrowed.hits);
    let explored = shown.places.iter().position(|place| explored == Some(*place));
    let mut projection = Projection::new(&request.fields);
    let with_chance = shown.hits.iter().enumerate().map(|(number, hit)| (hit, explored == Some(number)));
    let items = with_chance.map(|hit| told(&page, hit, &rules, &mut projection)).collect();
    let is_full = request.explain == Explain::Full;
    if is_full {
        tell_strength(&person, &mut notes);
    }
    let explanations =
        if is_full { explanations(&shown.hits, (&preferred, ranked.as_ref()), &rules) } else { Vec::new() };
    let (rules, redirect, banners) = rules.told();
    SearchAnswer {
        decision_id: id,
        position: world.position,
        decided_at: now,
        query: Understood { by_meaning, ..understood(typed, request, &wishes, &found) },
        total: narrowed.hits.len(),
        items,
        explored,
        teams: shown.hits.iter().filter_map(|hit| hit.team).collect(),
        facets,
        next: shown.next,
        ways_on,
        explanations,
        rules,
        redirect,
        banners,
        control: person.objects,
        arm,
        notes: notes.into_vec(),
    }
}

/// Whether the rule of a search can be understood.
pub fn check_filter(text: &str) -> Result<(), PlacementError> {
    check_rule("filter", text, Subject::Product)
}

/// The same question as a page asks it: rules and the gate read it so.
fn page_request(request: &SearchRequest) -> DecideRequest {
    DecideRequest {
        customer: request.customer.clone(),
        anonymous_id: request.anonymous_id.clone(),
        session: request.session.clone(),
        page: Page {
            kind: if request.q.trim().is_empty() { PageType::Category } else { PageType::Search },
            category: request.category.clone(),
            query: Some(request.q.clone()).filter(|text| !text.is_empty()),
            locale: request.locale.clone(),
            ..Page::default()
        },
        no_personalization: request.no_personalization,
        ..DecideRequest::default()
    }
}

/// What a search wishes for and finds. A code is taken as it is.
fn read(world: &World, request: &SearchRequest) -> (Wishes, Found) {
    let is_code = world.search.is_code(&request.q);
    let wishes = if is_code { Wishes::none(&request.q) } else { Wishes::read(world, request) };
    let found = find(world, request, &wishes);
    (wishes, found)
}

/// Products for the words; without words, all of the category or of the shop.
fn find(world: &World, request: &SearchRequest, wishes: &Wishes) -> Found {
    if wishes.rest.trim().is_empty() {
        return Found::without_words(walked(world, request));
    }
    let lexicon = world.lexicon();
    let found = match request.ignore.iter().any(|id| id == CORRECTED) {
        true => world.search.find_as_typed(&lexicon, &wishes.rest, request.typing),
        false => world.search.find(&lexicon, &wishes.rest, request.typing),
    };
    if !found.is_only_without() {
        return found;
    }
    let mut others = walked(world, request);
    others.retain(|other| world.search.is_wanted(&found, other.doc));
    found.instead(others)
}

/// All products of the category or of the shop.
fn walked(world: &World, request: &SearchRequest) -> Vec<Match> {
    let all = |item: Item| Match { doc: Doc(item.0), score: 1.0, coverage: 1.0, share: 1.0, is_coded: false };
    match request.category.as_deref().map(leaf_of) {
        Some(category) => world.catalog.in_category(category).map(all).collect(),
        None => world.catalog.products().map(|(item, _)| all(item)).collect(),
    }
}

/// What a search finds, before it is put in order.
struct Looked<'a> {
    /// As rules make it.
    request: Cow<'a, SearchRequest>,
    wishes: Wishes,
    found: Found,
    narrowed: Narrowed<'a>,
    rules: Rules<'a>,
}

impl<'a> Looked<'a> {
    fn at(page: &'a PageView<'a>, request: &'a SearchRequest, notes: &mut Notes) -> Self {
        let (mut wishes, mut found) = read(page.world, request);
        let mut rules = Rules::new(page, (request, found.corrected.as_deref()), notes);
        let mut asked = Cow::Borrowed(request);
        if let Some(other) = rules.replaced(request) {
            (wishes, found) = read(page.world, &other);
            asked = Cow::Owned(other);
        }
        let preset = rules.preset(&asked, &mut wishes);
        let with_preset = preset.as_ref().unwrap_or(&asked);
        let mut narrowed = matched(page, with_preset, (&wishes, &found), &mut rules, notes);
        if let Some(preset) = preset {
            let mut others = rules.without_presets();
            let is_empty = narrowed.hits.is_empty();
            let without = is_empty.then(|| matched(page, &asked, (&wishes, &found), &mut others, notes));
            match without.filter(|without| !without.hits.is_empty()) {
                Some(without) => {
                    rules.tell_presets(notes);
                    wishes.preset.clear();
                    (rules, narrowed) = (others, without);
                }
                None => asked = Cow::Owned(preset),
            }
        }
        Self { request: asked, wishes, found, narrowed, rules }
    }
}

/// The `total` that another search of the same customer has.
fn total(page: &PageView<'_>, request: &SearchRequest) -> usize {
    let asked = page_request(request);
    let page = PageView::new(page.world, page.person, &asked.page, page.now, Explain::None);
    let mut notes = Notes::default();
    let Looked { request, mut narrowed, mut rules, .. } = Looked::at(&page, request, &mut notes);
    meaning::keep_if(page.world.search_settings.meaning, &mut narrowed.hits);
    let pinned = rules.arrange(&mut narrowed.hits, &mut notes);
    if !request.ungrouped {
        narrowed.keep_one_of_each_family(&pinned);
    }
    narrowed.hits.len() + pinned.len()
}

/// What fits the words and what is near to them, as far as it may be shown.
fn matched<'a>(
    page: &'a PageView<'a>,
    request: &SearchRequest,
    (wishes, found): (&Wishes, &Found),
    rules: &mut Rules<'a>,
    notes: &mut Notes,
) -> Narrowed<'a> {
    let mut hits = hits(page.world, request, wishes, found);
    rules.add_pinned(&mut hits);
    meaning::join(page.world, request, wishes, found, &mut hits);
    let mut narrowed = Narrowed::new(page, request, wishes, hits, notes);
    rules.hide(&mut narrowed, notes);
    meaning::keep_nearest(&mut narrowed.hits);
    narrowed
}

/// What was found, best first. Where nothing narrows it down, what nobody could page to is not looked at.
fn hits<'a>(world: &'a World, request: &SearchRequest, wishes: &Wishes, found: &Found) -> Vec<Hit<'a>> {
    let is_narrowed = request.sort != SearchSort::Relevance
        || request.category.is_some()
        || request.filter.is_some()
        || !request.refine.is_empty()
        || wishes.narrow();
    let most = if is_narrowed { found.matches.len() } else { MOST_PAGED };
    let product = |found: &Match| world.catalog.product(Item(found.doc.0));
    // Before hits are made of what they leave out; what joins later, pinned or near, is asked the same when all are narrowed.
    let is_wished = |found: &&Match| {
        !wishes.narrow() || product(found).is_some_and(|it| wishes.allow(world, Item(found.doc.0), it))
    };
    let matches = best(found.matches.iter().filter(is_wished).copied(), most);
    let hit = |one: &Match| {
        Some(Hit {
            relevance: f64::from(one.score / found.highest),
            coverage: f64::from(one.coverage),
            is_coded: one.is_coded,
            ..Hit::new(Item(one.doc.0), product(one)?)
        })
    };
    let mut hits = Vec::with_capacity(matches.len());
    hits.extend(matches.iter().filter_map(hit));
    hits
}

/// Puts the hits, which come best by words first, in the order that was asked for. What can be bought comes first, in every
/// order.
fn order(
    page: &PageView<'_>,
    request: &SearchRequest,
    wishes: &Wishes,
    preferred: &Preferred<'_>,
    hits: &mut [Hit<'_>],
) -> Option<Ranked> {
    let price = |hit: &Hit<'_>| hit.product.price.map(|price| price.minor);
    for (place, hit) in hits.iter_mut().enumerate() {
        (hit.place, hit.score) = (place + 1, hit.relevance);
        (hit.fit, hit.learned) = (hit.relevance, hit.relevance);
    }
    let mut ranked = None;
    match request.sort {
        SearchSort::Relevance => ranked = preferred.reorder(wishes, hits),
        SearchSort::Popular => {
            let popularity = |hit: &Hit<'_>| page.world.popularity.score(hit.item);
            hits.sort_by(|a, b| popularity(b).total_cmp(&popularity(a)));
        }
        SearchSort::Newest => hits.sort_by_key(|hit| Reverse(page.world.catalog.since(hit.item))),
        SearchSort::PriceUp => hits.sort_by_key(|hit| price(hit).unwrap_or(i64::MAX)),
        SearchSort::PriceDown => hits.sort_by_key(|hit| Reverse(price(hit))),
    }
    hits.sort_by_key(Hit::line);
    ranked
}

fn told(
    page: &PageView<'_>,
    (hit, is_explored): (&Hit<'_>, bool),
    rules: &Rules<'_>,
    projection: &mut Projection<'_>,
) -> DecidedItem {
    let strongest = hit.parts().filter(|(_, value)| *value > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
    let explored = is_explored.then_some(ReasonCode::Explored);
    let code = explored.or(rules.reason(hit.item)).or_else(|| strongest.and_then(|(part, _)| part.reason()));
    let code = code.filter(|_| page.explain != Explain::None);
    let reason = |code: ReasonCode| Reason { code, text: say(page.language, Sentence::Plain(code)), because_of: None };
    DecidedItem {
        product_id: hit.product.id.clone(),
        product: Some(projection.apply(hit.product)),
        score: hit.score,
        propensity: hit.propensity,
        source: None,
        reasons: code.map(reason).into_iter().collect(),
    }
}

fn tell_strength(person: &Person, notes: &mut Notes) {
    let strength = person.own_strength();
    if strength != 1.0 {
        notes.add(format!("The customer set how much search may know of them: {strength} of what is usual."));
    }
}

fn understood(typed: &str, request: &SearchRequest, wishes: &Wishes, found: &Found) -> Understood {
    let is_full = request.explain == Explain::Full;
    let word = |word: &mercer_search::FoundWord| UnderstoodWord {
        typed: word.typed.clone(),
        also: word.also.iter().map(|(text, how)| OtherWord { text: text.clone(), how: (*how).to_owned() }).collect(),
    };
    Understood {
        text: typed.to_owned(),
        corrected: found.corrected.clone(),
        chips: wishes.chips.iter().chain(&wishes.preset).cloned().collect(),
        dropped: found.unknown.iter().chain(&found.dropped).chain(&wishes.unmet).cloned().collect(),
        unwanted: found.unwanted.clone(),
        by_meaning: 0,
        is_code: found.is_code,
        words: if is_full { found.words.iter().map(word).collect() } else { Vec::new() },
    }
}

fn explanations(
    shown: &[Hit<'_>],
    (preferred, ranked): (&Preferred<'_>, Option<&Ranked>),
    rules: &Rules<'_>,
) -> Vec<Explanation> {
    let explained = |hit: &Hit<'_>| Explanation {
        product_id: hit.product.id.clone(),
        relevance: if hit.is_near() { 0.0 } else { hit.relevance },
        coverage: hit.coverage,
        place_by_words: if hit.is_near() { 0 } else { hit.place },
        parts: hit
            .meaning
            .map(|value| ScorePart { name: "meaning".to_owned(), value })
            .into_iter()
            .chain(preferred.parts_of(hit, ranked))
            .chain(hit.by_clicks().map(|value| ScorePart { name: "clicked".to_owned(), value }))
            .chain(rules.parts(hit.item))
            .collect(),
    };
    shown.iter().map(explained).collect()
}
