//! From a request to the answer for its whole page.

use mercer_recommend::Item;
use mercer_schema::{DecideRequest, DecisionId, PageDecision, Timestamp};

use crate::candidates::Sources;
use crate::cursor::{self, Cursor};
use crate::fields::Projection;
use crate::filter::Seen;
use crate::gate::admit;
use crate::notes::Notes;
use crate::page::PageView;
use crate::placements::Compiled;
use crate::slot::{Common, Filled, Slot, fill};
use crate::{World, canary, plan};

/// What should this customer see now, on every placement of the page?
///
/// Pure: the answer depends on the arguments and on nothing else, bit for bit. Chance comes from `id`. It never
/// fails; what could not be done as asked is said in `notes`. `dry_run`, `as_of` and `view_as` are settled by the
/// caller, who chooses the world and the visitor.
pub fn decide(world: &World, request: &DecideRequest, id: DecisionId, now: Timestamp) -> PageDecision {
    let mut notes = Notes::default();
    let cursor = request.next.as_deref().and_then(|text| continued(text, &mut notes));
    let plan = plan::choose(world, request, cursor.as_ref(), &mut notes);
    let mut person = admit(world, request, now, &mut notes);
    let arm = canary::arm(world, request, person.objects);
    let on_trial = canary::world_of(world, arm);
    let world = on_trial.as_ref().unwrap_or(world);
    if plan.iter().any(|compiled| compiled.reads_tastes()) {
        person.find_tastes(&world.catalog, now);
    }
    let (own, seeds) = own_products(world, request);
    let page = PageView { own, ..PageView::new(world, &person, &request.page, now, request.explain) };
    let common = Common {
        sources: Sources::new(world, &person, &request.page, &seeds, now),
        seen: cursor.as_ref().map(|cursor| shown_before(world, cursor)).unwrap_or_default(),
        projection: Projection::new(&request.fields),
        notes,
    };
    let (filled, common) = fill_all(&page, &plan, cursor.is_some(), (&id, common));
    let Common { seen, projection, mut notes, .. } = common;
    if filled.iter().any(|filled| !filled.decision.items.is_empty()) {
        for name in projection.unknown() {
            notes.add(format!("The field `{name}` is unknown: no product on this page has it."));
        }
    }
    let with_next = |filled: Filled| {
        let mut decision = filled.decision;
        if filled.has_more {
            decision.next = cursor::encode(&decision.placement, seen.items());
        }
        decision
    };
    PageDecision {
        decision_id: id,
        position: world.position,
        decided_at: now,
        placements: filled.into_iter().map(with_next).collect(),
        arm,
        notes: notes.into_vec(),
    }
}

/// One placement after the other: what an earlier one shows, a later one does not.
fn fill_all<'a, 's>(
    page: &PageView<'a>,
    plan: &[&'a Compiled],
    is_continued: bool,
    (id, mut common): (&DecisionId, Common<'a, 's>),
) -> (Vec<Filled>, Common<'a, 's>) {
    let slots = (1..).zip(plan).map(|(number, compiled)| Slot { compiled, number, is_continued });
    let filled = slots.map(|slot| fill(page, slot, id, &mut common)).collect();
    (filled, common)
}

fn continued(text: &str, notes: &mut Notes) -> Option<Cursor> {
    let cursor = cursor::decode(text);
    if cursor.is_none() {
        notes.add("`next` is damaged or of another version; ask for the placement anew.");
    }
    cursor
}

/// The page's own products with their groups, and their numbers as far as they have one.
fn own_products(world: &World, request: &DecideRequest) -> (Seen, Vec<Item>) {
    let (mut own, mut seeds) = (Seen::default(), Vec::new());
    for item in request.page.product_ids.iter().filter_map(|id| world.catalog.item(id)) {
        own.add(item, world.catalog.product(item));
        if !seeds.contains(&item) {
            seeds.push(item);
        }
    }
    (own, seeds)
}

fn shown_before(world: &World, cursor: &Cursor) -> Seen {
    let mut seen = Seen::default();
    for item in &cursor.shown {
        seen.add(*item, world.catalog.product(*item));
    }
    seen
}
