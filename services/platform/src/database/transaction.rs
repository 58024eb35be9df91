//! A transaction that remembers the answer of its command.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use handslag_proto::RequestFields;
use prost::Message;
use sqlx::Postgres;
use sqlx::postgres::PgConnection;
use tokio::sync::Notify;

use crate::database::request_log;
use crate::failpoint;
use crate::rpc::{Call, Failure};

/// An open transaction; dropped without a commit it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    inner: sqlx::Transaction<'static, Postgres>,
    outbox_signal: Arc<Notify>,
}

impl Transaction {
    pub(super) fn new(
        inner: sqlx::Transaction<'static, Postgres>,
        outbox_signal: Arc<Notify>,
    ) -> Self {
        Self {
            inner,
            outbox_signal,
        }
    }

    /// Commits a command together with its answer, so that the same `request_id` is answered the
    /// same again.
    ///
    /// # Errors
    /// When the database does not answer; whether the commit happened is then unknown, and a
    /// repetition with the same `request_id` finds out.
    pub async fn commit<T, R>(mut self, call: &Call<T>, response: &R) -> Result<(), Failure>
    where
        T: Message + RequestFields,
        R: Message,
    {
        let claim = request_log::Claim::of(call)?;
        request_log::answer(&mut self.inner, &claim, &response.encode_to_vec()).await?;
        Ok(self.commit_task().await?)
    }

    /// Commits work that no request asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn commit_task(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await?;
        failpoint::at("command-committed");
        self.outbox_signal.notify_one();
        Ok(())
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// When the database does not answer; the server undoes it all the same.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.inner.rollback().await
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
