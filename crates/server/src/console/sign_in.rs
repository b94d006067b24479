//! Getting in and out.

use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::Deserialize;

use super::accounts::{AccountError, Accounts, SHORTEST_PASSWORD};
use super::page::{failure, render, render_refused};
use super::session::{OwnForm, cookie_of, set_cookie};
use crate::problem::Problem;
use crate::state::{App, now};

/// Tries a minute for one name: enough for a person, too few for a guesser.
const TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
static TRIES: LazyLock<DefaultKeyedRateLimiter<String>> =
    LazyLock::new(|| RateLimiter::keyed(Quota::per_minute(TRIES_A_MINUTE)));

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    shop: String,
    name: String,
    fault: Option<String>,
    hint: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "console/welcome.html")]
struct WelcomePage {
    shop: String,
    token: String,
    fault: Option<String>,
    shortest: usize,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
pub(crate) struct TokenQuery {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(crate) struct Claim {
    token: String,
    name: String,
    password: String,
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

pub(crate) async fn form(State(app): State<App>) -> Response {
    render(&sign_in_page(&app, String::new(), None))
}

pub(crate) async fn submit(State(app): State<App>, headers: HeaderMap, Form(given): Form<Credentials>) -> Response {
    if !is_same_site(&headers) {
        return failure(&Problem::origin_refused("another site"));
    }
    if TRIES.check_key(&given.name).is_err() {
        let fault = Some("Too many tries for this name. Wait a minute.".to_owned());
        return render_refused(&sign_in_page(&app, given.name, fault));
    }
    match open_session(&app, given.name.clone(), given.password).await {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/console/")).into_response(),
        Err(error @ AccountError::WrongPassword) => {
            render_refused(&sign_in_page(&app, given.name, Some(sentence(&error))))
        }
        Err(error) => failure(&Problem::internal(&error)),
    }
}

pub(crate) async fn welcome(State(app): State<App>, Query(query): Query<TokenQuery>) -> Response {
    match accounts(&app).is_first_start_token(&query.token) {
        Ok(true) => render(&welcome_page(&app, query.token, None)),
        Ok(false) => render_refused(&sign_in_page(&app, String::new(), Some(sentence(&AccountError::UsedLink)))),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

pub(crate) async fn claim(State(app): State<App>, headers: HeaderMap, Form(given): Form<Claim>) -> Response {
    if !is_same_site(&headers) {
        return failure(&Problem::origin_refused("another site"));
    }
    let (accounts, claim) = (accounts(&app), given);
    let (token, name, password) = (claim.token.clone(), claim.name.clone(), claim.password.clone());
    let made = tokio::task::spawn_blocking(move || accounts.claim(&token, &name, &password, now())).await;
    match made {
        Ok(Ok(())) => match open_session(&app, claim.name, claim.password).await {
            Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/console/")).into_response(),
            Err(error) => failure(&Problem::internal(&error)),
        },
        Ok(Err(AccountError::Store(error))) => failure(&Problem::internal(&error)),
        Ok(Err(error)) => render_refused(&welcome_page(&app, claim.token, Some(sentence(&error)))),
        Err(error) => failure(&Problem::internal(&error)),
    }
}

pub(crate) async fn sign_out(State(app): State<App>, headers: HeaderMap, form: OwnForm<Nothing>) -> Response {
    let OwnForm(_, Nothing {}) = form;
    if let Some(Err(error)) = cookie_of(&headers).map(|secret| accounts(&app).sign_out(secret)) {
        return failure(&Problem::internal(&error));
    }
    ([(header::SET_COOKIE, set_cookie(&app, ""))], Redirect::to("/console/sign-in")).into_response()
}

async fn open_session(app: &App, name: String, password: String) -> Result<String, AccountError> {
    let accounts = accounts(app);
    let sign_in = move || accounts.sign_in(&name, &password, rand::random(), now());
    let secret =
        tokio::task::spawn_blocking(sign_in).await.map_err(|error| AccountError::Hash(error.to_string()))??;
    Ok(set_cookie(app, &secret))
}

fn accounts(app: &App) -> Accounts {
    Accounts::new(Arc::clone(&app.tables))
}

fn sign_in_page(app: &App, name: String, fault: Option<String>) -> SignInPage {
    SignInPage { shop: app.settings.shop_name.clone(), name, fault, hint: app.settings.sign_in_hint }
}

fn welcome_page(app: &App, token: String, fault: Option<String>) -> WelcomePage {
    WelcomePage { shop: app.settings.shop_name.clone(), token, fault, shortest: SHORTEST_PASSWORD }
}

fn sentence(error: &AccountError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Browsers say where a form was sent from; a form of another site is refused.
fn is_same_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok())
        .is_none_or(|site| site == "same-origin" || site == "none")
}
