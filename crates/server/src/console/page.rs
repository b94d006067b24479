//! What all pages share: frame, rendering, times and money in words.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use mercer_engine::Alarm;
use mercer_schema::{Currency, Money, Timestamp};

use super::accounts::Session;
use crate::problem::Problem;
use crate::state::App;

/// The frame around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub shop: String,
    pub user: String,
    pub form_token: String,
    /// The first part of the path, which marks the entry in the menu.
    pub section: &'static str,
    /// What just happened, if anything.
    pub notice: Option<String>,
    /// What is wrong with the models.
    pub alarms: Vec<Alarm>,
}

impl Frame {
    pub(crate) fn new(app: &App, session: &Session, section: &'static str) -> Self {
        Self {
            shop: app.settings.shop_name.clone(),
            user: session.user.clone(),
            form_token: session.form_token.clone(),
            section,
            notice: None,
            alarms: app.engine.alarms().to_vec(),
        }
    }

    #[must_use]
    pub(crate) fn with_notice(self, notice: Option<String>) -> Self {
        Self { notice, ..self }
    }
}

pub(crate) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

/// A page whose form was refused: the same page, the fault named, status 400.
pub(crate) fn render_refused(page: &impl Template) -> Response {
    (StatusCode::BAD_REQUEST, render(page)).into_response()
}

#[derive(Template)]
#[template(path = "console/failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    detail: &'a str,
}

/// A problem as a page for people.
pub(crate) fn failure(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = FailurePage { title: problem.title, detail: &problem.detail };
    (status, Html(page.render().unwrap_or_else(|_| problem.detail.to_string()))).into_response()
}

/// `2026-11-23 14:05`, UTC.
pub(crate) fn minute(time: Timestamp) -> String {
    time.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

/// `3 min ago`: how long before `now`.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let micros = now.since(time).max(0);
    let (size, unit) = match micros {
        0..Timestamp::MINUTE => (micros / Timestamp::SECOND, "s"),
        Timestamp::MINUTE..Timestamp::HOUR => (micros / Timestamp::MINUTE, "min"),
        Timestamp::HOUR..Timestamp::DAY => (micros / Timestamp::HOUR, "h"),
        _ if micros < 2 * Timestamp::DAY => (1, "day"),
        _ => (micros / Timestamp::DAY, "days"),
    };
    format!("{size} {unit} ago")
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `12.50 GBP`; from a thousand on without the small units: `1,361,046 GBP`.
pub(crate) fn money(minor: i64, currency: Currency) -> String {
    let amount = Money { minor, currency }.amount();
    let unit = 10_u64.pow(currency.exponent() as u32);
    let size = minor.unsigned_abs();
    if size < 1_000 * unit {
        return format!("{amount} {currency}");
    }
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{} {currency}", grouped((size + unit / 2) / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        let now = Timestamp::from_seconds(100_000);
        assert_eq!(ago(now.plus(-90 * Timestamp::SECOND), now), "1 min ago");
        assert_eq!(ago(now.plus(5), now), "0 s ago", "clocks differ a little");
        assert_eq!(ago(now.plus(-Timestamp::DAY), now), "1 day ago");
    }

    #[test]
    fn large_sums_read_without_small_units() {
        let (pounds, yen) = (Currency::parse("GBP").unwrap(), Currency::parse("JPY").unwrap());
        assert_eq!((money(1_250, pounds), money(99_999, pounds)), ("12.50 GBP".into(), "999.99 GBP".into()));
        assert_eq!(money(136_104_554, pounds), "1,361,046 GBP");
        assert_eq!((money(-136_104_554, pounds), money(12_000, yen)), ("-1,361,046 GBP".into(), "12,000 JPY".into()));
    }
}
