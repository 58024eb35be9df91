//! B6: from a commit to a subscriber's stream, against one hop through the broker.
//!
//! # Design notes
//! Both sides run at the same even rate, a fifth of what commits and stream together can carry, so
//! that nothing waits for others of its kind. A transaction is prepared a little before its moment
//! and committed at it: what counts begins with the commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;
use handslag_notifications::Notifications;
use handslag_platform::database::begin;
use handslag_platform::{Running, id};
use handslag_proto::EventMessage as _;
use handslag_proto::events::v1::OrganisationRegistered;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{
    RegisterSubscriberRequest, StreamNotificationsRequest, StreamNotificationsResponse,
    SubscribeRequest, SubscriptionFilter,
};
use handslag_registry::Registry;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::benches::b4_drain;
use crate::benches::log::{self, PRODUCER, Relay};
use crate::figure::{Aim, Figure};
use crate::generator::{calls_in, moments};
use crate::pairs::alternate_all;
use crate::peers::broker::{self, per_second};
use crate::scale::Scale;
use crate::stage::{Stage, channels, with_bearer};

/// Share of the stream's capacity at which it is measured.
const LOAD: f64 = 0.2;
/// Who commit while the capacity is measured: as many as the pool has connections.
const WRITERS: usize = 8;
/// How long before its moment a transaction begins: several times what its statements take.
const AHEAD: Duration = Duration::from_millis(5);
/// Longest wait for the next notification.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let mut subscriber = Subscriber::open(stage).await?;
    let capacity = subscriber
        .capacity(usize::try_from(scale.flowed / 2)?)
        .await?;
    let rate = capacity * LOAD;
    let count = calls_in(rate, 2 * scale.phase);
    let bed = b4_drain::Bed::open(stage, "b6-peer").await?;
    let messages = bed.sample(i64::try_from(count)?).await?;
    let peer_url = bed.amqp_url.clone();
    bed.close().await?;
    let [median, tail] = alternate_all(
        scale.pairs,
        async || Ok(quantiles(subscriber.told(rate, count).await?)),
        async || Ok(quantiles(broker::hop(&peer_url, &messages, rate).await?)),
    )
    .await?;
    subscriber.close().await?;
    let figure = |pairs, numerator, aim| Figure {
        bench: "B6",
        numerator,
        denominator: "from publish to delivery by lapin, at the same rate",
        unit: "ms",
        pairs,
        aim,
        note: format!("{rate:.0} events a second, a fifth of what commits and stream carry"),
    };
    Ok(vec![
        figure(
            median,
            "from commit to the subscriber's stream, p50",
            Aim::AtMost(2.0),
        ),
        figure(
            tail,
            "from commit to the subscriber's stream, p99",
            Aim::AtMost(3.0),
        ),
    ])
}

/// p50 and p99 in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times
            .get(place)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    };
    [at(50), at(99)]
}

/// A log with its relay, the notifications service, and a subscriber who listens.
struct Subscriber {
    log: PgPool,
    relay: Relay,
    notifications: Running,
    stream: Streaming<StreamNotificationsResponse>,
}

impl Subscriber {
    async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let registry = stage.database_of::<Registry>("b6-registry").await?;
        let database = stage
            .database_of::<Notifications>("b6-notifications")
            .await?;
        let amqp_url = stage.vhost("b6").await?;
        let log = stage.pool(&registry, WRITERS.try_into()?).await?;
        let relay = Relay::start(&log, &amqp_url);
        let notifications = stage.start::<Notifications>(&database, &amqp_url).await?;
        let channel = channels(notifications.grpc_address, 1)?.remove(0);
        let mut client = NotificationsServiceClient::new(channel);
        let bearer = stage.bearer()?;
        let registration = RegisterSubscriberRequest {
            request_id: id::new().to_string(),
            display_name: "Mätaren".to_owned(),
            ..Default::default()
        };
        let registered = client
            .register_subscriber(with_bearer(&bearer, registration))
            .await?;
        let subscriber = registered
            .into_inner()
            .subscriber
            .context("no subscriber")?
            .name;
        let wish = SubscribeRequest {
            request_id: id::new().to_string(),
            subscriber: subscriber.clone(),
            filter: Some(SubscriptionFilter {
                event_types: vec![OrganisationRegistered::TYPE.to_owned()],
                ..Default::default()
            }),
        };
        client.subscribe(with_bearer(&bearer, wish)).await?;
        let listen = StreamNotificationsRequest {
            subscriber,
            ..Default::default()
        };
        let stream = client
            .stream_notifications(with_bearer(&bearer, listen))
            .await?;
        Ok(Self {
            log,
            relay,
            notifications,
            stream: stream.into_inner(),
        })
    }

    /// Events in a second that are committed one by one and arrive, when there are as many as can be.
    async fn capacity(&mut self, events: usize) -> anyhow::Result<f64> {
        let (log, relay) = (&self.log, &self.relay);
        let commit = async || {
            let mut tx = begin(log).await?;
            log::fill_one(&mut tx).await?;
            tx.commit().await?;
            relay.wake();
            anyhow::Ok(())
        };
        // Whoever hears the first one has bound his queue: what was said before would come by repair.
        commit().await?;
        next(&mut self.stream).await?;
        let began = Instant::now();
        let writers = (0..WRITERS).map(|_| async {
            for _ in 0..events / WRITERS {
                commit().await?;
            }
            anyhow::Ok(())
        });
        let stream = &mut self.stream;
        let arrivals = async {
            for _ in 0..events / WRITERS * WRITERS {
                next(stream).await?;
            }
            Ok(())
        };
        tokio::try_join!(try_join_all(writers), arrivals)?;
        Ok(per_second(events, began.elapsed()))
    }

    /// Commits events at an even rate; answers the time of each from its planned moment to its
    /// arrival.
    async fn told(&mut self, rate: f64, count: u64) -> anyhow::Result<Vec<Duration>> {
        let planned = Arc::new(Mutex::new(HashMap::new()));
        let commits = commit_all(&self.log, &self.relay, rate, count, Arc::clone(&planned));
        let stream = &mut self.stream;
        let arrivals = async {
            let mut arrived = Vec::new();
            while u64::try_from(arrived.len())? < count {
                let subject = next(stream).await?;
                arrived.push((subject, Instant::now()));
            }
            anyhow::Ok(arrived)
        };
        let ((), arrived) = tokio::try_join!(commits, arrivals)?;
        let planned = planned.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(planned.len() == arrived.len(), "an event was told twice");
        arrived
            .iter()
            .map(|(subject, at)| {
                let planned = planned.get(subject).context("an event of somebody else")?;
                Ok(at.saturating_duration_since(*planned))
            })
            .collect()
    }

    async fn close(self) -> anyhow::Result<()> {
        drop(self.stream);
        self.relay.end().await;
        self.log.close().await;
        self.notifications.stop().await
    }
}

/// Each event in a transaction of its own, committed at its moment.
async fn commit_all(
    log: &PgPool,
    relay: &Relay,
    rate: f64,
    count: u64,
    planned: Arc<Mutex<HashMap<String, Instant>>>,
) -> anyhow::Result<()> {
    let mut moments = moments(rate, count);
    let mut tasks = JoinSet::new();
    while let Some(moment) = moments.recv().await {
        let (log, planned, waker) = (log.clone(), Arc::clone(&planned), relay.waker());
        let commit_at = moment + AHEAD;
        tasks.spawn(async move {
            let mut tx = begin(&log).await?;
            let organisation = log::fill_one(&mut tx).await?;
            let subject = format!("organisations/{}", id::encode(organisation));
            // Before the commit, so that no arrival can be earlier.
            planned
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(subject, commit_at);
            tokio::time::sleep_until(commit_at.into()).await;
            tx.commit().await?;
            waker.notify_one();
            anyhow::Ok(())
        });
    }
    while let Some(committed) = tasks.join_next().await {
        committed??;
    }
    Ok(())
}

/// The subject of the next notification.
async fn next(stream: &mut Streaming<StreamNotificationsResponse>) -> anyhow::Result<String> {
    loop {
        match tokio::time::timeout(PATIENCE, stream.message()).await {
            Ok(Ok(Some(item))) => {
                if let Some(notification) = item.notification {
                    return Ok(notification.subject);
                }
            }
            Ok(Ok(None)) => bail!("the stream of {PRODUCER}'s events ended"),
            Ok(Err(status)) => bail!("the stream failed: {status}"),
            Err(_) => bail!("no notification in {} s", PATIENCE.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::quantiles;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let [median, tail] = quantiles(times);
        assert!((median - 101.0).abs() < 1e-9 && (tail - 199.0).abs() < 1e-9);
        assert!(quantiles(Vec::new())[0].is_nan());
    }
}
