//! A rule of the search as a form: what was typed, what is wrong with it, and the rule that it means.
//!
//! Each action is a line of three fields: what to do, with what, and how. Faults of the rule's checks
//! (`then[0].products`) find their field here (`then[0].what`). Empty lines mean nothing; times are UTC.

use std::collections::BTreeMap;

use mercer_schema::{ProductId, SearchAction, SearchRule, SearchRuleId, SearchWhen, Timestamp};

use super::placement_form::{Field, Values};

/// Each action as forms write it, with what its two fields mean.
pub(crate) const ACTIONS: [(&str, &str); 8] = [
    ("pin", "Pin: product id, place"),
    ("boost", "Boost: products, factor"),
    ("bury", "Bury: products"),
    ("hide", "Hide: products"),
    ("redirect", "Redirect: address"),
    ("replace", "Search instead: text"),
    ("preset", "Preset filter: field, values with | between"),
    ("banner", "Banner: text, address"),
];

#[derive(Debug, Clone, Default)]
pub(crate) struct RuleForm {
    values: Values,
    faults: Vec<(String, String)>,
}

/// One line of the list of actions.
pub(crate) struct ActionLine {
    pub kind: Field,
    pub what: Field,
    pub how: Field,
}

impl RuleForm {
    pub(crate) fn from_values(values: Values) -> Self {
        Self { values, faults: Vec::new() }
    }

    pub(crate) fn blank() -> Self {
        Self::from_values(BTreeMap::from([("enabled".to_owned(), "on".to_owned())]))
    }

    pub(crate) fn from_rule(rule: &SearchRule) -> Self {
        let time = |time: Option<Timestamp>| time.map(local).unwrap_or_default();
        let mut form = Self::default();
        for (name, text) in [
            ("id", rule.id.to_string()),
            ("name", rule.name.clone()),
            ("when.is", rule.when.is.join("\n")),
            ("when.contains", rule.when.contains.join("\n")),
            ("when.categories", rule.when.categories.join("\n")),
            ("when.condition", rule.when.condition.clone().unwrap_or_default()),
            ("starts_at", time(rule.starts_at)),
            ("ends_at", time(rule.ends_at)),
            ("enabled", if rule.enabled { "on".to_owned() } else { String::new() }),
        ] {
            form.set(name, text);
        }
        for (number, action) in rule.then.iter().enumerate() {
            let (kind, what, how) = parts_of(action);
            form.set(&format!("then[{number}].do"), kind);
            form.set(&format!("then[{number}].what"), what);
            form.set(&format!("then[{number}].how"), how);
        }
        form
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |text| text.trim())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    pub(crate) fn field(&self, name: &str) -> Field {
        let fault = self.faults.iter().find(|(field, _)| is_under(field, name)).map(|(_, message)| message.clone());
        Field { name: name.to_owned(), value: self.values.get(name).cloned().unwrap_or_default(), fault }
    }

    pub(crate) fn faults(&self) -> &[(String, String)] {
        &self.faults
    }

    /// A fault as the rule's checks report it.
    pub(crate) fn refuse(&mut self, field: &str, message: impl Into<String>) {
        let named = match field.split_once("].") {
            Some((list, part)) if list.starts_with("then[") => {
                let number = list.trim_start_matches("then[");
                let is_how = matches!(part, "position" | "factor")
                    || part.starts_with("values")
                    || (part == "url" && self.text(&format!("then[{number}].do")) == "banner");
                let place = self.places().get(number.parse().unwrap_or(usize::MAX)).copied().unwrap_or_default();
                format!("then[{place}].{}", if is_how { "how" } else { "what" })
            }
            _ => field.to_owned(),
        };
        self.faults.push((named, message.into()));
    }

    /// The lines of actions, and so many empty ones.
    pub(crate) fn lines(&self, spare: usize) -> Vec<ActionLine> {
        let filled = self.places().last().map_or(0, |place| place + 1);
        let line = |number: usize| ActionLine {
            kind: self.field(&format!("then[{number}].do")),
            what: self.field(&format!("then[{number}].what")),
            how: self.field(&format!("then[{number}].how")),
        };
        (0..filled + spare).map(line).collect()
    }

    /// The numbers of the lines in which something stands.
    fn places(&self) -> Vec<usize> {
        let is_filled = |number: &usize| {
            ["do", "what", "how"].iter().any(|part| !self.text(&format!("then[{number}].{part}")).is_empty())
        };
        (0..MOST_LINES).filter(is_filled).collect()
    }

    /// The rule that the form means; none when something cannot be read, which is then among the faults.
    pub(crate) fn read(&mut self) -> Option<SearchRule> {
        let mut faults = Vec::new();
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        let mut time = |name: &str| match self.text(name) {
            "" => None,
            text => match moment(text) {
                Some(time) => Some(time),
                None => {
                    faults.push((name.to_owned(), "write a time as 2026-12-24 18:00, in UTC".to_owned()));
                    None
                }
            },
        };
        let (starts_at, ends_at) = (time("starts_at"), time("ends_at"));
        let id = match SearchRuleId::parse(self.text("id")) {
            Ok(id) => Some(id),
            Err(error) => {
                faults.push(("id".to_owned(), error.to_string()));
                None
            }
        };
        let then = self.places().into_iter().filter_map(|number| self.action(number, &mut faults)).collect();
        let condition = self.text("when.condition").to_owned();
        let when = SearchWhen {
            is: lines(self.text("when.is")),
            contains: lines(self.text("when.contains")),
            categories: lines(self.text("when.categories")),
            condition: (!condition.is_empty()).then_some(condition),
        };
        let name = self.text("name").to_owned();
        let enabled = !self.text("enabled").is_empty();
        self.faults.extend(faults);
        let rule = SearchRule { id: id?, name, when, starts_at, ends_at, then, enabled };
        self.faults.is_empty().then_some(rule)
    }

    fn action(&self, number: usize, faults: &mut Vec<(String, String)>) -> Option<SearchAction> {
        let name = |part: &str| format!("then[{number}].{part}");
        let what = self.text(&name("what")).to_owned();
        let how = self.text(&name("how")).to_owned();
        let mut refuse = |part: &str, message: &str| {
            faults.push((name(part), message.to_owned()));
            None
        };
        let optional = (!how.is_empty()).then(|| how.clone());
        Some(match self.text(&name("do")) {
            "pin" => {
                let Ok(product_id) = ProductId::parse(&what) else { return refuse("what", "write a product’s id") };
                let Ok(position) = how.parse() else { return refuse("how", "write the place, from 1") };
                SearchAction::Pin { product_id, position }
            }
            "boost" => {
                let Ok(factor) = how.parse() else { return refuse("how", "write a factor, such as 2") };
                SearchAction::Boost { products: what, factor }
            }
            "bury" => SearchAction::Bury { products: what },
            "hide" => SearchAction::Hide { products: what },
            "redirect" => SearchAction::Redirect { url: what },
            "replace" => SearchAction::Replace { query: what },
            "preset" => SearchAction::Preset { field: what, values: values(&how) },
            "banner" => SearchAction::Banner { text: what, url: optional },
            _ => return refuse("do", "choose what to do"),
        })
    }
}

/// Lines of actions that are read.
const MOST_LINES: usize = 40;

/// The field of a fault, or a text of the list in it.
fn is_under(fault: &str, name: &str) -> bool {
    fault == name || fault.strip_prefix(name).is_some_and(|rest| rest.starts_with('['))
}

fn parts_of(action: &SearchAction) -> (&'static str, String, String) {
    let none = String::new();
    match action {
        SearchAction::Pin { product_id, position } => ("pin", product_id.to_string(), position.to_string()),
        SearchAction::Boost { products, factor } => ("boost", products.clone(), factor.to_string()),
        SearchAction::Bury { products } => ("bury", products.clone(), none),
        SearchAction::Hide { products } => ("hide", products.clone(), none),
        SearchAction::Redirect { url } => ("redirect", url.clone(), none),
        SearchAction::Replace { query } => ("replace", query.clone(), none),
        SearchAction::Preset { field, values } => ("preset", field.clone(), values.join(&format!(" {BETWEEN} "))),
        SearchAction::Banner { text, url } => ("banner", text.clone(), url.clone().unwrap_or_default()),
    }
}

/// Between values: a comma may stand in one.
const BETWEEN: char = '|';

fn values(text: &str) -> Vec<String> {
    text.split(BETWEEN).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// `2026-12-24T18:00`, as forms have times; UTC.
pub(crate) fn local(time: Timestamp) -> String {
    time.to_string().chars().take(16).collect()
}

/// `2026-12-24T18:00` or with a space, with seconds or without, UTC; or only the day.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim().replace(' ', "T");
    let text = if text.contains('T') { text } else { format!("{text}T00:00") };
    let text = if text.chars().filter(|letter| *letter == ':').count() == 1 { format!("{text}:00") } else { text };
    Timestamp::parse(&format!("{}Z", text.trim_end_matches('Z'))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_becomes_a_form_and_a_rule_again() {
        let then = vec![
            SearchAction::Pin { product_id: ProductId::trusted("p1"), position: 2 },
            SearchAction::Boost { products: "product.on_sale".into(), factor: 1.5 },
            SearchAction::Bury { products: "true".into() },
            SearchAction::Hide { products: "false".into() },
            SearchAction::Redirect { url: "/sale".into() },
            SearchAction::Replace { query: "mug".into() },
            SearchAction::Preset { field: "colour".into(), values: vec!["Black, Red".into(), "Blue".into()] },
            SearchAction::Banner { text: "Hello".into(), url: Some("/hello".into()) },
        ];
        let rule = SearchRule {
            id: SearchRuleId::trusted("r"),
            name: "Rule".into(),
            when: SearchWhen {
                is: vec!["a".into(), "b, c".into()],
                condition: Some("true".into()),
                ..SearchWhen::default()
            },
            starts_at: Some(Timestamp::from_seconds(1_800_000_000)),
            ends_at: None,
            then,
            enabled: false,
        };
        assert_eq!(RuleForm::from_rule(&rule).read(), Some(rule));
    }

    #[test]
    fn faults_find_their_field() {
        let mut form = RuleForm::from_values(BTreeMap::from(
            [("id", "r"), ("starts_at", "soon"), ("then[2].do", "banner"), ("then[2].how", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ));
        assert_eq!(form.read(), None);
        form.refuse("then[0].text", "this is empty");
        form.refuse("when.is[0]", "no word");
        assert!(form.field("starts_at").fault.is_some() && form.field("when.is").fault.is_some());
        assert!(form.field("then[2].what").fault.is_some(), "the third line is the first action");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let evening = Timestamp::parse("2026-12-24T18:00:00Z").ok();
        for text in ["2026-12-24T18:00", "2026-12-24 18:00", " 2026-12-24 18:00:00 ", "2026-12-24T18:00:00Z"] {
            assert_eq!(moment(text), evening, "{text}");
        }
        assert_eq!(moment("2026-12-24"), Timestamp::parse("2026-12-24T00:00:00Z").ok());
        assert_eq!((moment("tomorrow"), moment("")), (None, None));
        assert_eq!(local(evening.unwrap()), "2026-12-24T18:00");
    }
}
