//! API keys: who may do what, from which pages, how often.
//!
//! A key is 32 random bytes; only its SHA-256 is stored (it cannot be guessed, so a slow hash would only cost
//! time). All keys are held in memory, so that checking one touches no disk.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use mercer_schema::{SourceId, Timestamp};
use mercer_store::{Scan, Tables, Write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::guard::RateCell;
use crate::problem::Problem;
use crate::state::App;

const TABLE: &str = "api_keys";
/// Requests a second when a key names no limit of its own.
const DEFAULT_RATE: u32 = 50_000;

/// How many scopes there are.
const SCOPES: usize = 4;
/// Web origins that one key may list.
const MOST_ORIGINS: usize = 100;

/// What a key may do. `admin` may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send events. Safe in a browser.
    Write,
    /// Ask for decisions, search, read the catalog. Safe in a browser.
    Decide,
    /// Read customers and decisions.
    Read,
    /// Change the catalog, placements, models and keys.
    Admin,
}

impl Scope {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Decide => "decide",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// The name under which its events are logged as their source.
    pub name: SourceId,
    pub scopes: Vec<Scope>,
    /// Pages that may use it from a browser; empty means all.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Requests a second; absent means the server's default.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4_294_967_295_i64)]
    pub requests_per_second: Option<NonZeroU32>,
    pub created_at: Timestamp,
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
}

/// A key that is to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    pub name: SourceId,
    #[schema(min_items = 1, max_items = 4)]
    pub scopes: Vec<Scope>,
    /// Pages that may use it from a browser: `https://shop.example`. Empty means all.
    #[serde(default)]
    #[schema(value_type = Vec<Origin>, max_items = 100)]
    pub origins: Vec<String>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4_294_967_295_i64)]
    pub requests_per_second: Option<NonZeroU32>,
}

impl NewKey {
    /// Checks what serde does not.
    pub fn into_key(mut self, now: Timestamp) -> Result<ApiKey, Problem> {
        if !(1..=SCOPES).contains(&self.scopes.len()) {
            let detail = "Name at least one of write, decide, read, admin, and none twice.";
            return Err(Problem::invalid(Some("scopes".into()), detail));
        }
        self.scopes.sort_unstable();
        self.scopes.dedup();
        if self.origins.len() > MOST_ORIGINS {
            return Err(Problem::invalid(Some("origins".into()), format!("At most {MOST_ORIGINS} origins a key.")));
        }
        if let Some(wrong) = self.origins.iter().find(|origin| !is_origin(origin)) {
            let detail = format!("`{wrong}` is no origin; write scheme and host, such as https://shop.example.");
            return Err(Problem::invalid(Some("origins".into()), detail));
        }
        Ok(ApiKey {
            name: self.name,
            scopes: self.scopes,
            origins: self.origins,
            requests_per_second: self.requests_per_second,
            created_at: now,
            revoked_at: None,
        })
    }
}

/// How an origin is described.
#[derive(ToSchema)]
#[schema(pattern = "^https?://[a-z0-9.:\\[\\]-]{1,256}$", as = Origin)]
struct Origin(#[allow(dead_code, reason = "only its description is used")] String);

/// As browsers send it: scheme, host and, where it is not the usual one, port.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
        (1..=256).contains(&host.len()) && host.bytes().all(is_plain)
    })
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// A live key with its rate limiter.
pub(crate) struct Caller {
    pub key: ApiKey,
    limiter: Limiter,
    clock: DefaultClock,
}

impl Caller {
    fn new(key: ApiKey) -> Self {
        let rate = key.requests_per_second.or(NonZeroU32::new(DEFAULT_RATE)).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::direct(Quota::per_second(rate)).with_middleware::<StateInformationMiddleware>();
        Self { key, limiter, clock: DefaultClock::default() }
    }

    pub(crate) fn allows(&self, scope: Scope) -> bool {
        self.key.scopes.iter().any(|held| *held == scope || *held == Scope::Admin)
    }

    /// Checks the page that asks and the rate, for a scope that was checked.
    fn let_in(self: Arc<Self>, headers: &HeaderMap) -> Result<Admitted, Problem> {
        self.check_origin(headers)?;
        let quotient = self.count()?;
        Ok(Admitted { caller: self, quotient })
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(origin) = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) else { return Ok(()) };
        if self.key.origins.is_empty() || self.key.origins.iter().any(|allowed| allowed == origin) {
            return Ok(());
        }
        Err(Problem::origin_refused(origin))
    }

    /// Counts a request against the rate. Answers how many are left in this second.
    fn count(&self) -> Result<Quotient, Problem> {
        match self.limiter.check() {
            Ok(state) => {
                Ok(Quotient { limit: state.quota().burst_size().get(), remaining: state.remaining_burst_capacity() })
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                Err(Problem::too_many_requests(wait.as_secs() + 1))
            }
        }
    }
}

/// What is left of a key's rate limit: the `RateLimit` headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotient {
    pub limit: u32,
    pub remaining: u32,
}

/// All keys that are valid now.
pub struct Keys {
    tables: Arc<dyn Tables>,
    live: ArcSwap<HashMap<[u8; 32], Arc<Caller>>>,
    /// Valid in this process only (the demo's fixed keys).
    fixed: Vec<(String, ApiKey)>,
}

impl Keys {
    /// Reads all stored keys; `fixed` ones are valid beside them and never stored.
    pub fn load(tables: Arc<dyn Tables>, fixed: Vec<(String, ApiKey)>) -> Result<Self, mercer_store::Error> {
        let keys = Self { tables, live: ArcSwap::default(), fixed };
        keys.refresh()?;
        Ok(keys)
    }

    /// Makes a key and returns its secret, which is shown once and stored nowhere.
    pub fn create(&self, key: &ApiKey, random: [u8; 32]) -> Result<String, mercer_store::Error> {
        let secret = format!("mk_{}", URL_SAFE_NO_PAD.encode(random));
        self.put(&hash(&secret), key)?;
        Ok(secret)
    }

    /// Stored keys, also revoked ones, by name.
    pub fn list(&self) -> Result<Vec<ApiKey>, mercer_store::Error> {
        let mut keys: Vec<ApiKey> = self.stored()?.into_iter().map(|(_, key)| key).collect();
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    /// Revokes every live key of this name. False when there was none.
    pub fn revoke(&self, name: &str, now: Timestamp) -> Result<bool, mercer_store::Error> {
        let mut found = false;
        for (hash, mut key) in self.stored()? {
            if key.name.as_str() == name && key.revoked_at.is_none() {
                key.revoked_at = Some(now);
                self.put(&hash, &key)?;
                found = true;
            }
        }
        Ok(found)
    }

    /// Checks a secret for a scope.
    pub(crate) fn admit(&self, secret: &str, scope: Scope, headers: &HeaderMap) -> Result<Admitted, Problem> {
        let caller = self.caller(secret)?;
        if !caller.allows(scope) {
            return Err(Problem::scope_missing(scope.name()));
        }
        caller.let_in(headers)
    }

    pub(crate) fn is_known(&self, secret: &str) -> bool {
        self.live.load().contains_key(&hash(secret))
    }

    /// Checks a secret for an answer that it was given before: its scope was right then.
    pub(crate) fn admit_again(&self, secret: &str, headers: &HeaderMap) -> Result<Admitted, Problem> {
        self.caller(secret)?.let_in(headers)
    }

    fn caller(&self, secret: &str) -> Result<Arc<Caller>, Problem> {
        self.live.load().get(&hash(secret)).cloned().ok_or_else(Problem::key_unknown)
    }

    fn put(&self, hash: &[u8], key: &ApiKey) -> Result<(), mercer_store::Error> {
        let value = serde_json::to_vec(key).unwrap_or_default();
        self.tables.write(&[Write::put(TABLE, hash.to_vec(), value)])?;
        self.refresh()
    }

    fn stored(&self) -> Result<Vec<(Vec<u8>, ApiKey)>, mercer_store::Error> {
        let rows = self.tables.scan(TABLE, Scan::all(), usize::MAX)?;
        Ok(rows.into_iter().filter_map(|(hash, value)| Some((hash, serde_json::from_slice(&value).ok()?))).collect())
    }

    fn refresh(&self) -> Result<(), mercer_store::Error> {
        let stored = self.stored()?.into_iter().filter_map(|(hash, key)| Some((hash.try_into().ok()?, key)));
        let fixed = self.fixed.iter().map(|(secret, key)| (hash(secret), key.clone()));
        let live = stored.chain(fixed).filter(|(_, key)| key.revoked_at.is_none());
        self.live.store(Arc::new(live.map(|(hash, key)| (hash, Arc::new(Caller::new(key)))).collect()));
        Ok(())
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("key", &self.key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("live", &self.live.load().len()).finish_non_exhaustive()
    }
}

/// A caller whose key was checked for the scope at hand.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub caller: Arc<Caller>,
    pub quotient: Quotient,
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The key of a call that may carry it in its address, its headers or its body: the first of these that has one.
pub(crate) fn find_key(
    in_address: Option<String>,
    headers: &HeaderMap,
    in_body: impl FnOnce() -> Option<String>,
) -> Option<String> {
    in_address.or_else(|| key_in_headers(headers)).or_else(in_body)
}

/// The key in the headers: Bearer, Basic (the key is the user name) or `X-Write-Key`.
fn key_in_headers(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-write-key").and_then(|value| value.to_str().ok()) {
        // Jitsu's form is `key:secret`; ours is one piece.
        return Some(key.split(':').next().unwrap_or(key).to_owned());
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let user = decoded.split(':').next().unwrap_or_default();
    (!user.is_empty()).then(|| user.to_owned())
}

/// A handler with this argument needs the scope `decide`.
pub(crate) struct MayDecide(pub(crate) Admitted);

/// A handler with this argument needs the scope `read`.
pub(crate) struct MayRead;

/// A handler with this argument needs the scope `admin`.
pub(crate) struct MayAdmin(pub(crate) Admitted);

impl FromRequestParts<App> for MayDecide {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admitted(parts, &app.keys, Scope::Decide).map(Self)
    }
}

impl FromRequestParts<App> for MayRead {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admitted(parts, &app.keys, Scope::Read).map(|_| Self)
    }
}

impl FromRequestParts<App> for MayAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        admitted(parts, &app.keys, Scope::Admin).map(Self)
    }
}

fn admitted(parts: &Parts, keys: &Keys, scope: Scope) -> Result<Admitted, Problem> {
    let secret = key_in_headers(&parts.headers).ok_or_else(Problem::key_missing)?;
    let admitted = keys.admit(&secret, scope, &parts.headers)?;
    if let Some(rate) = parts.extensions.get::<RateCell>() {
        rate.fill(admitted.quotient);
    }
    Ok(admitted)
}
