//! Which placements a request asks for, in the order in which they are filled.

use mercer_schema::{DecideRequest, PlacementId};

use crate::World;
use crate::cursor::Cursor;
use crate::notes::Notes;
use crate::placements::Compiled;
use crate::rule::nearest;

/// Placements of one page.
const MOST_PLACEMENTS: usize = 64;

/// Those named first, then those of the group, each once; or the one that goes on.
pub(crate) fn choose<'a>(
    world: &'a World,
    request: &DecideRequest,
    cursor: Option<&Cursor>,
    notes: &mut Notes,
) -> Vec<&'a Compiled> {
    let mut plan: Vec<&Compiled> = Vec::new();
    if let Some(cursor) = cursor {
        plan.extend(named(world, &cursor.placement, notes));
        return plan;
    }
    let mut add = |compiled: &'a Compiled| {
        if !plan.iter().any(|known| known.placement.id == compiled.placement.id) {
            plan.push(compiled);
        }
    };
    for id in &request.placements {
        named(world, id, notes).map(&mut add);
    }
    if let Some(group) = &request.group {
        let mut members = world.placements.compiled_group(group).peekable();
        if members.peek().is_none() {
            notes.add(format!("The group `{group}` has no placement that is switched on."));
        }
        members.for_each(|compiled| add(compiled));
    }
    if plan.len() > MOST_PLACEMENTS {
        notes.add(format!("A page has at most {MOST_PLACEMENTS} placements; the others are left out."));
        plan.truncate(MOST_PLACEMENTS);
    }
    plan
}

fn named<'a>(world: &'a World, id: &PlacementId, notes: &mut Notes) -> Option<&'a Compiled> {
    let Some(compiled) = world.placements.compiled(id) else {
        let known = world.placements.iter().map(|placement| placement.id.as_str());
        let hint = nearest(id.as_str(), known).map(|meant| format!("; did you mean `{meant}`?"));
        notes.add(format!("The placement `{id}` is unknown{}", hint.as_deref().unwrap_or(".")));
        return None;
    };
    if !compiled.placement.enabled {
        notes.add(format!("The placement `{id}` is switched off."));
        return None;
    }
    Some(compiled)
}
