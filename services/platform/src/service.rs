//! What a service is to the process that runs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::RoutesBuilder;

use crate::clock::Clock;
use crate::database::Database;
use crate::messaging;
use crate::paging::Tokens;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

/// What a service is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its own database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// Page and resume tokens.
    pub tokens: Tokens,
    /// Wakes the relay of this process after a commit with events; a missed signal costs one poll.
    pub outbox_signal: Arc<Notify>,
    /// The end of the process.
    pub shutdown: Shutdown,
    /// Where the service counts what only it knows.
    pub metrics: Metrics,
    settings: Arc<BTreeMap<String, String>>,
}

impl Context {
    /// With the settings of the service's own.
    pub(crate) fn new(
        database: Database,
        clock: Clock,
        tokens: Tokens,
        shutdown: Shutdown,
        metrics: Metrics,
        settings: BTreeMap<String, String>,
    ) -> Self {
        let outbox_signal = database.outbox_signal();
        Self {
            database,
            clock,
            tokens,
            outbox_signal,
            shutdown,
            metrics,
            settings: Arc::new(settings),
        }
    }

    /// A setting of the service's own, given as `--setting name=value` or in `HANDSLAG_SETTINGS`.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }
}

/// Work that goes on beside the calls: takes no input, is idempotent, ends soon after
/// [`Shutdown::stopping`].
pub struct BackgroundTask {
    /// What the log calls it.
    pub name: &'static str,
    /// The work. If it ends before the process stops, the process comes down.
    pub run: Box<dyn FnOnce(Shutdown) -> BoxFuture<'static, anyhow::Result<()>> + Send>,
}

impl BackgroundTask {
    /// From an async closure or function.
    pub fn new<F, Fut>(name: &'static str, run: F) -> Self
    where
        F: FnOnce(Shutdown) -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self {
            name,
            run: Box::new(move |shutdown| Box::pin(run(shutdown))),
        }
    }
}

impl std::fmt::Debug for BackgroundTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BackgroundTask({})", self.name)
    }
}

/// One of the four services.
pub trait Service: Send + Sync + Sized + 'static {
    /// The name in routing keys, metrics and logs: `registry`.
    const NAME: &'static str;

    /// The service's own migrations, numbered from 100.
    fn migrations() -> &'static Migrator;

    /// Makes the service.
    fn new(context: Context) -> Self;

    /// Adds its gRPC services.
    fn routes(self: Arc<Self>, routes: &mut RoutesBuilder);

    /// What it hears from the other services.
    fn consumers(self: Arc<Self>) -> Vec<messaging::Consumer>;

    /// What goes on beside the calls.
    fn tasks(self: Arc<Self>) -> Vec<BackgroundTask> {
        Vec::new()
    }
}
