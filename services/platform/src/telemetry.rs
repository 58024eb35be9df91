//! Logs, traces and metrics of a process.
//!
//! # Design notes
//! Logs are JSON lines on standard error. Traces go out as OTLP over http/protobuf from the batch
//! processor's own thread with a blocking client: the gRPC exporter can deadlock on a pod with one
//! core. Metrics are kept per running service and not per process, since one process may run all
//! four.

pub mod metrics;
pub mod propagation;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The end of a process waits this long for the collector.
const FLUSH_TIME_MOST: Duration = Duration::from_secs(5);

/// A batch of traces that takes longer is given up, as the exporter would with a client of its own.
const SEND_TIME_MOST: Duration = Duration::from_secs(10);

/// What has to be flushed before the process ends.
#[derive(Debug)]
#[must_use = "traces that were not flushed are lost"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

/// Installs logs and traces for the whole process. `log` are tracing's directives; traces go to
/// `otlp_endpoint`, the collector's base address, if there is one.
///
/// # Errors
/// When the directives or the address cannot be read, or something is installed already.
pub fn install(
    service: &'static str,
    log: &str,
    otlp_endpoint: Option<&str>,
) -> anyhow::Result<Telemetry> {
    crate::server::install_tls_provider();
    let filter = EnvFilter::try_new(log).context("the log directives cannot be read")?;
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter);
    let traces = otlp_endpoint
        .map(|endpoint| tracer_provider(service, endpoint))
        .transpose()?;
    let spans = traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("handslag"))
            // Traces have a filter of their own: a quiet log must not cut them.
            .with_filter(LevelFilter::INFO)
            .boxed()
    });
    tracing_subscriber::registry()
        .with(spans)
        .with(lines)
        .try_init()
        .context("telemetry is installed already")?;
    Ok(Telemetry { traces })
}

fn tracer_provider(service: &'static str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_http_client(http_client()?)
        .build()
        .context("traces cannot be sent")?;
    let resource = Resource::builder()
        .with_service_name(format!("handslag-{service}"))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

/// The blocking client may not be made on a thread of the runtime.
fn http_client() -> anyhow::Result<reqwest::blocking::Client> {
    let build = || {
        let builder = crate::authorities::blocking_http_client()?;
        Ok(builder.timeout(SEND_TIME_MOST).build()?)
    };
    std::thread::spawn(build)
        .join()
        .unwrap_or_else(|_| anyhow::bail!("its thread ended"))
        .context("the client that sends traces cannot be made")
}

impl Telemetry {
    /// Sends what is left, for a bounded time. The SDK blocks while it does, so that this is no
    /// work for a thread of the runtime.
    pub async fn flush(self) {
        let Some(traces) = self.traces else { return };
        let flush =
            tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH_TIME_MOST));
        match tokio::time::timeout(FLUSH_TIME_MOST, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last traces were not sent"),
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(_) => tracing::warn!("the last traces were not sent in time"),
        }
    }
}
