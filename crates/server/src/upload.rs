//! `POST /v1/import/{kind}`: a file read in while Mercer serves.
//!
//! The upload goes to a temporary file inside the data folder, within a limit of the settings, and is read from there by
//! the same loop as `mercer import`. Sending a file again changes nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header;
use mercer_collect::Received;
use mercer_collect::import::{self, Input, Kind, Mapping, Options, Report};
use mercer_schema::{Currency, SourceId};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use tokio_stream::StreamExt;
use utoipa::{IntoParams, ToSchema};

use crate::access::MayAdmin;
use crate::body::ApiQuery;
use crate::load::{LoadError, Loaded, Sink, load};
use crate::problem::Problem;
use crate::state::{App, now};

/// An upload of which nothing comes for so long is given up: others wait for its place.
const STALLED_AFTER: Duration = Duration::from_secs(60);
/// The source that imported things are logged under.
const SOURCE: &str = "import";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// `csv`, `tsv`, `jsonl`, `parquet` or `xml`; usually recognised.
    #[param(inline)]
    pub format: Option<FileFormat>,
    /// A built-in mapping's name, or the text of one of your own (TOML); usually chosen by the columns.
    #[param(min_length = 1, max_length = 32768)]
    pub mapping: Option<String>,
    /// ISO 4217: of amounts that name none, instead of the shop's.
    #[param(pattern = "^[A-Z]{3}$")]
    pub currency: Option<String>,
    /// Reads and checks everything, keeps nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileFormat {
    Csv,
    Tsv,
    Jsonl,
    Parquet,
    Xml,
}

/// What a file can hold.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportKind {
    Catalog,
    Orders,
    Events,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Rows by what became of them, warnings by kind, and `broken_off` when the file could not be read to its end.
    #[schema(value_type = Object)]
    pub report: Report,
    /// New or changed; none on a dry run.
    pub stored: usize,
    /// Known already.
    pub unchanged: usize,
    pub dry_run: bool,
}

/// Brings in a file of products, orders or events.
///
/// The body is the file itself: CSV, TSV, JSONL, JSON, Parquet, or a Google Merchant feed (XML, TSV) or Shopify CSV; text
/// may be packed with gzip. Rows that cannot be read are kept as bad rows and counted in the report; the rest is taken.
/// The answer comes when the file is read, which may take minutes.
#[utoipa::path(
    post, path = "/v1/import/{kind}", tag = "data",
    params(("kind" = inline(ImportKind), Path, description = "What the file holds"), ImportQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 200, description = "Read to its end, or to where the report says", body = Imported),
        (status = 400, description = "The file as a whole, its format or its mapping", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No key", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The key may not do that", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Other imports are under way", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Larger than `import.upload_bytes`", body = Problem, content_type = "application/problem+json"),
    ),
    security(("key" = []))
)]
pub(crate) async fn import(
    _caller: MayAdmin,
    State(app): State<App>,
    kind: Path<String>,
    ApiQuery(query): ApiQuery<ImportQuery>,
    request: Request,
) -> Result<Json<Imported>, Problem> {
    let kind: Kind = kind.parse().map_err(|error: String| Problem::invalid(Some("kind".into()), error))?;
    let options = options(&app, &query)?;
    let permit = Arc::clone(&app.stores.imports).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::already_running("Other imports are"))?;
    let file = spool(&app, request).await?;
    let read = tokio::task::spawn_blocking(move || {
        let _held_until_read = permit;
        tokio::runtime::Handle::current().block_on(read(&app, kind, &file, options, query.dry_run))
    });
    let Loaded { report, stored, unchanged } = read.await.map_err(|error| Problem::internal(&error))??;
    Ok(Json(Imported { report, stored, unchanged, dry_run: query.dry_run }))
}

async fn read(
    app: &App,
    kind: Kind,
    file: &NamedTempFile,
    options: Options,
    is_dry_run: bool,
) -> Result<Loaded, Problem> {
    let input = Input::open(file.path()).map_err(LoadError::from)?;
    let engine = (!is_dry_run).then_some(&*app.engine);
    Ok(load(kind, input, options, &Sink { engine, progress: &|_| {}, shift_micros: 0 }).await?)
}

fn options(app: &App, query: &ImportQuery) -> Result<Options, Problem> {
    let currency = match &query.currency {
        Some(text) => {
            Currency::parse(text).map_err(|error| Problem::invalid(Some("currency".into()), error.to_string()))?
        }
        None => app.settings.currency,
    };
    let format = query.format.map(|format| match format {
        FileFormat::Csv => import::Format::Csv,
        FileFormat::Tsv => import::Format::Tsv,
        FileFormat::Jsonl => import::Format::Jsonl,
        FileFormat::Parquet => import::Format::Parquet,
        FileFormat::Xml => import::Format::Xml,
    });
    let mapping = query.mapping.as_deref().map(mapping).transpose();
    let mapping = mapping.map_err(|error| Problem::invalid(Some("mapping".into()), error.to_string()))?;
    let received = Received::new(SourceId::trusted(SOURCE), now(), currency);
    Ok(Options { format, mapping, limits: app.settings.limits.clone(), ..Options::new(received) })
}

/// A name or a text, never a path: a caller must not read the server's files.
fn mapping(text: &str) -> Result<Mapping, import::Error> {
    if text.contains('=') { Mapping::from_toml("your own", text) } else { Mapping::built_in(text) }
}

/// Writes the body to a temporary file, which goes away with the handle.
async fn spool(app: &App, request: Request) -> Result<NamedTempFile, Problem> {
    let most = app.settings.upload_bytes;
    let too_large = || {
        Problem::too_large(format!("The file has more than {most} bytes; split it, or raise `import.upload_bytes`."))
    };
    let announced =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > most) {
        return Err(too_large());
    }
    let file = tempfile::Builder::new().prefix("upload-").tempfile_in(app.stores.scratch())?;
    let mut out = tokio::fs::File::from_std(file.reopen()?);
    let (mut chunks, mut written) = (request.into_body().into_data_stream(), 0_u64);
    loop {
        let next = tokio::time::timeout(STALLED_AFTER, chunks.next()).await;
        let next = next.map_err(|_| Problem::invalid(None, "The upload stalled; nothing of it was kept."))?;
        let Some(chunk) = next else { break };
        let broken = |error: axum::Error| Problem::invalid(None, format!("The upload broke off: {error}"));
        let chunk = chunk.map_err(broken)?;
        written += chunk.len() as u64;
        if written > most {
            return Err(too_large());
        }
        out.write_all(&chunk).await?;
    }
    out.flush().await?;
    Ok(file)
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::File(import::Error::Read { source, .. }) => source.into(),
            LoadError::File(error) => Self::import_refused(error.to_string()),
            LoadError::Engine(error) => error.into(),
        }
    }
}
