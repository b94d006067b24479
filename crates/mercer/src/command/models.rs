//! `mercer models`: versions listed, compared, promoted, taken back, tried and removed, in the data folder of a stopped server or in
//! a running one. Both tell the same: what the API answers.

pub(crate) mod print;

use std::sync::Arc;

use mercer_engine::{Audit, Engine};
use mercer_schema::ModelVersion;
use mercer_server::models::views;
use mercer_server::now;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{CanaryCommand, Models, ModelsCommand, Reason};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;
use crate::remote::{Server, segment};

pub(crate) fn run(models: &Models, config: &Config, as_json: bool) -> Result<(), Failure> {
    let place = match Server::named(&models.remote)? {
        Some(server) => Place::Server(server),
        None => Place::Folder(Box::new(Home::open_existing(config)?)),
    };
    let (told, print): (Value, fn(&Value)) = match &models.command {
        ModelsCommand::List => (place.list()?, print::list),
        ModelsCommand::Show { version } => (place.show(version)?, print::card),
        ModelsCommand::Training => (place.training()?, print::training),
        ModelsCommand::Changes => (place.changes()?, print::changes),
        ModelsCommand::Health => (place.health()?, print::health),
        ModelsCommand::Promote { version, reason } => (place.promote(version, reason)?, print::serves),
        ModelsCommand::Remove { version, reason } => (place.remove(version, reason)?, print::removed),
        ModelsCommand::Rollback { reason } => (place.roll_back(reason)?, print::serves),
        ModelsCommand::Canary { command: None } => (place.canary()?, print::canary),
        ModelsCommand::Canary { command: Some(CanaryCommand::Start { version, percent, reason }) } => {
            (place.start_canary(version, percent / 100.0, reason)?, print::canary)
        }
        ModelsCommand::Canary { command: Some(CanaryCommand::Stop { reason }) } => {
            (place.stop_canary(reason)?, print::stopped)
        }
    };
    if as_json {
        output::json(&told);
    } else {
        print(&told);
    }
    Ok(())
}

/// Who asks from the command line: whoever is logged in there.
pub(crate) fn audit(why: &str) -> Audit {
    let user = std::env::vars().find(|(name, _)| name == "USER" || name == "LOGNAME").map(|(_, user)| user);
    Audit::new(user.map_or_else(|| "command line".into(), |user| format!("{user} on the command line")), why)
}

/// Where the models are.
enum Place {
    Folder(Box<Home>),
    Server(Server),
}

impl Place {
    fn list(&self) -> Result<Value, Failure> {
        self.ask("/v1/models", |engine| Ok(as_value(&views::list(engine)?)))
    }

    fn show(&self, version: &str) -> Result<Value, Failure> {
        self.ask(&format!("/v1/models/{}", segment(version)), |engine| {
            let found = views::details(engine, &parsed(version)?)?;
            let unknown = || Failure::job(format!("there is no model version {version}; see `mercer models list`"));
            found.as_ref().map(as_value).ok_or_else(unknown)
        })
    }

    fn training(&self) -> Result<Value, Failure> {
        self.ask("/v1/models/training", |engine| Ok(as_value(&views::training(engine))))
    }

    fn changes(&self) -> Result<Value, Failure> {
        self.ask("/v1/models/changes", |engine| Ok(as_value(&views::changes(engine))))
    }

    fn canary(&self) -> Result<Value, Failure> {
        self.ask("/v1/models/canary", |engine| Ok(as_value(&views::canary(engine))))
    }

    /// A server looks every minute; in a folder somebody has to.
    fn health(&self) -> Result<Value, Failure> {
        self.ask("/v1/models/health", |engine| {
            super::runtime()?.block_on(engine.look_after_models(now()))?;
            Ok(as_value(&views::health(engine)))
        })
    }

    fn promote(&self, version: &str, reason: &Reason) -> Result<Value, Failure> {
        let path = format!("/v1/models/{}/promote", segment(version));
        self.change(&path, &json!({ "why": reason.why }), |engine| {
            super::runtime()?.block_on(engine.promote(&parsed(version)?, &audit(&reason.why), now()))?;
            Ok(())
        })?;
        Ok(json!({ "version": version }))
    }

    fn remove(&self, version: &str, reason: &Reason) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => {
                server.delete(&format!("/v1/models/{}?why={}", segment(version), segment(&reason.why)))?;
            }
            Self::Folder(home) => {
                let audit = audit(&reason.why);
                super::runtime()?.block_on(home.engine.remove_model(&parsed(version)?, &audit, now()))?;
            }
        }
        Ok(json!({ "version": version }))
    }

    fn roll_back(&self, reason: &Reason) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => server.post("/v1/models/rollback", Some(&json!({ "why": reason.why }))),
            Self::Folder(home) => {
                let back = super::runtime()?.block_on(home.engine.roll_back(&audit(&reason.why), now()))?;
                Ok(json!({ "version": back }))
            }
        }
    }

    fn start_canary(&self, version: &str, share: f64, reason: &Reason) -> Result<Value, Failure> {
        let body = json!({ "version": version, "share": share, "why": reason.why });
        self.change("/v1/models/canary", &body, |engine| {
            let audit = audit(&reason.why);
            super::runtime()?.block_on(engine.start_canary(&parsed(version)?, share, &audit, now()))?;
            Ok(())
        })?;
        self.canary()
    }

    fn stop_canary(&self, reason: &Reason) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => server.post("/v1/models/canary/stop", Some(&json!({ "why": reason.why }))),
            Self::Folder(home) => {
                let version = super::runtime()?.block_on(home.engine.stop_canary(&audit(&reason.why), now()))?;
                Ok(json!({ "version": version }))
            }
        }
    }

    fn ask(&self, path: &str, look: impl FnOnce(&Arc<Engine>) -> Result<Value, Failure>) -> Result<Value, Failure> {
        match self {
            Self::Server(server) => server.get(path, &[]),
            Self::Folder(home) => look(&home.engine),
        }
    }

    fn change(
        &self,
        path: &str,
        body: &Value,
        change: impl FnOnce(&Arc<Engine>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Server(server) => server.post(path, Some(body)).map(|_| ()),
            Self::Folder(home) => change(&home.engine),
        }
    }
}

fn parsed(version: &str) -> Result<ModelVersion, Failure> {
    ModelVersion::parse(version).map_err(|error| Failure::usage(format!("the version: {error}")))
}

fn as_value(told: &impl Serialize) -> Value {
    serde_json::to_value(told).unwrap_or_default()
}
