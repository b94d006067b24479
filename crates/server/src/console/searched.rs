//! An answer of the search as people of the shop read it: what was understood, and why each product stands where it does.
//!
//! Shows an answer as it is; nothing here searches but [`ask`], which counts and logs nothing.

use std::collections::BTreeMap;

use mercer_decide::World;
use mercer_schema::{DecisionId, Explain, SearchAnswer, SearchRequest, Timestamp, Visitor};

use super::catalog::Card;

/// Previews share an id: only a change of what is asked changes the outcome.
const PREVIEW: &str = "preview";
const SHOWN: usize = 12;
const FACETS: usize = 6;
const VALUES: usize = 6;

/// What a person of the shop wants to see answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    pub q: String,
    /// A walk through a category, where no words are.
    pub category: String,
    pub visitor: Visitor,
    pub strength: f64,
    pub at: Timestamp,
}

pub(crate) fn ask(world: &World, question: &Question) -> SearchAnswer {
    let request = SearchRequest {
        q: question.q.clone(),
        category: Some(question.category.clone()).filter(|text| !text.is_empty()),
        customer: question.visitor.customer_id.clone(),
        anonymous_id: question.visitor.anonymous_id.clone(),
        strength: Some(question.strength),
        limit: Some(SHOWN),
        facets: Some(FACETS),
        explain: Explain::Full,
        dry_run: true,
        ..SearchRequest::default()
    };
    mercer_decide::search(world, &request, DecisionId::trusted(PREVIEW), question.at)
}

pub(crate) struct Searched {
    pub total: usize,
    pub items: Vec<Hit>,
    pub chips: Vec<String>,
    /// Each word with what else it was looked for as.
    pub words: Vec<(String, String)>,
    pub corrected: Option<String>,
    pub dropped: String,
    pub unwanted: String,
    /// Products that are there by their meaning alone.
    pub by_meaning: usize,
    pub is_code: bool,
    pub facets: Vec<Narrowing>,
    /// Each rule with what it did.
    pub rules: Vec<(String, String, String)>,
    pub redirect: Option<String>,
    pub banners: Vec<String>,
    pub ways_on: Vec<String>,
    pub notes: Vec<String>,
}

/// A product at its place.
pub(crate) struct Hit {
    pub card: Card,
    pub place_by_words: usize,
    pub relevance: String,
    pub parts: Vec<String>,
    pub reasons: Vec<String>,
    /// Against the other answer: `new`, `up 3`, `down 1`.
    pub moved: Option<String>,
}

pub(crate) struct Narrowing {
    pub name: String,
    pub why: String,
    pub values: String,
}

impl Searched {
    pub(crate) fn new(answer: &SearchAnswer, world: &World) -> Self {
        let query = &answer.query;
        let also = |word: &mercer_schema::UnderstoodWord| {
            let others = word.also.iter().map(|other| format!("{} ({})", other.text, other.how));
            (word.typed.clone(), others.collect::<Vec<_>>().join(", "))
        };
        let facet = |facet: &mercer_schema::Facet| {
            let values = facet.values.iter().take(VALUES).map(|value| format!("{} {}", value.label, value.count));
            Narrowing {
                name: facet.name.clone(),
                why: facet.why.clone(),
                values: values.collect::<Vec<_>>().join(", "),
            }
        };
        let chip = |chip: &mercer_schema::Chip| {
            let does = if chip.is_filter { "only" } else { "first" };
            format!("{}: {} ({does}, from “{}”)", chip.field, chip.label, chip.from)
        };
        Self {
            total: answer.total,
            items: answer.items.iter().enumerate().map(|(place, _)| Hit::new(answer, place, world)).collect(),
            chips: query.chips.iter().map(chip).collect(),
            words: query.words.iter().map(also).collect(),
            corrected: query.corrected.clone(),
            dropped: query.dropped.join(", "),
            unwanted: query.unwanted.join(", "),
            by_meaning: query.by_meaning,
            is_code: query.is_code,
            facets: answer.facets.iter().map(facet).collect(),
            rules: answer
                .rules
                .iter()
                .map(|rule| {
                    let did = if rule.did.is_empty() { "nothing here".to_owned() } else { rule.did.join(", ") };
                    (rule.id.to_string(), rule.name.clone(), did)
                })
                .collect(),
            redirect: answer.redirect.clone(),
            banners: answer.banners.iter().map(|banner| banner.text.clone()).collect(),
            ways_on: answer.ways_on.iter().map(|way| format!("{} ({})", way.text, way.total)).collect(),
            notes: answer.notes.clone(),
        }
    }

    /// Says of each product how it moved since another answer to the same question.
    #[must_use]
    pub(crate) fn beside(mut self, before: &Self) -> Self {
        let places: BTreeMap<&str, usize> =
            before.items.iter().enumerate().map(|(place, hit)| (hit.card.id.as_str(), place)).collect();
        for (place, hit) in self.items.iter_mut().enumerate() {
            hit.moved = match places.get(hit.card.id.as_str()) {
                None => Some("new".to_owned()),
                Some(earlier) if *earlier > place => Some(format!("up {}", earlier - place)),
                Some(earlier) if *earlier < place => Some(format!("down {}", place - earlier)),
                Some(_) => None,
            };
        }
        self
    }

    /// Whether the other answer shows the same, in the same order.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let ids = |searched: &Self| searched.items.iter().map(|hit| hit.card.id.clone()).collect::<Vec<_>>();
        self.total == other.total
            && ids(self) == ids(other)
            && self.redirect == other.redirect
            && self.banners == other.banners
    }
}

impl Hit {
    fn new(answer: &SearchAnswer, place: usize, world: &World) -> Self {
        let item = &answer.items[place];
        let explained = answer.explanations.get(place);
        let part = |part: &mercer_schema::ScorePart| match part.name.strip_prefix("rule: ") {
            Some(rule) => format!("rule “{rule}”"),
            None => format!("{} {:+.2}", part.name.replace('_', " "), part.value),
        };
        Self {
            card: Card::find(&world.catalog, &item.product_id),
            place_by_words: explained.map_or(0, |explained| explained.place_by_words),
            relevance: explained.map(|explained| format!("{:.2}", explained.relevance)).unwrap_or_default(),
            parts: explained.map(|explained| explained.parts.iter().map(part).collect()).unwrap_or_default(),
            reasons: item.reasons.iter().map(|reason| reason.text.clone()).collect(),
            moved: None,
        }
    }
}
