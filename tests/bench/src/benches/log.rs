//! A producer's log of any length, and the relay that publishes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use handslag_platform::clock::Clock;
use handslag_platform::etag::Version;
use handslag_platform::id;
use handslag_platform::messaging::{self, Messaging, Settings, Stop, outbox};
use handslag_proto::EventMessage;
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1::OrganisationRegistered;
use prost::Message as _;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// The service that the events are of.
pub(crate) const PRODUCER: &str = <OrganisationRegistered as EventMessage>::SERVICE;
/// Rows of one statement.
const ROWS_AT_ONCE: usize = 20_000;
/// How often a counter is looked at: a thousandth of the shortest drain that is published.
const LOOK: Duration = Duration::from_millis(5);
/// A relay that publishes nothing for this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an organisation's registration says.
pub(crate) fn registered(id: Uuid) -> OrganisationRegistered {
    OrganisationRegistered {
        scope: Some(EventScope {
            areas: vec!["areas/social".to_owned()],
            ..EventScope::default()
        }),
        organisation: format!("organisations/{}", id::encode(id)),
        display_name: "Föreningen för den idéburna sektorn i Stockholm".to_owned(),
        kind: "association".to_owned(),
        example: false,
    }
}

/// Writes so many registrations into a log, each of an organisation of its own. All at once, as no
/// command would: what is measured comes after.
pub(crate) async fn fill(pool: &PgPool, count: usize) -> anyhow::Result<()> {
    let mut left = count;
    while left > 0 {
        let rows = left.min(ROWS_AT_ONCE);
        left -= rows;
        let organisations: Vec<Uuid> = (0..rows).map(|_| id::new()).collect();
        let keys: Vec<String> = organisations.iter().map(|one| id::encode(*one)).collect();
        let ids: Vec<Uuid> = (0..rows).map(|_| id::new()).collect();
        let bodies: Vec<Vec<u8>> = organisations
            .iter()
            .map(|one| registered(*one).encode_to_vec())
            .collect();
        sqlx::query(
            "INSERT INTO outbox (aggregate, aggregate_id, version, id, type, district, subject,
                                 actor, time, payload)
             SELECT $1, key, 1, id, $2, 'all', 'organisations/' || key, 'bench', now(), body
             FROM unnest($3::text[], $4::uuid[], $5::bytea[]) AS one (key, id, body)",
        )
        .bind(OrganisationRegistered::AGGREGATE)
        .bind(OrganisationRegistered::TYPE)
        .bind(&keys)
        .bind(&ids)
        .bind(&bodies)
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// Writes one registration in somebody's transaction, as a command would.
pub(crate) async fn fill_one(tx: &mut PgConnection) -> anyhow::Result<Uuid> {
    let organisation = id::new();
    let key = id::encode(organisation);
    let event = outbox::Event {
        subject: format!("organisations/{key}"),
        aggregate_id: key,
        version: Version::FIRST,
        actor: "bench".to_owned(),
        time: Clock::system().now(),
        body: registered(organisation),
    };
    outbox::append(tx, event).await?;
    Ok(organisation)
}

/// The messaging of a service that consumes nothing: a relay.
pub(crate) struct Relay {
    messaging: Messaging,
    signal: Arc<Notify>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Relay {
    /// Starts it; it leads as soon as it is connected.
    pub(crate) fn start(pool: &PgPool, amqp_url: &str) -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let settings = Settings::new(PRODUCER, amqp_url);
        let signal = Arc::clone(&settings.outbox_signal);
        let messaging = messaging::start(
            settings,
            pool.clone(),
            Vec::new(),
            &Stop::both(stop.clone()),
            &tasks,
        );
        tasks.close();
        Self {
            messaging,
            signal,
            stop,
            tasks,
        }
    }

    /// Waits until so many events were published; answers events in a second, from the first on.
    pub(crate) async fn drained(&self, count: u64) -> anyhow::Result<f64> {
        let published = || self.messaging.metrics().read().published_total;
        rate_of(count, async || Ok(published())).await
    }

    /// Tells it that something was committed.
    pub(crate) fn wake(&self) {
        self.messaging.wake();
    }

    /// What a commit rings, as a service's own does.
    pub(crate) fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.signal)
    }

    /// Ends it in order.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// Watches a counter that starts at 0 until it reaches `count`; answers its speed between the
/// first sight of something and the end. How long it takes to begin is no part of it.
pub(crate) async fn rate_of(
    count: u64,
    mut counter: impl AsyncFnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<f64> {
    let mut first: Option<(Instant, u64)> = None;
    let (mut seen, mut seen_at) = (0, Instant::now());
    loop {
        let now = counter().await?;
        if now > seen {
            (seen, seen_at) = (now, Instant::now());
            first.get_or_insert((seen_at, now));
        }
        if seen >= count {
            break;
        }
        if seen_at.elapsed() > PATIENCE {
            bail!(
                "{seen} of {count} events after {} s without any",
                PATIENCE.as_secs()
            );
        }
        tokio::time::sleep(LOOK).await;
    }
    ensure!(seen == count, "{seen} events where {count} were written");
    // Within one look everything may be over; then the look is the time.
    let (began, before) = first.unwrap_or((seen_at, 0));
    let before = if before == count { 0 } else { before };
    let time = seen_at.saturating_duration_since(began).max(LOOK);
    Ok(crate::peers::broker::per_second(
        usize::try_from(count - before)?,
        time,
    ))
}
