//! A service with a database and a virtual host of its own on the shared test servers.
//!
//! # Design notes
//! Everything is real: PostgreSQL, RabbitMQ, the gRPC server on a port, signed tokens. Events of
//! other services come from a real relay over an outbox of the bed's own, so that versions, digests
//! and replays are those of production. The clock stands until a test moves it. A bed that is not
//! ended has not been checked.
//!
//! The service runs as in production with a role that may use its tables and change nothing of them;
//! the test looks at the database as its owner.

mod certificates;
mod producer;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use handslag_local_infra::Servers;
use handslag_proto::EventMessage;
use sqlx::postgres::PgPoolOptions;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::Mutex;
use tonic::transport::{Channel, Endpoint};

use crate::auth::Principal;
use crate::clock::Clock;
use crate::config::{Config, Secret};
use crate::database::{Database, grants, migrations};
use crate::dev_issuer::DevIssuer;
use crate::id;
use crate::messaging::{outbox, status};
use crate::run::{Running, start_at};
use crate::service::Service;

pub use certificates::{Authority, Mount, Signed};
pub use handslag_local_infra::{Login, shared_for_tests};
use producer::Producers;

/// Where the bed's clock stands at first: a Tuesday, 10 o'clock in Stockholm.
pub const MORNING: OffsetDateTime = datetime!(2026-09-01 08:00 UTC);
/// How long [`Bed::eventually`] waits. Long, since a slow machine must not fail a right test.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// One service under test.
#[derive(Debug)]
pub struct Bed {
    running: Running,
    owner: Database,
    clock: Clock,
    issuer: Arc<DevIssuer>,
    channel: Channel,
    producers: Mutex<Producers>,
    jwks: PathBuf,
    amqp_url: String,
    database_url: String,
}

impl Bed {
    /// Starts a service with the default configuration on a fresh database and virtual host.
    ///
    /// # Panics
    /// When it does not start: a test has nothing else to do about it.
    pub async fn start<S: Service>(name: &str) -> Self {
        Self::start_with::<S>(name, |config| config).await
    }

    /// As [`start`](Self::start), with a configuration changed by the test.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(
        clippy::panic,
        reason = "a test bed that does not start fails the test"
    )]
    pub async fn start_with<S: Service>(
        name: &str,
        configure: impl FnOnce(Config) -> Config,
    ) -> Self {
        match Self::try_start::<S>(name, configure).await {
            Ok(bed) => bed,
            Err(error) => panic!("the bed {name} does not start: {error:#}"),
        }
    }

    async fn try_start<S: Service>(
        name: &str,
        configure: impl FnOnce(Config) -> Config,
    ) -> anyhow::Result<Self> {
        let servers = servers().await?;
        let database_url = fresh_database(&servers, name).await?;
        let amqp_url = {
            let (servers, name) = (servers.clone(), name.to_owned());
            tokio::task::spawn_blocking(move || servers.fresh_vhost(&name)).await??
        };
        let issuer = Arc::new(DevIssuer::ephemeral());
        let jwks = std::env::temp_dir().join(format!("handslag-jwks-{}.json", id::new()));
        std::fs::write(&jwks, issuer.jwks())?;
        let login = {
            let (servers, name) = (servers.clone(), name.to_owned());
            tokio::task::spawn_blocking(move || servers.fresh_role(&name)).await??
        };
        let mut config = Config::local(&login.within(&database_url)?, &amqp_url)?;
        config.access.jwks_file = Some(jwks.clone());
        config.token_key = Some(Secret::new("0123456789abcdef0123456789abcdef"));
        // Several beds share the servers.
        config.database.pool_size = 4;
        let config = configure(config);
        let clock = Clock::fixed(MORNING);
        let owner = migrated::<S>(&database_url, &amqp_url).await?;
        grants::to(owner.pool(), &login.user).await?;
        let running = start_at::<S>(config, clock.clone()).await?;
        let endpoint = Endpoint::from_shared(format!("http://{}", running.grpc_address))?;
        let channel = endpoint.connect_lazy();
        let producers = Mutex::new(Producers::new(servers, name, &amqp_url));
        Ok(Self {
            running,
            owner,
            clock,
            issuer,
            channel,
            producers,
            jwks,
            amqp_url,
            database_url,
        })
    }

    /// A connection to the service.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A token of this caller for an hour of the bed's clock.
    ///
    /// # Panics
    /// When a role lacks its attribute.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a caller that cannot exist is a mistake of the test"
    )]
    pub fn token(&self, principal: &Principal) -> String {
        match self
            .issuer
            .token(principal, self.clock.now(), time::Duration::hours(1))
        {
            Ok(token) => token,
            Err(error) => panic!("no token for {principal:?}: {error:#}"),
        }
    }

    /// A request with this caller's token.
    ///
    /// # Panics
    /// When a role lacks its attribute.
    pub fn request<T>(&self, principal: &Principal, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        // A token is base64 and dots, which every header can hold.
        if let Ok(value) = format!("Bearer {}", self.token(principal)).parse() {
            request.metadata_mut().insert("authorization", value);
        }
        request
    }

    /// The issuer whose tokens the service reads.
    #[must_use]
    pub fn issuer(&self) -> &DevIssuer {
        &self.issuer
    }

    /// The service's database, as its owner sees it.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.owner
    }

    /// The clock of service and bed.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The service itself.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The address of the bed's virtual host.
    #[must_use]
    pub fn amqp_url(&self) -> &str {
        &self.amqp_url
    }

    /// Publishes an event as the service that produces it would: the first of an aggregate has
    /// version 1.
    ///
    /// # Panics
    /// When it cannot be written.
    #[expect(
        clippy::panic,
        reason = "an event that cannot be written fails the test"
    )]
    pub async fn publish<E: EventMessage>(&self, event: outbox::Event<E>) {
        if let Err(error) = self.producers.lock().await.publish(event).await {
            panic!("the event {} cannot be published: {error:#}", E::TYPE);
        }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// When it does not hold in half a minute.
    #[expect(clippy::panic, reason = "a condition that never holds fails the test")]
    pub async fn eventually<F, Fut>(&self, holds: F)
    where
        F: Fn() -> Fut,
        Fut: Future<Output = bool>,
    {
        if tokio::time::timeout(PATIENCE, until(holds)).await.is_err() {
            panic!("what was waited for did not come to hold in {PATIENCE:?}");
        }
    }

    /// The service alone, for a test of its end; nothing is checked any more.
    #[must_use]
    pub fn into_running(self) -> Running {
        self.running
    }

    /// Ends the service in order.
    ///
    /// # Panics
    /// When it does not end in order, or leaves unpublished events, parked events or dead letters
    /// behind.
    #[expect(clippy::panic, reason = "what is left behind fails the test")]
    pub async fn end(self) {
        if let Err(error) = self.try_end().await {
            panic!("the bed does not end clean: {error:#}");
        }
    }

    async fn try_end(self) -> anyhow::Result<()> {
        // A pool beside the service's own, which ends with the service.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect(&self.database_url)
            .await?;
        if !self.running.shutdown.is_stopping() {
            // Whether it came to hold says the check below.
            let published = || async {
                status::read(&pool)
                    .await
                    .is_ok_and(|status| status.unpublished == 0)
            };
            let _patience = tokio::time::timeout(PATIENCE, until(published)).await;
        }
        self.owner.close().await;
        let producers = self.producers.into_inner().end().await;
        drop(self.channel);
        self.running
            .stop()
            .await
            .context("the service did not stop in order")?;
        let left = status::read(&pool).await?;
        pool.close().await;
        let _gone_already = std::fs::remove_file(&self.jwks);
        producers?;
        anyhow::ensure!(
            left.unpublished == 0,
            "{} events are unpublished",
            left.unpublished
        );
        anyhow::ensure!(
            left.parked == 0,
            "{} events wait for predecessors",
            left.parked
        );
        anyhow::ensure!(
            left.dead_letters == 0,
            "there are {} dead letters",
            left.dead_letters
        );
        Ok(())
    }
}

async fn until<F, Fut>(holds: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = bool>,
{
    while !holds().await {
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// Waits for the servers on a thread that may wait: the first test of a machine starts them.
pub(crate) async fn servers() -> anyhow::Result<Servers> {
    tokio::task::spawn_blocking(shared_for_tests).await?
}

async fn fresh_database(servers: &Servers, name: &str) -> anyhow::Result<String> {
    let (servers, name) = (servers.clone(), name.to_owned());
    tokio::task::spawn_blocking(move || servers.fresh_database(&name)).await?
}

/// The database of a service with its tables, for its owner.
async fn migrated<S: Service>(database_url: &str, amqp_url: &str) -> anyhow::Result<Database> {
    let mut config = Config::local(database_url, amqp_url)?.database;
    config.pool_size = 3;
    let database = Database::connect(&config, "owner").await?;
    migrations::run(database.pool(), S::migrations()).await?;
    Ok(database)
}
