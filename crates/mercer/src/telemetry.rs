//! Logs to standard error, traces to an OpenTelemetry collector when one is configured.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};
use crate::failure::Failure;

/// Ends the export of traces when dropped.
#[derive(Debug)]
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

/// Starts logging. Needs a running async runtime when traces are exported.
pub(crate) fn start(config: &Config) -> Result<Telemetry, Failure> {
    let wrong_level = |error: tracing_subscriber::filter::ParseError| {
        Failure::settings(format!("log.level: `{}` is no level or filter: {error}", config.log_level))
    };
    let filter = EnvFilter::builder().parse(&config.log_level).map_err(wrong_level)?;
    // Colours are for eyes: a file, a journal or a pipe gets the bare text.
    let is_colourful = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_colourful);
    let lines = match config.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let provider = config.otlp_endpoint.as_deref().map(exporter).transpose()?;
    let traces =
        provider.as_ref().map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("mercer")));
    // A second start in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(traces).with(lines.with_filter(filter)).try_init();
    Ok(Telemetry(provider))
}

fn exporter(endpoint: &str) -> Result<SdkTracerProvider, Failure> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| Failure::settings(format!("telemetry.otlp_endpoint: `{endpoint}`: {error}")))?;
    let resource = opentelemetry_sdk::Resource::builder().with_service_name("mercer").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // What cannot be sent any more is lost; there is nobody left to tell.
            let _ = provider.shutdown();
        }
    }
}
