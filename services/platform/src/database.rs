//! One service's own database.
//!
//! # Design notes
//! The pool is small and every wait is bounded, so that a slow database makes calls fail early
//! instead of piling up. A transaction is begun in a task of its own: a cancelled `begin` can leave
//! one open in the pool (reproduced with sqlx 0.9.0 in 6 of 200 attempts), and the next user's work
//! would silently belong to it. To ask every connection that comes back costs a round trip each.
//!
//! Address and password may be changed in their files: connections that are made afterwards use the
//! new ones, and those that there are go on until their age ends them.

mod cause;
pub mod grants;
pub mod migrations;
mod pace;
pub mod request_log;
mod transaction;
pub(crate) mod vanished;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use handslag_proto::RequestFields;
use prost::Message;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool, Postgres};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::DatabaseConfig;
use crate::files::Mounted;
use crate::rpc::{Call, Failure};

pub(crate) use cause::Cause;
pub(crate) use pace::Pace;
pub use transaction::Transaction;

/// A caller waits this long for a connection before he is told to try again.
const ACQUIRE_TIME_MOST: Duration = Duration::from_secs(3);
/// A connection is renewed after this time, so that a replica follows a failover and memory in the
/// server is freed.
const CONNECTION_AGE_MOST: Duration = Duration::from_secs(30 * 60);
/// A connection that has been idle for longer is asked whether it still lives before it is used:
/// long enough that none is asked under load, short enough that few calls meet one that died with
/// its server.
const UNTESTED_TIME_MOST: Duration = Duration::from_secs(1);
/// Longest statement: below the 10 seconds of a call, so that the database gives up before the
/// client does.
const STATEMENT_TIME_MOST: &str = "8s";
/// A transaction that does nothing for this long has lost its owner.
const IDLE_IN_TRANSACTION_MOST: &str = "15s";
/// A session that hears nothing for this long is ended by the server. What waits here for an answer
/// to a statement that never arrived is told so then, and would wait for ever otherwise: nothing
/// else bounds the wait for a socket.
const IDLE_SESSION_MOST: &str = "30s";
/// A connection that nobody needs is closed after this time. Pools look as often, so that it is
/// gone after twice the time and the server meets only those that hang.
const IDLE_CONNECTION_MOST: Duration = Duration::from_secs(10);

/// A service's own database. Clones share one pool.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
    outbox_signal: Arc<Notify>,
    pace: Pace,
}

impl Database {
    /// Opens the pool.
    ///
    /// # Errors
    /// When the address is wrong, the server does not answer or is too old, or commits would not be
    /// durable.
    pub async fn connect(config: &DatabaseConfig, application: &str) -> anyhow::Result<Self> {
        let options = options(config, application)?;
        let pool = PgPoolOptions::new()
            .max_connections(config.pool_size)
            .acquire_timeout(ACQUIRE_TIME_MOST)
            .max_lifetime(CONNECTION_AGE_MOST)
            .idle_timeout(IDLE_CONNECTION_MOST)
            // A ping before each use is a round trip of its own; one that was just in use answers.
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for > UNTESTED_TIME_MOST {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .context("the database does not answer")?;
        let database = Self {
            pool,
            outbox_signal: Arc::default(),
            pace: Pace::new(config.pool_size),
        };
        migrations::refuse_old_server(&*database.pool.acquire().await?)?;
        database.refuse_lossy_commits().await?;
        Ok(database)
    }

    /// Connects by what the files say from now on, each time that they change, until `end`.
    pub(crate) async fn follow(
        &self,
        config: &DatabaseConfig,
        files: &Mounted,
        application: &str,
        end: impl Future<Output = ()>,
    ) {
        let apply = || match options(config, application) {
            Ok(options) => {
                self.pool.set_connect_options(options);
                tracing::info!("new connections to the database use a new address or password");
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the database's new address or password cannot be used; the former stays"
            ),
        };
        files.follow(end, apply).await;
    }

    /// The pool, for what needs no transaction.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Woken after each commit.
    #[must_use]
    pub fn outbox_signal(&self) -> Arc<Notify> {
        Arc::clone(&self.outbox_signal)
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn read(&self) -> Result<PoolConnection<Postgres>, Failure> {
        Ok(self.queued(self.pool.acquire()).await?)
    }

    /// How many calls may wait for a connection.
    pub(crate) fn pace(&self) -> Pace {
        self.pace.clone()
    }

    /// Notes how long a call waits for a connection of the pool, since a queue there bounds how many
    /// calls are let in. A connection that has to be opened first is no queue.
    pub async fn queued<T>(&self, acquiring: impl Future<Output = T>) -> T {
        // Idle ones say nothing: those who wait have not yet taken what has just come back.
        let full = self.pool.size() >= self.pool.options().get_max_connections();
        let began = Instant::now();
        let acquired = acquiring.await;
        let wait = if full {
            began.elapsed()
        } else {
            Duration::ZERO
        };
        self.pace.waited(wait);
        acquired
    }

    /// Begins a command: takes its `request_id` as its own. A twin under way in another transaction
    /// is waited for. Of a command whose caller has stopped waiting before there was a connection
    /// nothing is begun.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` in that case; `Failure::Answered` when the command was answered before;
    /// `REQUEST_ID_REUSED` when another command had the id; `INVALID_REQUEST` when it is missing or no
    /// UUID.
    pub async fn begin<T>(&self, call: &Call<T>) -> Result<Transaction, Failure>
    where
        T: Message + RequestFields,
    {
        let claim = request_log::Claim::of(call)?;
        let mut inner = self.queued(begin(&self.pool)).await?;
        if call.deadline.is_some_and(|until| until <= Instant::now()) {
            return Err(crate::rpc::deadline_exceeded().into());
        }
        request_log::claim(&mut inner, &claim).await?;
        Ok(Transaction::new(inner, self.outbox_signal()))
    }

    /// Begins work that no request asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_task(&self) -> Result<Transaction, sqlx::Error> {
        Ok(Transaction::new(
            begin(&self.pool).await?,
            self.outbox_signal(),
        ))
    }

    /// Ends the pool once its connections are back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Without synchronous commit the server confirms what it may still lose, and a confirmed event
    /// may name a change that is gone.
    async fn refuse_lossy_commits(&self) -> anyhow::Result<()> {
        let setting: String = sqlx::query_scalar("SHOW synchronous_commit")
            .fetch_one(&self.pool)
            .await?;
        ensure!(
            !matches!(setting.as_str(), "off"),
            "the database has synchronous_commit off and may lose confirmed commits; turn it on"
        );
        Ok(())
    }
}

/// How this process connects.
fn options(config: &DatabaseConfig, application: &str) -> anyhow::Result<PgConnectOptions> {
    let settings = [
        ("statement_timeout", STATEMENT_TIME_MOST),
        (
            "idle_in_transaction_session_timeout",
            IDLE_IN_TRANSACTION_MOST,
        ),
        ("idle_session_timeout", IDLE_SESSION_MOST),
        ("timezone", "UTC"),
    ];
    let options = config.options()?;
    Ok(options
        .application_name(&format!("handslag-{application}"))
        .options(settings))
}

/// Begins a transaction, in a task that nobody cancels (see the design notes).
///
/// # Errors
/// The pool's or the database's.
pub async fn begin(pool: &PgPool) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    #[expect(clippy::disallowed_methods, reason = "this is the place for it")]
    let begun = tokio::spawn(async move { pool.begin().await });
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}
