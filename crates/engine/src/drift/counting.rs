//! What came in on a day, by kind, as counts.

use std::collections::BTreeMap;

use mercer_decide::Catalog;
use mercer_schema::{Activity, Commerce, Event, Exposure, Fact, Position, ProductId, Record, Timestamp};
use mercer_store::{Tables, Write};
use serde::{Deserialize, Serialize};

use crate::Error;

const TABLE: &str = "models.days";
const KEY: &[u8] = b"days";
const FORMAT: u32 = 1;
/// Days that are kept, the newest.
const MOST_DAYS: usize = 400;
/// Kinds of one input on one day; what comes later that day is `other`.
const MOST_KINDS: usize = 200;
/// A product is new for so long.
const NEW_FOR: i64 = 30 * Timestamp::DAY;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Events,
    Sources,
    Channels,
    Devices,
    Categories,
    Prices,
    NewItems,
    /// How many products a placement shows.
    Answers,
    /// The score of the best product of a placement.
    Scores,
}

impl Input {
    pub const ALL: [Self; 9] = [
        Self::Events,
        Self::Sources,
        Self::Channels,
        Self::Devices,
        Self::Categories,
        Self::Prices,
        Self::NewItems,
        Self::Answers,
        Self::Scores,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Events => "Mix of events",
            Self::Sources => "Sources",
            Self::Channels => "Channels",
            Self::Devices => "Devices",
            Self::Categories => "Categories",
            Self::Prices => "Prices",
            Self::NewItems => "Share of new products",
            Self::Answers => "Products in an answer",
            Self::Scores => "Scores",
        }
    }

    /// Its kinds are sizes: two days are compared along them.
    pub(super) const fn is_ordered(self) -> bool {
        matches!(self, Self::Prices | Self::Answers | Self::Scores)
    }

    /// A kind as people read it.
    pub(super) fn name_of(self, kind: &str) -> String {
        let step: Option<f64> = kind.parse().ok();
        match (self, step) {
            (Self::Prices, Some(step)) => {
                let from = |step: f64| 2_f64.powf(step / 2.0) / 100.0;
                format!("{:.2} to {:.2}", from(step), from(step + 1.0))
            }
            (Self::Answers, Some(products)) => format!("{products} products"),
            (Self::Scores, Some(step)) => format!("about {:.4}", 2_f64.powf((step + 0.5) / 4.0) / 1e6),
            _ => kind.to_owned(),
        }
    }

    /// The model's own doing: compared with its first days and not with what it learned from.
    pub(super) const fn is_of_answers(self) -> bool {
        matches!(self, Self::Answers | Self::Scores)
    }
}

/// Counts of each kind.
pub(super) type Kinds = BTreeMap<String, u64>;
pub(super) type Day = BTreeMap<Input, Kinds>;

/// Days since 1970 with what came in on them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Days {
    format: u32,
    /// The log is counted up to here.
    pub(super) position: Position,
    pub(super) days: BTreeMap<i64, Day>,
}

impl Days {
    /// Nothing when it was never kept, or cannot be read: then the log is counted anew.
    pub(super) fn load(tables: &dyn Tables) -> Self {
        let kept = tables.get(TABLE, KEY).ok().flatten();
        let kept: Option<Self> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.filter(|days| days.format == FORMAT).unwrap_or_default()
    }

    pub(super) fn save(&mut self, tables: &dyn Tables) -> Result<(), Error> {
        self.format = FORMAT;
        let bytes = serde_json::to_vec(self).map_err(|error| Error::NotAppended(error.to_string()))?;
        Ok(tables.write(&[Write::put(TABLE, KEY.to_vec(), bytes)])?)
    }

    /// `opened` is when the catalog got its first products: those are not new, however young the shop is.
    pub(super) fn count(&mut self, record: &Record, catalog: &Catalog, opened: Timestamp) {
        match &record.fact {
            Fact::Event(event) => self.count_event(event, catalog, opened),
            Fact::Decided(decision) => {
                for placement in &decision.placements {
                    let shown = format!("{:03}", placement.product_ids.len().min(999));
                    self.add(decision.decided_at, Input::Answers, &shown);
                    if let Some(score) = placement.top_score {
                        // Quarters of a doubling from a millionth on, numbered in the order of their sizes.
                        let step = (4.0 * (score * 1e6).max(1.0).log2()).floor().min(999.0);
                        self.add(decision.decided_at, Input::Scores, &format!("{step:03}"));
                    }
                }
            }
            _ => {}
        }
    }

    fn count_event(&mut self, event: &Event, catalog: &Catalog, opened: Timestamp) {
        let at = event.occurred_at;
        self.add(at, Input::Events, kind(&event.activity));
        self.add(at, Input::Sources, event.source.as_str());
        self.add(at, Input::Channels, &format!("{:?}", event.channel).to_lowercase());
        if let Some(device) = event.context.device {
            self.add(at, Input::Devices, &format!("{device:?}").to_lowercase());
        }
        let products: Vec<&ProductId> = match &event.activity {
            Activity::Commerce(commerce) => commerce.lines.iter().map(|line| &line.product_id).collect(),
            _ => Vec::new(),
        };
        for id in products {
            let Some(product) = catalog.get(id) else {
                self.add(at, Input::Categories, "not in the catalog");
                continue;
            };
            self.add(at, Input::Categories, product.category.first().map_or("none", String::as_str));
            if let Some(price) = product.price {
                // Hundredths of the currency's unit, in halves of a doubling: numbered, so that the names stand in the
                // order of the sizes.
                let hundredths = price.minor as f64 * 100.0 / 10_f64.powi(price.currency.exponent() as i32);
                let step = (2.0 * hundredths.max(1.0).log2()).floor();
                self.add(at, Input::Prices, &format!("{step:03}"));
            }
            if let Some(since) = catalog.item(id).and_then(|item| catalog.since(item)) {
                let is_new = since.since(opened) > Timestamp::DAY && at.since(since) < NEW_FOR;
                self.add(at, Input::NewItems, if is_new { "new" } else { "known" });
            }
        }
    }

    fn add(&mut self, at: Timestamp, input: Input, kind: &str) {
        let day = at.0.div_euclid(Timestamp::DAY);
        if !self.days.contains_key(&day) && self.days.len() >= MOST_DAYS {
            match self.days.first_key_value() {
                Some((oldest, _)) if *oldest < day => _ = self.days.pop_first(),
                _ => return,
            }
        }
        let kinds = self.days.entry(day).or_default().entry(input).or_default();
        let is_room = kinds.len() < MOST_KINDS;
        match kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => *kinds.entry(if is_room { kind } else { "other" }.to_owned()).or_default() += 1,
        }
    }
}

const fn kind(activity: &Activity) -> &'static str {
    use mercer_schema::CommerceAction as Action;
    match activity {
        Activity::Identified { .. } => "identified",
        Activity::Aliased { .. } => "aliased",
        Activity::Grouped { .. } => "grouped",
        Activity::PageViewed { .. } => "page viewed",
        Activity::Feedback(_) => "feedback",
        Activity::Exposure(Exposure { clicked: true, .. }) => "clicked",
        Activity::Exposure(_) => "shown",
        Activity::Custom { .. } => "custom",
        Activity::Preferred(_) => "preference",
        Activity::Commerce(Commerce { action, .. }) => match action {
            Action::ProductViewed => "product viewed",
            Action::ProductAdded => "added to cart",
            Action::OrderCompleted => "ordered",
            _ => "other commerce",
        },
    }
}
