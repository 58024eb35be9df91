//! One session of a consumer: subscribe, take, acknowledge, until something goes wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::FieldTable;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::apply::{Applied, Problem, apply};
use super::{Consumer, Rejection};
use crate::id;
use crate::messaging::account::{self, Comparison, DIGEST, Digest, Verdict};
use crate::messaging::broker::{self, Backoff, Failure};
use crate::messaging::dead_letters::{self, Burial};
use crate::messaging::envelope::{Envelope, Raw, control_kind, received_headers};
use crate::messaging::relay::replay::{DONE, Request, Wanted};
use crate::messaging::{Shared, topology};

/// Deliveries under way. Enough to hide the round trip to the broker, few enough to be redelivered
/// quickly.
const PREFETCH: u16 = 200;
/// Deliveries of one transaction. Locks are held for its time: 50 effects of a millisecond.
const TOGETHER: usize = 50;
/// First and longest wait before a delivery is given back to be tried again.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);
/// Tries before a delivery is a dead letter: one less than the broker's limit, so that we and not
/// the broker bury it, with the reason.
const TRIES: i64 = topology::DELIVERY_LIMIT;

/// A failed delivery that waits before it is given back.
struct Deferred {
    until: Instant,
    delivery: Delivery,
}

pub(super) struct Session<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) consumer: &'a Consumer,
    pub(super) queue: &'a str,
    pub(super) channel: Channel,
    pub(super) comparison: Comparison,
    stop: &'a CancellationToken,
    deferred: Vec<Deferred>,
}

/// Consumes until `stop` or the first failure.
pub(super) async fn run(
    shared: &Arc<Shared>,
    consumer: &Consumer,
    queue: &str,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let name = format!("{queue} {}", id::encode(id::new()));
    let connection = broker::connect(&shared.settings.amqp_url, name).await?;
    let channel = broker::confirming_channel(&connection).await?;
    topology::declare_consumer(&channel, &shared.settings.service, consumer.producer()).await?;
    channel
        .basic_qos(PREFETCH, BasicQosOptions::default())
        .await?;
    shared.links.up(queue);
    let mut session = Session {
        shared,
        consumer,
        queue,
        channel,
        comparison: Comparison::default(),
        stop,
        deferred: Vec::new(),
    };
    let outcome = session.consume().await;
    if outcome.is_err() {
        shared.links.down(queue);
    }
    let close = connection.close(200, "done".into());
    let _ = broker::within(Duration::from_secs(1), "closing the connection", close).await;
    outcome
}

impl Session<'_> {
    async fn consume(&mut self) -> Result<(), Failure> {
        let options = BasicConsumeOptions::default();
        let mut deliveries = self
            .channel
            .basic_consume(self.queue.into(), "".into(), options, FieldTable::default())
            .await?;
        let mut sweep = tokio::time::interval(self.shared.settings.sweep_every);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let give_back = self.deferred.iter().map(|deferred| deferred.until).min();
            let now = Instant::now();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    // What was prefetched goes back to the queue with the connection.
                    let options = BasicCancelOptions::default();
                    self.channel.basic_cancel(deliveries.tag(), options).await?;
                    return Ok(());
                }
                () = tokio::time::sleep_until(give_back.unwrap_or(now)), if give_back.is_some() => {
                    self.give_back().await?;
                }
                _ = sweep.tick() => self.sweep().await?,
                next = deliveries.next() => {
                    let ended = || Failure::SubscriptionEnded(self.queue.to_owned());
                    let mut batch = vec![next.ok_or_else(ended)??];
                    while batch.len() < TOGETHER
                        && let Some(Some(next)) = deliveries.next().now_or_never()
                    {
                        batch.push(next?);
                    }
                    self.take(batch).await?;
                }
            }
        }
    }

    /// Takes deliveries in order. Messages between our own ends divide them, since a digest sums up
    /// what came before.
    async fn take(&mut self, batch: Vec<Delivery>) -> Result<(), Failure> {
        let mut run = Vec::new();
        for mut delivery in batch {
            let headers = received_headers(&delivery.properties);
            if let Some(kind) = control_kind(&headers) {
                self.settle(std::mem::take(&mut run)).await?;
                self.control(kind, &delivery.data).await?;
                self.acknowledge(&delivery, false).await?;
                continue;
            }
            if delivery.exchange.as_str().is_empty() {
                self.comparison.progress();
            }
            let payload = std::mem::take(&mut delivery.data);
            match Envelope::from_headers(&headers, payload.clone()) {
                Ok(event) if event.service == self.consumer.producer() => {
                    run.push((delivery, event));
                }
                other => {
                    self.settle(std::mem::take(&mut run)).await?;
                    let error = match other {
                        Ok(event) => format!("the event is of the service {}", event.service),
                        Err(malformed) => malformed.to_string(),
                    };
                    let burial = Burial::of_garbage(
                        self.queue,
                        self.consumer.producer(),
                        headers,
                        payload,
                        error,
                    );
                    self.bury(&delivery, burial).await?;
                }
            }
        }
        self.settle(run).await
    }

    /// Applies deliveries together, or one by one if they do not go together.
    async fn settle(&mut self, run: Vec<(Delivery, Envelope<Raw>)>) -> Result<(), Failure> {
        if run.len() > 1 {
            let events: Vec<&Envelope<Raw>> = run.iter().map(|(_, event)| event).collect();
            if let Ok(applied) = apply(self.shared, self.consumer, &events).await {
                self.count(applied);
                return self.acknowledge_all(&run).await;
            }
        }
        for (delivery, event) in run {
            self.settle_one(delivery, event).await?;
        }
        Ok(())
    }

    async fn settle_one(
        &mut self,
        delivery: Delivery,
        event: Envelope<Raw>,
    ) -> Result<(), Failure> {
        let mut backoff = Backoff::default();
        loop {
            let problem = match apply(self.shared, self.consumer, &[&event]).await {
                Ok(applied) => {
                    self.count(applied);
                    return self.acknowledge(&delivery, false).await;
                }
                Err(problem) => problem,
            };
            match problem {
                // The delivery is held, not given back: an outage must not use up its tries.
                Problem::Outage(error) => self.wait_for_database(&mut backoff, error).await?,
                Problem::Rejected {
                    rejection: Rejection::Reject(error),
                } => {
                    let burial = Burial::of_event(self.queue, &event, "rejected", &error);
                    return self.bury(&delivery, burial).await;
                }
                Problem::Rejected {
                    rejection: Rejection::Retry(error),
                } => {
                    let tries = 1 + earlier_tries(&delivery);
                    if tries >= TRIES {
                        let burial = Burial::of_event(self.queue, &event, "tries", &error);
                        return self.bury(&delivery, burial).await;
                    }
                    self.defer(delivery, tries, &error);
                    return Ok(());
                }
            }
        }
    }

    fn defer(&mut self, delivery: Delivery, tries: i64, error: &crate::error::BoxError) {
        let failures = u32::try_from(tries - 1).unwrap_or(0);
        let wait = broker::step(failures, RETRY_FIRST, RETRY_LAST);
        tracing::info!(
            queue = self.queue,
            tries,
            wait_ms = wait.as_millis(),
            error = error.as_ref() as &dyn std::error::Error,
            "an event could not be applied and will be tried again"
        );
        self.deferred.push(Deferred {
            until: Instant::now() + wait,
            delivery,
        });
    }

    /// Gives deliveries back whose wait is over. Rejected, not "nacked": newer brokers count only
    /// the former.
    async fn give_back(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.deferred)
            .into_iter()
            .partition(|deferred| deferred.until <= now);
        self.deferred = later;
        let due: Vec<Deferred> = due;
        for deferred in due {
            deferred
                .delivery
                .acker
                .reject(BasicRejectOptions { requeue: true })
                .await?;
        }
        Ok(())
    }

    /// Records a dead letter, then hands the delivery to the dead-letter queue. A crash in between
    /// delivers it again and updates the same record.
    async fn bury(&mut self, delivery: &Delivery, burial: Burial) -> Result<(), Failure> {
        let mut backoff = Backoff::default();
        while let Err(error) = dead_letters::bury(&self.shared.pool, &burial).await {
            self.wait_for_database(&mut backoff, Box::new(error))
                .await?;
        }
        self.shared.metrics.dead();
        delivery
            .acker
            .reject(BasicRejectOptions { requeue: false })
            .await?;
        Ok(())
    }

    async fn wait_for_database(
        &self,
        backoff: &mut Backoff,
        error: crate::error::BoxError,
    ) -> Result<(), Failure> {
        let wait = backoff.next();
        tracing::warn!(
            queue = self.queue,
            wait_ms = wait.as_millis(),
            error = error.as_ref() as &dyn std::error::Error,
            "the database does not answer; consuming waits for it"
        );
        tokio::select! {
            () = self.stop.cancelled() => Err(Failure::Closed),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    async fn control(&mut self, kind: &str, payload: &[u8]) -> Result<(), Failure> {
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
        match account::compare(&self.shared.pool, &mut self.comparison, digest).await? {
            Verdict::Wait => Ok(()),
            Verdict::Ask(wanted) => {
                tracing::warn!(
                    queue = self.queue,
                    ?wanted,
                    "events are missing and asked for"
                );
                // What was lost with a binding or a queue comes back by declaring them again.
                let service = &self.shared.settings.service;
                topology::declare_consumer(&self.channel, service, &digest.producer).await?;
                self.ask(wanted).await
            }
            Verdict::Recount => {
                tracing::warn!(queue = self.queue, "the whole log is counted again");
                let mut tx = self.shared.pool.begin().await?;
                account::recount(&mut tx, &digest.producer).await?;
                tx.commit().await?;
                Ok(())
            }
        }
    }

    /// Asks the producer for a replay into this queue.
    pub(super) async fn ask(&self, wanted: Wanted) -> Result<(), Failure> {
        let request = Request {
            queue: self.queue.to_owned(),
            wanted,
        };
        let message = request.message(self.consumer.producer());
        match broker::publish(self.channel.clone(), message).await {
            // The producer has never run yet: it will say so with its first digest.
            Err(failure) if failure.is_returned() => Ok(()),
            outcome => outcome,
        }
    }

    pub(super) fn count(&self, applied: Applied) {
        self.shared
            .metrics
            .consumed(applied.applied, applied.duplicates, applied.parked);
    }

    /// Acknowledges several at once where nothing before them is still open.
    async fn acknowledge_all(&self, run: &[(Delivery, Envelope<Raw>)]) -> Result<(), Failure> {
        if self.deferred.is_empty() {
            return match run.last() {
                Some((last, _)) => self.acknowledge(last, true).await,
                None => Ok(()),
            };
        }
        for (delivery, _) in run {
            self.acknowledge(delivery, false).await?;
        }
        Ok(())
    }

    async fn acknowledge(&self, delivery: &Delivery, multiple: bool) -> Result<(), Failure> {
        delivery.acker.ack(BasicAckOptions { multiple }).await?;
        Ok(())
    }
}

/// How often the broker has delivered this message before.
fn earlier_tries(delivery: &Delivery) -> i64 {
    received_headers(&delivery.properties)
        .get("x-delivery-count")
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}
