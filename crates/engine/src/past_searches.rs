//! The shop as customers saw it at earlier moments, and what they wanted from there on: what a search ranker learns from.
//!
//! Two walks through the log. The first finds out who ordered what after each moment, and keeps some of them, chosen by a hash
//! that says nothing of what they did. The second folds, for each moment, what happened before it: the profiles of those few and
//! what was popular. So the memory it takes does not grow with the shop, and nothing of what came after a moment is known at it.

mod logged;

use std::collections::BTreeMap;

use mercer_decide::World;
use mercer_profile::{Profiles, touches_of};
use mercer_recommend::popularity::Popularity;
use mercer_schema::{Event, Fact, Position, Record, Timestamp, Visitor};
use mercer_store::{EventLog, RecordKind};
use rustc_hash::FxHashSet;

use crate::Error;
use crate::fold::{is_human, weight_of};
use crate::orders::OrdersCounted;
use crate::title_queries::{Wanted, Wording, wanted_in};

use logged::Watching;
pub(crate) use logged::{Logged, WantedHit};

const PAGE: usize = 5_000;
/// People whose first order after a moment is asked for.
const MOST_PEOPLE: usize = 2_000;

/// The shop at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) profiles: Profiles,
    pub(crate) popularity: Popularity,
    /// In the order of time.
    pub(crate) asked: Vec<Wanted>,
    /// Searches of the log.
    pub(crate) logged: Vec<Logged>,
}

/// Who is asked about at a moment, by a hash of who it is, with the first order after it.
type Asked = BTreeMap<u64, (Timestamp, Vec<Wanted>)>;

/// Looks back at moments, oldest first, the last of which ends with `end`.
pub(crate) fn look_back(
    log: &dyn EventLog,
    world: &World,
    (moments, end): (&[Timestamp], Timestamp),
    upto: Position,
) -> Result<Vec<Moment>, Error> {
    let ends = moments.iter().skip(1).copied().chain([end]);
    let spans: Vec<(Timestamp, Timestamp)> = moments.iter().copied().zip(ends).collect();
    let mut asked: Vec<Asked> = vec![Asked::new(); spans.len()];
    let span_of = |time: Timestamp| spans.iter().position(|(at, until)| (*at..*until).contains(&time));
    let mut watching = Watching::default();
    each_record(log, upto, |record| match &record.fact {
        Fact::Event(event) => {
            if let Some(span) = span_of(event.occurred_at) {
                ask(&mut asked[span], world, event);
            }
            watching.observe(world, event);
        }
        Fact::Searched(search) => {
            if let Some(span) = span_of(search.decided_at) {
                watching.search(world, span, search);
            }
        }
        _ => {}
    })?;
    let people: Vec<FxHashSet<u64>> = asked.iter().map(|asked| asked.keys().copied().collect()).collect();
    let mut found: Vec<Moment> = moments.iter().zip(asked).map(|(at, asked)| Moment::new(*at, asked)).collect();
    let mut remembering = watching.done();
    remembering.begin(world);
    let mut orders = OrdersCounted::default();
    each_record(log, upto, |record| match &record.fact {
        Fact::Event(event) => {
            let has_new_lines = orders.report(event).has_new_lines;
            let person = world.searcher(&event.visitor);
            for (moment, people) in found.iter_mut().zip(&people) {
                let is_asked_about = person.is_some_and(|person| people.contains(&person));
                if event.occurred_at < moment.at {
                    moment.observe(world, event, (is_asked_about, has_new_lines));
                }
            }
            remembering.observe(event, person);
        }
        Fact::Searched(search) => remembering.search(world, record.position, search),
        _ => {}
    })?;
    for (moment, logged) in remembering.found() {
        found[moment].logged.push(logged);
    }
    Ok(found)
}

fn each_record(log: &dyn EventLog, upto: Position, mut take: impl FnMut(&Record)) -> Result<(), Error> {
    let mut after = Position(0);
    loop {
        let page = log.read_kinds(after, &[RecordKind::Event, RecordKind::Searched], PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        page.iter().take_while(|record| record.position <= upto).for_each(&mut take);
        if after >= upto {
            return Ok(());
        }
    }
}

/// Keeps somebody's first order after a moment, of those with the smallest hashes.
fn ask(asked: &mut Asked, world: &World, event: &Event) {
    // What was asked of whom objects to it is nobody's business.
    if event.context.consent.is_some_and(|consent| !consent.personalization || consent.gpc) {
        return;
    }
    let wanted = wanted_in(world, event, Wording::Anew);
    if wanted.is_empty() {
        return;
    }
    let visitor = Visitor { customer_id: event.visitor.customer_id.clone(), anonymous_id: None };
    let Some(person) = world.searcher(&visitor) else { return };
    if asked.get(&person).is_none_or(|(at, _)| event.occurred_at < *at) {
        asked.insert(person, (event.occurred_at, wanted));
    }
    if asked.len() > MOST_PEOPLE {
        asked.pop_last();
    }
}

impl Moment {
    fn new(at: Timestamp, asked: Asked) -> Self {
        let mut asked: Vec<Wanted> = asked.into_values().flat_map(|(_, wanted)| wanted).collect();
        asked.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.customer.cmp(&b.customer)));
        Self { at, profiles: Profiles::default(), popularity: Popularity::default(), asked, logged: Vec::new() }
    }

    /// What was asked from a time on.
    pub(crate) fn since(mut self, from: Timestamp) -> Self {
        self.asked.retain(|wanted| wanted.at >= from);
        self.logged.retain(|logged| logged.at >= from);
        self
    }

    fn observe(&mut self, world: &World, event: &Event, (is_asked_about, has_new_lines): (bool, bool)) {
        if is_asked_about {
            self.profiles.apply(event);
        }
        if !is_human(event) || !has_new_lines {
            return;
        }
        for touch in touches_of(event) {
            if let (Some(item), Some(weight)) = (world.catalog.item(&touch.product_id), weight_of(&touch)) {
                self.popularity.observe(item, weight, touch.at);
            }
        }
    }
}
