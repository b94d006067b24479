//! What all pages share: frame, rendering, times and money in words.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use mercer_schema::{Currency, Money, Timestamp};

use super::accounts::Session;
use crate::problem::Problem;
use crate::state::App;

/// The frame around a page.
#[derive(Debug, Clone)]
pub struct Frame {
    pub shop: String,
    pub user: String,
    pub form_token: String,
    /// The first part of the path, which marks the entry in the menu.
    pub section: &'static str,
    /// What just happened, if anything.
    pub notice: Option<String>,
}

impl Frame {
    pub fn new(app: &App, session: &Session, section: &'static str) -> Self {
        Self {
            shop: app.settings.shop_name.clone(),
            user: session.user.clone(),
            form_token: session.form_token.clone(),
            section,
            notice: None,
        }
    }

    #[must_use]
    pub fn with_notice(self, notice: Option<String>) -> Self {
        Self { notice, ..self }
    }
}

pub fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

/// A page whose form was refused: the same page, the fault named, status 400.
pub fn render_refused(page: &impl Template) -> Response {
    (StatusCode::BAD_REQUEST, render(page)).into_response()
}

#[derive(Template)]
#[template(path = "console/failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    detail: &'a str,
}

/// A problem as a page for people.
pub fn failure(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = FailurePage { title: problem.title, detail: &problem.detail };
    (status, Html(page.render().unwrap_or_else(|_| problem.detail.clone()))).into_response()
}

/// `2026-11-23 14:05`, UTC.
pub fn minute(time: Timestamp) -> String {
    time.to_string().chars().take(16).collect::<String>().replace('T', " ")
}

/// `3 min ago`: how long before `now`.
pub fn ago(time: Timestamp, now: Timestamp) -> String {
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
pub fn grouped(number: u64) -> String {
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

/// `£1,234` for large sums, `£12.50` for prices.
pub fn money(minor: i64, currency: Currency) -> String {
    Money { minor, currency }.to_string()
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
    }
}
