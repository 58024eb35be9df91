//! The relay: publishes the log, once per service, eagerly and in order.
//!
//! # Design notes
//! One code path: a session connects to the broker, waits to be the leader, begins at the durable
//! mark, and ends with the first thing that goes wrong; the next session begins at the mark again.
//! Duplicates are legal, loss is not. Whoever cannot reach the broker does not compete for the
//! lock.

pub mod answer;
pub mod course;
pub mod holes;
mod leader;
pub(crate) mod log;
pub(crate) mod replay;
mod term;

use std::sync::Arc;
use std::time::Duration;

use lapin::Connection;
use tokio_util::sync::CancellationToken;

pub(crate) use self::leader::LOCK;
use self::leader::{Candidate, Leader};
use super::broker::{self, Failure};
use super::{Shared, topology};
use crate::id;

/// Pause between two tries for the lock: how long a service is without a leader after one has died.
const LOCK_POLL: Duration = Duration::from_millis(500);

/// Runs sessions until `stop`.
pub(crate) async fn supervise(shared: Arc<Shared>, stop: CancellationToken) {
    shared.links.down("relay");
    broker::supervise("relay", &stop, || session(&shared, &stop)).await;
}

async fn session(shared: &Arc<Shared>, stop: &CancellationToken) -> Result<(), Failure> {
    let name = format!(
        "{} relay {}",
        shared.settings.service,
        id::encode(id::new())
    );
    let connection = broker::connect(&shared.settings.broker, name).await?;
    let channel = connection.create_channel().await?;
    topology::declare_producer(&channel, &shared.settings.service).await?;
    shared.links.up("relay");
    let outcome = lead(shared, &connection, stop).await;
    shared.metrics.leader(false);
    if outcome.is_err() {
        shared.links.down("relay");
    }
    // A failed connection may not answer any more; it closes with the drop either way.
    let close = connection.close(200, "done".into());
    let _ = broker::within(Duration::from_secs(1), "closing the connection", close).await;
    outcome
}

async fn lead(
    shared: &Arc<Shared>,
    connection: &Connection,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(leader) = compete(shared, connection, stop).await? else {
        return Ok(());
    };
    shared.metrics.leader(true);
    tracing::info!(
        service = shared.settings.service,
        "this process leads the relay"
    );
    let term = term::run(shared, connection, leader, stop);
    tokio::select! {
        outcome = term => outcome,
        outcome = replay::serve(shared, connection) => outcome,
    }
}

/// Waits for the lock while the broker is there.
async fn compete(
    shared: &Shared,
    connection: &Connection,
    stop: &CancellationToken,
) -> Result<Option<Leader>, Failure> {
    let mut candidate = Candidate::connect(&shared.pool).await?;
    loop {
        candidate = match candidate.try_lead().await? {
            Ok(leader) => return Ok(Some(leader)),
            Err(candidate) => candidate,
        };
        if !connection.status().connected() {
            return Err(Failure::Closed);
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(LOCK_POLL.mul_f64(0.5 + id::random_fraction())) => {}
        }
    }
}
