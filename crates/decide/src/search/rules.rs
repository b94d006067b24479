//! Phase *rules*: what the merchandiser wants for this search, done where everybody can see it.
//!
//! Rules apply in the order of the list, and each tells in the answer what it did. They never bring back what a customer
//! narrowed away, and pins, boosts and buries keep to the order by relevance: whoever sorts by price gets prices. A
//! product whose code was typed stays in front.

use mercer_recommend::Item;
use mercer_schema::{AppliedRule, Banner, Product, ReasonCode, ScorePart, SearchAction, SearchRequest, SearchSort};
use mercer_search::leaf_of;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Hit;
use super::narrow::Narrowed;
use crate::filter::AskedRule;
use crate::notes::Notes;
use crate::page::PageView;
use crate::rule::Fault;
use crate::search_rules::CompiledRule;

/// Before the text that a rule put in the place of what was typed, where it tells what it did.
pub(super) const SEARCHED: &str = "searched ";

/// The rules that stand for this search.
pub(super) struct Rules<'a> {
    page: &'a PageView<'a>,
    pub(super) applied: Vec<Applied<'a>>,
    is_by_relevance: bool,
    pins: FxHashMap<Item, (usize, usize)>,
    /// By product: what rules did to it, for the explanations.
    touched: FxHashMap<Item, Vec<Touch>>,
}

pub(super) struct Applied<'a> {
    pub(super) rule: &'a CompiledRule,
    pub(super) did: Vec<String>,
}

/// What a rule did to a product.
struct Touch {
    rule: String,
    value: f64,
    code: Option<ReasonCode>,
}

impl<'a> Rules<'a> {
    /// Those for what was typed, or for how it was understood.
    pub(super) fn new(
        page: &'a PageView<'a>,
        (request, corrected): (&SearchRequest, Option<&str>),
        notes: &mut Notes,
    ) -> Self {
        let asked = Asked::new(page, request, corrected);
        let mut applied = Vec::new();
        for rule in page.world.search_rules.compiled() {
            let is_meant = rule.is_in_force(page.now) && asked.is_meant_by(rule);
            if is_meant && holds(page, rule, notes) {
                applied.push(Applied { rule, did: Vec::new() });
            }
        }
        let is_by_relevance = request.sort == SearchSort::Relevance;
        let mut rules =
            Self { page, applied, is_by_relevance, pins: FxHashMap::default(), touched: FxHashMap::default() };
        rules.settle_pins(notes);
        rules
    }

    /// No rule stands for this search.
    pub(super) fn is_empty(&self) -> bool {
        self.applied.is_empty()
    }

    /// A product is to be pinned.
    pub(super) fn has_pins(&self) -> bool {
        !self.pins.is_empty()
    }

    /// The same rules, as if they had done nothing yet.
    pub(super) fn again(&self) -> Self {
        Self {
            page: self.page,
            applied: self.applied.iter().map(|Applied { rule, .. }| Applied { rule, did: Vec::new() }).collect(),
            is_by_relevance: self.is_by_relevance,
            pins: self.pins.clone(),
            touched: FxHashMap::default(),
        }
    }

    /// The search with another text, where a rule says so. The first that does counts.
    pub(super) fn replaced(&mut self, request: &SearchRequest) -> Option<SearchRequest> {
        for applied in &mut self.applied {
            let other = applied.rule.rule.then.iter().find_map(|action| match action {
                SearchAction::Replace { query } => Some(query),
                _ => None,
            });
            if let Some(query) = other {
                applied.did.push(format!("{SEARCHED}“{query}” instead"));
                return Some(SearchRequest { q: query.clone(), ..request.clone() });
            }
        }
        None
    }

    /// Who is pinned where. The first pin of a product and of a place counts; what comes to nothing is told.
    fn settle_pins(&mut self, notes: &mut Notes) {
        if !self.is_by_relevance {
            return;
        }
        let catalog = &self.page.world.catalog;
        let mut places: FxHashSet<usize> = FxHashSet::default();
        for (number, applied) in self.applied.iter().enumerate() {
            for action in &applied.rule.rule.then {
                let SearchAction::Pin { product_id, position } = action else { continue };
                let known = catalog.item(product_id).and_then(|item| Some((item, catalog.product(item)?)));
                let fault = match known {
                    None => "which the catalog does not have".to_owned(),
                    Some((_, product)) if !product.is_buyable() => "which cannot be bought".to_owned(),
                    Some((item, _)) if self.pins.contains_key(&item) => "which is pinned already".to_owned(),
                    Some(_) if !places.insert(*position) => {
                        format!("but another product is pinned at {position}")
                    }
                    Some((item, _)) => {
                        self.pins.insert(item, (*position, number));
                        continue;
                    }
                };
                notes.add(format!(
                    "The rule `{}` pins `{product_id}`, {fault}: it stays as it was.",
                    applied.rule.rule.id
                ));
            }
        }
    }

    /// Adds the products that are pinned and that the words did not find.
    pub(super) fn add_pinned(&self, hits: &mut Vec<Hit<'a>>) {
        if self.pins.is_empty() {
            return;
        }
        let catalog = &self.page.world.catalog;
        let found: FxHashSet<Item> =
            hits.iter().map(|hit| hit.item).filter(|item| self.pins.contains_key(item)).collect();
        let mut missing: Vec<Item> = self.pins.keys().copied().filter(|item| !found.contains(item)).collect();
        missing.sort_unstable();
        hits.extend(missing.into_iter().filter_map(|item| Some(Hit::new(item, catalog.product(item)?))));
    }

    /// Takes out what is not to be found.
    pub(super) fn hide(&mut self, narrowed: &mut Narrowed<'_>, notes: &mut Notes) {
        let page = self.page;
        for number in 0..self.applied.len() {
            let rule = self.applied[number].rule;
            for (place, action) in rule.rule.then.iter().enumerate() {
                let SearchAction::Hide { .. } = action else { continue };
                let Some(mut asked) = products_of(page, rule, place) else { continue };
                let before = narrowed.hits.len();
                narrowed.hits.retain(|hit| !asked.has(page, hit.item, hit.product));
                let others = narrowed.but_for.iter_mut();
                others.for_each(|others| others.retain(|other| !asked.has(page, other.item, other.product)));
                self.did(number, before - narrowed.hits.len(), "hid");
                asked.tell(notes);
            }
        }
    }

    /// Lifts and sinks, then takes the pinned out of the line.
    pub(super) fn arrange(&mut self, hits: &mut Vec<Hit<'a>>, notes: &mut Notes) -> Vec<Hit<'a>> {
        if !self.is_by_relevance || self.applied.is_empty() {
            return Vec::new();
        }
        let buried = self.weigh(hits, notes);
        hits.sort_by(|a, b| {
            let key = |hit: &Hit<'_>| (!hit.is_coded, hit.line(), buried.contains(&hit.item));
            key(a).cmp(&key(b)).then(b.score.total_cmp(&a.score))
        });
        let mut pinned: Vec<Hit<'_>> = Vec::new();
        hits.retain(|hit| {
            let is_pinned = self.pins.contains_key(&hit.item);
            if is_pinned {
                pinned.push(*hit);
            }
            !is_pinned
        });
        // What a customer narrowed away is not there to be pinned.
        pinned.sort_by_key(|hit| self.pins.get(&hit.item).map(|(position, _)| *position));
        pinned
    }

    /// Multiplies scores, and gives back what goes to the end.
    fn weigh(&mut self, hits: &mut [Hit<'_>], notes: &mut Notes) -> FxHashSet<Item> {
        let mut buried = FxHashSet::default();
        let page = self.page;
        for number in 0..self.applied.len() {
            let rule = self.applied[number].rule;
            for (place, action) in rule.rule.then.iter().enumerate() {
                let (factor, verb) = match action {
                    SearchAction::Boost { factor, .. } => (Some(sane(*factor)), "boosted"),
                    SearchAction::Bury { .. } => (None, "buried"),
                    _ => continue,
                };
                let Some(mut asked) = products_of(page, rule, place) else { continue };
                let mut count = 0;
                for hit in hits.iter_mut().filter(|hit| !hit.is_coded) {
                    if !asked.has(page, hit.item, hit.product) {
                        continue;
                    }
                    count += 1;
                    match factor {
                        Some(factor) => hit.score *= factor,
                        None => drop(buried.insert(hit.item)),
                    }
                    let value = factor.unwrap_or(0.0);
                    let code = (value > 1.0).then_some(ReasonCode::Boosted);
                    let touch = Touch { rule: rule.rule.name.clone(), value, code };
                    self.touched.entry(hit.item).or_default().push(touch);
                }
                self.did(number, count, verb);
                asked.tell(notes);
            }
        }
        buried
    }

    /// Puts the pinned in their places.
    pub(super) fn pin(&mut self, hits: &mut Vec<Hit<'a>>, pinned: Vec<Hit<'a>>) {
        for hit in pinned {
            let Some((position, number)) = self.pins.get(&hit.item).copied() else { continue };
            let place = position.saturating_sub(1).min(hits.len());
            hits.insert(place, hit);
            let rule = self.applied[number].rule;
            let touch = Touch { rule: rule.rule.name.clone(), value: position as f64, code: Some(ReasonCode::Pinned) };
            self.touched.entry(hit.item).or_default().insert(0, touch);
            self.applied[number].did.push(format!("pinned {} at {position}", hit.product.id));
        }
    }

    /// What rules did to a product, named by rule: the factor, the place, or 0 for what was buried.
    pub(super) fn parts(&self, item: Item) -> impl Iterator<Item = ScorePart> {
        let touches = self.touched.get(&item).map_or(&[][..], Vec::as_slice);
        touches.iter().map(|touch| ScorePart { name: format!("rule: {}", touch.rule), value: touch.value })
    }

    /// What a customer may be told.
    pub(super) fn reason(&self, item: Item) -> Option<ReasonCode> {
        self.touched.get(&item)?.iter().find_map(|touch| touch.code)
    }

    /// Where the customer should go instead, and what the shop says.
    pub(super) fn told(mut self) -> (Vec<AppliedRule>, Option<String>, Vec<Banner>) {
        let (mut redirect, mut banners) = (None, Vec::new());
        for applied in &mut self.applied {
            for action in &applied.rule.rule.then {
                match action {
                    SearchAction::Redirect { url } if redirect.is_none() => {
                        applied.did.push(format!("sent to {url}"));
                        redirect = Some(url.clone());
                    }
                    SearchAction::Banner { text, url } => {
                        applied.did.push("showed a banner".to_owned());
                        let rule = applied.rule.rule.id.clone();
                        banners.push(Banner { rule, text: text.clone(), url: url.clone() });
                    }
                    _ => {}
                }
            }
        }
        let applied = self.applied.into_iter().map(|Applied { rule, did }| AppliedRule {
            id: rule.rule.id.clone(),
            name: rule.rule.name.clone(),
            did,
        });
        (applied.collect(), redirect, banners)
    }

    fn did(&mut self, number: usize, count: usize, verb: &str) {
        if count > 0 {
            let noun = if count == 1 { "product" } else { "products" };
            self.applied[number].did.push(format!("{verb} {count} {noun}"));
        }
    }
}

/// The search as rules compare it.
struct Asked {
    /// What was typed, and what was looked for instead.
    texts: Vec<String>,
    /// In small letters.
    category: Option<String>,
}

impl Asked {
    fn new(page: &PageView<'_>, request: &SearchRequest, corrected: Option<&str>) -> Self {
        let rules = &page.world.search_rules;
        if rules.is_empty() {
            return Self { texts: Vec::new(), category: None };
        }
        let texts = [Some(&*request.q), corrected].into_iter().flatten().filter_map(|text| rules.form(text)).collect();
        let is_walk = request.q.trim().is_empty();
        let category = request.category.as_deref().filter(|_| is_walk).map(str::to_lowercase);
        Self { texts, category }
    }

    fn is_meant_by(&self, rule: &CompiledRule) -> bool {
        let when = &rule.rule.when;
        if when.is.is_empty() && when.contains.is_empty() && when.categories.is_empty() {
            return true;
        }
        let is_text = self
            .texts
            .iter()
            .any(|text| rule.is.contains(text) || rule.contains.iter().any(|part| has_words(text, part)));
        let is_walk = self.category.as_deref().is_some_and(|category| {
            let leaf = leaf_of(category);
            rule.categories.iter().any(|meant| meant == category || meant == leaf)
        });
        is_text || is_walk
    }
}

/// Whether the words stand in the text, together and in this order.
fn has_words(text: &str, words: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_none_or(|letter| letter == ' ');
    text.match_indices(words).any(|(start, found)| {
        is_end(text[..start].chars().next_back()) && is_end(text[start + found.len()..].chars().next())
    })
}

/// A condition that fails or cannot be read is not met.
fn holds(page: &PageView<'_>, rule: &CompiledRule, notes: &mut Notes) -> bool {
    let Some(condition) = &rule.condition else { return true };
    let fault = match condition {
        Ok(condition) => match condition.on_page(&page.scope).holds(&page.scope, None) {
            Ok(truth) => return truth,
            Err(Fault::Absent) => return false,
            Err(Fault::Failed(message)) => message,
        },
        Err(message) => message.clone(),
    };
    notes.add(format!("The condition of the rule `{}` failed, so the rule did nothing: {fault}.", rule.rule.id));
    false
}

/// The products that an action means; none when it names none.
pub(super) fn products_of<'a>(page: &PageView<'_>, rule: &'a CompiledRule, place: usize) -> Option<Products<'a>> {
    let products = rule.products.get(place)?.as_ref()?;
    let asked = products.as_ref().map(|products| AskedRule::new(products.on_page(&page.scope))).map_err(Clone::clone);
    Some(Products { rule, asked })
}

pub(super) struct Products<'a> {
    rule: &'a CompiledRule,
    /// What is wrong with an expression that this version cannot read.
    asked: Result<AskedRule, String>,
}

impl Products<'_> {
    pub(super) fn has(&mut self, page: &PageView<'_>, item: Item, product: &Product) -> bool {
        self.asked.as_mut().is_ok_and(|asked| asked.holds(page, item, product))
    }

    fn tell(self, notes: &mut Notes) {
        if let Some(fault) = self.asked.map_or_else(Some, |asked| asked.fault) {
            notes.add(format!("The rule `{}` failed for a product, which it left alone: {fault}.", self.rule.rule.id));
        }
    }
}

/// A log may hold what could not be saved today.
const fn sane(factor: f64) -> f64 {
    if factor.is_finite() { factor.clamp(0.0, 100.0) } else { 1.0 }
}
