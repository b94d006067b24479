//! The part of a placement's form that says how a row is arranged.

use mercer_schema::{Aim, Diversity, Objective, Placement, Quota, Rerank, RerankMethod};

use super::{Field, Form, Line, NUMBER, WHOLE, is_filled, line, parse, text_of};

/// Each aim as forms and files write it, with its name and what it does.
const AIMS: [(Aim, &str, &str, &str); 5] = [
    (Aim::Margin, "margin", "Margin", "The attribute margin, a number"),
    (Aim::Stock, "stock", "Stock", "The attribute stock, a number of pieces"),
    (Aim::Freshness, "freshness", "Freshness", "New in the catalog"),
    (Aim::Novelty, "novelty", "Novelty", "Little wanted by others so far"),
    (Aim::Discount, "discount", "Discount", "Far below the list price"),
];

/// Each method of difference, with what it does.
pub(crate) const METHODS: [(RerankMethod, &str, &str); 3] = [
    (RerankMethod::Spread, "spread", "unlike all that stand already"),
    (RerankMethod::Mmr, "mmr", "unlike the nearest (MMR)"),
    (RerankMethod::Dpp, "dpp", "much covered as a whole (DPP)"),
];

/// What stands in the fields of their own.
pub(super) fn plain(placement: &Placement) -> [(&'static str, String); 7] {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let count = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
    let diversity = &placement.diversity;
    let rerank = diversity.rerank.as_ref();
    let method = rerank.and_then(|rerank| METHODS.iter().find(|(method, ..)| *method == rerank.method));
    [
        ("diversity.max_per_category", count(diversity.max_per_category)),
        ("diversity.max_per_brand", count(diversity.max_per_brand)),
        ("diversity.rerank.method", method.map_or("", |(_, name, _)| *name).to_owned()),
        ("diversity.rerank.strength", number(rerank.map(|rerank| rerank.strength))),
        ("diversity.calibration", number(diversity.calibration)),
        ("half_confident_at", number(placement.half_confident_at)),
        ("learned_weights", if placement.learned_weights { "on".to_owned() } else { String::new() }),
    ]
}

pub(super) fn objective_lines(placement: &Placement) -> Vec<Line> {
    let line_of = |objective: &Objective| {
        line([("aim", name(objective.aim).to_owned()), ("weight", objective.weight.to_string())])
    };
    every_aim(placement.objectives.iter().map(line_of).collect())
}

pub(super) fn quota_lines(placement: &Placement) -> Vec<Line> {
    let count = |number: Option<usize>| number.map(|number| number.to_string()).unwrap_or_default();
    let line_of = |quota: &Quota| {
        line([("when", quota.when.clone()), ("at_least", count(quota.at_least)), ("at_most", count(quota.at_most))])
    };
    placement.quotas.iter().map(line_of).collect()
}

/// Those with a weight first, then all others of [`AIMS`] without one.
pub(super) fn every_aim(sent: Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::with_capacity(AIMS.len());
    for line in sent.into_iter().filter(|line| is_filled(line, "weight")) {
        let is_new = !lines.iter().any(|known| known.get("aim") == line.get("aim"));
        if is_new && aim(text_of(&line, "aim")).is_some() {
            lines.push(line);
        }
    }
    for (_, name, ..) in AIMS {
        if !lines.iter().any(|line| text_of(line, "aim") == name) {
            lines.push(line([("aim", name.to_owned())]));
        }
    }
    lines
}

impl Form {
    /// Every aim with its weight; those in use first.
    pub(crate) fn objectives(&self) -> Vec<(&'static str, &'static str, &'static str, Field)> {
        let row = |(number, line): (usize, &Line)| {
            let (_, name, label, about) = AIMS.iter().find(|(_, name, ..)| *name == text_of(line, "aim"))?;
            Some((*name, *label, *about, self.cell(("objectives", number, "weight"), line)))
        };
        self.objectives.iter().enumerate().filter_map(row).collect()
    }

    pub(crate) fn has_learned_weights(&self) -> bool {
        !self.text("learned_weights").is_empty()
    }

    pub(super) fn read_diversity(&self, faults: &mut Vec<(String, String)>) -> Diversity {
        let max_per_category = self.read_one("diversity.max_per_category", WHOLE, faults);
        let max_per_brand = self.read_one("diversity.max_per_brand", WHOLE, faults);
        let method = METHODS.iter().find(|(_, name, _)| *name == self.text("diversity.rerank.method"));
        let strength = self.read_one("diversity.rerank.strength", NUMBER, faults);
        if method.is_some() && self.text("diversity.rerank.strength").is_empty() {
            faults
                .push(("diversity.rerank.strength".to_owned(), "how strongly? Write a number from 0 to 1".to_owned()));
        }
        let rerank = method.zip(strength).map(|((method, ..), strength)| Rerank { method: *method, strength });
        let calibration = self.read_one("diversity.calibration", NUMBER, faults);
        Diversity { max_per_category, max_per_brand, rerank, calibration }
    }

    pub(super) fn read_objectives(&self, faults: &mut Vec<(String, String)>) -> Vec<Objective> {
        let used = self.objectives.iter().filter(|line| is_filled(line, "weight")).enumerate();
        used.filter_map(|(number, line)| {
            let weight = parse(line.get("weight")?, &format!("objectives[{number}].weight"), NUMBER, faults)?;
            Some(Objective { aim: aim(line.get("aim")?)?, weight })
        })
        .collect()
    }

    pub(super) fn read_quotas(&self, faults: &mut Vec<(String, String)>) -> Vec<Quota> {
        let quota = |(number, line): (usize, &Line)| {
            let mut count = |column: &str| {
                let text = text_of(line, column);
                (!text.is_empty()).then(|| parse(text, &format!("quotas[{number}].{column}"), WHOLE, faults)).flatten()
            };
            let (at_least, at_most) = (count("at_least"), count("at_most"));
            Quota { when: text_of(line, "when").to_owned(), at_least, at_most }
        };
        self.quotas.iter().enumerate().map(quota).collect()
    }
}

fn aim(name: &str) -> Option<Aim> {
    AIMS.iter().find(|(_, known, ..)| *known == name).map(|(aim, ..)| *aim)
}

fn name(aim: Aim) -> &'static str {
    AIMS.iter().find(|(known, ..)| *known == aim).map_or("", |(_, name, ..)| *name)
}
