//! Where a city keeps what it knows, as a run asks for it: servers of this machine, or a cluster's.

use anyhow::Result;
use futures_util::future::BoxFuture;
use handslag_checker::record::QueueState;

/// Databases and broker of a city.
pub(crate) trait Site: Send + Sync {
    /// Runs SQL text in the database of the service at a place of `SERVICES`. Rows come as lines,
    /// their columns between bars. Blocks until it is done.
    fn sql(&self, place: usize, text: &str) -> Result<String>;

    /// What each queue holds, as the broker tells it, maybe some seconds late.
    fn queues(&self) -> BoxFuture<'_, Result<Vec<QueueState>>>;
}
