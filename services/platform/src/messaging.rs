//! Outbox, relay, inbox: how services talk to each other without losing, doubling or reordering.
//!
//! # Design notes
//! Promises. No event without a commit and no commit without an event; per aggregate the events
//! carry versions 1, 2, 3 … and arrive in that order; an effect happens once; whatever the broker
//! loses is found and repaired from the producer's log; nothing waits for a slow consumer or for
//! somebody's long transaction.
//!
//! One event's way: [`outbox::append`] in the command's transaction → [`relay`] (one leader per
//! service) → topic exchange → quorum queue of the consuming service → [`consumer`] ([`inbox`]
//! mark, effect and own outbox rows in one transaction) → acknowledgement. The log is insert-only
//! and serves relay, replay and audit alike.
//!
//! A database that is restored from a backup begins a new [`incarnation`], and messages of another one
//! are put aside: see there.
//!
//! Refused designs, each measured: a cursor on `seq` alone loses events under rollbacks, since
//! numbers become visible out of order; ordering by transaction number breaks the order within an
//! aggregate and stalls behind any open transaction; `NOTIFY` in the writing transaction serialises
//! all commits.

mod account;
pub mod audit;
mod broker;
pub mod comparison;
pub mod consumer;
pub mod dead_letters;
#[cfg(feature = "failpoints")]
mod defects;
pub mod envelope;
pub mod inbox;
pub mod incarnation;
pub mod inspect;
pub mod outbox;
mod partitions;
pub mod relay;
pub mod status;
pub mod topology;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BrokerConfig;

pub use account::rebuild;
pub use broker::Failure;
pub use consumer::{Consumer, Effect, Rejection};
pub use envelope::{Envelope, Raw};
pub use inspect::Inspection;
pub use status::{Metrics, Status};

/// A service's messaging: which broker, and how often it looks after itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this service: first word of its routing keys, part of its queues' names.
    pub service: String,
    /// Where the broker is; read anew for each connection.
    pub broker: BrokerConfig,
    /// Wakes the relay after a commit with events; a missed signal costs one poll.
    pub outbox_signal: Arc<Notify>,
    /// How often the relay says what it has published so far.
    pub digest_every: Duration,
    /// How often a consumer looks for gaps, parked events and requests of an operator.
    pub sweep_every: Duration,
    /// How long the outbox keeps events; `None` keeps them for good, as the audit trail wants.
    pub retain: Option<Duration>,
}

impl Settings {
    /// Usual settings: a digest each 5 s, a sweep each 500 ms, events kept for good.
    #[must_use]
    pub fn new(service: &str, amqp_url: &str) -> Self {
        Self::at(service, BrokerConfig::at(amqp_url))
    }

    /// The same, with a broker whose address or password may change.
    #[must_use]
    pub fn at(service: &str, broker: BrokerConfig) -> Self {
        Self {
            service: service.to_owned(),
            broker,
            outbox_signal: Arc::new(Notify::new()),
            digest_every: Duration::from_secs(5),
            sweep_every: Duration::from_millis(500),
            retain: None,
        }
    }
}

/// When the two halves of messaging end: consumers first, the relay when nothing is written any
/// more.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Cancels consuming; the transaction under way is finished and acknowledged.
    pub consuming: CancellationToken,
    /// Cancels publishing; what is under way is confirmed, the mark is written, the lock is
    /// released.
    pub publishing: CancellationToken,
}

impl Stop {
    /// Both at once.
    #[must_use]
    pub fn both(token: CancellationToken) -> Self {
        Self {
            consuming: token.clone(),
            publishing: token,
        }
    }
}

/// A running service's messaging, as its process sees it.
#[derive(Clone, Debug)]
pub struct Messaging {
    shared: Arc<Shared>,
    heard: Arc<[String]>,
}

impl Messaging {
    /// Wakes the relay after a commit.
    pub fn wake(&self) {
        self.shared.settings.outbox_signal.notify_one();
    }

    /// False when a connection to the broker has been missing for 30 s.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.shared.links.ready()
    }

    /// Whether events flow: what this service says is published within seconds, and with each
    /// service that it hears it has agreed within seconds on what was said.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.shared.metrics.read().delivers()
    }

    /// Counters and gauges.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    /// What tables and broker say of it now.
    pub async fn inspect(&self) -> Inspection {
        let Shared { settings, pool, .. } = &*self.shared;
        let heard: Vec<&str> = self.heard.iter().map(String::as_str).collect();
        let queues = inspect::queues(&settings.broker, &settings.service, &heard);
        let (tables, queues) = tokio::join!(status::read(pool), queues);
        Inspection {
            tables: tables.map_err(|error| error.to_string()),
            queues: queues.map_err(|error| error.to_string()),
        }
    }
}

/// What all tasks of messaging share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) pool: PgPool,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) links: Arc<broker::Links>,
}

/// Starts the relay, the consumers and the upkeep of a service on `tasks`.
pub fn start(
    settings: Settings,
    pool: PgPool,
    consumers: Vec<Consumer>,
    stop: &Stop,
    tasks: &TaskTracker,
) -> Messaging {
    let shared = Arc::new(Shared {
        settings,
        pool,
        metrics: Arc::default(),
        links: Arc::default(),
    });
    tasks.spawn(relay::supervise(
        Arc::clone(&shared),
        stop.publishing.clone(),
    ));
    tasks.spawn(partitions::supervise(
        Arc::clone(&shared),
        stop.publishing.clone(),
    ));
    tasks.spawn(audit::supervise(
        Arc::clone(&shared),
        stop.publishing.clone(),
    ));
    #[cfg(feature = "failpoints")]
    tasks.spawn(defects::publish_early(
        Arc::clone(&shared),
        stop.publishing.clone(),
    ));
    let heard: Vec<String> = consumers
        .iter()
        .map(|consumer| consumer.producer().to_owned())
        .collect();
    tasks.spawn(status::observe(
        Arc::clone(&shared),
        heard.clone(),
        stop.publishing.clone(),
    ));
    if !consumers.is_empty() {
        tasks.spawn(consumer::dead::supervise(
            Arc::clone(&shared),
            heard.clone(),
            stop.consuming.clone(),
        ));
    }
    for consumer in consumers {
        tasks.spawn(consumer::supervise(
            Arc::clone(&shared),
            Arc::new(consumer),
            stop.consuming.clone(),
        ));
    }
    Messaging {
        shared,
        heard: heard.into(),
    }
}
