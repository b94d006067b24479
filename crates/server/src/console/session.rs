//! Who is looking at the page: the session cookie, and the check that a form came from us.

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::accounts::{Accounts, Session};
use super::page::failure;
use crate::problem::Problem;
use crate::state::{App, now};

pub(crate) const COOKIE: &str = "mercer_console";

/// A handler with this argument needs a signed-in person; others are sent to the sign-in.
pub(crate) struct SignedIn(pub Session);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let session = session_of(app, &parts.headers).map_err(IntoResponse::into_response)?;
        session.map(Self).ok_or_else(|| Redirect::to("/console/sign-in").into_response())
    }
}

/// A form of the console, sent by a signed-in person from one of our pages.
pub(crate) struct OwnForm<T>(pub Session, pub T);

#[derive(Deserialize)]
struct Tokened<T> {
    form_token: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned> FromRequest<App> for OwnForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let session = session_of(app, request.headers()).map_err(IntoResponse::into_response)?;
        let session = session.ok_or_else(|| Redirect::to("/console/sign-in").into_response())?;
        let Form(form) = Form::<Tokened<T>>::from_request(request, app)
            .await
            .map_err(|error| failure(&Problem::invalid(None, error.body_text())))?;
        if !session.owns_form(&form.form_token) {
            let detail = "This form does not belong to your session. Load the page again and repeat what you did.";
            return Err(failure(&Problem::invalid(Some("form_token".into()), detail)));
        }
        Ok(Self(session, form.fields))
    }
}

/// The secret in the session cookie.
pub(crate) fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// The `Set-Cookie` value that opens a session, or ends it with an empty secret.
pub(crate) fn set_cookie(app: &App, secret: &str) -> String {
    let secure = if app.settings.public_url.starts_with("https://") { "; Secure" } else { "" };
    let life = if secret.is_empty() { "; Max-Age=0" } else { "" };
    format!("{COOKIE}={secret}; Path=/console; HttpOnly; SameSite=Lax{secure}{life}")
}

fn session_of(app: &App, headers: &HeaderMap) -> Result<Option<Session>, Problem> {
    let Some(secret) = cookie_of(headers) else { return Ok(None) };
    let accounts = Accounts::new(std::sync::Arc::clone(&app.tables));
    accounts.session(secret, now()).map_err(|error| Problem::internal(&error))
}
