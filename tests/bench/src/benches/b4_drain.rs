//! B4: how fast the relay publishes a log, against the client library alone.

use std::time::{Duration, Instant};

use anyhow::ensure;
use handslag_platform::messaging::status;
use handslag_registry::Registry;
use sqlx::PgPool;

use crate::benches::log::{self, Relay};
use crate::figure::{Aim, Figure};
use crate::pairs::alternate;
use crate::peers::broker::{Message, Peer};
use crate::scale::Scale;
use crate::stage::Stage;

/// How often the mark is looked at, which is written once a second.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for a relay to come to rest.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let bed = Bed::open(stage, "b4").await?;
    let messages = bed.sample(scale.drained).await?;
    let pairs = alternate(
        scale.pairs,
        async || bed.drain(scale.drained).await,
        async || {
            bed.peer.purge().await?;
            bed.peer.publish(&messages).await
        },
    )
    .await?;
    bed.close().await?;
    Ok(vec![Figure {
        bench: "B4",
        numerator: "events of a full log published by the relay, confirmed",
        denominator: "the same messages published by lapin, confirmed; window of 200 as there",
        unit: "1/s",
        pairs,
        aim: Aim::AtLeast(0.90),
        note: format!("{} events, into one quorum queue", scale.drained),
    }])
}

/// A log, a broker, and a client of it.
pub(super) struct Bed {
    pub(super) pool: PgPool,
    pub(super) amqp_url: String,
    pub(super) peer: Peer,
}

impl Bed {
    pub(super) async fn open(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let database = stage.database_of::<Registry>(name).await?;
        let amqp_url = stage.vhost(name).await?;
        Ok(Self {
            pool: stage.pool(&database, 8).await?,
            peer: Peer::connect(&amqp_url).await?,
            amqp_url,
        })
    }

    /// Fills the log while no relay runs, and lets one drain it; answers events in a second.
    pub(super) async fn drain(&self, events: i64) -> anyhow::Result<f64> {
        self.peer.purge().await?;
        log::fill(&self.pool, usize::try_from(events)?).await?;
        let relay = Relay::start(&self.pool, &self.amqp_url);
        let rate = relay.drained(events.unsigned_abs()).await;
        relay.end().await;
        let rate = rate?;
        let arrived = i64::from(self.peer.purge().await?);
        ensure!(
            arrived >= events,
            "{arrived} of {events} events are in the queue"
        );
        Ok(rate)
    }

    /// Lets a relay come to rest, so that the next one begins where this one ended: behind a hole
    /// whose writer has gone it would publish everything again.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        let relay = Relay::start(&self.pool, &self.amqp_url);
        let began = Instant::now();
        while status::read(&self.pool).await?.unpublished > 0 {
            ensure!(
                began.elapsed() < PATIENCE,
                "the relay does not come to rest"
            );
            tokio::time::sleep(LOOK).await;
        }
        relay.end().await;
        Ok(())
    }

    /// The messages of a drain, as they lie in the queue.
    pub(super) async fn sample(&self, events: i64) -> anyhow::Result<Vec<Message>> {
        let events = usize::try_from(events)?;
        log::fill(&self.pool, events).await?;
        let relay = Relay::start(&self.pool, &self.amqp_url);
        let messages = self.peer.take(events).await;
        relay.end().await;
        messages
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        self.peer.close().await
    }
}
