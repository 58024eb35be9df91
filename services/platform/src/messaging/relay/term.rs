//! One leadership: read, publish, settle, until something goes wrong.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use lapin::{Channel, Connection};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::holes::Ledger;
use super::leader::Leader;
use super::log::Logged;
use crate::messaging::account::Digest;
use crate::messaging::broker::{self, Failure, Outgoing};
use crate::messaging::{Shared, topology, trace};

/// Unconfirmed messages at a time. The broker confirms in batches; more than this only adds
/// latency.
const WINDOW: usize = 200;
/// Pause between reads while there is something to do, and while there is nothing.
const POLL_BUSY: Duration = Duration::from_millis(2);
const POLL_IDLE: Duration = Duration::from_millis(50);
/// How often the durable mark is written: what a new leader publishes again at most.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How long the end of the process waits for confirmations under way.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// A confirmed event's number and hash; nothing for a digest.
type Confirmed = Option<(i64, i64)>;

struct Term<'a> {
    shared: &'a Arc<Shared>,
    connection: &'a Connection,
    channel: Channel,
    leader: Leader,
    ledger: Ledger,
    saved: i64,
    queue: VecDeque<Logged>,
    under_way: FuturesOrdered<BoxFuture<'static, Result<Confirmed, Failure>>>,
    /// The last read was cut short: there is more to read at once.
    more: bool,
    pause: Duration,
}

/// Leads until `stop` or the first failure.
pub(super) async fn run(
    shared: &Arc<Shared>,
    connection: &Connection,
    mut leader: Leader,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let mark = leader.mark().await?;
    let channel = broker::confirming_channel(connection).await?;
    let mut term = Term {
        shared,
        connection,
        channel,
        leader,
        ledger: Ledger::new(mark),
        saved: mark.seq,
        queue: VecDeque::new(),
        under_way: FuturesOrdered::new(),
        more: true,
        pause: POLL_BUSY,
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
            if self.more && self.queue.is_empty() {
                self.read().await?;
                next_read = Instant::now() + self.pause;
            }
            self.fill().await;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = mark.tick() => self.save().await?,
                _ = digest.tick() => self.digest().await,
                () = signal.notified(), if self.queue.is_empty() => {
                    self.read().await?;
                    next_read = Instant::now() + self.pause;
                }
                Some(confirmed) = self.under_way.next() => self.settle(confirmed?),
                () = tokio::time::sleep_until(next_read), if self.queue.is_empty() => {
                    self.read().await?;
                    next_read = Instant::now() + self.pause;
                }
            }
        }
    }

    /// One read; what it found waits in the queue.
    async fn read(&mut self) -> Result<(), Failure> {
        let read = self
            .leader
            .read(self.ledger.newest(), self.ledger.holes())
            .await?;
        let found: Vec<i64> = read.rows.iter().map(|row| row.seq).collect();
        if self
            .ledger
            .observe(&found, read.oldest_running, read.complete)
        {
            self.ledger.bind(self.leader.bound().await?);
        }
        self.more = read.more;
        self.pause = if found.is_empty() {
            (self.pause * 2).min(POLL_IDLE)
        } else {
            POLL_BUSY
        };
        self.queue.extend(read.rows);
        self.shared.metrics.holes(self.ledger.missing());
        self.shared
            .metrics
            .unconfirmed(self.queue.len() + self.under_way.len());
        Ok(())
    }

    /// Publishes from the queue as long as the window has room.
    async fn fill(&mut self) {
        while self.under_way.len() < WINDOW {
            let Some(row) = self.queue.pop_front() else {
                return;
            };
            let confirmed = Some((row.seq, row.hash()));
            let routing_key = row.routing_key();
            let span = tracing::info_span!(
                "publish event",
                otel.kind = "producer",
                messaging.system = "rabbitmq",
                messaging.destination.name = topology::EVENTS,
                seq = row.seq,
            );
            trace::follow(&span, row.traceparent.as_deref());
            let envelope = row.into_envelope(&self.shared.settings.service);
            let message = Outgoing {
                exchange: topology::EVENTS,
                routing_key,
                properties: envelope.properties(),
                payload: envelope.body.payload,
                mandatory: true,
            };
            self.send(message, confirmed, span).await;
        }
    }

    async fn send(&mut self, message: Outgoing, confirmed: Confirmed, span: tracing::Span) {
        let channel = self.channel.clone();
        let publish = async move { broker::publish(channel, message).await.map(|()| confirmed) };
        let mut publish: BoxFuture<'static, _> = Box::pin(publish.instrument(span));
        // Polled once here, so that frames are queued in the order of the log.
        if let std::task::Poll::Ready(outcome) = futures_util::poll!(&mut publish) {
            publish = Box::pin(std::future::ready(outcome));
        }
        self.under_way.push_back(publish);
    }

    fn settle(&mut self, confirmed: Confirmed) {
        if let Some((seq, hash)) = confirmed {
            self.ledger.confirm(seq, hash);
            self.shared.metrics.published();
        }
        self.shared
            .metrics
            .unconfirmed(self.queue.len() + self.under_way.len());
    }

    /// Says what consumers must have by now. It follows the events it sums up through the same
    /// queue.
    async fn digest(&mut self) {
        let digest = Digest::new(&self.shared.settings.service, self.ledger.mark());
        self.send(digest.message(), None, tracing::Span::none())
            .await;
    }

    async fn save(&mut self) -> Result<(), Failure> {
        if !self.connection.status().connected() {
            return Err(Failure::Closed);
        }
        let mark = self.ledger.mark();
        if mark.seq != self.saved {
            self.leader.save(mark).await?;
            self.saved = mark.seq;
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
                    Some(confirmed) => self.settle(confirmed?),
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
