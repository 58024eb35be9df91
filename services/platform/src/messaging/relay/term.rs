//! One leadership: read, publish, settle, until something goes wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use lapin::{Channel, Connection};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::course::{Course, Limits, Receipt};
use super::leader::Leader;
use super::log::{self, Logged};
use crate::failpoint;
use crate::messaging::broker::{self, Failure, Outgoing};
use crate::messaging::comparison::Digest;
use crate::messaging::{Shared, incarnation, topology, trace};

/// Unconfirmed messages at a time. The broker confirms in batches; more than this only adds
/// latency.
const WINDOW: usize = 200;
/// How often the durable mark is written: what a new leader publishes again at most.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How long the end of the process waits for confirmations under way.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

struct Term<'a> {
    shared: &'a Arc<Shared>,
    connection: &'a Connection,
    channel: Channel,
    leader: Leader,
    incarnation: i64,
    course: Course<Logged>,
    under_way: FuturesOrdered<BoxFuture<'static, Result<Receipt, Failure>>>,
}

/// Leads until `stop` or the first failure.
pub(super) async fn run(
    shared: &Arc<Shared>,
    connection: &Connection,
    mut leader: Leader,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let mark = leader.mark().await?;
    let incarnation = leader.incarnation().await?;
    let channel = broker::confirming_channel(connection).await?;
    let limits = Limits {
        batch: usize::try_from(log::BATCH).unwrap_or(usize::MAX),
        window: WINDOW,
    };
    let mut term = Term {
        shared,
        connection,
        channel,
        leader,
        incarnation,
        course: Course::new(mark, limits),
        under_way: FuturesOrdered::new(),
    };
    term.lead(stop).await?;
    term.finish().await
}

impl Term<'_> {
    async fn lead(&mut self, stop: &CancellationToken) -> Result<(), Failure> {
        let mut mark = tokio::time::interval(MARK_EVERY);
        let mut digest = tokio::time::interval(self.shared.settings.digest_every);
        mark.set_missed_tick_behavior(MissedTickBehavior::Delay);
        digest.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let signal = Arc::clone(&self.shared.settings.outbox_signal);
        let mut next_read = Instant::now();
        loop {
            if self.course.must_read() {
                self.read().await?;
                next_read = Instant::now() + self.course.pause();
            }
            self.fill().await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = mark.tick() => self.save().await?,
                _ = digest.tick() => self.digest().await,
                () = signal.notified(), if self.course.may_read() => {
                    self.read().await?;
                    next_read = Instant::now() + self.course.pause();
                }
                Some(receipt) = self.under_way.next() => self.settle(receipt?),
                () = tokio::time::sleep_until(next_read), if self.course.may_read() => {
                    self.read().await?;
                    next_read = Instant::now() + self.course.pause();
                }
            }
        }
    }

    /// One read; what it found waits in the queue.
    async fn read(&mut self) -> Result<(), Failure> {
        let read = self
            .leader
            .read(self.course.newest(), self.course.holes())
            .await?;
        failpoint::at("relay-read");
        if self.course.take(read.rows, read.oldest_running) {
            self.course.bind(self.leader.bound().await?);
        }
        #[cfg(feature = "failpoints")]
        if failpoint::defect("cursor-on-seq") {
            self.course.give_up_holes();
        }
        self.shared.metrics.holes(self.course.missing());
        self.shared.metrics.unconfirmed(self.course.unconfirmed());
        Ok(())
    }

    /// Publishes from the queue as long as the window has room.
    async fn fill(&mut self) {
        while let Some((row, receipt)) = self.course.publish() {
            let routing_key = row.routing_key();
            let span = span(&row);
            let envelope = row.into_envelope(&self.shared.settings.service);
            let message = Outgoing {
                exchange: topology::EVENTS,
                routing_key,
                properties: envelope.properties(),
                payload: envelope.body.payload,
                mandatory: true,
            };
            self.send(message, receipt, span).await;
        }
    }

    async fn send(&mut self, mut message: Outgoing, receipt: Receipt, span: tracing::Span) {
        message.properties = incarnation::mark(message.properties, self.incarnation);
        let channel = self.channel.clone();
        let publish = async move { broker::publish(channel, message).await.map(|()| receipt) };
        let mut publish: BoxFuture<'static, _> = Box::pin(publish.instrument(span));
        // Polled once here, so that frames are queued in the order of the log.
        if let std::task::Poll::Ready(outcome) = futures_util::poll!(&mut publish) {
            publish = Box::pin(std::future::ready(outcome));
        }
        failpoint::at("relay-published");
        self.under_way.push_back(publish);
    }

    fn settle(&mut self, receipt: Receipt) {
        if receipt.is_of_event() {
            failpoint::at("relay-confirmed");
            self.shared.metrics.published();
        }
        self.course.settle(receipt);
        self.shared.metrics.unconfirmed(self.course.unconfirmed());
    }

    /// Says what consumers must have by now. It follows the events it sums up through the same
    /// queue.
    async fn digest(&mut self) {
        let (mark, receipt) = self.course.say();
        let digest = Digest::new(&self.shared.settings.service, mark);
        self.send(digest.message(), receipt, tracing::Span::none())
            .await;
    }

    async fn save(&mut self) -> Result<(), Failure> {
        if !self.connection.status().connected() {
            return Err(Failure::Closed);
        }
        if let Some(mark) = self.course.unsaved() {
            self.leader.save(mark).await?;
            failpoint::at("relay-saved");
            self.course.saved(mark);
        }
        Ok(())
    }

    /// The end in order: nothing new is read, what is under way is confirmed, the mark is written.
    async fn finish(mut self) -> Result<(), Failure> {
        // What was committed just before the end goes out as well, if it is little.
        self.read().await?;
        let flush = async {
            loop {
                self.fill().await;
                match self.under_way.next().await {
                    Some(receipt) => self.settle(receipt?),
                    None => return Ok::<(), Failure>(()),
                }
            }
        };
        broker::within(FLUSH_TIMEOUT, "the last confirmations", flush).await?;
        self.save().await?;
        self.leader.resign().await;
        Ok(())
    }
}

/// Goes on the trace of the command. An event that nobody traces needs none, which is a good part
/// of what publishing it costs.
fn span(row: &Logged) -> tracing::Span {
    let Some(traceparent) = row.traceparent.as_deref() else {
        return tracing::Span::none();
    };
    let span = tracing::info_span!(
        "publish event",
        otel.kind = "producer",
        messaging.system = "rabbitmq",
        messaging.destination.name = topology::EVENTS,
        seq = row.seq,
    );
    trace::follow(&span, std::iter::once(Some(traceparent)));
    span
}
