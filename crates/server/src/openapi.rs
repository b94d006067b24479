//! The API's description at `/openapi.json` and a page to read and try it at `/docs/api/`.

use axum::Router;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use crate::problem::Problem;
use crate::state::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mercer",
        description = "Self-hosted personalization for shops: events and a catalog in, decisions out. Every error is \
                       `application/problem+json` with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&KeyScheme),
    tags(
        (name = "collect", description = "Send what happens"),
        (name = "decide", description = "Ask what to show"),
        (name = "catalog", description = "Read, find and change products"),
        (name = "customers", description = "What is known of a customer"),
        (name = "admin", description = "Placements, models, bad rows, keys"),
        (name = "operations", description = "Health and metrics"),
    ),
)]
pub(crate) struct Api;

struct KeyScheme;

impl Modify for KeyScheme {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key with the scope that the call needs: write, decide, read or admin."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

pub(crate) fn pages(document: Document) -> Router<App> {
    SwaggerUi::new("/docs/api").url("/openapi.json", document).into()
}
