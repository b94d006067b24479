//! One record forward: the single place where the log becomes state.
//!
//! Serving, restart, replay and rebuild all go through [`Snapshot::advance`], so they cannot disagree. The
//! outcome depends on nothing but the records and the model files that they name.

use std::sync::Arc;

use mercer_decide::{Models, Placements, World};
use mercer_profile::touches_of;
use mercer_schema::{
    Device, Event, Fact, ModelVersion, Placement, PlacementId, Position, Record, Touch, TouchKind, Visitor,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::history::Timeline;
use crate::models::ModelSource;
use crate::orders::OrdersCounted;
use crate::tally::Tally;

/// Everything that is folded from the log, up to one position. Cloning is cheap; a clone never changes.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub world: World,
    pub tally: Tally,
    pub timeline: Timeline,
    pub orders: OrdersCounted,
    /// The version that the log promoted last. It is remembered when its files cannot be read, for the next start to
    /// try again; the world's models say what really serves.
    pub champion: Option<ModelVersion>,
}

impl Snapshot {
    pub const fn position(&self) -> Position {
        self.world.position
    }

    pub(crate) fn advance(&mut self, record: &Record, models: &dyn ModelSource) {
        debug_assert!(record.position > self.world.position, "records are folded once and in order");
        self.world.position = record.position;
        match &record.fact {
            Fact::Event(event) => self.observe(record.position, event),
            Fact::ProductSaved(product) => {
                let item = self.world.catalog.save(Arc::new(product.as_ref().clone()), record.recorded_at);
                self.world.content.upsert(item, product);
            }
            Fact::ProductRemoved(id) => {
                if let Some(item) = self.world.catalog.remove(id) {
                    self.world.content.remove(item);
                }
            }
            Fact::PlacementSaved(placement) => self.save_placement(placement),
            Fact::PlacementRemoved(id) => self.remove_placement(id),
            Fact::ModelPromoted(version) => {
                self.champion = Some(version.clone());
                match models.load(version, &self.world.catalog) {
                    Ok(loaded) => self.world.models = loaded,
                    Err(error) => tracing::error!(%version, %error, "a promoted model cannot be loaded"),
                }
            }
            Fact::Decided(decision) => self.tally.count_decision(decision),
        }
    }

    fn observe(&mut self, position: Position, event: &Event) {
        let news = self.orders.report(event);
        self.tally.count_event(event, news);
        self.timeline.apply(position, event);
        self.world.profiles.apply(event);
        let is_human = event.context.device != Some(Device::Bot);
        let visitor = session_key(&event.visitor);
        for Touch { at, product_id, kind, quantity } in touches_of(event) {
            let item = self.world.catalog.mention(&product_id);
            if !is_human || !shows_interest(kind) || !news.has_new_lines {
                continue;
            }
            let pieces = if kind == TouchKind::Purchased { f64::from(quantity.max(1)).ln() + 1.0 } else { 1.0 };
            self.world.popularity.observe(item, (kind.weight() * pieces) as f32, at);
            self.world.sessions.observe(visitor, item, at);
        }
    }

    fn save_placement(&mut self, placement: &Placement) {
        let mut all: Vec<Placement> = self.world.placements.iter().cloned().collect();
        match all.iter_mut().find(|known| known.id == placement.id) {
            Some(known) => *known = placement.clone(),
            None => all.push(placement.clone()),
        }
        self.world.placements = Arc::new(Placements::compile(all));
    }

    fn remove_placement(&mut self, id: &PlacementId) {
        let left = self.world.placements.iter().filter(|known| known.id != *id).cloned().collect();
        self.world.placements = Arc::new(Placements::compile(left));
    }
}

impl Snapshot {
    /// The names of the folds in which two snapshots of one position differ.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let (ours, theirs) = (&self.world, &other.world);
        let folds = [
            ("position", ours.position == theirs.position),
            ("catalog", ours.catalog.products().eq(theirs.catalog.products())),
            (
                "profiles",
                ours.profiles
                    .people()
                    .map(|person| person.profile)
                    .eq(theirs.profiles.people().map(|person| person.profile)),
            ),
            ("popularity", ours.popularity.ranked().eq(theirs.popularity.ranked())),
            ("sessions", ours.sessions.len() == theirs.sessions.len()),
            ("placements", ours.placements.iter().eq(theirs.placements.iter())),
            ("model", ours.models.version == theirs.models.version),
            ("champion", self.champion == other.champion),
            ("tally", self.tally == other.tally),
            ("orders", self.orders == other.orders),
            ("timeline", self.timeline == other.timeline),
        ];
        folds.into_iter().filter_map(|(name, is_equal)| (!is_equal).then_some(name)).collect()
    }

    /// A world with nothing in it, before the first record.
    pub(crate) fn empty() -> Self {
        let mut snapshot = Self::default();
        snapshot.world.models = Arc::new(Models::default());
        snapshot
    }
}

const fn shows_interest(kind: TouchKind) -> bool {
    !matches!(kind, TouchKind::RemovedFromCart | TouchKind::RemovedFromWishlist | TouchKind::Returned)
}

/// Whose running session an event belongs to: the device where known, so that signing in does not cut it.
fn session_key(visitor: &Visitor) -> u64 {
    match (&visitor.anonymous_id, &visitor.customer_id) {
        (Some(anonymous), _) => xxh3_64(anonymous.as_str().as_bytes()),
        (None, Some(customer)) => xxh3_64(customer.as_str().as_bytes()).rotate_left(1),
        (None, None) => 0,
    }
}
