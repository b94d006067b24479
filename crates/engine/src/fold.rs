//! One record forward: the single place where the log becomes state.
//!
//! Serving, restart, replay and rebuild all go through [`Snapshot::advance`], so they cannot disagree. The
//! outcome depends on nothing but the records and the model files that they name.

use std::sync::Arc;

use mercer_decide::{Canary, Models, Placements, SearchRules, ShopSynonyms, World};
use mercer_profile::touches_of;
use mercer_schema::{
    Activity, CommerceAction, DecisionRecord, Device, Event, Fact, ModelAction, ModelChange, ModelVersion, Placement,
    PlacementId, Position, Record, Timestamp, Touch, TouchKind, Visitor, Whereabouts,
};
use mercer_search::{Language, SearchIndex};
use xxhash_rust::xxh3::xxh3_64;

use crate::history::Timeline;
use crate::judgments::Judgments;
use crate::models::{ModelSource, load_or_tell};
use crate::orders::{News, OrdersCounted};
use crate::search_figures::SearchFigures;
use crate::search_trials::SearchTrials;
use crate::stages::Stages;
use crate::tally::Tally;
use crate::trial::Trial;

/// Everything that is folded from the log, up to one position. Cloning is cheap; a clone never changes.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub world: World,
    pub tally: Tally,
    pub timeline: Timeline,
    pub orders: OrdersCounted,
    pub stages: Stages,
    pub trial: Trial,
    pub search_figures: SearchFigures,
    pub search_trials: SearchTrials,
    pub judgments: Judgments,
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
                self.world.save_product(&Arc::new(product.as_ref().clone()), record.recorded_at);
            }
            Fact::ProductRemoved(id) => self.world.remove_product(id),
            Fact::PlacementSaved(placement) => self.save_placement(placement),
            Fact::PlacementRemoved(id) => self.remove_placement(id),
            Fact::ModelPromoted(version) => {
                let (action, version) = (ModelAction::Promoted, version.clone());
                let change = ModelChange { action, version, by: String::new(), why: String::new() };
                self.change_model(record.position, record.recorded_at, &change, models);
            }
            Fact::ModelChanged(change) => self.change_model(record.position, record.recorded_at, change, models),
            Fact::Decided(decision) => {
                self.tally.count_decision(decision);
                self.count_in_trial(decision);
            }
            Fact::SynonymsSaved(rules) => self.world.synonyms = Arc::new(ShopSynonyms::compile(rules.clone())),
            Fact::SearchRuleSaved(rule) => {
                self.world.search_rules = Arc::new(self.world.search_rules.with(rule.as_ref().clone()));
            }
            Fact::SearchRuleRemoved(id) => self.world.search_rules = Arc::new(self.world.search_rules.without(id)),
            Fact::SearchSettingsSaved(settings) => {
                self.world.search_settings = *settings;
                // What was compared with is no longer in force.
                self.search_trials.end(record.recorded_at);
                self.world.search_trial = None;
            }
            Fact::SearchTrialChanged(change) => {
                let live = self.world.search_settings;
                self.search_trials.change(record.position, record.recorded_at, change, live);
                self.world.search_trial = self.search_trials.tried();
            }
            Fact::SearchJudged(judgment) => self.judgments.apply(judgment),
            // Pages after the first are no new search.
            Fact::Searched(search) if search.request.cursor.is_none() => {
                self.search_trials.searched(search);
                let person = self.world.searcher(&search.request.visitor());
                if self.search_figures.searched(record.position, search, person) {
                    self.world.learn_what_was_shown(search);
                }
                self.world.count_search(&search.request.q, &search.request.visitor(), search.decided_at);
            }
            Fact::Searched(_) => {}
        }
    }

    fn change_model(&mut self, position: Position, at: Timestamp, change: &ModelChange, models: &dyn ModelSource) {
        if change.action == ModelAction::Removed {
            // It neither answers nor is tried: a canary goes on.
            return self.stages.apply(position, at, change);
        }
        if let ModelAction::CanaryStarted { share } = change.action {
            self.end_canary(at);
            self.trial.clear();
            let loaded = load_or_tell(models, &change.version, &self.world.catalog);
            self.world.canary = loaded.map(|models| Canary::new(change.version.clone(), models, share));
        } else {
            // A champion that changes is no longer what the canary is compared with.
            self.end_canary(at);
        }
        self.stages.apply(position, at, change);
        if matches!(change.action, ModelAction::Promoted | ModelAction::RolledBack)
            // Otherwise what served before serves on.
            && let Some(loaded) = load_or_tell(models, &change.version, &self.world.catalog)
        {
            self.world.serve(loaded);
        }
    }

    fn end_canary(&mut self, at: Timestamp) {
        self.world.canary = None;
        self.stages.end_canary(at, self.trial.arms());
    }

    /// The side stands in the record; whether the canary still runs is a matter of the log.
    fn count_in_trial(&mut self, decision: &DecisionRecord) {
        let Some(stage) = &self.stages.canary else { return };
        if let Some(arm) = decision.arm.filter(|_| decision.position >= stage.since)
            && let Some(person) = self.world.profiles.person_key(&decision.request.visitor())
        {
            self.trial.decided(&person, arm);
        }
    }

    fn observe_in_trial(&mut self, event: &Event, news: News) {
        let has_clicked = matches!(&event.activity, Activity::Exposure(exposure) if exposure.clicked);
        let has_ordered = matches!(&event.activity, Activity::Commerce(commerce)
            if commerce.action == CommerceAction::OrderCompleted && news.is_new);
        if self.stages.canary.is_none() || !(has_clicked || has_ordered) {
            return;
        }
        let Some(person) = self.world.profiles.person_key(&event.visitor) else { return };
        if has_clicked {
            self.trial.clicked(&person);
        } else {
            self.trial.ordered(&person);
        }
    }

    fn observe(&mut self, position: Position, event: &Event) {
        let news = self.orders.report(event);
        self.tally.count_event(event, news);
        self.timeline.apply(position, event);
        self.world.profiles.apply(event);
        self.observe_in_trial(event, news);
        if self.search_figures.wants(event) {
            let person = self.world.searcher(&event.visitor);
            for click in self.search_figures.observe(event, person) {
                if let Some(credit) = &click.credit {
                    self.search_trials.clicked(credit);
                }
                let placed = (&click.product_id, click.place);
                self.world.learn_what_was_clicked(&click.query, placed, click.is_by_chance, event.occurred_at);
            }
        }
        let is_human = is_human(event);
        if is_human
            && let Activity::Commerce(commerce) = &event.activity
            && commerce.action == CommerceAction::ProductsSearched
            && let Some(text) = &commerce.query
        {
            self.world.count_search(text, &event.visitor, event.occurred_at);
        }
        let visitor = session_key(&event.visitor);
        let country = Whereabouts::of(event).country;
        for touch in touches_of(event) {
            let item = self.world.catalog.mention(&touch.product_id);
            let weight = weight_of(&touch).filter(|_| is_human && news.has_new_lines);
            let Some(weight) = weight else { continue };
            self.world.popularity.observe(item, weight, touch.at);
            self.world.sessions.observe(visitor, item, touch.at);
            if touch.kind == TouchKind::Purchased {
                self.world.learn_what_was_ordered(item, touch.at, country);
            }
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
            ("queries", ours.queries.wanted().eq(theirs.queries.wanted())),
            ("clicks", ours.clicks == theirs.clicks),
            ("circumstances", ours.circumstances == theirs.circumstances),
            ("sessions", ours.sessions.len() == theirs.sessions.len()),
            ("placements", ours.placements.iter().eq(theirs.placements.iter())),
            ("synonyms", ours.synonyms.rules() == theirs.synonyms.rules()),
            ("search rules", ours.search_rules.iter().eq(theirs.search_rules.iter())),
            ("search settings", ours.search_settings == theirs.search_settings),
            ("model", ours.models.version == theirs.models.version),
            ("canary", canary_of(ours) == canary_of(theirs)),
            ("stages", self.stages == other.stages),
            ("trial", self.trial == other.trial),
            ("search figures", self.search_figures == other.search_figures),
            ("search trials", self.search_trials == other.search_trials && ours.search_trial == theirs.search_trial),
            ("judgments", self.judgments == other.judgments),
            ("tally", self.tally == other.tally),
            ("orders", self.orders == other.orders),
            ("timeline", self.timeline == other.timeline),
        ];
        folds.into_iter().filter_map(|(name, is_equal)| (!is_equal).then_some(name)).collect()
    }

    /// A world with nothing in it, before the first record.
    pub(crate) fn empty(language: Language) -> Self {
        let mut snapshot = Self::default();
        snapshot.world.models = Arc::new(Models::default());
        snapshot.world.search = SearchIndex::new(language);
        snapshot.world.search_rules = Arc::new(SearchRules::new(language));
        snapshot
    }
}

fn canary_of(world: &World) -> Option<(&ModelVersion, f64)> {
    world.canary.as_ref().map(|canary| (&canary.version, canary.share))
}

/// What a contact adds to a product's popularity; nothing where it shows no interest.
pub(crate) fn weight_of(touch: &Touch) -> Option<f32> {
    let is_purchase = touch.kind == TouchKind::Purchased;
    let pieces = if is_purchase { f64::from(touch.quantity.max(1)).ln() + 1.0 } else { 1.0 };
    shows_interest(touch.kind).then_some((touch.kind.weight() * pieces) as f32)
}

pub(crate) fn is_human(event: &Event) -> bool {
    event.context.device != Some(Device::Bot)
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
