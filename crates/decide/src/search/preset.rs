//! Filters that the merchandiser sets beforehand: chosen as if by the customer, who can take them away.
//!
//! What a customer says themselves counts more: a value that they chose in the same field, or wished for in words.

use mercer_schema::{Chip, Refinement, SearchAction, SearchRequest};
use mercer_search::leaf_of;

use super::chips::Wishes;
use super::rules::{Applied, Rules, SEARCHED};
use crate::notes::Notes;

/// Before the field's name in the id of a chip.
pub(crate) const PREFIX: &str = "preset:";
/// Before what a rule chose, where it tells what it did.
const CHOSE: &str = "chose ";

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
                applied.did.push(format!("{CHOSE}{field}: {label}"));
                let from = applied.rule.rule.name.clone();
                wishes.preset.push(Chip { id, field: field.clone(), label, from, is_filter: true });
                refine.push(Refinement { field: field.clone(), values: values.clone() });
            }
        }
        (refine.len() > before).then(|| SearchRequest { refine, ..request.clone() })
    }

    /// The same rules without what they chose beforehand, for the case that it leaves nothing of what was found.
    pub(super) fn without_presets(&self) -> Self {
        let mut rules = self.again();
        for (again, applied) in rules.applied.iter_mut().zip(&self.applied) {
            again.did = applied.did.iter().filter(|did| did.starts_with(SEARCHED)).cloned().collect();
        }
        rules
    }

    /// Says which rules chose what leaves nothing.
    pub(super) fn tell_presets(&self, notes: &mut Notes) {
        let chose = |applied: &&Applied<'_>| applied.did.iter().any(|did| did.starts_with(CHOSE));
        for applied in self.applied.iter().filter(chose) {
            let id = &applied.rule.rule.id;
            notes.add(format!("What the rule `{id}` chooses leaves nothing here, so it was not chosen."));
        }
    }
}
