//! Connections to the broker: made, watched, made again.
//!
//! # Design notes
//! The client library's own recovery hides errors and can leave a publish hanging, so each task
//! owns its connection and, when anything at all fails, drops it and begins anew: connection,
//! topology, subscription. One code path. Publishing and consuming have connections of their own,
//! since a broker short of memory stops reading from those that publish, acknowledgements included.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::runtime::default_runtime;
use lapin::tcp::{AMQPUriTcpExt as _, RustlsConnector};
use lapin::types::ShortString;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ErrorKind};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::BrokerConfig;
use crate::error::Chain;
use crate::id;

/// Longest wait for a connection, TLS and login included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for one message to be written and confirmed. A healthy broker needs milliseconds;
/// one that is busy electing a leader for a queue needs seconds.
pub(crate) const PUBLISH_TIMEOUT: Duration = Duration::from_secs(15);
/// Seconds between heartbeats: a dead peer is noticed after two.
const HEARTBEAT_SECONDS: u16 = 10;
/// Largest frame; a longer message is sent as several. The client library fills two buffers of 32
/// frames for each connection: with the 128 KiB that the broker proposes these are 8 MiB, and a service
/// has up to four connections. An event is a kilobyte or two, so half a megabyte is hundreds of them.
const FRAME_BYTES_MOST: u32 = 16 * 1024;
/// First wait after a failure.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Longest wait after many failures: the broker is back for at most this long before it is noticed.
const BACKOFF_LAST: Duration = Duration::from_secs(5);
/// How long a connection may be missing before the process says it is not ready.
const READY_WITHOUT_BROKER: Duration = Duration::from_secs(30);

/// Why a session with the broker ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The broker or the connection to it.
    #[error("the broker failed")]
    Broker(#[from] lapin::Error),
    /// The database or the connection to it.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Something took too long.
    #[error("{what} took longer than {} ms", .limit.as_millis())]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// A message was not taken over by the broker.
    #[error("a message for {routing_key} was {outcome}")]
    Refused {
        /// Where it should have gone.
        routing_key: String,
        /// What the broker said.
        outcome: &'static str,
    },
    /// The broker ended a subscription, for instance because the queue was deleted.
    #[error("the subscription to {0} ended")]
    SubscriptionEnded(String),
    /// The connection closed while nothing was under way.
    #[error("the connection to the broker closed")]
    Closed,
    /// The database has begun a new incarnation under a running session.
    #[error("the database has begun a new incarnation")]
    Incarnation,
    /// The address of the broker is none, or one of its files cannot be read.
    #[error("it cannot be said where the broker is: {0}")]
    Address(String),
    /// The broker shows a certificate that cannot be believed.
    #[error("the certificate of the broker at {at} is refused ({why}); it was checked with {with}")]
    Untrusted {
        /// Host and port.
        at: String,
        /// What is wrong with it.
        why: rustls::Error,
        /// Whose signatures were believed.
        with: String,
    },
}

impl Failure {
    /// Whether a message came back because nothing is bound to receive it.
    pub(crate) fn is_returned(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                outcome: "returned",
                ..
            }
        )
    }
}

/// Bounds a wait.
pub(crate) async fn within<T, E: Into<Failure>>(
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(Failure::Timeout { what, limit }),
    }
}

/// A new connection, named so that an operator recognises it in the broker's list. Address, password
/// and authorities are read anew each time: they may have been changed.
pub(crate) async fn connect(broker: &BrokerConfig, name: String) -> Result<Connection, Failure> {
    let wrong = |error| Failure::Address(format!("{error:#}"));
    let mut uri = broker.uri().map_err(wrong)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    uri.query.frame_max.get_or_insert(FRAME_BYTES_MOST);
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let what = "connecting to the broker";
    if uri.scheme == AMQPScheme::AMQP {
        let connection = Connection::connect_uri(uri, properties);
        return within(CONNECT_TIMEOUT, what, connection).await;
    }
    let at = format!("{}:{}", uri.authority.host, uri.authority.port);
    let tls = RustlsConnector::from(broker.trust().map_err(wrong)?);
    within(CONNECT_TIMEOUT, what, secured(uri, properties, tls))
        .await
        .map_err(|failure| match untrusted(&failure) {
            Some(why) => Failure::Untrusted {
                at,
                why,
                with: match &broker.amqp_ca_file {
                    Some(path) => format!("the authorities in {}", path.display()),
                    None => "those that browsers trust: HANDSLAG_AMQP_CA_FILE names others".into(),
                },
            },
            None => failure,
        })
}

/// Over TLS. The client library's own way believes the authorities of the web in any case, beside
/// those that it is given.
async fn secured(
    uri: AMQPUri,
    properties: ConnectionProperties,
    tls: RustlsConnector,
) -> Result<Connection, lapin::Error> {
    let connect = async move |uri: AMQPUri, runtime| {
        let host = uri.authority.host.clone();
        let mut bare = uri;
        bare.scheme = AMQPScheme::AMQP;
        let stream = bare.connect_async(&runtime).await?;
        Ok(stream.into_rustls(&tls, &host).await?)
    };
    Connection::connector(uri, default_runtime()?, connect, properties).await
}

/// What is wrong with the broker's certificate, if that is why there is no connection.
fn untrusted(failure: &Failure) -> Option<rustls::Error> {
    let Failure::Broker(error) = failure else {
        return None;
    };
    let ErrorKind::IOError(error) = error.kind() else {
        return None;
    };
    match error.get_ref()?.downcast_ref()? {
        why @ rustls::Error::InvalidCertificate(_) => Some(why.clone()),
        _ => None,
    }
}

/// A channel whose messages are confirmed.
pub(crate) async fn confirming_channel(connection: &Connection) -> Result<Channel, Failure> {
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    Ok(channel)
}

/// A message and where it goes.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) exchange: &'static str,
    pub(crate) routing_key: String,
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
    /// Whether it is an error that nobody receives it.
    pub(crate) mandatory: bool,
}

/// Publishes and resolves when the broker has taken over. The frames are queued at the first poll,
/// so futures that are polled once in order are sent in order.
pub(crate) async fn publish(channel: Channel, message: Outgoing) -> Result<(), Failure> {
    let Outgoing {
        exchange,
        routing_key,
        properties,
        payload,
        mandatory,
    } = message;
    let confirmation = within(PUBLISH_TIMEOUT, "publishing a message", async {
        let options = BasicPublishOptions {
            mandatory,
            ..BasicPublishOptions::default()
        };
        let key = ShortString::from(routing_key.as_str());
        let confirm = channel
            .basic_publish(exchange.into(), key, options, &payload, properties)
            .await?;
        confirm.await
    })
    .await?;
    let outcome = match confirmation {
        Confirmation::Ack(None) => return Ok(()),
        // An unroutable mandatory message is first returned and then acknowledged.
        Confirmation::Ack(Some(_)) => "returned",
        Confirmation::Nack(_) => "refused",
        Confirmation::NotRequested => "not confirmed",
    };
    Err(Failure::Refused {
        routing_key,
        outcome,
    })
}

/// Jittered waits that double up to a bound and go on without end.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: between half of the step and the step, so that replicas do not come back as
    /// one.
    pub(crate) fn next(&mut self) -> Duration {
        let step = step(self.failures, BACKOFF_FIRST, BACKOFF_LAST);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + id::random_fraction() / 2.0)
    }

    /// After a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The doubling step after `failures`, bounded by `last`.
pub(crate) fn step(failures: u32, first: Duration, last: Duration) -> Duration {
    first
        .saturating_mul(1_u32.checked_shl(failures.min(20)).unwrap_or(u32::MAX))
        .min(last)
}

/// Runs sessions until one ends in order or `stop` is cancelled.
pub(crate) async fn supervise<F, Fut>(name: &str, stop: &CancellationToken, mut session: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        let began = Instant::now();
        let Err(failure) = session().await else {
            return;
        };
        if began.elapsed() > BACKOFF_LAST {
            backoff.reset();
        }
        let wait = backoff.next();
        tracing::warn!(
            session = name,
            error = %Chain(&failure),
            wait_ms = wait.as_millis(),
            "a session with the broker ended and will be made anew"
        );
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Which connections are there, for readiness.
#[derive(Debug, Default)]
pub(crate) struct Links {
    missing_since: Mutex<BTreeMap<String, Instant>>,
}

impl Links {
    /// The connection is there.
    pub(crate) fn up(&self, name: &str) {
        self.missing_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    /// The connection is missing from now on, if it was not before.
    pub(crate) fn down(&self, name: &str) {
        let mut missing = self
            .missing_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        missing.entry(name.to_owned()).or_insert_with(Instant::now);
    }

    /// Whether none has been missing for too long.
    pub(crate) fn ready(&self) -> bool {
        let missing = self
            .missing_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        missing
            .values()
            .all(|since| since.elapsed() < READY_WITHOUT_BROKER)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Links, READY_WITHOUT_BROKER, connect, step};
    use crate::config::BrokerConfig;
    use crate::error::Chain;

    #[tokio::test]
    async fn the_log_says_why_the_broker_failed_and_not_its_password() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = nobody.local_addr().unwrap().port();
        drop(nobody);
        let broker = BrokerConfig::at(&format!("amqp://me:hunter2@127.0.0.1:{port}/town"));
        let failure = connect(&broker, "test".to_owned()).await.unwrap_err();
        let said = Chain(&failure).to_string();
        assert!(said.starts_with("the broker failed: "), "{said}");
        assert!(said.contains("refused"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn waits_double_up_to_the_bound_for_ever() {
        let (first, last) = (Duration::from_millis(100), Duration::from_secs(5));
        assert_eq!(step(0, first, last), first);
        assert_eq!(step(3, first, last), Duration::from_millis(800));
        assert_eq!(step(u32::MAX, first, last), last);
        let mut backoff = Backoff::default();
        assert!((0..100).map(|_| backoff.next()).all(|wait| wait <= last));
    }

    #[tokio::test(start_paused = true)]
    async fn is_ready_until_a_connection_has_been_missing_for_long() {
        let links = Links::default();
        links.down("relay");
        tokio::time::advance(READY_WITHOUT_BROKER / 2).await;
        links.down("relay");
        assert!(links.ready());
        tokio::time::advance(READY_WITHOUT_BROKER / 2).await;
        assert!(!links.ready());
        links.up("relay");
        assert!(links.ready());
    }
}
