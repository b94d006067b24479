//! Filters that the merchandiser sets beforehand: chosen as if by the customer, who can take them away.
//!
//! What a customer says themselves counts more: a value that they chose in the same field, or wished for in words.

use mercer_schema::{Chip, Refinement, SearchAction, SearchRequest};
use mercer_search::leaf_of;

use super::chips::Wishes;
use super::rules::Rules;

/// Before the field's name in the id of a chip.
pub(crate) const PREFIX: &str = "preset:";

impl Rules<'_> {
    /// The request with all that rules choose beforehand, and a chip for each field. The first rule for a field counts.
    pub(super) fn preset(&mut self, request: &SearchRequest, wishes: &mut Wishes) -> Option<SearchRequest> {
        let mut refine = request.refine.clone();
        let before = refine.len();
        for applied in &mut self.applied {
            for action in &applied.rule.rule.then {
                let SearchAction::Preset { field, values } = action else { continue };
                let id = format!("{PREFIX}{field}");
                let is_said = refine.iter().any(|one| one.field == *field)
                    || wishes.chips.iter().any(|chip| chip.field == *field);
                if is_said || request.ignore.contains(&id) {
                    continue;
                }
                let label = values.iter().map(|value| leaf_of(value)).collect::<Vec<_>>().join(", ");
                applied.did.push(format!("chose {field}: {label}"));
                let from = applied.rule.rule.name.clone();
                wishes.preset.push(Chip { id, field: field.clone(), label, from, is_filter: true });
                refine.push(Refinement { field: field.clone(), values: values.clone() });
            }
        }
        (refine.len() > before).then(|| SearchRequest { refine, ..request.clone() })
    }
}
