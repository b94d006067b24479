//! A placement as a form: what was typed, what is wrong with it, and the placement that it means.
//!
//! The form's fields have the names that the checks of a placement report (`boosts[0].when`), so a fault always
//! finds its field. Whatever was typed is kept until the placement can be saved; empty rows mean nothing.

mod arranging;

use std::collections::BTreeMap;
use std::str::FromStr;

use mercer_schema::{Boost, Pin, Placement, PlacementId, ProductId, Source, SourceKind};

use super::decided::source_label;

pub(crate) use arranging::METHODS;

/// What a form sends: texts by field name.
pub(crate) type Values = BTreeMap<String, String>;

/// One line of a list: texts by the part of the name after the dot.
type Line = BTreeMap<String, String>;

/// Each source as forms and files write it, with what it does.
pub(crate) const SOURCES: [(SourceKind, &str, &str); 14] = [
    (SourceKind::Popular, "popular", "Most wanted over the last months; recent weeks count more"),
    (SourceKind::Trending, "trending", "Wanted now more than usual"),
    (SourceKind::Newest, "newest", "Newest in the catalog"),
    (SourceKind::RecentlyViewed, "recently_viewed", "What the visitor looked at"),
    (SourceKind::BuyAgain, "buy_again", "Bought before and due again"),
    (SourceKind::AlsoViewed, "also_viewed", "Seen by people who saw the page's products"),
    (SourceKind::BoughtTogether, "bought_together", "Bought in one order with the page's products"),
    (SourceKind::Similar, "similar", "Like the page's products in words and attributes"),
    (SourceKind::SessionNext, "session_next", "What visits like the running one went on to"),
    (SourceKind::ForYou, "for_you", "What the customer orders next: the usual, and what goes with it"),
    (SourceKind::Complements, "complements", "What completes the page's products and is no substitute for them"),
    (SourceKind::Bundle, "bundle", "The rest of the sets in which the page's products are bought"),
    (SourceKind::Taste, "taste", "What people of the customer's taste take, new products included"),
    (SourceKind::Sequence, "sequence", "What usually follows on what the customer took; wants `models.transformer`"),
];

/// What was typed, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    values: Values,
    sources: Vec<Line>,
    fallback: Vec<Line>,
    objectives: Vec<Line>,
    boosts: Vec<Line>,
    quotas: Vec<Line>,
    pins: Vec<Line>,
    faults: Vec<(String, String)>,
}

/// A field with what stands in it.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub name: String,
    pub value: String,
    pub fault: Option<String>,
}

impl Form {
    /// Reads what was sent: drops rows in which nothing stands and numbers the others anew.
    pub(crate) fn from_values(mut values: Values) -> Self {
        let mut take = |list: &str| -> Vec<Line> {
            let lines = take_lines(&mut values, list).into_values();
            lines.filter(|line| line.values().any(|text| !text.trim().is_empty())).collect()
        };
        Self {
            sources: every_source(take("sources")),
            fallback: take("fallback"),
            objectives: arranging::every_aim(take("objectives")),
            boosts: take("boosts"),
            quotas: take("quotas"),
            pins: take("pins"),
            values,
            faults: Vec::new(),
        }
    }

    pub(crate) fn from_placement(placement: &Placement) -> Self {
        let plain = [
            ("id", placement.id.to_string()),
            ("title", placement.title.clone()),
            ("groups", placement.groups.join(", ")),
            ("size", placement.size.to_string()),
            ("filter", placement.filter.clone().unwrap_or_default()),
            ("exploration", placement.exploration.to_string()),
            ("enabled", if placement.enabled { "on".to_owned() } else { String::new() }),
        ];
        let source =
            |source: &Source| line([("kind", name(source.kind).to_owned()), ("weight", source.weight.to_string())]);
        let boost = |boost: &Boost| {
            line([("label", boost.label.clone()), ("when", boost.when.clone()), ("factor", boost.factor.to_string())])
        };
        let pin = |pin: &Pin| {
            let when = pin.when.clone().unwrap_or_default();
            line([("product_id", pin.product_id.to_string()), ("position", pin.position.to_string()), ("when", when)])
        };
        let mut values = line(plain);
        values.extend(line(arranging::plain(placement)));
        Self {
            values,
            sources: every_source(placement.sources.iter().map(source).collect()),
            fallback: placement.fallback.iter().map(|kind| line([("kind", name(*kind).to_owned())])).collect(),
            objectives: arranging::objective_lines(placement),
            boosts: placement.boosts.iter().map(boost).collect(),
            quotas: arranging::quota_lines(placement),
            pins: placement.pins.iter().map(pin).collect(),
            faults: Vec::new(),
        }
    }

    /// What a new placement starts with.
    pub(crate) fn blank() -> Self {
        let values = [("size", "12"), ("exploration", "0"), ("enabled", "on")];
        let popular = line([("kind", "popular".to_owned()), ("weight", "1".to_owned())]);
        Self {
            values: line(values.map(|(name, value)| (name, value.to_owned()))),
            sources: every_source(vec![popular]),
            objectives: arranging::every_aim(Vec::new()),
            ..Self::default()
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |text| text.trim())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    pub(crate) fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push((field.into(), message.into()));
    }

    pub(crate) fn faults(&self) -> &[(String, String)] {
        &self.faults
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.text("enabled").is_empty()
    }

    /// The placement that the form means; `None` when something cannot be read, which is then among the faults.
    pub(crate) fn read(&mut self) -> Option<Placement> {
        let mut faults = Vec::new();
        let placement = self.read_into(&mut faults);
        self.faults.extend(faults);
        placement.filter(|_| self.faults.is_empty())
    }

    fn read_into(&self, faults: &mut Vec<(String, String)>) -> Option<Placement> {
        let optional = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let size = self.read_one("size", WHOLE, faults);
        if self.text("size").is_empty() {
            faults.push(("size".to_owned(), WHOLE.to_owned()));
        }
        let exploration = self.read_one("exploration", NUMBER, faults).unwrap_or(0.0);
        let half_confident_at = self.read_one("half_confident_at", NUMBER, faults);
        let diversity = self.read_diversity(faults);
        let id = match PlacementId::parse(self.text("id")) {
            Ok(id) => Some(id),
            Err(error) => {
                faults.push(("id".to_owned(), error.to_string()));
                None
            }
        };
        let (sources, boosts, pins) = (self.read_sources(faults), self.read_boosts(faults), self.read_pins(faults));
        let (objectives, quotas) = (self.read_objectives(faults), self.read_quotas(faults));
        Some(Placement {
            id: id?,
            title: self.text("title").to_owned(),
            groups: self.text("groups").split(',').filter_map(optional).collect(),
            size: size?,
            sources,
            fallback: self.fallback.iter().filter_map(|line| kind(line.get("kind")?)).collect(),
            filter: optional(self.text("filter")),
            boosts,
            pins,
            diversity,
            objectives,
            quotas,
            half_confident_at,
            learned_weights: self.has_learned_weights(),
            exploration,
            enabled: self.is_enabled(),
        })
    }

    /// What stands in a field, if anything does.
    fn read_one<T: FromStr>(&self, name: &str, expected: &str, faults: &mut Vec<(String, String)>) -> Option<T> {
        let text = self.text(name);
        (!text.is_empty()).then(|| parse(text, name, expected, faults)).flatten()
    }

    fn read_sources(&self, faults: &mut Vec<(String, String)>) -> Vec<Source> {
        let used = self.sources.iter().filter(|line| is_filled(line, "weight")).enumerate();
        used.filter_map(|(number, line)| {
            let weight = parse(line.get("weight")?, &format!("sources[{number}].weight"), NUMBER, faults)?;
            Some(Source { kind: kind(line.get("kind")?)?, weight })
        })
        .collect()
    }

    fn read_boosts(&self, faults: &mut Vec<(String, String)>) -> Vec<Boost> {
        let boost = |(number, line): (usize, &Line)| {
            let factor = text_of(line, "factor");
            Some(Boost {
                label: text_of(line, "label").to_owned(),
                when: text_of(line, "when").to_owned(),
                factor: parse(factor, &format!("boosts[{number}].factor"), NUMBER, faults)?,
            })
        };
        self.boosts.iter().enumerate().filter_map(boost).collect()
    }

    fn read_pins(&self, faults: &mut Vec<(String, String)>) -> Vec<Pin> {
        let pin = |(number, line): (usize, &Line)| {
            let position = parse(text_of(line, "position"), &format!("pins[{number}].position"), WHOLE, faults);
            let product_id = ProductId::parse(text_of(line, "product_id"));
            if let Err(error) = &product_id {
                faults.push((format!("pins[{number}].product_id"), error.to_string()));
            }
            let when = text_of(line, "when");
            Some(Pin {
                product_id: product_id.ok()?,
                position: position?,
                when: (!when.is_empty()).then(|| when.to_owned()),
            })
        };
        self.pins.iter().enumerate().filter_map(pin).collect()
    }

    /// A field that is no part of a list.
    pub(crate) fn field(&self, name: &str) -> Field {
        Field { name: name.to_owned(), value: self.text(name).to_owned(), fault: self.fault(name) }
    }

    /// Every source with its weight; those in use first.
    pub(crate) fn sources(&self) -> Vec<(&'static str, &'static str, &'static str, Field)> {
        let row = |(number, line): (usize, &Line)| {
            let (kind, name, about) = SOURCES.iter().find(|(_, name, _)| *name == text_of(line, "kind"))?;
            Some((*name, source_label(*kind), *about, self.cell(("sources", number, "weight"), line)))
        };
        self.sources.iter().enumerate().filter_map(row).collect()
    }

    /// The fields of a list, row by row, with `spare` empty rows at its end.
    pub(crate) fn rows<const N: usize>(
        &self,
        list: &'static str,
        columns: &[&'static str; N],
        spare: usize,
    ) -> Vec<[Field; N]> {
        let (lines, empty) = (self.lines(list), Line::new());
        let all = lines.iter().chain(std::iter::repeat_n(&empty, spare)).enumerate();
        all.map(|(number, line)| columns.map(|column| self.cell((list, number, column), line))).collect()
    }

    /// What is wrong with a list as a whole, or with a part of a field such as `groups[1]`.
    pub(crate) fn fault(&self, name: &str) -> Option<String> {
        let is_part =
            |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.starts_with('[') && rest.ends_with(']'));
        let found = self.faults.iter().find(|(field, _)| field == name || is_part(field));
        found.map(|(_, message)| message.clone())
    }

    fn lines(&self, list: &str) -> &[Line] {
        match list {
            "fallback" => &self.fallback,
            "boosts" => &self.boosts,
            "quotas" => &self.quotas,
            "pins" => &self.pins,
            _ => &[],
        }
    }

    fn cell(&self, (list, number, column): (&str, usize, &str), line: &Line) -> Field {
        let name = format!("{list}[{number}].{column}");
        Field { value: text_of(line, column).to_owned(), fault: self.fault(&name), name }
    }
}

const WHOLE: &str = "write a whole number";
const NUMBER: &str = "write a number, such as 1.5";

fn parse<T: FromStr>(text: &str, field: &str, expected: &str, faults: &mut Vec<(String, String)>) -> Option<T> {
    let parsed = text.trim().replace(',', ".").parse().ok();
    if parsed.is_none() {
        faults.push((field.to_owned(), expected.to_owned()));
    }
    parsed
}

/// Takes `list[7].name` out of the values, by number.
fn take_lines(values: &mut Values, list: &str) -> BTreeMap<usize, Line> {
    let mut lines = BTreeMap::<usize, Line>::new();
    values.retain(|field, text| {
        let Some((number, column)) = place_in_list(field, list) else { return true };
        lines.entry(number).or_default().insert(column.to_owned(), std::mem::take(text));
        false
    });
    lines
}

fn place_in_list<'a>(field: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (number, column) = field.strip_prefix(list)?.strip_prefix('[')?.split_once("].")?;
    Some((number.parse().ok()?, column))
}

/// Those with a weight first, then all others of [`SOURCES`] without one.
fn every_source(sent: Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::with_capacity(SOURCES.len());
    for line in sent.into_iter().filter(|line| is_filled(line, "weight")) {
        let is_new = !lines.iter().any(|known| known.get("kind") == line.get("kind"));
        if is_new && kind(text_of(&line, "kind")).is_some() {
            lines.push(line);
        }
    }
    for (_, name, _) in SOURCES {
        if !lines.iter().any(|line| text_of(line, "kind") == name) {
            lines.push(line([("kind", name.to_owned())]));
        }
    }
    lines
}

fn line<const N: usize>(fields: [(&str, String); N]) -> Line {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text_of<'a>(line: &'a Line, column: &str) -> &'a str {
    line.get(column).map_or("", |text| text.trim())
}

fn is_filled(line: &Line, column: &str) -> bool {
    !text_of(line, column).is_empty()
}

fn kind(name: &str) -> Option<SourceKind> {
    SOURCES.iter().find(|(_, known, _)| *known == name).map(|(kind, _, _)| *kind)
}

fn name(kind: SourceKind) -> &'static str {
    SOURCES.iter().find(|(known, _, _)| *known == kind).map_or("", |(_, name, _)| *name)
}

#[cfg(test)]
mod tests {
    use mercer_engine::default_placements;
    use mercer_schema::{Aim, Diversity, Objective, Quota, Rerank, RerankMethod};
    use proptest::prelude::*;

    use super::*;

    /// What a browser sends back for a form that was rendered and not touched.
    fn sent(form: &Form) -> Values {
        let mut values = form.values.clone();
        for (number, (kind, _, _, weight)) in form.sources().into_iter().enumerate() {
            values.insert(format!("sources[{number}].kind"), kind.to_owned());
            values.insert(weight.name, weight.value);
        }
        for (number, (aim, _, _, weight)) in form.objectives().into_iter().enumerate() {
            values.insert(format!("objectives[{number}].aim"), aim.to_owned());
            values.insert(weight.name, weight.value);
        }
        let fallback = form.rows("fallback", &["kind"], 2);
        let quotas = form.rows("quotas", &["when", "at_least", "at_most"], 2);
        let boosts = form.rows("boosts", &["label", "when", "factor"], 2);
        let pins = form.rows("pins", &["product_id", "position", "when"], 2);
        let fields = fallback
            .into_iter()
            .flatten()
            .chain(boosts.into_iter().flatten())
            .chain(pins.into_iter().flatten())
            .chain(quotas.into_iter().flatten());
        values.extend(fields.map(|field| (field.name, field.value)));
        values
    }

    fn elaborate() -> Placement {
        Placement {
            boosts: vec![Boost { label: "Summer".into(), when: "product.price > 3.0".into(), factor: 1.5 }],
            pins: vec![
                Pin { product_id: ProductId::trusted("a, b"), position: 2, when: None },
                Pin { product_id: ProductId::trusted("c"), position: 1, when: Some("page.type == 'home'".into()) },
            ],
            diversity: Diversity {
                max_per_category: Some(3),
                max_per_brand: None,
                rerank: Some(Rerank { method: RerankMethod::Spread, strength: 0.3 }),
                calibration: Some(0.5),
            },
            objectives: vec![Objective { aim: Aim::Stock, weight: 0.25 }, Objective { aim: Aim::Margin, weight: 1.5 }],
            quotas: vec![Quota { when: "product.age_days < 30".into(), at_least: Some(2), at_most: None }],
            half_confident_at: Some(5.0),
            learned_weights: true,
            exploration: 0.05,
            enabled: false,
            ..default_placements().remove(0)
        }
    }

    #[test]
    fn a_form_that_nobody_touches_means_the_same_placement() {
        for placement in default_placements().into_iter().chain([elaborate()]) {
            let mut form = Form::from_values(sent(&Form::from_placement(&placement)));
            assert_eq!(form.read(), Some(placement), "{:?}", form.faults());
        }
    }

    #[test]
    fn faults_stand_at_the_field_and_what_was_typed_stays() {
        let mut values = sent(&Form::from_placement(&elaborate()));
        values.insert("size".into(), "many".into());
        values.insert("boosts[7].label".into(), "Second".into());
        values.insert("boosts[7].factor".into(), "strong".into());
        values.insert("sources[0].weight".into(), "x".into());
        values.insert("pins[9].position".into(), "1".into());
        let mut form = Form::from_values(values);
        assert_eq!(form.read(), None);
        let faults: Vec<&str> = form.faults().iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(faults, ["size", "sources[0].weight", "boosts[1].factor", "pins[2].product_id"]);
        assert_eq!(form.field("size").value, "many");
        let [label, _, factor] = &form.rows("boosts", &["label", "when", "factor"], 0)[1];
        assert_eq!((label.value.as_str(), factor.value.as_str(), factor.fault.is_some()), ("Second", "strong", true));
        form.refuse("groups[1]", "this is empty");
        assert!(form.fault("groups").is_some() && form.fault("group").is_none());
    }

    #[test]
    fn a_blank_form_lacks_only_its_names() {
        let mut form = Form::blank();
        assert_eq!(form.read(), None);
        assert_eq!(form.faults().iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["id"]);
        assert_eq!(form.sources().len(), SOURCES.len());
    }

    proptest! {
        #[test]
        fn any_fields_are_read_without_harm(
            values in prop::collection::btree_map("[a-z]{2,9}(\\[[0-9]{0,20}\\])?(\\.[a-z_]{2,9})?|(sources|boosts|pins|fallback|objectives|quotas)\\[[0-9]{1,2}\\]\\.(kind|weight|aim|at_least|label|when|factor|position|product_id)", ".{0,12}", 0..30)
        ) {
            let mut form = Form::from_values(values);
            let _ = form.read();
            prop_assert_eq!(form.sources().len(), SOURCES.len());
            prop_assert!(form.rows("pins", &["product_id"], 1).len() <= 31);
        }
    }
}
