//! What Mercer knows of one customer, for the shop's own pages and for the customer's questions.

use axum::Json;
use axum::extract::{Path, State};
use mercer_profile::Affinities;
use mercer_schema::{AnonymousId, CustomerId, Profile, Visitor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::MayRead;
use crate::problem::Problem;
use crate::state::{App, now};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerView {
    /// The id under which all devices of this person are tied together.
    pub person: String,
    pub profile: Profile,
    /// Shares of interest, highest first: `[["Candles", 0.4], ...]`.
    #[schema(value_type = Object)]
    pub affinities: Affinities,
}

/// A customer by the shop's id, or a visitor by anonymous id.
#[utoipa::path(
    get, path = "/v1/customers/{id}", tag = "customers",
    params(("id" = inline(CustomerId), Path, description = "A customer's id; else an anonymous id")),
    responses(
        (status = 200, description = "The profile", body = CustomerView),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nobody of this id is known", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn find(
    _caller: MayRead,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<CustomerView>, Problem> {
    view(&app, &id)?.map(Json).ok_or_else(|| Problem::not_found("such customer"))
}

/// The view that the API and the console share.
pub(crate) fn view(app: &App, id: &str) -> Result<Option<CustomerView>, Problem> {
    let invalid = |error: mercer_schema::IdError| Problem::invalid(Some("id".into()), error.to_string());
    let known = Visitor { customer_id: Some(CustomerId::parse(id).map_err(invalid)?), anonymous_id: None };
    let anonymous = Visitor { customer_id: None, anonymous_id: Some(AnonymousId::parse(id).map_err(invalid)?) };
    let snapshot = app.engine.snapshot();
    let world = &snapshot.world;
    let profile = world.profiles.view(&known).or_else(|| world.profiles.view(&anonymous));
    Ok(profile.map(|profile| {
        let product = |id: &mercer_schema::ProductId| world.catalog.get(id).map(AsRef::as_ref);
        let affinities = mercer_profile::affinities(&profile, product, now());
        let person = profile.customer_id.as_ref().map_or(id, |customer| customer.as_str()).to_owned();
        CustomerView { person, profile, affinities }
    }))
}
