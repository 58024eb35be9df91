//! Messages that are no events: digests of the producer's log, and the end of a replay.

use super::session::Session;
use crate::database::begin;
use crate::messaging::account::{self, DIGEST};
use crate::messaging::broker::Failure;
use crate::messaging::comparison::{Digest, Verdict};
use crate::messaging::relay::replay::DONE;
use crate::messaging::topology;

impl Session<'_> {
    /// Takes a message that is no event: a digest of the producer's log, or the end of a replay.
    pub(super) async fn control(&mut self, kind: &str, payload: &[u8]) -> Result<(), Failure> {
        match kind {
            DONE => self.comparison.replayed(),
            DIGEST => match serde_json::from_slice::<Digest>(payload) {
                Ok(digest) if digest.producer == self.consumer.producer() => {
                    self.compare(&digest).await?;
                }
                _ => tracing::warn!(queue = self.queue, "a digest could not be read"),
            },
            _ => tracing::warn!(
                queue = self.queue,
                kind,
                "an unknown control message is ignored"
            ),
        }
        Ok(())
    }

    async fn compare(&mut self, digest: &Digest) -> Result<(), Failure> {
        let verdict = account::compare(&self.shared.pool, &mut self.comparison, digest).await?;
        if verdict != Verdict::Wait {
            let differs = verdict != Verdict::Agree;
            self.shared.metrics.differs(&digest.producer, differs);
        }
        match verdict {
            Verdict::Wait | Verdict::Agree => Ok(()),
            Verdict::Ask(wanted) => {
                tracing::warn!(
                    queue = self.queue,
                    ?wanted,
                    "events are missing and asked for"
                );
                // A replay brings what was lost with a binding, and not what will be.
                self.declare().await?;
                if !self.ask(wanted).await? {
                    // No replay is under way, so the next digest may ask again.
                    self.comparison.replayed();
                }
                Ok(())
            }
            Verdict::Recount => {
                tracing::warn!(queue = self.queue, "the whole log is counted again");
                let mut tx = begin(&self.shared.pool).await?;
                account::recount(&mut tx, &digest.producer).await?;
                tx.commit().await?;
                Ok(())
            }
        }
    }

    /// Makes again whatever somebody has deleted, and begins anew if that was the queue.
    pub(super) async fn declare(&self) -> Result<(), Failure> {
        let service = &self.shared.settings.service;
        let producer = self.consumer.producer();
        let consumers = topology::declare_consumer(&self.channel, service, producer).await?;
        consumers.expect_some(self.queue)
    }
}
