//! `mercer.toml`: read once at start, checked, resolved into what the parts take.
//!
//! The commented default file is compiled in and is the source of all defaults. Unknown keys are refused with
//! the nearest known name, so that a slip of the finger never silently changes nothing.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use mercer_collect::Limits;
use mercer_engine::{EncoderOptions, ModelOptions};
use mercer_schema::Currency;
use mercer_search::Language;
use serde::Deserialize;

/// The file that documents every setting and gives its default.
pub(crate) const DEFAULT_FILE: &str = include_str!("../mercer.toml");

/// Settings as the parts want them.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub listen: SocketAddr,
    /// None: the address that is listened on.
    pub public_url: Option<String>,
    pub data_folder: PathBuf,
    pub shop_name: String,
    pub currency: Currency,
    pub language: Language,
    pub limits: Limits,
    pub deduplicate_days: u32,
    pub upload_bytes: u64,
    pub honour_gpc: bool,
    pub train: TrainSchedule,
    pub models: ModelOptions,
    pub placements_folder: Option<PathBuf>,
    pub log_level: String,
    pub log_format: LogFormat,
    pub otlp_endpoint: Option<String>,
}

/// When a serving Mercer trains by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrainSchedule {
    /// 0 never does.
    pub every_hours: u32,
    /// A run that is due waits until so many events, or so many orders, are new.
    pub min_new_events: u64,
    pub min_new_orders: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the settings file {path}: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{origin}: {message}")]
    Invalid { origin: String, message: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    server: RawServer,
    data: RawData,
    shop: RawShop,
    collect: RawCollect,
    import: RawImport,
    privacy: RawPrivacy,
    train: TrainSchedule,
    models: RawModels,
    search: RawSearch,
    placements: RawPlacements,
    log: RawLog,
    telemetry: RawTelemetry,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    listen: String,
    public_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawData {
    folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShop {
    name: String,
    currency: String,
    language: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCollect {
    event_bytes: usize,
    batch_bytes: usize,
    batch_events: usize,
    deduplicate_days: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImport {
    upload_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrivacy {
    honour_gpc: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModels {
    promote: bool,
    held_out_days: u32,
    shadow_percent: u32,
    stale_days: u32,
    canary_hours: u32,
    keep_versions: u32,
    vectors: PathBuf,
    transformer: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSearch {
    encoder: PathBuf,
    encoder_prompt: String,
    least_cosine: f32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlacements {
    folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    level: String,
    format: LogFormat,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTelemetry {
    otlp_endpoint: String,
}

impl Config {
    /// The defaults, over them the file if there is one, over it the environment.
    pub(crate) fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Self, ConfigError> {
        let mut table = parse("the compiled-in defaults", DEFAULT_FILE)?;
        let mut origin = "the settings".to_owned();
        if let Some(path) = file {
            origin = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
            overlay(&mut table, parse(&origin, &text)?);
        }
        overlay_environment(&mut table, environment)?;
        let invalid = |message: String| ConfigError::Invalid { origin: origin.clone(), message };
        let raw = Raw::deserialize(table).map_err(|error| invalid(with_nearest_name(&error.to_string())))?;
        raw.resolve().map_err(invalid)
    }
}

impl Config {
    /// How the shop's pages and people reach Mercer.
    pub(crate) fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| address_for(self.listen))
    }
}

/// The address at which what listens here is reached on the same machine.
pub(crate) fn address_for(listening: SocketAddr) -> String {
    let port = listening.port();
    match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("http://127.0.0.1:{port}"),
        IpAddr::V6(ip) if ip.is_unspecified() => format!("http://[::1]:{port}"),
        _ => format!("http://{listening}"),
    }
}

impl Raw {
    fn resolve(self) -> Result<Config, String> {
        let listen = self.server.listen.parse().map_err(|_| {
            format!("server.listen: `{}` is no address with a port such as 127.0.0.1:7878", self.server.listen)
        })?;
        let some_text = |text: String| (!text.is_empty()).then_some(text);
        let public_url = some_text(self.server.public_url.trim_end_matches('/').to_owned());
        if let Some(url) =
            public_url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            return Err(format!("server.public_url: `{url}` must start with http:// or https://"));
        }
        let currency = Currency::parse(&self.shop.currency).map_err(|error| format!("shop.currency: {error}"))?;
        let language = Language::parse(&self.shop.language).ok_or_else(|| {
            let known = Language::ALL.map(Language::letters).join(", ");
            format!("shop.language: `{}` is none of {known}", self.shop.language)
        })?;
        Ok(Config {
            listen,
            public_url,
            data_folder: self.data.folder,
            shop_name: self.shop.name,
            currency,
            language,
            limits: Limits {
                event_bytes: self.collect.event_bytes,
                batch_bytes: self.collect.batch_bytes,
                batch_events: self.collect.batch_events,
                ..Limits::default()
            },
            deduplicate_days: self.collect.deduplicate_days,
            upload_bytes: self.import.upload_bytes,
            honour_gpc: self.privacy.honour_gpc,
            train: self.train,
            models: ModelOptions { encoder: self.search.resolve()?, ..self.models.resolve()? },
            placements_folder: (!self.placements.folder.as_os_str().is_empty()).then_some(self.placements.folder),
            log_level: self.log.level,
            log_format: self.log.format,
            otlp_endpoint: some_text(self.telemetry.otlp_endpoint),
        })
    }
}

impl RawSearch {
    fn resolve(self) -> Result<Option<EncoderOptions>, String> {
        if !(0.0..=1.0).contains(&self.least_cosine) {
            return Err(format!("search.least_cosine: {} is not from 0 to 1", self.least_cosine));
        }
        let Self { encoder: folder, encoder_prompt: prompt, least_cosine } = self;
        let is_named = !folder.as_os_str().is_empty();
        Ok(is_named.then_some(EncoderOptions { folder, prompt, least_cosine }))
    }
}

impl RawModels {
    fn resolve(self) -> Result<ModelOptions, String> {
        if self.shadow_percent > 100 {
            return Err(format!("models.shadow_percent: {} is more than 100", self.shadow_percent));
        }
        if self.held_out_days == 0 {
            return Err("models.held_out_days: at least one day is needed to compare on".into());
        }
        Ok(ModelOptions {
            promote: self.promote,
            held_out_days: self.held_out_days,
            shadow_share: f64::from(self.shadow_percent) / 100.0,
            stale_days: self.stale_days,
            canary_hours: self.canary_hours,
            keep_versions: self.keep_versions,
            vectors: (!self.vectors.as_os_str().is_empty()).then_some(self.vectors),
            transformer: self.transformer,
            encoder: None,
        })
    }
}

fn parse(origin: &str, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Invalid {
        origin: origin.to_owned(),
        message: error.to_string(),
    })
}

fn overlay(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => overlay(inner, value),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// `MERCER_SERVER_LISTEN` sets `server.listen`, in the type that the default has.
fn overlay_environment(table: &mut toml::Table, environment: &[(String, String)]) -> Result<(), ConfigError> {
    for (section, keys) in table.iter_mut() {
        let Some(keys) = keys.as_table_mut() else { continue };
        for (key, value) in keys.iter_mut() {
            let name = format!("MERCER_{}_{}", section.to_uppercase(), key.to_uppercase());
            let Some((_, given)) = environment.iter().find(|(known, _)| *known == name) else { continue };
            let wrong = |_| ConfigError::Invalid {
                origin: name.clone(),
                message: format!("`{given}` does not fit; an example is `{value}`"),
            };
            *value = match value {
                toml::Value::Integer(_) => toml::Value::Integer(
                    given.parse().map_err(|error: std::num::ParseIntError| wrong(error.to_string()))?,
                ),
                toml::Value::Boolean(_) => toml::Value::Boolean(
                    given.parse().map_err(|error: std::str::ParseBoolError| wrong(error.to_string()))?,
                ),
                _ => toml::Value::String(given.clone()),
            };
        }
    }
    Ok(())
}

/// Adds "did you mean" to serde's message about an unknown field.
fn with_nearest_name(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next().filter(|_| message.starts_with("unknown field")) else {
        return message.to_owned();
    };
    let nearest = quoted.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)));
    match nearest {
        Some(nearest) => format!("{}; did you mean `{nearest}`?", message.trim_end()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    proptest! {
        /// A settings file that somebody mistyped, and an environment of any kind: an answer that says where.
        #[test]
        fn settings_with_things_done_to_them(
            damage in prop::collection::vec((any::<Index>(), 0_usize..12, prop_oneof![
                select(vec!["[", "]", "=", "\"", "\n", "-1", "99999999999999999999", "true", "[server]\n", "listen = 1\n", "[[data]]\n", "'''"]).prop_map(str::to_owned),
                ".{0,6}",
            ]), 0..5),
            value in ".{0,20}",
        ) {
            let mut letters: Vec<char> = DEFAULT_FILE.chars().collect();
            for (at, cut, inserted) in damage.iter() {
                if letters.is_empty() {
                    break;
                }
                let at = at.index(letters.len());
                let end = (at + cut).min(letters.len());
                letters.splice(at..end, inserted.chars());
            }
            if let Err(error) = load(&letters.into_iter().collect::<String>()) {
                prop_assert!(error.to_string().contains("mercer.toml"), "{error}");
            }
            for name in ["MERCER_SERVER_LISTEN", "MERCER_COLLECT_EVENT_BYTES", "MERCER_PRIVACY_HONOUR_GPC", "MERCER_LOG_FORMAT", "MERCER_SHOP_CURRENCY"] {
                let _ = Config::load(None, &[(name.to_owned(), value.clone())]);
            }
            let _ = load(&value);
        }
    }

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mercer.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path), &[])
    }

    #[test]
    fn the_default_file_is_valid_and_complete() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.listen.port(), 7878);
        assert_eq!(config.limits.batch_events, 2500);
        assert_eq!(config.models, ModelOptions::default());
    }

    #[test]
    fn a_slip_of_the_finger_is_named() {
        let error = load("[server]\nlisen = \"127.0.0.1:1\"\n").unwrap_err().to_string();
        assert!(error.contains("did you mean `listen`"), "{error}");
        assert!(load("[server]\nlisten = \"here\"\n").unwrap_err().to_string().contains("server.listen"));
        assert!(load("[models]\nshadow_percent = 101\n").unwrap_err().to_string().contains("models.shadow_percent"));
        assert!(load("[models]\nheld_out_days = 0\n").unwrap_err().to_string().contains("models.held_out_days"));
        assert!(load("[search]\nleast_cosine = 1.5\n").unwrap_err().to_string().contains("search.least_cosine"));
        assert!(load("[shop]\ncurrency = \"euros\"\n").unwrap_err().to_string().contains("shop.currency"));
        let unknown = load("[shop]\nlanguage = \"english\"\n").unwrap_err().to_string();
        assert!(unknown.contains("shop.language: `english` is none of en, de,"), "{unknown}");
        assert_eq!(load("[shop]\nlanguage = \"de-AT\"\n").unwrap().language, Language::German);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let environment = [("MERCER_TRAIN_EVERY_HOURS".to_owned(), "3".to_owned())];
        assert_eq!(Config::load(None, &environment).unwrap().train.every_hours, 3);
        let wrong = [("MERCER_TRAIN_EVERY_HOURS".to_owned(), "often".to_owned())];
        assert!(Config::load(None, &wrong).unwrap_err().to_string().contains("MERCER_TRAIN_EVERY_HOURS"));
    }
}
