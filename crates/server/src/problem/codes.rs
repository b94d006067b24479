//! The stable error codes: for each its status, what it means and what to do about it.
//!
//! The one list from which problems are made and `/docs/errors` is written. A code never changes its meaning.

use axum::http::StatusCode;

/// Why a request was not answered as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    InvalidPlacement,
    ImportRefused,
    KeyMissing,
    KeyUnknown,
    ScopeMissing,
    OriginRefused,
    NotFound,
    NoSuchDecision,
    MethodNotAllowed,
    IdempotencyInProgress,
    AlreadyTraining,
    AlreadyRunning,
    NothingToLearn,
    ModelUnusable,
    WrongStage,
    TooLarge,
    UnsupportedMediaType,
    IdempotencyKeyReused,
    TooManyRequests,
    Internal,
    NotReady,
}

/// How many codes there are: [`Code::NotReady`] stays the last.
const COUNT: usize = Code::NotReady as usize + 1;

/// What is to be said of a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) status: StatusCode,
    /// As it stands in `code` and behind `/docs/errors#`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) happened: &'static str,
    pub(crate) remedy: &'static str,
}

impl Code {
    /// In the order of their statuses.
    pub(crate) const ALL: [Self; COUNT] = [
        Self::InvalidRequest,
        Self::InvalidPlacement,
        Self::ImportRefused,
        Self::KeyMissing,
        Self::KeyUnknown,
        Self::ScopeMissing,
        Self::OriginRefused,
        Self::NotFound,
        Self::NoSuchDecision,
        Self::MethodNotAllowed,
        Self::IdempotencyInProgress,
        Self::AlreadyTraining,
        Self::AlreadyRunning,
        Self::NothingToLearn,
        Self::ModelUnusable,
        Self::WrongStage,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::IdempotencyKeyReused,
        Self::TooManyRequests,
        Self::Internal,
        Self::NotReady,
    ];

    pub(crate) const fn entry(self) -> Entry {
        match self {
            Self::KeyMissing | Self::KeyUnknown | Self::ScopeMissing | Self::OriginRefused => self.about_keys(),
            Self::AlreadyTraining
            | Self::AlreadyRunning
            | Self::NothingToLearn
            | Self::ModelUnusable
            | Self::WrongStage => self.about_jobs(),
            Self::IdempotencyInProgress | Self::IdempotencyKeyReused => self.about_idempotency(),
            Self::TooManyRequests | Self::Internal | Self::NotReady => self.about_the_server(),
            _ => self.about_requests(),
        }
    }

    const fn about_requests(self) -> Entry {
        match self {
            Self::InvalidPlacement => entry(
                StatusCode::BAD_REQUEST,
                "invalid_placement",
                "Invalid placement",
                "A field or an expression of the placement is wrong; `field` names it. The placement in force stays.",
                "Mend what `detail` says. The console's form for placements checks while you type.",
            ),
            Self::ImportRefused => entry(
                StatusCode::BAD_REQUEST,
                "import_refused",
                "The file cannot be imported",
                "The file as a whole cannot be read: its format, its mapping or a column that is needed. Nothing was kept.",
                "Name the format or the mapping, or write a mapping of your own. `dry_run=true` tries it without keeping anything.",
            ),
            Self::NotFound => entry(
                StatusCode::NOT_FOUND,
                "not_found",
                "Not found",
                "There is no such page, call or thing; `detail` says what was looked for.",
                "Check the address and the id. Ids in a path are percent-encoded.",
            ),
            Self::NoSuchDecision => entry(
                StatusCode::NOT_FOUND,
                "no_such_decision",
                "No such decision",
                "The log holds no decision of this id. Dry runs, previews and answers as of another time are not logged.",
                "Use the `decision_id` of an answer that was not a dry run. It is in the log a moment after the answer.",
            ),
            Self::MethodNotAllowed => entry(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                "The path exists, but not with this method. `Allow` lists the methods that it takes.",
                "Look the call up on the API pages.",
            ),
            Self::TooLarge => entry(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "Too large",
                "The body, or the number of things in it, is beyond the limit that `detail` names. Nothing was kept.",
                "Send smaller batches. Limits of the collectors and of uploads stand in the settings.",
            ),
            Self::UnsupportedMediaType => entry(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Unsupported media type",
                "The body is not of a kind that this call reads.",
                "Send JSON with `Content-Type: application/json`.",
            ),
            _ => entry(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Invalid request",
                "A field, a parameter or the body is not what this call takes; `field` names it where one is at fault. Nothing was kept.",
                "Mend what `detail` says and send it again. The same request would fail again.",
            ),
        }
    }

    const fn about_keys(self) -> Entry {
        match self {
            Self::KeyUnknown => entry(
                StatusCode::UNAUTHORIZED,
                "key_unknown",
                "Unknown API key",
                "This API key does not exist or was revoked.",
                "Check for a cut-off key. New keys are made in the console under Settings, or with `mercer key create`.",
            ),
            Self::ScopeMissing => entry(
                StatusCode::FORBIDDEN,
                "scope_missing",
                "Scope missing",
                "The key is valid, but may not do that; `detail` names the scope that is needed.",
                "Use a key with that scope. Scopes of a key never change: make a new key and revoke the old one.",
            ),
            Self::OriginRefused => entry(
                StatusCode::FORBIDDEN,
                "origin_refused",
                "Origin not allowed",
                "The request comes from a web page whose origin is not in the key's list.",
                "Make a key that lists the origin, with scheme and port: `https://shop.example`.",
            ),
            _ => entry(
                StatusCode::UNAUTHORIZED,
                "key_missing",
                "No API key",
                "The request carries no API key.",
                "Send `Authorization: Bearer KEY`, Basic with the key as user name, or `X-Write-Key`.",
            ),
        }
    }

    const fn about_jobs(self) -> Entry {
        match self {
            Self::AlreadyTraining => entry(
                StatusCode::CONFLICT,
                "already_training",
                "Already training",
                "A training run is under way; there is one at a time.",
                "Wait for it to end; `GET /v1/models/training` shows how far it is.",
            ),
            Self::AlreadyRunning => entry(
                StatusCode::CONFLICT,
                "already_running",
                "Already running",
                "A backup, or as many imports as may run at a time, are under way.",
                "Wait for them to end and ask again.",
            ),
            Self::WrongStage => entry(
                StatusCode::CONFLICT,
                "wrong_stage",
                "Not at this stage",
                "The change does not fit what is going on with the models: a canary runs already or none does, the version is the champion already, there is no earlier one, or what is to be removed is needed.",
                "See `GET /v1/models` and `GET /v1/models/canary` for what is going on.",
            ),
            Self::NothingToLearn => entry(
                StatusCode::CONFLICT,
                "nothing_to_learn",
                "Nothing to learn from",
                "The log holds neither orders nor product views, so there is nothing to learn from.",
                "Import orders, or connect your site, then train.",
            ),
            _ => entry(
                StatusCode::CONFLICT,
                "model_unusable",
                "Model unusable",
                "The model version is not in the registry, was removed from it or cannot be loaded. The champion keeps serving.",
                "Choose a version that `GET /v1/models` lists; `mercer doctor` checks their files.",
            ),
        }
    }

    const fn about_idempotency(self) -> Entry {
        match self {
            Self::IdempotencyInProgress => entry(
                StatusCode::CONFLICT,
                "idempotency_in_progress",
                "Still running",
                "The first request with this `Idempotency-Key` is still running.",
                "Send the same request again after `Retry-After` seconds: it gets the first one's answer.",
            ),
            _ => entry(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "Idempotency key reused",
                "This `Idempotency-Key` belongs to another request: method, path, query or body differ. Nothing was done.",
                "Make a new key for every new request, for example a random UUID; reuse it only to repeat that request.",
            ),
        }
    }

    const fn about_the_server(self) -> Entry {
        match self {
            Self::TooManyRequests => entry(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Rate limit reached",
                "This key has used up its requests for the moment. Nothing was done.",
                "Wait `Retry-After` seconds. The `RateLimit` header says how much is left.",
            ),
            Self::NotReady => entry(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_ready",
                "Not ready",
                "Mercer is shutting down, or its disk is full or busy; `detail` says which. Nothing was acknowledged.",
                "Send the request again after `Retry-After` seconds. A full disk needs room; then it goes on by itself.",
            ),
            _ => entry(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Internal error",
                "Mercer failed. Nothing of this request was acknowledged.",
                "The server's log says why. Please report it.",
            ),
        }
    }
}

const fn entry(
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    happened: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry { status, name, title, happened, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_entry_of_its_own() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.entry().name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COUNT, "a code is missing from the list, or two share an entry");
        for code in Code::ALL {
            let entry = code.entry();
            let as_name: String = format!("{code:?}")
                .char_indices()
                .map(|(at, letter)| match letter.is_uppercase() && at > 0 {
                    true => format!("_{}", letter.to_lowercase()),
                    false => letter.to_lowercase().to_string(),
                })
                .collect();
            assert_eq!(entry.name, as_name, "the entry of another code");
            assert!(!entry.happened.is_empty() && !entry.remedy.is_empty());
        }
    }

    #[test]
    fn the_list_is_in_the_order_of_statuses() {
        assert!(Code::ALL.iter().map(|code| code.entry().status.as_u16()).is_sorted());
    }
}
