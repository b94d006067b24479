//! The API's description at `/openapi.json` and a page to read and try it at `/docs/api/`.

use axum::Router;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, Required, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use crate::idempotency;
use crate::problem::Problem;
use crate::router::UPLOADS;
use crate::state::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mercer",
        description = "Self-hosted personalization for shops: events and a catalog in, decisions out. Every error is \
                       `application/problem+json` with a stable `code`: see [all codes](/docs/errors).\n\nA request \
                       that changes something may carry an `Idempotency-Key`: sent again with the same key within 24 \
                       hours, it is not run again but gets the first one's answer.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&KeyScheme),
    tags(
        (name = "collect", description = "Send what happens"),
        (name = "decide", description = "Ask what to show"),
        (name = "search", description = "Ask what fits some words, and what to type next"),
        (name = "catalog", description = "Read, find and change products"),
        (name = "customers", description = "What is known of a customer"),
        (name = "models", description = "Train, compare, promote, go back"),
        (name = "admin", description = "Placements, bad rows, keys"),
        (name = "data", description = "Bring data in, take it away, back it up"),
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

/// Adds what holds for many calls: `Idempotency-Key`, and the answers that any call with a key may get.
pub(crate) fn completed(mut document: Document) -> Document {
    for (path, item) in &mut document.paths.paths {
        let reads = item.get.as_mut();
        let changes = [item.post.as_mut(), item.put.as_mut(), item.delete.as_mut()];
        let is_upload = path.starts_with(UPLOADS);
        for operation in changes.into_iter().flatten() {
            if !is_upload {
                add_idempotency(operation);
            }
            add_answers_to_keys(operation);
        }
        // What asks for no key says so by an empty requirement.
        if let Some(operation) = reads.filter(|operation| needs_key(operation)) {
            add_answers_to_keys(operation);
        }
    }
    document
}

fn needs_key(operation: &Operation) -> bool {
    let none = serde_json::json!([{}]);
    operation.security.as_ref().is_some_and(|security| serde_json::json!(security) != none)
}

fn add_idempotency(operation: &mut Operation) {
    let key = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .min_length(Some(1))
        .max_length(Some(idempotency::LONGEST_KEY))
        .pattern(Some("^[!-~]+$"))
        .build();
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Makes the request safe to repeat, for example a random UUID. Sent again with the same key and API key within \
             24 hours, it gets the very same answer, with `Idempotency-Replayed: true`. Answers are kept in memory; \
             5xx and 429 are not kept.",
        ))
        .schema(Some(key))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
    add_answer(operation, "409", "The first request with this Idempotency-Key is still running");
    add_answer(operation, "422", "The Idempotency-Key belongs to another request");
    add_answer(operation, "400", "A header or a field is wrong");
    add_answer(operation, "413", "Too large");
}

fn add_answers_to_keys(operation: &mut Operation) {
    add_answer(operation, "429", "Rate limit reached; try again after `Retry-After` seconds");
    add_answer(operation, "503", "Shutting down, or the disk is full or busy; try again");
}

/// A problem that the call does not describe itself.
fn add_answer(operation: &mut Operation, status: &str, description: &str) {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let answer = ResponseBuilder::new().description(description).content("application/problem+json", problem).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| answer.into());
}

pub(crate) fn pages(document: Document) -> Router<App> {
    SwaggerUi::new("/docs/api").url("/openapi.json", document).into()
}
