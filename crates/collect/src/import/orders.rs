//! Lines of orders become one event an order: `Order Completed`, `Order Refunded` or `Order Cancelled`.
//!
//! Invariants: an order is made once and whole, or held back whole; its message id follows from its id alone,
//! so that a second import of the same file adds nothing. The lines of an order stand together or at most
//! `window_rows` rows apart, so memory is bounded (about 16 bytes more for each order that is done).

use std::collections::{HashMap, HashSet, VecDeque};

use mercer_schema::{
    Activity, AnonymousId, Channel, Commerce, CommerceAction, Context, CustomerId, Event, Line, MessageId, Money,
    Order, OrderId, Properties, Timestamp, Visitor,
};
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::bind::Cells;
use super::field::Field;
use super::maker::{Maker, Outbox};
use super::mapping::Mapping;
use super::row::Row;
use super::rule::Cancellation;
use super::time::Clock;
use super::value::whole_number;
use crate::amount::MAX_PIECES;
use crate::{BadReason, Fault, Received};

/// Lines that one order may have; more is a mistake in the mapping.
const MAX_LINES: u64 = 10_000;

/// Puts lines together by order.
pub(super) struct Orders {
    clock: Clock,
    window_rows: u64,
    /// Rows taken so far.
    now: u64,
    open: HashMap<OrderId, OpenOrder>,
    /// Orders in the order in which they were last touched; entries that are out of date are passed over.
    touched: VecDeque<(OrderId, u64)>,
    closed: HashSet<u64>,
    /// A line that could not be read and may belong to the order of the row after it.
    broken_line: Option<u64>,
}

/// An order whose lines may not all be there yet.
#[derive(Default)]
struct OpenOrder {
    last_row: u64,
    first_line: u64,
    rows: u64,
    /// The rows as they came, for the case that the order is held back.
    raw: Vec<Row>,
    faults: Vec<(u64, Fault)>,
    sold: Vec<Line>,
    returned: Vec<Line>,
    cancelled: Vec<Line>,
    customer_id: Option<CustomerId>,
    anonymous_id: Option<AnonymousId>,
    occurred_at: Option<Timestamp>,
    total: Option<Money>,
    channel: Option<Channel>,
    properties: Properties,
}

/// What one row says, before it is known whether its order can be made.
struct Said {
    lines: Lines,
    line: Line,
    customer_id: Option<CustomerId>,
    anonymous_id: Option<AnonymousId>,
    occurred_at: Timestamp,
    total: Option<Money>,
    channel: Option<Channel>,
}

/// Which of an order's lists a line goes to.
#[derive(Clone, Copy)]
enum Lines {
    Sold,
    Returned,
    Cancelled,
}

impl Orders {
    pub(super) fn new(mapping: &Mapping) -> Self {
        let formats = mapping.rule(Field::Time).map(|rule| rule.formats.clone()).unwrap_or_default();
        Self {
            clock: Clock::new(mapping.zone.clone(), formats),
            window_rows: mapping.window_rows,
            now: 0,
            open: HashMap::new(),
            touched: VecDeque::new(),
            closed: HashSet::new(),
            broken_line: None,
        }
    }

    fn read(&mut self, cells: Cells<'_>, received: &Received) -> Result<Said, Fault> {
        let quantity = quantity(cells)?;
        let price = match cells.money(Field::Price, received.default_currency)? {
            Some(price) if price.minor < 0 => {
                let told = "expected a price of zero or more: a return has a negative quantity, not a negative price";
                return Err(not_accepted(cells, Field::Price, BadReason::InvalidMoney, told));
            }
            price => price,
        };
        let time = cells.required(Field::Time)?;
        let occurred_at =
            self.clock.read(&time.text).map_err(|expected| time.fault(BadReason::InvalidTime, &expected))?;
        let lines = match cells.mapping.cancelled.as_ref().filter(|_| cells.is_cancelled()).map(|rule| rule.makes) {
            Some(Cancellation::Cancellation) => Lines::Cancelled,
            Some(Cancellation::Refund) => Lines::Returned,
            None if quantity < 0 => Lines::Returned,
            None => Lines::Sold,
        };
        let pieces = u32::try_from(quantity.unsigned_abs()).ok().filter(|pieces| *pieces <= MAX_PIECES);
        let pieces = pieces.ok_or_else(|| {
            not_accepted(cells, Field::Quantity, BadReason::InvalidNumber, "expected a million pieces at most")
        })?;
        Ok(Said {
            lines,
            line: Line { product_id: cells.required_id(Field::ProductId)?, quantity: pieces, price, position: None },
            customer_id: cells.id(Field::CustomerId)?,
            anonymous_id: cells.id(Field::AnonymousId)?,
            occurred_at,
            total: cells.money(Field::Total, received.default_currency)?,
            channel: channel(cells)?,
        })
    }

    /// Marks the order as touched by the current row.
    fn touch(&mut self, id: &OrderId) {
        match self.touched.back_mut() {
            Some((last, row)) if last == id => *row = self.now,
            _ => self.touched.push_back((id.clone(), self.now)),
        }
    }

    /// Makes the orders that have not been touched for long, or all.
    fn close(&mut self, all: bool, out: &mut Outbox<'_, Event>) {
        while let Some((_, row)) = self.touched.front() {
            if !all && row.saturating_add(self.window_rows) >= self.now {
                return;
            }
            let Some((id, row)) = self.touched.pop_front() else {
                return;
            };
            if self.open.get(&id).is_some_and(|order| order.last_row == row)
                && let Some(order) = self.open.remove(&id)
            {
                self.closed.insert(hash(&id));
                order.finish(&id, out);
            }
        }
    }

    fn take_line(&mut self, id: OrderId, cells: Cells<'_>, received: &Received) {
        let said = self.read(cells, received);
        let broken_line = self.broken_line.take();
        self.touch(&id);
        let line = cells.row.line;
        let order = self.open.entry(id).or_insert_with(|| OpenOrder { first_line: line, ..OpenOrder::default() });
        order.last_row = self.now;
        order.rows += 1;
        order.raw.push(cells.row.clone());
        if let Some(broken) = broken_line {
            order.faults.push((broken, beside(broken)));
        }
        if order.rows > MAX_LINES {
            let message = format!("the order has more than {MAX_LINES} lines; is `order_id` the right column?");
            order.raw.pop();
            order.faults.truncate(1);
            order.faults.push((line, Fault::new(BadReason::TooLarge, message)));
            return;
        }
        match said.and_then(|said| order.add(said)) {
            Ok(()) => order.describe(cells),
            Err(fault) => order.faults.push((line, fault)),
        }
    }
}

impl Maker<Event> for Orders {
    fn take(&mut self, cells: Cells<'_>, out: &mut Outbox<'_, Event>) {
        self.now += 1;
        match cells.required_id(Field::OrderId) {
            Err(fault) => {
                out.bad(fault, cells.to_raw(), cells.row.line, 1);
                self.interrupted(cells.row.line);
            }
            Ok(id) if self.closed.contains(&hash(&id)) => {
                let message = format!(
                    "order `{id}` was complete {} rows ago; sort the file by order, or raise `window_rows` in the mapping",
                    self.window_rows
                );
                out.bad(Fault::new(BadReason::Duplicate, message), cells.to_raw(), cells.row.line, 1);
            }
            Ok(id) => self.take_line(id, cells, out.received),
        }
        self.close(false, out);
    }

    /// A line that could not be read may have been one of the order before it or of the one after it: neither
    /// may be made without it, because a later import could not add it any more.
    fn interrupted(&mut self, line: u64) {
        self.broken_line = Some(line);
        if let Some(order) = self.touched.back().and_then(|(id, _)| self.open.get_mut(id)) {
            order.faults.push((line, beside(line)));
        }
    }

    fn finish(&mut self, out: &mut Outbox<'_, Event>) {
        self.close(true, out);
    }
}

impl OpenOrder {
    fn add(&mut self, said: Said) -> Result<(), Fault> {
        if let (Some(known), Some(named)) = (&self.customer_id, &said.customer_id)
            && known != named
        {
            let message = format!("the order names two customers: `{known}` and `{named}`");
            return Err(Fault::at(BadReason::InvalidId, "customer_id", message));
        }
        match said.lines {
            Lines::Sold => self.sold.push(said.line),
            Lines::Returned => self.returned.push(said.line),
            Lines::Cancelled => self.cancelled.push(said.line),
        }
        self.customer_id = self.customer_id.take().or(said.customer_id);
        self.anonymous_id = self.anonymous_id.take().or(said.anonymous_id);
        self.total = self.total.or(said.total);
        self.channel = self.channel.or(said.channel);
        // The earliest, so that the order of the rows does not matter.
        self.occurred_at = Some(self.occurred_at.map_or(said.occurred_at, |at| at.min(said.occurred_at)));
        Ok(())
    }

    fn describe(&mut self, cells: Cells<'_>) {
        for (name, value) in cells.extras() {
            self.properties.entry(name).or_insert_with(|| Value::from(value));
        }
    }

    fn finish(mut self, id: &OrderId, out: &mut Outbox<'_, Event>) {
        if let Some((line, fault)) = self.faults.first().cloned() {
            let others = match self.faults.len() {
                1 => String::new(),
                many => format!(" ({} more faults)", many - 1),
            };
            let message = format!(
                "{}{others}; order `{id}`, which begins on line {}, is held back with its {} lines",
                fault.message, self.first_line, self.rows
            );
            let raw = self.raw.iter().map(|row| row.to_json(out.columns)).collect::<Vec<_>>().join(&b'\n');
            out.bad(Fault { message, ..fault }, raw, line, self.rows);
            return;
        }
        let (sold, returned) = (std::mem::take(&mut self.sold), std::mem::take(&mut self.returned));
        let mut cancelled = std::mem::take(&mut self.cancelled);
        let mut rows = self.rows;
        let is_in_part = !(sold.is_empty() && returned.is_empty());
        if is_in_part && !cancelled.is_empty() {
            // Called off in part: what is left is the order.
            rows -= cancelled.len() as u64;
            cancelled.drain(..).for_each(|_| out.report.skip("line of an order that was called off in part"));
        }
        for (action, prefix, lines) in [
            (CommerceAction::OrderCompleted, "order-completed", sold),
            (CommerceAction::OrderRefunded, "order-refunded", returned),
            (CommerceAction::OrderCancelled, "order-cancelled", cancelled),
        ] {
            if !lines.is_empty() {
                out.made(
                    action.name(),
                    std::mem::take(&mut rows),
                    self.event((action, prefix), id, lines, out.received),
                );
            }
        }
    }

    fn event(
        &self,
        (action, prefix): (CommerceAction, &str),
        id: &OrderId,
        lines: Vec<Line>,
        received: &Received,
    ) -> Event {
        let total = self.total.map(|total| Money { minor: total.minor.abs(), ..total });
        let order = Order { id: id.clone(), total };
        Event {
            message_id: message_id(prefix, id),
            source: received.source.clone(),
            visitor: self.visitor(id),
            session: None,
            occurred_at: self.occurred_at.unwrap_or(received.received_at),
            received_at: received.received_at,
            channel: self.channel.or(received.channel).unwrap_or(Channel::Server),
            context: Context::default(),
            activity: Activity::Commerce(Commerce { action, lines, order: Some(order), query: None, list: None }),
            properties: self.properties.clone(),
        }
    }

    /// An order of nobody known is somebody's: what was bought together is still worth knowing.
    fn visitor(&self, id: &OrderId) -> Visitor {
        let nobody = self.customer_id.is_none() && self.anonymous_id.is_none();
        let derived = || AnonymousId::trusted(fitting("imported-order", id));
        Visitor {
            anonymous_id: self.anonymous_id.clone().or_else(|| nobody.then(derived)),
            customer_id: self.customer_id.clone(),
        }
    }
}

/// Whole pieces; one when the file does not say.
fn quantity(cells: Cells<'_>) -> Result<i64, Fault> {
    let Some(found) = cells.text(Field::Quantity) else {
        return Ok(1);
    };
    match whole_number(&found.text).and_then(|digits| digits.parse().ok()) {
        Some(0) | None => Err(found.fault(BadReason::InvalidNumber, "expected a whole number of pieces, not zero")),
        Some(quantity) => Ok(quantity),
    }
}

pub(super) fn channel(cells: Cells<'_>) -> Result<Option<Channel>, Fault> {
    let Some(found) = cells.text(Field::Channel) else {
        return Ok(None);
    };
    let read = serde_json::from_value(Value::from(found.text.to_lowercase()));
    read.map(Some).map_err(|_| found.fault(BadReason::UnknownValue, "expected web, app, email, store or server"))
}

fn not_accepted(cells: Cells<'_>, field: Field, reason: BadReason, expected: &str) -> Fault {
    match cells.text(field) {
        Some(found) => found.fault(reason, expected),
        None => Fault::at(reason, field.name(), expected),
    }
}

fn beside(line: u64) -> Fault {
    Fault::new(BadReason::Malformed, format!("line {line} beside it could not be read and may belong to it"))
}

fn hash(id: &OrderId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

/// The same for the same order, whenever it is imported.
fn message_id(prefix: &str, id: &OrderId) -> MessageId {
    MessageId::trusted(fitting(prefix, id))
}

/// The prefix and the order's id; a hash of it where that would be longer than ids may be.
fn fitting(prefix: &str, id: &OrderId) -> String {
    const LONGEST: usize = 100;
    let text = format!("{prefix}:{id}");
    if text.len() <= LONGEST { text } else { format!("{prefix}:{:032x}", xxh3_128(id.as_str().as_bytes())) }
}
