//! What a consumer does by the clock: parked events whose turn has come, gaps to ask for, an
//! operator's wishes.
//!
//! # Design notes
//! The sweep has no input but the tables, so whatever left them as they are (a discard, a lost
//! request, a crash) has the same cure. Every replica sweeps; the aggregate's mark lets one of them
//! apply.

use tokio::time::Instant;

use super::apply::apply;
use super::judgement::{self, Ruling, Trouble};
use super::session::Session;
use crate::error::Chain;
use crate::messaging::broker::Failure;
use crate::messaging::dead_letters::{self, Burial};
use crate::messaging::envelope::{Envelope, Raw};
use crate::messaging::relay::answer::Wanted;
use crate::messaging::{account, inbox};

/// Pause before the producer is asked for the same gap again.
const ASK_AGAIN_SECONDS: f64 = 5.0;
/// Rows of each kind per sweep; the rest is for the next one.
const LIMIT: i64 = 100;

impl Session<'_> {
    /// One round. A database that is away is met again in the next one.
    pub(super) async fn sweep(&mut self) -> Result<(), Failure> {
        match self.round().await {
            Err(Failure::Database(error)) => {
                tracing::warn!(
                    queue = self.queue,
                    error = %Chain(&error),
                    "a sweep of the inbox failed and will be repeated"
                );
                Ok(())
            }
            outcome => outcome,
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let pool = &self.shared.pool;
        let producer = self.consumer.producer();
        for event in dead_letters::wanted(pool, producer, LIMIT).await? {
            self.revive(&event).await?;
        }
        for parked in inbox::due(pool, producer, LIMIT).await? {
            self.retry(&parked).await?;
        }
        for gap in inbox::gaps(pool, producer, ASK_AGAIN_SECONDS, LIMIT).await? {
            let inbox::Gap {
                aggregate,
                aggregate_id,
                first,
                last,
            } = gap;
            tracing::info!(
                queue = self.queue,
                aggregate,
                aggregate_id,
                first,
                last,
                "a gap"
            );
            self.ask(Wanted::Versions {
                aggregate,
                aggregate_id,
                first,
                last,
            })
            .await?;
        }
        if account::replay_wanted(pool, producer).await? {
            let all = Wanted::Range {
                after: 0,
                last: None,
            };
            if self.ask(all).await? {
                account::replay_asked(pool, producer).await?;
                self.comparison.replaying(Instant::now().into_std());
            }
        }
        Ok(())
    }

    /// Applies a dead letter again because an operator wants it.
    async fn revive(&mut self, event: &Envelope<Raw>) -> Result<(), Failure> {
        let problem = match apply(self.shared, self.consumer, &[event]).await {
            Ok(applied) => {
                self.count(applied);
                // A duplicate or an event that waits for another gap is no dead letter any more
                // either.
                dead_letters::remove(&self.shared.pool, event).await?;
                return Ok(());
            }
            Err(problem) => problem,
        };
        let (trouble, error) = problem.into_parts();
        if trouble != Trouble::Outage {
            let burial = Burial::of_event(self.queue, event, "replayed", &error);
            dead_letters::bury(&self.shared.pool, &burial).await?;
        }
        Ok(())
    }

    /// Applies a parked event whose predecessor is there.
    async fn retry(&mut self, parked: &inbox::Parked) -> Result<(), Failure> {
        let event = &parked.event;
        let problem = match apply(self.shared, self.consumer, &[event]).await {
            Ok(applied) => {
                self.count(applied);
                // The claim has unparked what it applied; a duplicate is left over.
                if applied.duplicates > 0 {
                    let mut connection = self.shared.pool.acquire().await?;
                    inbox::unpark(&mut connection, event).await?;
                }
                return Ok(());
            }
            Err(problem) => problem,
        };
        let (trouble, error) = problem.into_parts();
        match judgement::of_parked(trouble, parked.attempts) {
            Ruling::Hold => {}
            Ruling::Defer { wait, .. } => {
                inbox::postpone(&self.shared.pool, event, wait.as_secs_f64()).await?;
            }
            Ruling::Bury { reason } => {
                let burial = Burial::of_event(self.queue, event, reason, &error);
                dead_letters::bury(&self.shared.pool, &burial).await?;
                self.shared.metrics.dead();
            }
        }
        Ok(())
    }
}
