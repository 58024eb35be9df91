//! How a process ends in order.
//!
//! # Design notes
//! Three moments: *stopping* (no new work: streams end, consumers cancel), *drained* (the tracked
//! work is done: the relay publishes what is left and lets go of its lock), *aborted* (time is up:
//! everything is dropped). A task that dies on its own brings the whole process down: half a
//! service is worse than a restart.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The process's state of ending, shared by all its tasks.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    stopping: CancellationToken,
    drained: CancellationToken,
    aborted: CancellationToken,
    tasks: TaskTracker,
    failure: Arc<Mutex<Option<String>>>,
}

impl Shutdown {
    /// Nothing is ending yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves when no new work shall be taken.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Whether no new work shall be taken.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Resolves when the tracked work is done, so that nothing new will be written.
    pub async fn drained(&self) {
        self.drained.cancelled().await;
    }

    /// Resolves when time is up.
    pub async fn aborted(&self) {
        self.aborted.cancelled().await;
    }

    /// Asks everything to end.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Asks everything to end because something broke; the first cause is kept and makes the
    /// process fail.
    pub fn fail(&self, cause: impl Into<String>) {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(cause.into());
        self.stop();
    }

    /// What broke, if something did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Runs work that the end of the process waits for: a call's handler, a message's effect.
    pub fn spawn<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(work)
    }

    /// How many pieces of tracked work are under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.tasks.len()
    }

    /// Resolves when no tracked work is left.
    pub(crate) async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Cancelled when no new work shall be taken.
    pub(crate) fn stopping_token(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Cancelled when the tracked work is done.
    pub(crate) fn drained_token(&self) -> CancellationToken {
        self.drained.clone()
    }

    pub(crate) fn drain(&self) {
        self.drained.cancel();
    }

    pub(crate) fn abort(&self) {
        self.aborted.cancel();
    }
}
