//! The shop's pages and forms. A page tells Mercer what happened before it asks what to show, so that every
//! answer already knows of this click.

mod account;
mod basket;
mod category;
mod feedback;
mod home;
mod product;
mod search;
mod view_as;

use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::shop::Shop;
use super::trouble::Trouble;
use super::visitor::Visitor;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/", get(home::show))
        .route("/c/{category}", get(category::show))
        .route("/p/{id}", get(product::show))
        .route("/search", get(search::show))
        .route("/cart", get(basket::show))
        .route("/cart/add", post(basket::add))
        .route("/cart/set", post(basket::set))
        .route("/checkout", post(basket::check_out))
        .route("/order", get(basket::thank))
        .route("/dismiss", post(feedback::dismiss))
        .route("/dismiss/undo", post(feedback::undo))
        .route("/me", get(account::show))
        .route("/sign-in", get(account::choose).post(account::sign_in))
        .route("/sign-out", post(account::sign_out))
        .route("/personalization", post(account::switch))
        .route("/search-knows", post(account::let_search_know))
        .route("/reset", post(account::reset))
        .route("/view-as", get(view_as::start))
        .route("/view-as/stop", post(view_as::stop))
}

/// A page, with the cookies it sets. Browsers ask anew each time: the next page may know more.
fn page(template: &impl Template, visitor: &Visitor) -> Result<Response, Trouble> {
    page_with_status(StatusCode::OK, template, visitor)
}

fn page_with_status(status: StatusCode, template: &impl Template, visitor: &Visitor) -> Result<Response, Trouble> {
    let mut response = (status, Html(template.render()?)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    visitor.jar.write(response.headers_mut());
    Ok(response)
}

/// After a form: on to a page of the shop, with the cookies that the form set.
fn go_to(path: &str, visitor: &Visitor) -> Response {
    let location = HeaderValue::from_str(&own_path(path)).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    visitor.jar.write(response.headers_mut());
    response
}

/// The path if it is one of this shop, else the front page: a form must not send people elsewhere.
fn own_path(path: &str) -> String {
    let is_own = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if is_own && path.is_ascii() { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_stay_in_the_shop() {
        assert_eq!(own_path("/p/22423?x=1#row"), "/p/22423?x=1#row");
        for path in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "javascript:x"]
        {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
    }
}
