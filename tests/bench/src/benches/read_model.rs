//! Reporting with a producer beside it.

use handslag_platform::Running;
use handslag_registry::Registry;
use handslag_reporting::Reporting;
use sqlx::PgPool;

use crate::benches::log::{self, Relay};
use crate::stage::Stage;

/// A registry's log, its relay, and reporting that hears it.
pub(crate) struct Hearing {
    /// The producer's database.
    pub(crate) log: PgPool,
    /// The read model's database.
    pub(crate) model: PgPool,
    /// The broker of both.
    pub(crate) amqp_url: String,
    reporting: Running,
    heard: u64,
}

impl Hearing {
    /// Starts reporting; nothing is said yet.
    pub(crate) async fn open(stage: &Stage, name: &str) -> anyhow::Result<Self> {
        let registry = stage
            .database_of::<Registry>(&format!("{name}-registry"))
            .await?;
        let reporting = stage
            .database_of::<Reporting>(&format!("{name}-reporting"))
            .await?;
        let amqp_url = stage.vhost(name).await?;
        Ok(Self {
            log: stage.pool(&registry, 4).await?,
            model: stage.pool(&reporting, 4).await?,
            reporting: stage.start::<Reporting>(&reporting, &amqp_url).await?,
            amqp_url,
            heard: 0,
        })
    }

    /// Writes so many events while no relay runs, starts one, and waits until reporting counts them
    /// all; answers events in a second.
    pub(crate) async fn flow(&mut self, events: u64) -> anyhow::Result<f64> {
        log::fill(&self.log, usize::try_from(events)?).await?;
        let before = self.heard;
        let relay = Relay::start(&self.log, &self.amqp_url);
        let model = &self.model;
        let rate = log::rate_of(events, async || {
            Ok(counted(model).await?.saturating_sub(before))
        })
        .await;
        relay.end().await;
        self.heard += events;
        rate
    }

    /// Events that the read model has counted.
    pub(crate) async fn counted(&self) -> anyhow::Result<u64> {
        Ok(counted(&self.model).await?)
    }

    /// Ends everything in order.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.log.close().await;
        self.model.close().await;
        self.reporting.stop().await
    }
}

async fn counted(model: &PgPool) -> Result<u64, sqlx::Error> {
    let counted: i64 = sqlx::query_scalar("SELECT coalesce(sum(events), 0)::bigint FROM freshness")
        .fetch_one(model)
        .await?;
    Ok(counted.unsigned_abs())
}
