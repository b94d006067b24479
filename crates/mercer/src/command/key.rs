//! `mercer key`: API keys made, listed and revoked, in the data folder of a stopped server or in a running one.
//!
//! A secret is printed once, when its key is made; only its hash is kept.

use std::num::NonZeroU32;
use std::sync::Arc;

use mercer_schema::SourceId;
use mercer_server::{ApiKey, Keys, NewKey, Scope, now};
use mercer_store::{DataFolder, Tables};
use serde::Deserialize;
use serde_json::json;

use crate::cli::{Key, KeyCommand, KeyScope, NewKeyArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::output;
use crate::remote::{Server, segment};

pub(crate) fn run(key: &Key, config: &Config, as_json: bool) -> Result<(), Failure> {
    let place = match Server::named(&key.remote)? {
        Some(server) => Place::Server(server),
        // A first key may be made before the first start; looking makes nothing.
        None if matches!(key.command, KeyCommand::Create(_)) => Place::of(DataFolder::open(&config.data_folder)?)?,
        None => Place::of(DataFolder::open_existing(&config.data_folder)?)?,
    };
    match &key.command {
        KeyCommand::Create(new) => {
            let (secret, made) = place.create(new_key(new)?)?;
            tell_secret(&secret, &made, as_json);
        }
        KeyCommand::List => tell_keys(&place.list()?, as_json),
        KeyCommand::Revoke { name } => {
            place.revoke(name)?;
            if as_json {
                output::json(&json!({ "revoked": name }));
            } else {
                output::line(format!("`{name}` is revoked"));
            }
        }
    }
    Ok(())
}

/// Where the keys are.
enum Place {
    /// The folder stays locked as long as the keys are held.
    Folder {
        keys: Keys,
        _lock: DataFolder,
    },
    Server(Server),
}

impl Place {
    fn of(folder: DataFolder) -> Result<Self, Failure> {
        let tables: Arc<dyn Tables> = Arc::new(folder.tables()?);
        let keys = Keys::load(tables, Vec::new())?;
        Ok(Self::Folder { keys, _lock: folder })
    }

    fn create(&self, new: NewKey) -> Result<(String, ApiKey), Failure> {
        match self {
            Self::Folder { keys, .. } => {
                let key = new.into_key(now()).map_err(|problem| Failure::usage(problem.detail()))?;
                Ok((keys.create(&key, rand::random())?, key))
            }
            Self::Server(server) => {
                #[derive(Deserialize)]
                struct Created {
                    secret: String,
                    key: ApiKey,
                }
                let created: Created = read(server.post("/v1/keys", Some(&json!(new)))?)?;
                Ok((created.secret, created.key))
            }
        }
    }

    fn list(&self) -> Result<Vec<ApiKey>, Failure> {
        match self {
            Self::Folder { keys, .. } => Ok(keys.list()?),
            Self::Server(server) => read(server.get("/v1/keys", &[])?["keys"].take()),
        }
    }

    fn revoke(&self, name: &str) -> Result<(), Failure> {
        match self {
            Self::Folder { keys, .. } if keys.revoke(name, now())? => Ok(()),
            Self::Folder { .. } => {
                Err(Failure::job(format!("there is no live key named `{name}`; see `mercer key list`")))
            }
            Self::Server(server) => server.delete(&format!("/v1/keys/{}", segment(name))),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: serde_json::Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| {
        Failure::job(format!("the server's answer is not understood ({error}); is it of this version?"))
    })
}

fn new_key(new: &NewKeyArgs) -> Result<NewKey, Failure> {
    Ok(NewKey {
        name: SourceId::parse(&new.name).map_err(|error| Failure::usage(format!("the name: {error}")))?,
        scopes: new.scopes.iter().copied().map(scope).collect(),
        origins: new.origins.clone(),
        requests_per_second: new.rate.and_then(NonZeroU32::new),
    })
}

const fn scope(scope: KeyScope) -> Scope {
    match scope {
        KeyScope::Write => Scope::Write,
        KeyScope::Decide => Scope::Decide,
        KeyScope::Read => Scope::Read,
        KeyScope::Admin => Scope::Admin,
    }
}

fn tell_secret(secret: &str, key: &ApiKey, as_json: bool) {
    if as_json {
        return output::json(&json!({ "secret": secret, "key": key }));
    }
    output::remark(format!("`{}` may {}. Its secret, shown only now:", key.name, scopes(key)));
    output::line(secret);
}

fn tell_keys(keys: &[ApiKey], as_json: bool) {
    if as_json {
        return output::json(&json!({ "keys": keys }));
    }
    if keys.is_empty() {
        return output::remark("there are no keys yet; `mercer key create NAME --scope write` makes one");
    }
    let width = keys.iter().map(|key| key.name.as_str().chars().count()).max().unwrap_or_default().max(4);
    output::line(format!("{:<width$}  {:<26}  {:<10}  {:<8}  origins", "name", "scopes", "made", "rate"));
    for key in keys {
        let made = key.created_at.to_string();
        let rate = key.requests_per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate}/s"));
        let fate = if key.revoked_at.is_some() { "REVOKED  " } else { "" };
        let origins = if key.origins.is_empty() { "all".to_owned() } else { key.origins.join(" ") };
        output::line(format!(
            "{:<width$}  {:<26}  {:<10}  {rate:<8}  {fate}{origins}",
            key.name,
            scopes(key),
            made.get(..10).unwrap_or(&made)
        ));
    }
}

fn scopes(key: &ApiKey) -> String {
    key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", ")
}
