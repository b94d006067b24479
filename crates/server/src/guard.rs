//! What surrounds every request: security headers, the rate limit's headers, counting, planned failure.

use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::access::Quotient;
use crate::problem::Problem;

/// Nothing but our own files; no inline script or style, no frames, no plugins.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; \
     connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The API page is a well-known viewer that sets styles from script.
const API_PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Filled by the check of the key, read when the answer goes out.
#[derive(Clone, Default)]
pub(crate) struct RateCell(Arc<OnceLock<Quotient>>);

impl RateCell {
    pub(crate) fn fill(&self, quotient: Quotient) {
        // A request is checked once; a second check would say the same.
        let _ = self.0.set(quotient);
    }
}

/// The outermost layer.
pub(crate) async fn guard(mut request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let is_api_page = request.uri().path().starts_with("/docs/api");
    let route = request.extensions().get::<MatchedPath>().cloned();
    let rate = RateCell::default();
    request.extensions_mut().insert(rate.clone());
    let mut response = next.run(request).await;
    count(&method, route.as_ref(), response.status());
    let headers = response.headers_mut();
    let policy = if is_api_page { API_PAGE_POLICY } else { CONTENT_SECURITY_POLICY };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(Quotient { limit, remaining }) = rate.0.get() {
        let policy = format!("\"key\";q={limit};w=1");
        let state = format!("\"key\";r={remaining};t=1");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    response
}

/// The labels are few for good: routes as they are written, never as they are asked for, and known methods.
fn count(method: &Method, route: Option<&MatchedPath>, status: StatusCode) {
    let route = route.map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    };
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"].get(usize::from(status.as_u16() / 100)).copied();
    metrics::counter!("mercer_http_requests_total", "method" => method, "route" => route, "status" => class.unwrap_or("other"))
        .increment(1);
}

/// Pages of other origins may call the collectors and the decision API; each key says which pages may use it.
pub(crate) fn cross_origin() -> CorsLayer {
    let exposed = ["idempotency-replayed", "retry-after", "ratelimit", "ratelimit-policy"].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods(AllowMethods::list([Method::GET, Method::POST]))
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        .max_age(std::time::Duration::from_secs(86_400))
}

/// A panic is answered as an internal error; the log has its message.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn panicked(payload: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::internal(&format!("a handler panicked: {message}")).into_response()
}
