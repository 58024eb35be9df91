//! Notices that the database's host is gone without a word.
//!
//! # Design notes
//! A host that loses its power closes no connection, and neither does an address that leads to
//! another server from now on. Whoever has asked something waits until the kernel gives the
//! connection up, a quarter of an hour later: the driver sets no keep-alive, and a pool waits for
//! what was abandoned half-way as well, so that its places are gone one after the other.
//!
//! So one connection more is asked every few seconds. If it gets no answer and a new one does, those
//! of the pool are as dead as it is. Nothing can take them out; the process ends, and whoever
//! watches over it starts it with new ones. A database that is slow, or away altogether, answers
//! nobody, and is waited for.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::bail;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::time::{sleep, timeout};

/// Pause between two questions, and between two tries for a new connection.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for an answer before a new connection is tried. It is more than the 30 seconds after
/// which a server that is still there ends a session that it has not heard of.
const UNANSWERED_MOST: Duration = Duration::from_secs(35);
/// Longest wait for a new connection.
const CONNECT_TIME_MOST: Duration = Duration::from_secs(5);
/// Once a new connection answers, the old one may still do so within this time: both may have waited
/// for a server that stood still.
const GRACE: Duration = Duration::from_secs(3);

/// Asks until the host has vanished.
///
/// # Errors
/// Always, since nothing else ends it: the sentence that says so.
pub(crate) async fn watch(pool: &PgPool) -> anyhow::Result<Infallible> {
    loop {
        // Without a connection there is nothing that could vanish: the pool tells its callers.
        if let Some(connection) = connect(pool).await {
            ask(pool, connection).await?;
        }
        sleep(PAUSE).await;
    }
}

/// Asks on one connection until it ends.
async fn ask(pool: &PgPool, mut connection: PgConnection) -> anyhow::Result<()> {
    loop {
        {
            let mut answer = std::pin::pin!(connection.ping());
            let answered = match timeout(UNANSWERED_MOST, &mut answer).await {
                Ok(answered) => answered,
                Err(_) => tokio::select! {
                    answered = &mut answer => answered,
                    () = renewed(pool) => match timeout(GRACE, &mut answer).await {
                        Ok(answered) => answered,
                        Err(_) => bail!(
                            "the database answers on new connections and not on those that there \
                             are: its host has vanished"
                        ),
                    },
                },
            };
            if answered.is_err() {
                return Ok(());
            }
        }
        sleep(PAUSE).await;
    }
}

/// Resolves when a new connection answers.
async fn renewed(pool: &PgPool) {
    while connect(pool).await.is_none() {
        sleep(PAUSE).await;
    }
}

/// A connection beside the pool, if the database answers in time.
async fn connect(pool: &PgPool) -> Option<PgConnection> {
    let connected = async {
        let mut connection = pool.connect_options().connect().await?;
        connection.ping().await?;
        Ok::<_, sqlx::Error>(connection)
    };
    timeout(CONNECT_TIME_MOST, connected).await.ok()?.ok()
}
