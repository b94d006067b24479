//! Keys, and where trackers should send to.

use std::num::NonZeroU32;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use mercer_schema::SourceId;
use serde::Deserialize;

use super::page::{Frame, failure, minute, render};
use super::session::{OwnForm, SignedIn};
use super::sign_in::Nothing;
use crate::access::{ApiKey, Scope};
use crate::problem::Problem;
use crate::state::{App, now};

#[derive(Template)]
#[template(path = "console/settings.html")]
struct SettingsPage {
    frame: Frame,
    public_url: String,
    version: String,
    keys: Vec<Row>,
    /// A key that was just made: its name and its secret, shown once.
    fresh: Option<(String, String)>,
}

struct Row {
    name: String,
    scopes: String,
    origins: String,
    rate: String,
    created_at: String,
    revoked_at: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct KeyForm {
    name: String,
    #[serde(default)]
    write: Option<String>,
    #[serde(default)]
    decide: Option<String>,
    #[serde(default)]
    read: Option<String>,
    #[serde(default)]
    admin: Option<String>,
    /// One a line.
    #[serde(default)]
    origins: String,
    #[serde(default)]
    rate: String,
}

pub(crate) async fn show(SignedIn(session): SignedIn, State(app): State<App>) -> Response {
    page(&app, Frame::new(&app, &session, "settings"), None)
}

pub(crate) async fn create_key(State(app): State<App>, form: OwnForm<KeyForm>) -> Response {
    let OwnForm(session, form) = form;
    let frame = Frame::new(&app, &session, "settings");
    let key = match read_form(&form) {
        Ok(key) => key,
        Err(fault) => return page(&app, frame.with_notice(Some(fault)), None),
    };
    match app.keys.create(&key, rand::random()) {
        Ok(secret) => page(&app, frame, Some((key.name.to_string(), secret))),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

pub(crate) async fn revoke_key(State(app): State<App>, Path(name): Path<String>, form: OwnForm<Nothing>) -> Response {
    let OwnForm(session, Nothing {}) = form;
    let notice = match app.keys.revoke(&name, now()) {
        Ok(true) => format!("The key {name} is revoked."),
        Ok(false) => format!("There is no live key {name}."),
        Err(error) => return failure(&Problem::internal(&error)),
    };
    page(&app, Frame::new(&app, &session, "settings").with_notice(Some(notice)), None)
}

fn read_form(form: &KeyForm) -> Result<ApiKey, String> {
    let name = SourceId::parse(&form.name).map_err(|error| format!("Name: {error}."))?;
    let asked = [
        (&form.write, Scope::Write),
        (&form.decide, Scope::Decide),
        (&form.read, Scope::Read),
        (&form.admin, Scope::Admin),
    ];
    let scopes: Vec<Scope> = asked.into_iter().filter_map(|(asked, scope)| asked.as_ref().map(|_| scope)).collect();
    if scopes.is_empty() {
        return Err("Choose at least one scope.".to_owned());
    }
    let rate = match form.rate.trim() {
        "" => None,
        rate => Some(rate.parse::<NonZeroU32>().map_err(|_| "Requests a second: a whole number above 0, or nothing.")?),
    };
    let origins = form.origins.lines().map(|origin| origin.trim().trim_end_matches('/').to_owned());
    Ok(ApiKey {
        name,
        scopes,
        origins: origins.filter(|origin| !origin.is_empty()).collect(),
        requests_per_second: rate,
        created_at: now(),
        revoked_at: None,
    })
}

fn page(app: &App, frame: Frame, fresh: Option<(String, String)>) -> Response {
    let keys = match app.keys.list() {
        Ok(keys) => keys,
        Err(error) => return failure(&Problem::internal(&error)),
    };
    let row = |key: ApiKey| Row {
        name: key.name.to_string(),
        scopes: key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", "),
        origins: if key.origins.is_empty() { "any".to_owned() } else { key.origins.join(", ") },
        rate: key.requests_per_second.map_or_else(|| "server's default".to_owned(), |rate| format!("{rate} a second")),
        created_at: minute(key.created_at),
        revoked_at: key.revoked_at.map(minute),
    };
    let (public_url, version) = (app.settings.public_url.clone(), app.settings.code_version.clone());
    render(&SettingsPage { frame, public_url, version, keys: keys.into_iter().map(row).collect(), fresh })
}
