//! Where a bench plays: servers, databases, services, and the callers' tokens.
//!
//! # Design notes
//! The servers are private ones, made for the run and gone with it. Services run inside this
//! process with the configuration of production; what differs is said where it is set. Their log
//! is written as in production, to a file instead of standard error: what a service writes about a
//! call is part of what the call costs.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use handslag_local_infra::{Infra, Servers};
use handslag_platform::auth::{Principal, Role};
use handslag_platform::clock::Clock;
use handslag_platform::config::{Config, Secret};
use handslag_platform::database::migrations;
use handslag_platform::dev_issuer::DevIssuer;
use handslag_platform::{Running, Service};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Handle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cores::Outside;

/// Calls of one caller in a second: all load comes from one caller, who would be refused otherwise.
/// The rate is checked all the same.
const CALLS_PER_SECOND: u32 = 10_000_000;
/// Key of page and resume tokens.
const TOKEN_KEY: &str = "0123456789abcdef0123456789abcdef";
/// Longer than any run.
const TOKEN_LIFETIME: time::Duration = time::Duration::hours(12);

/// Everything that the benches share.
pub struct Stage {
    servers: Servers,
    /// The servers that were started for this run.
    private: Option<(Arc<Infra>, tempfile::TempDir)>,
    folder: tempfile::TempDir,
    issuer: DevIssuer,
    outside: Outside,
    durable: bool,
}

impl Stage {
    /// On servers of its own.
    ///
    /// # Errors
    /// When they cannot be installed or started.
    pub(crate) async fn private(durable: bool, outside: Outside) -> anyhow::Result<Self> {
        let made = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            let tests = handslag_local_infra::test_data_dir()?;
            let beside = tests.parent().context("the test servers lie nowhere")?;
            let folder = tempfile::Builder::new()
                .prefix("handslag-bench-")
                .tempdir_in(beside)?;
            let infra = Infra::start(handslag_local_infra::Options {
                data_dir: folder.path().to_owned(),
                port_base: None,
                durable,
                progress: &mut |_| {},
            })?;
            Ok((infra, folder))
        });
        let (infra, folder) = made.await??;
        let servers = infra.servers().clone();
        Self::on(servers, Some((Arc::new(infra), folder)), durable, outside)
    }

    /// On the servers that tests share.
    ///
    /// # Errors
    /// When they cannot be installed or started.
    pub async fn shared() -> anyhow::Result<Self> {
        let servers = tokio::task::spawn_blocking(handslag_local_infra::shared_for_tests).await??;
        Self::on(servers, None, false, Outside::beside(&Handle::current()))
    }

    fn on(
        servers: Servers,
        private: Option<(Arc<Infra>, tempfile::TempDir)>,
        durable: bool,
        outside: Outside,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("handslag-stage-")
            .tempdir()?;
        let issuer = DevIssuer::ephemeral();
        std::fs::write(folder.path().join("jwks.json"), issuer.jwks())?;
        write_log(&folder.path().join("services.log"))?;
        Ok(Self {
            servers,
            private,
            folder,
            issuer,
            outside,
            durable,
        })
    }

    /// Stops the servers of its own, if it has some.
    ///
    /// # Errors
    /// When they do not stop.
    pub async fn end(self) -> anyhow::Result<()> {
        if let Some((infra, _folder)) = self.private {
            tokio::task::spawn_blocking(move || infra.stop()).await??;
        }
        Ok(())
    }

    /// Where callers and attackers run.
    pub(crate) fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Whether commits wait for the disk.
    pub(crate) fn durable(&self) -> bool {
        self.durable
    }

    /// A folder that goes with the stage.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Copies the services' log to where it stays.
    pub(crate) fn keep_log(&self) -> anyhow::Result<PathBuf> {
        let kept = std::env::temp_dir().join("handslag-bench-services.log");
        std::fs::copy(self.folder.path().join("services.log"), &kept)?;
        Ok(kept)
    }

    /// A new database, empty.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<String> {
        let (servers, name) = (self.servers.clone(), format!("bench-{name}"));
        tokio::task::spawn_blocking(move || servers.fresh_database(&name)).await?
    }

    /// A new database with the tables of a service.
    pub(crate) async fn database_of<S: Service>(&self, name: &str) -> anyhow::Result<String> {
        let url = self.database(name).await?;
        let pool = self.pool(&url, 1).await?;
        migrations::run(&pool, S::migrations()).await?;
        pool.close().await;
        Ok(url)
    }

    /// A new virtual host, empty.
    pub(crate) async fn vhost(&self, name: &str) -> anyhow::Result<String> {
        let (servers, name) = (self.servers.clone(), format!("bench-{name}"));
        tokio::task::spawn_blocking(move || servers.fresh_vhost(&name)).await?
    }

    /// Connections of the bench's own.
    pub(crate) async fn pool(&self, url: &str, connections: u32) -> anyhow::Result<PgPool> {
        let options = PgPoolOptions::new().max_connections(connections);
        Ok(options.connect(url).await?)
    }

    /// The configuration of production but for the rate of one caller.
    pub(crate) fn config(&self, database: &str, amqp: &str) -> anyhow::Result<Config> {
        let mut config = Config::local(database, amqp)?;
        config.access.jwks_file = Some(self.folder.path().join("jwks.json"));
        config.token_key = Some(Secret::new(TOKEN_KEY));
        config.limits.calls_per_second = CALLS_PER_SECOND;
        config.limits.calls_burst = CALLS_PER_SECOND;
        Ok(config)
    }

    /// Starts a service with that configuration.
    pub(crate) async fn start<S: Service>(
        &self,
        database: &str,
        amqp: &str,
    ) -> anyhow::Result<Running> {
        handslag_platform::start::<S>(self.config(database, amqp)?)
            .await
            .with_context(|| format!("{} does not start", S::NAME))
    }

    /// The header of a caller who may do everything that the benches do.
    pub(crate) fn bearer(&self) -> anyhow::Result<MetadataValue<Ascii>> {
        let operator = Principal::of("bench").with_role(Role::Operator);
        let now = Clock::system().now();
        let token = self.issuer.token(&operator, now, TOKEN_LIFETIME)?;
        Ok(format!("Bearer {token}").parse()?)
    }
}

/// A request of that caller.
pub(crate) fn with_bearer<T>(bearer: &MetadataValue<Ascii>, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", bearer.clone());
    request
}

/// Connections to a service. Several, since one carries 200 calls at most.
pub(crate) fn channels(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Channel>> {
    (0..count)
        .map(|_| {
            let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
            Ok(endpoint.tcp_nodelay(true).connect_lazy())
        })
        .collect()
}

/// JSON lines as in production. Only the first stage of a process writes one.
fn write_log(path: &Path) -> anyhow::Result<()> {
    let directives = Config::local("postgres://", "amqp://")?.log;
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(EnvFilter::try_new(directives)?)
        .with_writer(Mutex::new(File::create(path)?))
        .finish();
    let _installed_before = subscriber.try_init();
    Ok(())
}
