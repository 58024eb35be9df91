//! A producer and a consumer, each with a database, on a virtual host of their own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use handslag_platform::database::begin;
use handslag_platform::etag::Version;
use handslag_platform::messaging::{
    self, Consumer, Envelope, Messaging, Rejection, Settings, Stop, outbox,
};
use handslag_proto::events::v1::AreaCreated;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use sqlx::{PgConnection, PgPool};
use time::macros::datetime;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The consumer's queue.
pub(super) const QUEUE: &str = "handslag.reader.from.registry";
/// Longest wait for anything; a loaded machine needs a part of it.
const PATIENCE: Duration = Duration::from_secs(40);

const EFFECTS: &str = "
    CREATE TABLE effect (
        n bigint GENERATED ALWAYS AS IDENTITY, aggregate_id text, version bigint, event uuid,
        traceparent text);
    CREATE TABLE poison (aggregate_id text, version bigint, kind text);";

/// Servers, databases and the running halves.
pub(super) struct Bed {
    pub(super) producer: PgPool,
    pub(super) consumer: PgPool,
    pub(super) amqp_url: String,
    pub(super) digest_every: Duration,
}

/// A half of messaging that runs until it is stopped.
pub(super) struct Running {
    pub(super) messaging: Messaging,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait())
            .await
            .expect("all tasks end");
    }
}

impl Bed {
    pub(super) async fn new(name: &'static str) -> Self {
        let made = tokio::task::spawn_blocking(move || {
            let servers = handslag_local_infra::shared_for_tests()?;
            anyhow::Ok((
                servers.fresh_database(name)?,
                servers.fresh_database(name)?,
                servers.fresh_vhost(name)?,
            ))
        });
        let (producer, consumer, amqp_url) = made.await.unwrap().expect("test servers");
        let bed = Self {
            producer: PgPool::connect(&producer).await.unwrap(),
            consumer: PgPool::connect(&consumer).await.unwrap(),
            amqp_url,
            digest_every: Duration::from_millis(200),
        };
        for pool in [&bed.producer, &bed.consumer] {
            for migration in [
                include_str!("../../../migrations/0002_messaging.sql"),
                include_str!("../../../migrations/0003_audit.sql"),
                include_str!("../../../migrations/0004_expand_incarnation.sql"),
            ] {
                sqlx::raw_sql(migration).execute(pool).await.unwrap();
            }
        }
        sqlx::raw_sql(EFFECTS).execute(&bed.consumer).await.unwrap();
        bed
    }

    fn settings(&self, service: &str, amqp_url: &str) -> Settings {
        let mut settings = Settings::new(service, amqp_url);
        settings.digest_every = self.digest_every;
        settings.sweep_every = Duration::from_millis(100);
        settings
    }

    pub(super) fn start_relay(&self) -> Running {
        self.start_relay_through(&self.amqp_url)
    }

    pub(super) fn start_relay_through(&self, amqp_url: &str) -> Running {
        start(self.settings("registry", amqp_url), &self.producer, vec![])
    }

    pub(super) fn start_consumer(&self) -> Running {
        self.start_consumer_through(&self.amqp_url)
    }

    pub(super) fn start_consumer_through(&self, amqp_url: &str) -> Running {
        let consumer = Consumer::of("registry").on::<AreaCreated, _>(record);
        start(
            self.settings("reader", amqp_url),
            &self.consumer,
            vec![consumer],
        )
    }

    /// Appends and commits one event of an aggregate.
    pub(super) async fn say(&self, aggregate_id: &str, version: i64) {
        let mut tx = begin(&self.producer).await.unwrap();
        append(&mut tx, aggregate_id, version).await;
        tx.commit().await.unwrap();
    }

    /// What had an effect, in order.
    pub(super) async fn effects(&self) -> Vec<(String, i64)> {
        sqlx::query_as("SELECT aggregate_id, version FROM effect ORDER BY n")
            .fetch_all(&self.consumer)
            .await
            .unwrap()
    }

    /// The versions of one aggregate that had an effect, in order.
    pub(super) async fn versions(&self, aggregate_id: &str) -> Vec<i64> {
        let effects = self.effects().await.into_iter();
        effects
            .filter(|(id, _)| id == aggregate_id)
            .map(|(_, version)| version)
            .collect()
    }

    pub(super) async fn heard(&self, aggregate_id: &str, versions: &[i64]) {
        eventually(&format!("{aggregate_id} has {versions:?}"), || async {
            self.versions(aggregate_id).await == versions
        })
        .await;
    }

    pub(super) async fn low_water(&self) -> i64 {
        messaging::status::read(&self.producer)
            .await
            .unwrap()
            .low_water
    }

    pub(super) async fn poison(&self, aggregate_id: &str, version: i64, kind: &str) {
        sqlx::query("INSERT INTO poison VALUES ($1, $2, $3)")
            .bind(aggregate_id)
            .bind(version)
            .bind(kind)
            .execute(&self.consumer)
            .await
            .unwrap();
    }

    pub(super) async fn heal(&self) {
        sqlx::query("DELETE FROM poison")
            .execute(&self.consumer)
            .await
            .unwrap();
    }

    /// A channel of the test's own.
    pub(super) async fn channel(&self) -> (Connection, Channel) {
        let properties = ConnectionProperties::default();
        let connection = Connection::connect(&self.amqp_url, properties)
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// Deliveries of the consumer's queue, one at a time. Single active consumers allow no
    /// `basic.get`.
    pub(super) async fn deliveries(&self, channel: &Channel) -> lapin::Consumer {
        let (qos, consume) = (BasicQosOptions::default(), BasicConsumeOptions::default());
        channel.basic_qos(1, qos).await.unwrap();
        channel
            .basic_consume(QUEUE.into(), "".into(), consume, FieldTable::default())
            .await
            .unwrap()
    }

    /// Makes the consumer's queue and bindings, and leaves.
    pub(super) async fn declare_queue(&self) {
        let consumer = self.start_consumer();
        let (_connection, channel) = self.channel().await;
        drop(channel);
        eventually("the queue is there", || async {
            let (_connection, channel) = self.channel().await;
            channel
                .queue_declare(
                    QUEUE.into(),
                    QueueDeclareOptions {
                        passive: true,
                        ..QueueDeclareOptions::default()
                    },
                    FieldTable::default(),
                )
                .await
                .is_ok_and(|queue| queue.consumer_count() > 0)
        })
        .await;
        consumer.stop().await;
    }
}

fn start(settings: Settings, pool: &PgPool, consumers: Vec<Consumer>) -> Running {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let messaging = messaging::start(
        settings,
        pool.clone(),
        consumers,
        &Stop::both(stop.clone()),
        &tasks,
    );
    Running {
        messaging,
        stop,
        tasks,
    }
}

pub(super) async fn append(tx: &mut PgConnection, aggregate_id: &str, version: i64) {
    let event = outbox::Event {
        aggregate_id: aggregate_id.to_owned(),
        version: Version(version),
        subject: format!("areas/{aggregate_id}"),
        actor: "tester".to_owned(),
        time: datetime!(2026-03-01 12:00 UTC),
        body: AreaCreated {
            area: format!("areas/{aggregate_id}"),
            ..AreaCreated::default()
        },
    };
    outbox::append(tx, event).await.unwrap();
}

async fn record(tx: &mut PgConnection, event: &Envelope<AreaCreated>) -> Result<(), Rejection> {
    let poison: Option<String> =
        sqlx::query_scalar("SELECT kind FROM poison WHERE aggregate_id = $1 AND version = $2")
            .bind(&event.aggregate_id)
            .bind(event.version)
            .fetch_optional(&mut *tx)
            .await?;
    assert_ne!(poison.as_deref(), Some("panic"), "poisoned");
    match poison.as_deref() {
        Some("retry") => return Err(Rejection::Retry("not now".into())),
        Some(_) => return Err(Rejection::Reject("never".into())),
        None => {}
    }
    assert_eq!(event.body.area, event.subject);
    sqlx::query(
        "INSERT INTO effect (aggregate_id, version, event, traceparent)
                 VALUES ($1, $2, $3, $4)",
    )
    .bind(&event.aggregate_id)
    .bind(event.version)
    .bind(event.id)
    .bind(&event.traceparent)
    .execute(tx)
    .await?;
    Ok(())
}

/// Waits until the condition holds.
pub(super) async fn eventually<F, Fut>(what: &str, condition: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = bool>,
{
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A TCP proxy before the broker that can be cut.
pub(super) struct Proxy {
    pub(super) amqp_url: String,
    open: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
    refused: Arc<AtomicUsize>,
}

impl Proxy {
    pub(super) async fn before(amqp_url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: lapin::uri::AMQPUri = amqp_url.parse().unwrap();
        let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
        let local = listener.local_addr().unwrap().to_string();
        let proxy = Self {
            amqp_url: amqp_url.replacen(&broker, &local, 1),
            open: Arc::new(AtomicBool::new(true)),
            cut: Arc::default(),
            refused: Arc::default(),
        };
        let (open, cut) = (Arc::clone(&proxy.open), Arc::clone(&proxy.cut));
        let refused = Arc::clone(&proxy.refused);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if !open.load(Ordering::Relaxed) {
                    refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let (broker, cut) = (broker.clone(), Arc::clone(&cut));
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(broker).await else {
                        return;
                    };
                    tokio::select! {
                        () = cut.notified() => {}
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    }
                });
            }
        });
        proxy
    }

    /// Cuts all connections and refuses new ones.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
        self.cut.notify_waiters();
    }

    /// How many connections were refused so far.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Relaxed);
    }
}
