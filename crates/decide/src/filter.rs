//! Phase *filter*: which candidates may be shown, and why the others may not.
//!
//! Cheap questions come first and the shop's own rule last, product by product, only until enough are found.
//! What is removed is kept with its reason.

use std::sync::Arc;

use imbl::OrdSet;
use mercer_recommend::Item;
use mercer_recommend::repurchase::Due;
use mercer_schema::{Product, Suppressed, SuppressedBecause, Timestamp};
use rustc_hash::FxHashSet;

use crate::World;
use crate::gate::Person;
use crate::notes::Notes;
use crate::page::PageView;
use crate::purchases::standing;
use crate::rule::{Fault, Narrowing, PageRule, ProductFacts};

/// A product that passed.
pub(crate) type Passed<'a> = &'a Arc<Product>;

/// Why a candidate was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) because: SuppressedBecause,
    pub(crate) detail: Option<String>,
}

/// What customers already see: by the placements above, or on the pages before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    items: FxHashSet<Item>,
    groups: FxHashSet<String>,
}

impl Seen {
    pub(crate) fn add(&mut self, item: Item, product: Option<&Arc<Product>>) {
        self.items.insert(item);
        if let Some(group) = product.and_then(|product| product.group_id.as_ref()) {
            self.groups.insert(group.clone());
        }
    }

    pub(crate) fn has(&self, item: Item, product: &Product) -> bool {
        self.items.contains(&item) || product.group_id.as_ref().is_some_and(|group| self.groups.contains(group))
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = Item> {
        self.items.iter().copied()
    }
}

/// Products that a placement asks the shop's rule about at most, so that a rule that nothing fits costs little.
const MOST_ASKED: usize = 2_000;

/// The questions that one placement asks of each candidate.
pub(crate) struct Sieve<'a, 'p> {
    page: &'p PageView<'a>,
    seen: Seen,
    rule: Option<AskedRule>,
    /// The part of the catalog outside of which the rule is false.
    members: Option<OrdSet<Item>>,
    rule_text: &'p str,
    asked: usize,
}

impl<'a, 'p> Sieve<'a, 'p> {
    /// `rule` with the text it was written as.
    pub(crate) fn new(page: &'p PageView<'a>, seen: Seen, rule: Option<(PageRule, &'p str)>) -> Self {
        let (rule, rule_text) = rule.map_or((None, ""), |(rule, text)| (Some(rule), text));
        let catalog = &page.world.catalog;
        let members = rule.as_ref().and_then(PageRule::narrowing).map(|narrowing| match narrowing {
            Narrowing::Category(name) => catalog.category_members(name),
            Narrowing::Brand(name) => catalog.brand_members(name),
        });
        Self {
            page,
            seen,
            rule: rule.map(AskedRule::new),
            members: members.map(|found| found.cloned().unwrap_or_default()),
            rule_text,
            asked: 0,
        }
    }

    /// Lets a candidate through or says why not. One that passed counts as seen: its siblings will not pass.
    pub(crate) fn examine(&mut self, item: Item) -> Result<Passed<'a>, Removed> {
        let product = available(self.page.world, item)?;
        if self.seen.has(item, product) {
            return Err(removed(SuppressedBecause::AlreadyShown));
        }
        if self.page.own.has(item, product) {
            return Err(removed(SuppressedBecause::OnThisPage));
        }
        refuse_for(self.page.person, self.page.world, (item, product), self.page.now)?;
        if !self.rule_holds(item, product) {
            let detail = Some(self.rule_text.to_owned());
            return Err(Removed { because: SuppressedBecause::Filtered, detail });
        }
        self.seen.add(item, Some(product));
        Ok(product)
    }

    /// Has the rule been asked as often as a placement may?
    pub(crate) const fn is_spent(&self) -> bool {
        self.asked >= MOST_ASKED
    }

    /// A rule that failed says no, and is told of once; so is one that hardly anything fits.
    pub(crate) fn tell_faults(&self, notes: &mut Notes, placement: &str) {
        if self.is_spent() {
            notes.add(format!(
                "The filter of `{placement}` was asked about {MOST_ASKED} products and stopped there; name a category or a brand in it, which are looked up."
            ));
        }
        if let Some(fault) = self.rule.as_ref().and_then(|rule| rule.fault.as_ref()) {
            notes.add(format!("The filter of `{placement}` failed for a product, which is then left out: {fault}."));
        }
    }

    /// Places in the rule's part of the catalog that no source may have named.
    pub(crate) fn members(&self) -> Option<OrdSet<Item>> {
        self.members.clone()
    }

    fn rule_holds(&mut self, item: Item, product: &Product) -> bool {
        let Some(rule) = &mut self.rule else { return true };
        if self.members.as_ref().is_some_and(|members| !members.contains(&item)) {
            return false;
        }
        self.asked += 1;
        rule.holds(self.page, item, product)
    }
}

/// A rule that is asked product by product. Where it fails it says no, and the first failure is kept to be told.
pub(crate) struct AskedRule {
    rule: PageRule,
    pub(crate) fault: Option<String>,
}

impl AskedRule {
    pub(crate) const fn new(rule: PageRule) -> Self {
        Self { rule, fault: None }
    }

    pub(crate) fn holds(&mut self, page: &PageView<'_>, item: Item, product: &Product) -> bool {
        match self.rule.holds(&page.scope, Some(facts(page, item, product))) {
            Ok(truth) => truth,
            Err(Fault::Absent) => false,
            Err(Fault::Failed(message)) => {
                self.fault.get_or_insert(message);
                false
            }
        }
    }
}

pub(crate) fn facts<'p>(page: &PageView<'_>, item: Item, product: &'p Product) -> ProductFacts<'p> {
    ProductFacts { product, since: page.world.catalog.since(item).unwrap_or(page.now), now: page.now }
}

/// The product, if the shop has it and it can be bought.
pub(crate) fn available(world: &World, item: Item) -> Result<&Arc<Product>, Removed> {
    let product = world.catalog.product(item).ok_or_else(|| removed(SuppressedBecause::NotInCatalog))?;
    if product.is_buyable() { Ok(product) } else { Err(removed(SuppressedBecause::OutOfStock)) }
}

/// What this customer turned down or has just bought, on whatever page and placement.
pub(crate) fn refuse_for(
    person: &Person,
    world: &World,
    (item, product): (Item, &Product),
    now: Timestamp,
) -> Result<(), Removed> {
    if person.dismissed.contains(&item) {
        return Err(removed(SuppressedBecause::Dismissed));
    }
    let Some(last) = person.last_bought(item, product.group_id.as_deref()) else { return Ok(()) };
    match standing(world, (item, product), last, now) {
        Due::JustBought => Err(removed(SuppressedBecause::JustBought)),
        Due::NotYet | Due::Due => Ok(()),
    }
}

pub(crate) const fn removed(because: SuppressedBecause) -> Removed {
    Removed { because, detail: None }
}

impl Removed {
    /// As the answer tells it. A number without an id cannot be told.
    pub(crate) fn told(self, world: &World, item: Item) -> Option<Suppressed> {
        let product_id = world.catalog.id(item)?.clone();
        Some(Suppressed { product_id, because: self.because, detail: self.detail })
    }
}
