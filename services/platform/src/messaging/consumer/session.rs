//! One session of a consumer: subscribe, take, acknowledge, until something goes wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Consumer;
use super::apply::{Applied, apply};
use super::judgement::{self, Deferred, Message, Ruling};
use crate::error::{BoxError, Chain};
use crate::id;
use crate::messaging::broker::{self, Backoff, Failure};
use crate::messaging::comparison::Comparison;
use crate::messaging::dead_letters::{self, Burial};
use crate::messaging::envelope::{Envelope, Raw, control_kind, received_headers};
use crate::messaging::relay::answer::Wanted;
use crate::messaging::relay::replay::Request;
use crate::messaging::{Shared, incarnation, topology};

/// Deliveries under way: two transactions' worth waits here while one is committed, so that a
/// consumer never waits for the broker between them. An event is a kilobyte or two, so that these
/// are a megabyte; if each carried a text of the greatest length they would be 20 MB of a pod's 64.
const PREFETCH: u16 = 500;
/// Deliveries of one transaction. It takes about ten round trips whatever its size, so that small
/// ones leave database and consumer waiting for each other. Its locks are held for as long as its
/// effects take: a fifth of a second if each takes a millisecond, which bounds the rest, the end of
/// the process and the sweep among them.
const TOGETHER: usize = 200;
/// Bytes after which a transaction takes no more deliveries: it holds them several times over.
const TOGETHER_BYTES: usize = 1024 * 1024;

/// An event as it was delivered.
type Delivered = (Delivery, Envelope<Raw>);

/// What is delivered beside events.
enum Other {
    Control(String),
    Garbage(Box<Burial>),
    /// Of another incarnation.
    Foreign(i64),
}

pub(super) struct Session<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) consumer: &'a Consumer,
    pub(super) queue: &'a str,
    pub(super) channel: Channel,
    pub(super) comparison: Comparison,
    pub(super) incarnation: i64,
    stop: &'a CancellationToken,
    deferred: Deferred<Delivery>,
}

/// Consumes until `stop` or the first failure.
pub(super) async fn run(
    shared: &Arc<Shared>,
    consumer: &Consumer,
    queue: &str,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let name = format!("{queue} {}", id::encode(id::new()));
    let connection = broker::connect(&shared.settings.broker, name).await?;
    let channel = broker::confirming_channel(&connection).await?;
    topology::declare_consumer(&channel, &shared.settings.service, consumer.producer()).await?;
    channel
        .basic_qos(PREFETCH, BasicQosOptions::default())
        .await?;
    let incarnation = incarnation::current(&shared.pool).await?;
    shared.links.up(queue);
    let mut session = Session {
        shared,
        consumer,
        queue,
        channel,
        comparison: Comparison::default(),
        incarnation,
        stop,
        deferred: Deferred::default(),
    };
    let outcome = session.consume().await;
    // Whoever listens next compares anew.
    shared.metrics.differs(consumer.producer(), false);
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
        let every = topology::DECLARE_EVERY;
        let mut declare = tokio::time::interval_at(Instant::now() + every, every);
        declare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let give_back = self.deferred.next().map(Instant::from_std);
            let now = Instant::now();
            tokio::select! {
                biased;
                // Not cancelled at the broker: it would let the next replica begin behind what was
                // prefetched here, which comes back only with the end of the connection. That, it
                // takes back and hands on in order.
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(give_back.unwrap_or(now)), if give_back.is_some() => {
                    self.give_back().await?;
                }
                _ = sweep.tick() => self.sweep().await?,
                _ = declare.tick() => self.declare().await?,
                next = deliveries.next() => {
                    let ended = || Failure::SubscriptionEnded(self.queue.to_owned());
                    let first = next.ok_or_else(ended)??;
                    let mut bytes = first.data.len();
                    let mut batch = vec![first];
                    while batch.len() < TOGETHER
                        && bytes < TOGETHER_BYTES
                        && let Some(Some(next)) = deliveries.next().now_or_never()
                    {
                        let next = next?;
                        bytes += next.data.len();
                        batch.push(next);
                    }
                    self.take(batch).await?;
                }
            }
        }
    }

    /// Takes deliveries in order.
    async fn take(&mut self, batch: Vec<Delivery>) -> Result<(), Failure> {
        let messages = batch.into_iter().map(|delivery| self.read(delivery));
        for run in judgement::runs(messages.collect()) {
            match run {
                Message::Event(events) => self.settle(events).await?,
                Message::Other((delivery, Other::Control(kind))) => {
                    self.control(&kind, &delivery.data).await?;
                    self.acknowledge(&delivery, false).await?;
                }
                Message::Other((delivery, Other::Garbage(burial))) => {
                    self.bury(&delivery, *burial).await?;
                }
                Message::Other((delivery, Other::Foreign(theirs))) => {
                    self.put_aside(&delivery, theirs).await?;
                }
            }
        }
        Ok(())
    }

    /// What a delivery is.
    fn read(&mut self, mut delivery: Delivery) -> Message<Delivered, (Delivery, Other)> {
        let headers = received_headers(&delivery.properties);
        let theirs = incarnation::of(&headers);
        if theirs != self.incarnation {
            return Message::Other((delivery, Other::Foreign(theirs)));
        }
        if let Some(kind) = control_kind(&headers) {
            let kind = kind.to_owned();
            return Message::Other((delivery, Other::Control(kind)));
        }
        if delivery.exchange.as_str().is_empty() {
            self.comparison.progress(Instant::now().into_std());
        }
        let payload = std::mem::take(&mut delivery.data);
        let producer = self.consumer.producer();
        let error = match Envelope::from_headers(&headers, Vec::new()) {
            Ok(mut event) if event.service == producer => {
                event.body.payload = payload;
                return Message::Event((delivery, event));
            }
            Ok(event) => format!("the event is of the service {}", event.service),
            Err(malformed) => malformed.to_string(),
        };
        let burial = Burial::of_garbage(self.queue, producer, headers, payload, error);
        Message::Other((delivery, Other::Garbage(Box::new(burial))))
    }

    /// Applies deliveries together, or one by one if they do not go together.
    async fn settle(&mut self, run: Vec<Delivered>) -> Result<(), Failure> {
        #[cfg(feature = "failpoints")]
        if crate::failpoint::defect("ack-before-commit") {
            self.acknowledge_all(&run).await?;
        }
        if run.len() > 1 {
            let events: Vec<&Envelope<Raw>> = run.iter().map(|(_, event)| event).collect();
            if let Ok(applied) = apply(self.shared, self.consumer, &events).await {
                self.count(applied);
                return self.acknowledge_all(&run).await;
            }
        }
        for delivered in run {
            self.settle_one(delivered).await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self, (delivery, event): Delivered) -> Result<(), Failure> {
        let mut backoff = Backoff::default();
        loop {
            let problem = match apply(self.shared, self.consumer, &[&event]).await {
                Ok(applied) => {
                    self.count(applied);
                    return self.acknowledge(&delivery, false).await;
                }
                Err(problem) => problem,
            };
            let (trouble, error) = problem.into_parts();
            match judgement::of_delivery(trouble, earlier_tries(&delivery)) {
                Ruling::Hold => self.wait_for_database(&mut backoff, error).await?,
                Ruling::Bury { reason } => {
                    let burial = Burial::of_event(self.queue, &event, reason, &error);
                    return self.bury(&delivery, burial).await;
                }
                Ruling::Defer { tries, wait } => {
                    self.defer(delivery, tries, wait, &error);
                    return Ok(());
                }
            }
        }
    }

    fn defer(&mut self, delivery: Delivery, tries: i64, wait: Duration, error: &BoxError) {
        tracing::info!(
            queue = self.queue,
            tries,
            wait_ms = wait.as_millis(),
            error = %Chain(error.as_ref()),
            "an event could not be applied and will be tried again"
        );
        let until = Instant::now() + wait;
        self.deferred.keep(delivery, until.into_std());
    }

    /// Gives deliveries back whose wait is over. Rejected, not "nacked": newer brokers count only
    /// the former.
    async fn give_back(&mut self) -> Result<(), Failure> {
        for delivery in self.deferred.due(Instant::now().into_std()) {
            delivery
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
        error: BoxError,
    ) -> Result<(), Failure> {
        let wait = backoff.next();
        tracing::warn!(
            queue = self.queue,
            wait_ms = wait.as_millis(),
            error = %Chain(error.as_ref()),
            "the database does not answer; consuming waits for it"
        );
        tokio::select! {
            () = self.stop.cancelled() => Err(Failure::Closed),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Asks the producer for a replay into this queue. Answers whether it hears: it may have never
    /// run yet, or its own queue may have lost its binding.
    pub(super) async fn ask(&self, wanted: Wanted) -> Result<bool, Failure> {
        let request = Request {
            queue: self.queue.to_owned(),
            wanted,
        };
        let message = request.message(self.consumer.producer());
        match broker::publish(self.channel.clone(), message).await {
            Err(failure) if failure.is_returned() => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    pub(super) fn count(&self, applied: Applied) {
        self.shared
            .metrics
            .consumed(applied.applied, applied.duplicates, applied.parked);
    }

    /// Acknowledges several at once where nothing before them is still open.
    async fn acknowledge_all(&self, run: &[Delivered]) -> Result<(), Failure> {
        if self.deferred.allow_several_at_once() {
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

    pub(super) async fn acknowledge(
        &self,
        delivery: &Delivery,
        multiple: bool,
    ) -> Result<(), Failure> {
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
