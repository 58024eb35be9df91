//! Puts the parts of a running service together, watches them, and ends them in order.

mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::task::TaskTracker;
use tonic::service::{Routes, RoutesBuilder};

use crate::auth::keys::{Keys, Source};
use crate::auth::rules::Rules;
use crate::auth::token::Verifier;
use crate::clock::Clock;
use crate::config::{AccessConfig, Config};
use crate::database::{Database, migrations};
use crate::files::Mounted;
use crate::id;
use crate::messaging;
use crate::paging::{KEY_BYTES_LEAST, Tokens};
use crate::readiness::Readiness;
use crate::run::Running;
use crate::server::{self, Admin, Door, DoorSettings, Health};
use crate::service::{Context, Service};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;
use crate::tls::ServerTls;

/// After the tracked work is done, relay and background tasks get this long to flush and let go; so
/// does the work itself when a part has failed.
const FLUSH_TIME_MOST: Duration = Duration::from_secs(5);

type Parts = JoinSet<(&'static str, anyhow::Result<()>)>;

pub(super) async fn start<S: Service>(config: Config, clock: Clock) -> anyhow::Result<Running> {
    // What is wrong with the configuration is said before anything is waited for.
    config.broker.uri()?;
    config.broker.trust()?;
    let files = Files {
        database: Mounted::new(config.database.files()),
        token_key: Mounted::new(config.token_key_file.clone()),
    };
    let tokens = tokens(&config)?;
    let tls = ServerTls::new(&config.tls, Clock::system())?;
    let database = connect::<S>(&config).await?;
    let shutdown = Shutdown::new();
    let metrics = Metrics::new(S::NAME)?;
    let context = Context::new(
        database.clone(),
        clock.clone(),
        tokens.clone(),
        shutdown.clone(),
        metrics.clone(),
        config.settings(),
    );
    let service = Arc::new(S::new(context));
    let process = Process {
        api: server::listen(config.grpc_address).context("the API port is taken")?,
        admin: TcpListener::bind(config.admin_address)
            .await
            .context("the admin port is taken")?,
        database: database.clone(),
        clock,
        shutdown: shutdown.clone(),
        readiness: Readiness::new(),
        metrics,
        files,
        tokens,
        tls,
        config,
    };
    let grpc_address = process.api.local_addr()?;
    let admin_address = process.admin.local_addr()?;
    let process = tokio::spawn(process.assemble(service).await?);
    Ok(Running {
        grpc_address,
        admin_address,
        database,
        shutdown,
        process,
    })
}

/// What the parts of a running service share while they are put together.
struct Process {
    config: Config,
    files: Files,
    tokens: Tokens,
    tls: Option<ServerTls>,
    database: Database,
    clock: Clock,
    shutdown: Shutdown,
    readiness: Readiness,
    metrics: Metrics,
    api: TcpListener,
    admin: TcpListener,
}

/// Files that may be exchanged while the process runs.
struct Files {
    database: Mounted,
    token_key: Mounted,
}

impl Process {
    /// Starts every part; the answer watches over them to the end.
    async fn assemble<S: Service>(
        self,
        service: Arc<S>,
    ) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + Send + 'static> {
        self.observe();
        let door = self.door()?;
        let health = Health::new(names(), self.readiness.clone()).await;
        let routes = self.routes(Arc::clone(&service), &health)?;
        let messaging_tasks = TaskTracker::new();
        let messaging = self.messaging(Arc::clone(&service), &messaging_tasks);
        messaging_tasks.close();
        self.metrics.observe_messaging(messaging.metrics());
        // Only once nothing can fail any more, so that no task is left behind without a watcher.
        let limits = self.config.limits;
        let admin = Admin {
            readiness: self.readiness.clone(),
            metrics: self.metrics.clone(),
            health: health.clone(),
            messaging: messaging.clone(),
            shutdown: self.shutdown.clone(),
        };
        let mut parts = Parts::new();
        let delivery = messaging.clone();
        parts.spawn(named(
            "health",
            health.follow(delivery, self.shutdown.clone()),
        ));
        parts.spawn(named("admin port", admin.serve(self.admin)));
        let mut tasks = vec![
            upkeep::sweeper(self.database.clone()),
            upkeep::forgetter(door.clone()),
            upkeep::broker_watch(messaging, self.readiness.flag("broker")),
            upkeep::database::<S>(
                self.database.clone(),
                self.config.database,
                self.files.database,
            ),
            upkeep::database_watch(self.database.clone()),
            upkeep::token_key(
                self.tokens,
                self.config.token_key_file,
                self.files.token_key,
            ),
        ];
        if let Some(tls) = &self.tls {
            self.metrics.observe_certificate(&tls.state());
            tasks.push(upkeep::certificate(tls.clone()));
        }
        tasks.extend(service.tasks());
        for task in tasks {
            parts.spawn(named(task.name, (task.run)(self.shutdown.clone())));
        }
        let api = server::serve(
            self.api,
            self.tls,
            routes,
            door,
            limits,
            self.shutdown.clone(),
        );
        Ok(Watch {
            api: tokio::spawn(api),
            parts,
            messaging: messaging_tasks,
            shutdown: self.shutdown,
            database: self.database,
            patience: Duration::from_secs(limits.shutdown_seconds),
        }
        .until_the_end())
    }

    fn observe(&self) {
        self.metrics.observe_pool(self.database.pool());
        let (readiness, shutdown) = (self.readiness.clone(), self.shutdown.clone());
        self.metrics
            .observe_ready(move || readiness.missing().is_empty() && !shutdown.is_stopping());
    }

    fn door(&self) -> anyhow::Result<Door> {
        Door::new(DoorSettings {
            rules: Rules::read(handslag_proto::pool())?,
            verifier: verifier(&self.config.access, self.clock.clone())?,
            public_reads: self.config.access.public_reads,
            limits: self.config.limits,
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
            pace: self.database.pace(),
        })
    }

    fn routes<S: Service>(&self, service: Arc<S>, health: &Health) -> anyhow::Result<Routes> {
        let mut routes = RoutesBuilder::default();
        service.routes(&mut routes);
        routes.add_service(health.server());
        if self.config.reflection {
            server::add_reflection(&mut routes)?;
        }
        Ok(routes.routes())
    }

    fn messaging<S: Service>(&self, service: Arc<S>, tasks: &TaskTracker) -> messaging::Messaging {
        let mut settings = messaging::Settings::at(S::NAME, self.config.broker.clone());
        settings.outbox_signal = self.database.outbox_signal();
        let stop = messaging::Stop {
            consuming: self.shutdown.stopping_token(),
            publishing: self.shutdown.drained_token(),
        };
        let pool = self.database.pool().clone();
        messaging::start(settings, pool, service.consumers(), &stop, tasks)
    }
}

/// Watches over the parts of a running service.
struct Watch {
    api: JoinHandle<anyhow::Result<()>>,
    parts: Parts,
    messaging: TaskTracker,
    shutdown: Shutdown,
    database: Database,
    patience: Duration,
}

impl Watch {
    async fn until_the_end(mut self) -> anyhow::Result<()> {
        self.until_stopping().await;
        let work = async {
            if !self.api.is_finished() {
                let _ended = (&mut self.api).await;
            }
            self.shutdown.finished().await;
        };
        // What hangs on a part that is gone does not end by waiting.
        let patience = match self.shutdown.failure() {
            Some(_) => self.patience.min(FLUSH_TIME_MOST),
            None => self.patience,
        };
        if tokio::time::timeout(patience, work).await.is_err() {
            let under_way = self.shutdown.under_way();
            tracing::warn!(
                under_way,
                "work was still under way when time was up; it is dropped"
            );
            self.shutdown.abort();
        }
        self.shutdown.drain();
        let rest = async {
            self.messaging.wait().await;
            while let Some(ended) = self.parts.join_next().await {
                note(&self.shutdown, ended);
            }
        };
        if tokio::time::timeout(FLUSH_TIME_MOST, rest).await.is_err() {
            tracing::warn!("a background task did not end in time; it is dropped");
        }
        self.shutdown.abort();
        self.api.abort();
        self.parts.shutdown().await;
        // Connections that somebody still holds do not keep the process.
        let _held = tokio::time::timeout(FLUSH_TIME_MOST, self.database.close()).await;
        self.shutdown
            .failure()
            .map_or(Ok(()), |cause| Err(anyhow::anyhow!(cause)))
    }

    /// Resolves when the process shall end: somebody asked, or a part is gone.
    async fn until_stopping(&mut self) {
        let cause = tokio::select! {
            () = self.shutdown.stopping() => return,
            ended = &mut self.api => match ended {
                Ok(Ok(())) => "the gRPC server ended by itself".to_owned(),
                Ok(Err(error)) => format!("the gRPC server failed: {error:#}"),
                Err(error) => format!("the gRPC server died: {error}"),
            },
            Some(ended) = self.parts.join_next() => match ended {
                Ok((name, Ok(()))) => format!("the task {name} ended by itself"),
                Ok((name, Err(error))) => format!("the task {name} failed: {error:#}"),
                Err(error) => format!("a task died: {error}"),
            },
            () = self.messaging.wait() => "messaging ended by itself".to_owned(),
        };
        if self.shutdown.is_stopping() {
            return;
        }
        tracing::error!(
            cause,
            "a part of the service is gone; the process comes down"
        );
        self.shutdown.fail(cause);
    }
}

/// A part that fails while the process ends makes it fail too.
fn note(shutdown: &Shutdown, ended: Result<(&'static str, anyhow::Result<()>), JoinError>) {
    match ended {
        Ok((_, Ok(()))) => {}
        Ok((name, Err(error))) => shutdown.fail(format!("the task {name} failed: {error:#}")),
        Err(error) => shutdown.fail(format!("a task died: {error}")),
    }
}

async fn named(
    name: &'static str,
    part: impl Future<Output = anyhow::Result<()>> + Send,
) -> (&'static str, anyhow::Result<()>) {
    (name, part.await)
}

async fn connect<S: Service>(config: &Config) -> anyhow::Result<Database> {
    let database = Database::connect(&config.database, S::NAME).await?;
    let missing = migrations::pending(database.pool(), S::migrations()).await?;
    ensure!(
        missing.is_empty(),
        "run `migrate` first: {}",
        missing.join("; ")
    );
    Ok(database)
}

fn tokens(config: &Config) -> anyhow::Result<Tokens> {
    match config.token_key()? {
        Some(key) => Tokens::of_lines(key.expose()),
        None => {
            tracing::warn!("no token key is given; tokens of other replicas will not be read");
            Tokens::new(&id::random_bytes::<KEY_BYTES_LEAST>())
        }
    }
}

fn verifier(access: &AccessConfig, clock: Clock) -> anyhow::Result<Option<Verifier>> {
    let source = match (&access.jwks_file, &access.jwks_url) {
        (Some(file), _) => Source::File(file.clone()),
        (None, Some(address)) => Source::Address(address.clone()),
        (None, None) => {
            tracing::warn!("no identity provider is given; only public reads are answered");
            return Ok(None);
        }
    };
    let keys = Keys::new(source, access.jwks_authorities_file.as_deref())?;
    Ok(Some(Verifier::new(
        keys,
        &access.jwt_issuer,
        &access.jwt_audience,
        clock,
    )))
}

/// The gRPC services that the health protocol knows by name: those of the contracts.
fn names() -> Vec<String> {
    handslag_proto::pool()
        .services()
        .map(|service| service.full_name().to_owned())
        .collect()
}
