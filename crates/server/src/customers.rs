//! What Mercer knows of one customer, for the shop's own pages and for the customer's questions.

use axum::Json;
use axum::extract::{Path, State};
use mercer_profile::Affinities;
use mercer_schema::{
    Activity, AnonymousId, Channel, Context, CustomerId, Event, MessageId, Preferences, Profile, Properties, Visitor,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{MayAdmin, MayRead};
use crate::body::{ApiJson, ApiPath};
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

/// How a customer wants to be served, in their own words: 1 where they said nothing.
#[utoipa::path(
    get, path = "/v1/customers/{id}/preferences", tag = "customers",
    params(("id" = inline(CustomerId), Path, description = "A customer's id; else an anonymous id")),
    responses(
        (status = 200, description = "What they said", body = Preferences),
        (status = 400, description = "No id", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not read", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Nobody of this id is known", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn preferences(
    _caller: MayRead,
    State(app): State<App>,
    ApiPath(id): ApiPath,
) -> Result<Json<Preferences>, Problem> {
    let view = view(&app, &id)?.ok_or_else(|| Problem::not_found("such customer"))?;
    Ok(Json(view.profile.preferences.unwrap_or_default()))
}

/// Says for a customer how they want to be served, in the place of what they said before: kept with their profile, in force with
/// the next search. From a page of the shop, send the event `Search Preference Updated` instead.
#[utoipa::path(
    put, path = "/v1/customers/{id}/preferences", tag = "customers",
    params(("id" = inline(CustomerId), Path, description = "A customer's id; else an anonymous id that is known")),
    request_body = Preferences,
    responses(
        (status = 200, description = "In force", body = Preferences),
        (status = 400, description = "No id, or a value out of its bounds", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "No JSON", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn save_preferences(
    MayAdmin(admitted): MayAdmin,
    State(app): State<App>,
    ApiPath(id): ApiPath,
    ApiJson(preferences): ApiJson<Preferences>,
) -> Result<Json<Preferences>, Problem> {
    if let Some((field, detail)) = preferences.fault() {
        return Err(Problem::invalid(Some(field.into()), detail));
    }
    let now = now();
    let event = Event {
        message_id: MessageId::trusted(uuid::Uuid::now_v7().to_string()),
        source: admitted.caller.key.name.clone(),
        visitor: visitor(&app, &id)?,
        session: None,
        occurred_at: now,
        received_at: now,
        channel: Channel::Server,
        context: Context::default(),
        activity: Activity::Preferred(preferences),
        properties: Properties::default(),
    };
    app.engine.accept_events(vec![event], now).await?;
    Ok(Json(preferences))
}

/// Whom an id means: a visitor whose anonymous id it is, else a customer of the shop, known or not.
fn visitor(app: &App, id: &str) -> Result<Visitor, Problem> {
    let invalid = |error: mercer_schema::IdError| Problem::invalid(Some("id".into()), error.to_string());
    let customer = Visitor { customer_id: Some(CustomerId::parse(id).map_err(invalid)?), anonymous_id: None };
    let anonymous = Visitor { customer_id: None, anonymous_id: Some(AnonymousId::parse(id).map_err(invalid)?) };
    let profiles = &app.engine.snapshot().world.profiles;
    let is_device = profiles.view(&customer).is_none() && profiles.view(&anonymous).is_some();
    Ok(if is_device { anonymous } else { customer })
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
