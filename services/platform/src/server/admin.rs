//! The port for those who run the process: live, ready, metrics, the state of messaging, and health
//! for the kubelet, all in plaintext.
//!
//! # Design notes
//! `/live` answers as long as the process can answer at all; it looks at neither database nor
//! broker, since a restart repairs neither. A port of its own, so that a full API port does not
//! make the kubelet kill a busy process.
//!
//! `/status` is an [`Inspection`](crate::messaging::inspect::Inspection) in JSON: what `handslag doctor`
//! judges, so that nobody needs a database's or the broker's password to ask how it goes.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::messaging::Messaging;
use crate::readiness::Readiness;
use crate::server::health::Health;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

/// Probes and scrapers are few; more connections than these are somebody's mistake.
const CONNECTIONS_MOST: usize = 64;

/// What the admin port shows.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    pub(crate) messaging: Messaging,
    pub(crate) shutdown: Shutdown,
}

impl Admin {
    /// Serves until the tracked work is done, so that the end of a process can be watched.
    pub(crate) async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        let shutdown = self.shutdown.clone();
        let router = self.router();
        let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MOST));
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of file descriptors, or a connection that broke at once: the next may
                        // do.
                        tracing::warn!(%error, "a connection to the admin port was not accepted");
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = shutdown.drained() => return Ok(()),
            };
            let Ok(place) = std::sync::Arc::clone(&places).try_acquire_owned() else {
                continue;
            };
            let service = TowerToHyperService::new(router.clone());
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                let builder = auto::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    _ended = connection => {}
                    () = shutdown.drained() => {}
                }
                drop(place);
            });
        }
    }

    fn router(self) -> Router {
        let health = Routes::new(self.health.server()).into_axum_router();
        let pages = Router::new()
            .route("/live", get(|| async { "live\n" }))
            .route("/ready", get(ready))
            .route("/metrics", get(metrics))
            .route("/status", get(status))
            .with_state(self);
        health.merge(pages)
    }
}

async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    if admin.shutdown.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    let missing = admin.readiness.missing();
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for {}\n", missing.join(", ")),
        )
    }
}

async fn status(State(admin): State<Admin>) -> impl IntoResponse {
    let inspection = admin.messaging.inspect().await;
    let text = serde_json::to_vec(&inspection).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], text)
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    match admin.metrics.text() {
        Ok(text) => (
            StatusCode::OK,
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            text,
        ),
        Err(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the metrics cannot be written"
            );
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
                String::new(),
            )
        }
    }
}
