//! One leader per service: a session lock on a connection of its own.
//!
//! # Design notes
//! The lock lives exactly as long as the connection, and everything the leader reads and writes
//! goes over that connection: who has lost it cannot go on by mistake. The lock is polled, not
//! waited for: a waiting session holds a snapshot, and an old snapshot keeps the leader's holes
//! from dying.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, PgPool};

use super::holes::Mark;
use super::log;
use crate::messaging::broker::{Failure, within};
use crate::messaging::incarnation;

/// Number of the lock, within the service's own database: the letters "handslag".
pub(crate) const LOCK: i64 = 0x6861_6e64_736c_6167;
/// Longest wait for an answer of the database; a longer one means that the connection is dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that holds the lock, or tries to.
#[derive(Debug)]
pub(crate) struct Candidate {
    connection: PgConnection,
}

/// A connection that holds the lock.
#[derive(Debug)]
pub(crate) struct Leader {
    connection: PgConnection,
    timeline: String,
}

impl Candidate {
    /// A connection outside the pool.
    pub(crate) async fn connect(pool: &PgPool) -> Result<Self, Failure> {
        let options = pool.connect_options();
        let mut connection = within(
            ANSWER_TIMEOUT,
            "connecting to the database",
            options.connect(),
        )
        .await?;
        // The server notices within 15 s that this process is gone, and lets another one lead.
        let settings = sqlx::query!(
            "SELECT set_config('tcp_keepalives_idle', '5', false) AS idle,
                    set_config('tcp_keepalives_interval', '5', false) AS pause,
                    set_config('tcp_keepalives_count', '2', false) AS count,
                    set_config('tcp_user_timeout', '15000', false) AS unanswered,
                    set_config('idle_session_timeout', '0', false) AS session"
        );
        within(
            ANSWER_TIMEOUT,
            "the database's answer",
            settings.fetch_one(&mut connection),
        )
        .await?;
        Ok(Self { connection })
    }

    /// Tries once to become the leader.
    pub(crate) async fn try_lead(mut self) -> Result<Result<Leader, Self>, Failure> {
        let locked = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "locked!""#, LOCK)
            .fetch_one(&mut self.connection);
        if !within(ANSWER_TIMEOUT, "the database's answer", locked).await? {
            return Ok(Err(self));
        }
        let timeline = sqlx::query_scalar!(
            r#"SELECT substring(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS "timeline!""#
        )
        .fetch_one(&mut self.connection);
        let timeline = within(ANSWER_TIMEOUT, "the database's answer", timeline).await?;
        Ok(Ok(Leader {
            connection: self.connection,
            timeline,
        }))
    }
}

impl Leader {
    /// The durable mark, from which every leadership begins. Publishing again what came after it is
    /// legal, and is all that a failover asks for: the mark and the log are of the same database.
    pub(crate) async fn mark(&mut self) -> Result<Mark, Failure> {
        let mark = log::mark(&mut self.connection);
        let (mark, timeline) = within(ANSWER_TIMEOUT, "the database's answer", mark).await?;
        if !timeline.is_empty() && timeline != self.timeline {
            tracing::warn!(
                before = timeline,
                now = self.timeline,
                low_water = mark.seq,
                "the database has a new timeline: a standby was promoted or a backup restored"
            );
        }
        Ok(mark)
    }

    /// The incarnation of the log: it does not change while somebody leads.
    pub(crate) async fn incarnation(&mut self) -> Result<i64, Failure> {
        let current = incarnation::current(&mut self.connection);
        within(ANSWER_TIMEOUT, "the database's answer", current).await
    }

    /// Writes the durable mark.
    pub(crate) async fn save(&mut self, mark: Mark) -> Result<(), Failure> {
        let save = log::save_mark(&mut self.connection, mark, &self.timeline);
        within(ANSWER_TIMEOUT, "the database's answer", save).await
    }

    /// One read of the log.
    pub(crate) async fn read(
        &mut self,
        newest: i64,
        holes: (Vec<i64>, Vec<i64>),
    ) -> Result<log::Read, Failure> {
        #[cfg(feature = "failpoints")]
        if crate::failpoint::defect("xmin-order") {
            let read = crate::messaging::defects::read_by_xid(&mut self.connection);
            return within(ANSWER_TIMEOUT, "the database's answer", read).await;
        }
        let read = log::read(&mut self.connection, newest, holes);
        within(ANSWER_TIMEOUT, "the database's answer", read).await
    }

    /// A bound for the holes of the last read.
    pub(crate) async fn bound(&mut self) -> Result<i64, Failure> {
        let bound = log::fresh_transaction_number(&mut self.connection);
        within(ANSWER_TIMEOUT, "the database's answer", bound).await
    }

    /// Lets another replica lead at once.
    pub(crate) async fn resign(self) {
        use sqlx::Connection as _;
        let _ = within(
            ANSWER_TIMEOUT,
            "the database's answer",
            self.connection.close(),
        )
        .await;
    }
}
