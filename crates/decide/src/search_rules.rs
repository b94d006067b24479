//! The merchandiser's rules with their expressions compiled.
//!
//! Compiling never fails, as with placements: what this version cannot read does nothing, and every search that meets it
//! says so. Whether a rule can be saved is another matter; every refusal names the field.

use mercer_schema::{SearchAction, SearchRule, SearchRuleId, Timestamp};
use mercer_search::{Language, common_form, stemmed_form};
use rustc_hash::FxHashSet;

use crate::placements::{PlacementError, Readable, check_rule, refuse};
use crate::rule::{Rule, Subject};
use crate::search::price_range;

const MOST_TEXTS: usize = 50;
const MOST_ACTIONS: usize = 20;
const MOST_LETTERS: usize = 200;
const LONGEST_BANNER: usize = 500;
const LONGEST_ADDRESS: usize = 1_000;
const MOST_POSITION: usize = 100;
const MOST_FACTOR: f64 = 100.0;
/// Rules of a shop: each search asks all of them.
const MOST_RULES: usize = 1_000;

/// All rules, in the order in which they were first saved.
#[derive(Debug, Clone)]
pub struct SearchRules {
    /// Of the stems by which texts are compared.
    language: Language,
    compiled: Vec<CompiledRule>,
}

/// A rule that is ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) rule: SearchRule,
    /// By stems, as searches are compared.
    pub(crate) is: Vec<String>,
    pub(crate) contains: Vec<String>,
    /// In small letters.
    pub(crate) categories: Vec<String>,
    pub(crate) condition: Option<Readable>,
    /// One for each action; none of those that name no products.
    pub(crate) products: Vec<Option<Readable>>,
}

impl Default for SearchRules {
    fn default() -> Self {
        Self::new(Language::English)
    }
}

impl SearchRules {
    /// No rules yet, of a shop in this language.
    pub const fn new(language: Language) -> Self {
        Self { language, compiled: Vec::new() }
    }

    pub fn compile(rules: Vec<SearchRule>, language: Language) -> Self {
        Self { language, compiled: rules.into_iter().map(|rule| compile(rule, language)).collect() }
    }

    /// A text as rules are compared with it.
    pub(crate) fn form(&self, text: &str) -> Option<String> {
        stemmed_form(text, self.language)
    }

    pub fn iter(&self) -> impl Iterator<Item = &SearchRule> {
        self.compiled.iter().map(|compiled| &compiled.rule)
    }

    pub fn get(&self, id: &SearchRuleId) -> Option<&SearchRule> {
        self.iter().find(|rule| rule.id == *id)
    }

    /// The same with one more rule, or with one in the place of that of its id.
    #[must_use]
    pub fn with(&self, rule: SearchRule) -> Self {
        let compiled = compile(rule, self.language);
        let mut all = self.compiled.clone();
        match all.iter_mut().find(|known| known.rule.id == compiled.rule.id) {
            Some(known) => *known = compiled,
            None => all.push(compiled),
        }
        Self { compiled: all, ..*self }
    }

    #[must_use]
    pub fn without(&self, id: &SearchRuleId) -> Self {
        Self { compiled: self.compiled.iter().filter(|known| known.rule.id != *id).cloned().collect(), ..*self }
    }

    /// Says whether a rule can be saved beside these, and if not what to do about it.
    pub fn check(&self, rule: &SearchRule) -> Result<(), PlacementError> {
        if self.get(&rule.id).is_none() && self.compiled.len() >= MOST_RULES {
            return refuse("id", format!("there are {MOST_RULES} rules already; remove one that is over"));
        }
        check(rule)
    }

    pub fn is_empty(&self) -> bool {
        self.compiled.is_empty()
    }

    pub(crate) fn compiled(&self) -> &[CompiledRule] {
        &self.compiled
    }
}

impl CompiledRule {
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        let SearchRule { enabled, starts_at, ends_at, .. } = &self.rule;
        *enabled && starts_at.is_none_or(|start| start <= now) && ends_at.is_none_or(|end| now < end)
    }
}

/// The products that an action means, as they are written.
const fn products_of(action: &SearchAction) -> Option<&String> {
    match action {
        SearchAction::Boost { products, .. } | SearchAction::Bury { products } | SearchAction::Hide { products } => {
            Some(products)
        }
        _ => None,
    }
}

fn compile(rule: SearchRule, language: Language) -> CompiledRule {
    let read = |text: &String, subject| Rule::compile(text, subject).map_err(|error| error.message);
    let forms = |texts: &[String]| texts.iter().filter_map(|text| stemmed_form(text, language)).collect();
    CompiledRule {
        is: forms(&rule.when.is),
        contains: forms(&rule.when.contains),
        categories: rule.when.categories.iter().map(|name| name.to_lowercase()).collect(),
        condition: rule.when.condition.as_ref().map(|text| read(text, Subject::Page)),
        products: rule.then.iter().map(|action| Some(read(products_of(action)?, Subject::Product))).collect(),
        rule,
    }
}

fn check(rule: &SearchRule) -> Result<(), PlacementError> {
    check_text("name", &rule.name, MOST_LETTERS)?;
    if let (Some(start), Some(end)) = (rule.starts_at, rule.ends_at)
        && end <= start
    {
        return refuse("ends_at", "it ends before it starts; the end is the first moment at which it is over");
    }
    for (field, texts) in
        [("is", &rule.when.is), ("contains", &rule.when.contains), ("categories", &rule.when.categories)]
    {
        if texts.len() > MOST_TEXTS {
            return refuse(&format!("when.{field}"), format!("at most {MOST_TEXTS} texts are allowed"));
        }
        for (number, text) in texts.iter().enumerate() {
            let name = format!("when.{field}[{number}]");
            check_text(&name, text, MOST_LETTERS)?;
            if field != "categories" && common_form(text).is_none() {
                return refuse(
                    &name,
                    "no search is like this: it has no word, more than 8, an address or a long number",
                );
            }
        }
    }
    if let Some(condition) = &rule.when.condition {
        check_rule("when.condition", condition, Subject::Page)?;
    }
    if rule.then.is_empty() {
        return refuse("then", "the rule does nothing; name at least one action, such as `pin`");
    }
    if rule.then.len() > MOST_ACTIONS {
        return refuse("then", format!("at most {MOST_ACTIONS} actions are allowed"));
    }
    rule.then.iter().enumerate().try_for_each(|(number, action)| check_action(number, action))?;
    check_pins(&rule.then)
}

/// One product has one place; a place may have several products, which stand in for each other.
fn check_pins(actions: &[SearchAction]) -> Result<(), PlacementError> {
    let mut products = FxHashSet::default();
    for (number, action) in actions.iter().enumerate() {
        let SearchAction::Pin { product_id, .. } = action else { continue };
        if !products.insert(product_id) {
            return refuse(&format!("then[{number}].product_id"), format!("`{product_id}` is pinned above already"));
        }
    }
    Ok(())
}

fn check_action(number: usize, action: &SearchAction) -> Result<(), PlacementError> {
    let field = |name: &str| format!("then[{number}].{name}");
    if let Some(products) = products_of(action) {
        check_rule(&field("products"), products, Subject::Product)?;
    }
    match action {
        SearchAction::Pin { position, .. } if !(1..=MOST_POSITION).contains(position) => {
            refuse(&field("position"), format!("place {position}; places go from 1 to {MOST_POSITION}"))
        }
        SearchAction::Boost { factor, .. } if !(factor.is_finite() && *factor > 0.0 && *factor <= MOST_FACTOR) => {
            let message = format!("{factor} is no factor; write 2 to lift, 0.5 to sink, up to {MOST_FACTOR}");
            refuse(&field("factor"), message)
        }
        SearchAction::Redirect { url } => check_address(&field("url"), url),
        SearchAction::Replace { query } => check_text(&field("query"), query, MOST_LETTERS),
        SearchAction::Preset { field: name, values } => {
            check_text(&field("field"), name, MOST_LETTERS)?;
            check_values(number, name, values)
        }
        SearchAction::Banner { text, url } => {
            check_text(&field("text"), text, LONGEST_BANNER)?;
            url.iter().try_for_each(|url| check_address(&field("url"), url))
        }
        _ => Ok(()),
    }
}

fn check_values(number: usize, name: &str, values: &[String]) -> Result<(), PlacementError> {
    let field = format!("then[{number}].values");
    if values.is_empty() || values.len() > MOST_TEXTS {
        return refuse(&field, format!("name at least one value, at most {MOST_TEXTS}"));
    }
    for (place, value) in values.iter().enumerate() {
        let field = format!("{field}[{place}]");
        check_text(&field, value, MOST_LETTERS)?;
        if name == "price" && price_range(value).is_none() {
            return refuse(&field, "a price is a range of minor units: `1000..1999`, `..999` or `5000..`");
        }
    }
    Ok(())
}

/// Where a browser may be sent: never to a script.
fn check_address(field: &str, url: &str) -> Result<(), PlacementError> {
    check_text(field, url, LONGEST_ADDRESS)?;
    let is_own = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
    let is_web =
        ["https://", "http://"].iter().any(|start| url.strip_prefix(start).is_some_and(|rest| !rest.is_empty()));
    if !(is_own || is_web) || url.contains(char::is_whitespace) {
        return refuse(field, "write an address with `https://`, or a path of the shop with `/`");
    }
    Ok(())
}

fn check_text(field: &str, text: &str, letters: usize) -> Result<(), PlacementError> {
    if text.trim().is_empty() {
        return refuse(field, "this is empty");
    }
    if text.chars().count() > letters || text.chars().any(char::is_control) {
        return refuse(field, format!("write one line of at most {letters} letters"));
    }
    Ok(())
}
