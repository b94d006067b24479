//! What `/debug/mp/collect` answers: would these events count, and what is wrong with those that would not.
//!
//! Invariant: an empty answer means that [`read`](super::read) takes every event. It also names what Google
//! refuses and we take, since shops send the same bodies to both. Nothing is stored.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Sender;

use crate::bad_row::{BadReason, BadRow, shown};
use crate::object::{Envelope, Object};
use crate::request::Body;
use crate::{Batch, Limits, Received, Refusal};

/// Google's published limits on names and their number.
const MAX_NAME_CHARACTERS: usize = 40;
const MAX_PARAMETERS: usize = 25;
const RESERVED_PREFIXES: [&str; 4] = ["_", "firebase_", "ga_", "google_"];
/// Names that Google's own software sends.
const RESERVED_NAMES: [&str; 10] = [
    "app_remove",
    "app_store_refund",
    "app_update",
    "error",
    "first_open",
    "first_visit",
    "in_app_purchase",
    "os_update",
    "session_start",
    "user_engagement",
];

/// The answer, in the shape that Google's has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    pub validation_messages: Vec<ValidationMessage>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationMessage {
    pub field_path: String,
    pub description: String,
    pub validation_code: ValidationCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ValidationCode {
    ValueInvalid,
    ValueRequired,
    NameInvalid,
    NameReserved,
    NameDuplicated,
    ValueOutOfBounds,
    ExceededMaxEntities,
}

/// Checks a body that is unpacked already.
pub fn validate(body: &[u8], received: &Received, limits: &Limits) -> Validation {
    let validation_messages = match super::read(body, received, limits) {
        Ok(batch) => messages(&batch, body, received, limits).unwrap_or_default(),
        Err(refusal) => vec![of_refusal(&refusal)],
    };
    Validation { validation_messages }
}

fn messages(batch: &Batch, body: &[u8], received: &Received, limits: &Limits) -> Option<Vec<ValidationMessage>> {
    let body = Body::open(body, limits.ga4_batch_bytes).ok()?;
    let envelope = super::envelope(&body).ok()?;
    let sender = Sender::read(&super::request(received, limits, &envelope.around));
    let mut messages = match &sender {
        // What is wrong beside the events is wrong with each of them, and said once.
        Err(fault) => {
            vec![message(fault.field.as_deref().unwrap_or_default(), code_of(fault.reason), fault.message.clone())]
        }
        Ok(_) => {
            let rows = batch.verdicts.iter().enumerate();
            rows.filter_map(|(index, verdict)| Some(of_bad_row(verdict.as_ref().err()?, index))).collect()
        }
    };
    messages.extend(beyond_ours(&envelope, sender.is_ok()));
    Some(messages)
}

fn of_bad_row(row: &BadRow, index: usize) -> ValidationMessage {
    let field_path = match row.field.as_deref() {
        None => format!("events[{index}]"),
        Some(field) => format!("events[{index}].{field}"),
    };
    message(&field_path, code_of(row.reason), row.message.clone())
}

const fn code_of(reason: BadReason) -> ValidationCode {
    match reason {
        BadReason::MissingField | BadReason::NoVisitor => ValidationCode::ValueRequired,
        BadReason::Duplicate => ValidationCode::NameDuplicated,
        BadReason::InvalidNumber | BadReason::TooDeep => ValidationCode::ValueOutOfBounds,
        BadReason::TooLarge => ValidationCode::ExceededMaxEntities,
        _ => ValidationCode::ValueInvalid,
    }
}

fn of_refusal(refusal: &Refusal) -> ValidationMessage {
    let validation_code = match refusal {
        Refusal::WrongShape { .. } => ValidationCode::ValueRequired,
        refusal if refusal.is_too_large() => ValidationCode::ExceededMaxEntities,
        _ => ValidationCode::ValueInvalid,
    };
    ValidationMessage { field_path: "events".to_owned(), description: refusal.to_string(), validation_code }
}

/// What Google would refuse beyond what we do.
fn beyond_ours(envelope: &Envelope<'_>, has_sender: bool) -> Vec<ValidationMessage> {
    let mut messages = Vec::new();
    let has = |key: &str| envelope.around.peek(key).ok().flatten().is_some();
    if has_sender && !has("client_id") && !has("app_instance_id") {
        messages.push(message("client_id", ValidationCode::ValueRequired, "Google needs a client_id".to_owned()));
    }
    for (index, raw) in envelope.events.iter().flatten().enumerate() {
        messages.extend(check_event(raw, index));
    }
    messages
}

fn check_event(raw: &RawValue, index: usize) -> Vec<ValidationMessage> {
    let mut messages = Vec::new();
    let Ok(mut event) = Object::parse(raw.get()) else { return messages };
    if let Some(name) = event.describing_text("name") {
        messages.extend(check_name(&name, &format!("events[{index}].name")));
    }
    let parameters = event.describing_object("params");
    let path = format!("events[{index}].params");
    let count = parameters.iter().count();
    if count > MAX_PARAMETERS {
        let text = format!("the event has {count} parameters; Google takes {MAX_PARAMETERS}");
        messages.push(message(&path, ValidationCode::ExceededMaxEntities, text));
    }
    messages.extend(parameters.iter().filter_map(|(name, _)| check_name(name, &format!("{path}.{}", shown(name)))));
    messages
}

fn check_name(name: &str, path: &str) -> Option<ValidationMessage> {
    let is_word =
        name.starts_with(|c: char| c.is_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if RESERVED_NAMES.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        let text = format!("`{}` is a name that Google keeps for itself", shown(name));
        Some(message(path, ValidationCode::NameReserved, text))
    } else if !is_word || name.chars().count() > MAX_NAME_CHARACTERS {
        let text = format!(
            "`{}` must start with a letter and have only letters, digits and _, {MAX_NAME_CHARACTERS} at most",
            shown(name)
        );
        Some(message(path, ValidationCode::NameInvalid, text))
    } else {
        None
    }
}

fn message(field_path: &str, validation_code: ValidationCode, description: String) -> ValidationMessage {
    ValidationMessage { field_path: field_path.to_owned(), description, validation_code }
}
