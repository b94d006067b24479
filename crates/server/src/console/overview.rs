//! The first page: what came in, what was decided, what to do next.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use mercer_engine::{HourTally, Tally};
use mercer_schema::Timestamp;
use serde::Deserialize;

use super::chart::{self, Column};
use super::page::{Frame, ago, grouped, money, render};
use super::session::SignedIn;
use crate::state::{App, now};

/// Windows that a person may choose, in days.
const WINDOWS: [i64; 4] = [1, 7, 28, 364];

#[derive(Deserialize)]
pub(crate) struct Window {
    days: Option<i64>,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    frame: Frame,
    days: i64,
    windows: [i64; 4],
    figures: Vec<Figure>,
    /// "the 28 days before".
    span_before: String,
    charts: Vec<Chart>,
    setup: Vec<Step>,
    last_event: Option<String>,
}

/// A number with the same number of the window before.
struct Figure {
    name: &'static str,
    value: String,
    before: String,
    /// By how much it grew or shrank, where there was something before.
    change: String,
    link: &'static str,
}

struct Chart {
    title: String,
    svg: String,
    rows: Vec<(String, String)>,
}

/// A step of the set-up that is still to be done.
struct Step {
    title: &'static str,
    text: &'static str,
    command: &'static str,
    is_done: bool,
}

pub(crate) async fn show(
    SignedIn(session): SignedIn,
    State(app): State<App>,
    Query(window): Query<Window>,
) -> Response {
    let days = window.days.filter(|days| WINDOWS.contains(days)).unwrap_or(28);
    let snapshot = app.engine.snapshot();
    let until = end_of_window(now());
    let current = sum(&snapshot.tally, until, days);
    let before = sum(&snapshot.tally, until.plus(-days * Timestamp::DAY), days);
    let world = &snapshot.world;
    let steps = [
        Step {
            title: "Bring in your catalog",
            text: "A product feed, a Shopify export, CSV, JSONL or Parquet.",
            command: "mercer import catalog products.csv",
            is_done: !world.catalog.is_empty(),
        },
        Step {
            title: "Bring in past orders",
            text: "Mercer learns from them before the first visitor comes.",
            command: "mercer import orders orders.csv",
            is_done: current.orders > 0 || world.models.version.is_some(),
        },
        Step {
            title: "Connect your tracker",
            text: "Make a key under Settings and point Segment, RudderStack, Jitsu, GA4 or Mercer's own SDK here.",
            command: "",
            is_done: snapshot.tally.last_hour().is_some(),
        },
        Step {
            title: "Train",
            text: "Once there are orders or product views.",
            command: "mercer train",
            is_done: world.models.version.is_some(),
        },
    ];
    let page = OverviewPage {
        frame: Frame::new(&app, &session, "overview"),
        days,
        windows: WINDOWS,
        figures: figures(&current, &before),
        span_before: match days {
            1 => "the day before".to_owned(),
            364 => "the year before".to_owned(),
            days => format!("the {days} days before"),
        },
        charts: charts(&snapshot.tally, until, days),
        setup: if steps.iter().all(|step| step.is_done) { Vec::new() } else { steps.into() },
        last_event: snapshot.tally.last_hour().map(|hour| match now().since(hour) {
            ..=Timestamp::HOUR => "within the last hour".to_owned(),
            _ => ago(hour, now()),
        }),
    };
    render(&page)
}

/// The end of the running hour, so that it counts.
fn end_of_window(now: Timestamp) -> Timestamp {
    Timestamp((now.0.div_euclid(Timestamp::HOUR) + 1) * Timestamp::HOUR)
}

fn sum(tally: &Tally, until: Timestamp, days: i64) -> HourTally {
    let mut total = HourTally::default();
    for (_, hour) in tally.between(until.plus(-days * Timestamp::DAY), until) {
        total.add(hour);
    }
    total
}

fn figures(current: &HourTally, before: &HourTally) -> Vec<Figure> {
    let count = |name, link, of: fn(&HourTally) -> u64| Figure {
        name,
        value: grouped(of(current)),
        before: grouped(of(before)),
        change: change(of(current) as f64, of(before) as f64),
        link,
    };
    let revenue = |tally: &HourTally| {
        let sums = tally.revenue_minor.iter().map(|(currency, minor)| money(*minor, *currency));
        let shown = sums.collect::<Vec<_>>().join(", ");
        if shown.is_empty() { "0".to_owned() } else { shown }
    };
    vec![
        count("Events", "/console/events", |tally| tally.events),
        count("Orders", "/console/events?kind=orders", |tally| tally.orders),
        Figure {
            name: "Revenue",
            value: revenue(current),
            before: revenue(before),
            change: change(in_one_currency(current), in_one_currency(before)),
            link: "/console/events?kind=orders",
        },
        count("Product views", "/console/events?kind=views", |tally| tally.product_views),
        count("Page decisions", "/console/events?kind=decisions", |tally| tally.decisions),
        count("Recommended items clicked", "/console/events?kind=clicks", |tally| tally.items_clicked),
    ]
}

/// `+4 %`; nothing where there is nothing to compare with.
fn change(current: f64, before: f64) -> String {
    if before <= 0.0 || current < 0.0 {
        return String::new();
    }
    match current / before {
        ratio if ratio >= 10.0 => format!("×{ratio:.0}"),
        ratio => {
            format!("{:+.0} %", (ratio - 1.0) * 100.0).replace('-', "−").replace("+0 ", "±0 ").replace("−0 ", "±0 ")
        }
    }
}

/// Sums of several currencies do not add up.
fn in_one_currency(tally: &HourTally) -> f64 {
    let mut sums = tally.revenue_minor.values();
    match (sums.next(), sums.next()) {
        (Some(minor), None) => *minor as f64,
        _ => 0.0,
    }
}

/// `28 Oct` of an RFC 3339 time.
fn day(text: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number =
        |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<usize>().ok()).unwrap_or_default();
    let month = number(5).checked_sub(1).and_then(|month| MONTHS.get(month)).copied().unwrap_or_default();
    format!("{} {month}", number(8))
}

fn charts(tally: &Tally, until: Timestamp, days: i64) -> Vec<Chart> {
    // A day is drawn by the hour, everything longer in up to 28 equal steps.
    let (steps, width) =
        if days == 1 { (24, Timestamp::HOUR) } else { (days.min(28), days.max(28) / 28 * Timestamp::DAY) };
    let width = if days == 7 { Timestamp::DAY } else { width };
    let bins: Vec<(String, HourTally)> = (0..steps)
        .map(|step| {
            let from = until.plus(-(steps - step) * width);
            let mut total = HourTally::default();
            for (_, hour) in tally.between(from, from.plus(width)) {
                total.add(hour);
            }
            let text = from.to_string();
            let label = if days == 1 { text.get(11..16).unwrap_or_default().to_owned() } else { day(&text) };
            (label, total)
        })
        .collect();
    let of = |title: &str, value: fn(&HourTally) -> u64| {
        let column = |(label, total): &(String, HourTally)| Column {
            label: label.clone(),
            value: value(total) as f64,
            shown: grouped(value(total)),
        };
        let columns: Vec<Column> = bins.iter().map(column).collect();
        Chart {
            title: title.to_owned(),
            svg: chart::columns(title, &columns),
            rows: columns.into_iter().map(|column| (column.label, column.shown)).collect(),
        }
    };
    vec![
        of("Orders", |tally| tally.orders),
        of("Product views", |tally| tally.product_views),
        of("Page decisions", |tally| tally.decisions),
        of("Events", |tally| tally.events),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_only_where_there_is_something_to_compare() {
        assert_eq!(change(104.0, 100.0), "+4 %");
        assert_eq!((change(50.0, 100.0), change(0.0, 3.0)), ("−50 %".into(), "−100 %".into()));
        assert_eq!((change(999.0, 1_000.0), change(1_001.0, 1_000.0)), ("±0 %".into(), "±0 %".into()));
        assert_eq!((change(5.0, 0.0), change(300.0, 3.0)), (String::new(), "×100".into()));
    }

    #[test]
    fn days_read_as_people_write_them() {
        assert_eq!((day("2026-10-28T00:00:00Z"), day("2026-01-05T10:00:00Z")), ("28 Oct".into(), "5 Jan".into()));
        assert_eq!(day(""), "0 ", "never panics");
    }
}
