//! Other services as far as a consumer sees them: an outbox and its relay.

use std::collections::BTreeMap;

use anyhow::Context as _;
use handslag_local_infra::Servers;
use handslag_proto::EventMessage;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::database::{Database, migrations};
use crate::messaging::{self, outbox};
use crate::testing::fresh_database;

static NOTHING_OF_ITS_OWN: Migrator = Migrator::DEFAULT;

/// The other services of a bed, by name; made when their first event is published.
#[derive(Clone)]
pub(super) struct Producers {
    servers: Servers,
    bed: String,
    amqp_url: String,
    by_name: BTreeMap<&'static str, Producer>,
}

#[derive(Clone)]
struct Producer {
    database: Database,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Producers {
    pub(super) fn new(servers: Servers, bed: &str, amqp_url: &str) -> Self {
        let by_name = BTreeMap::new();
        Self {
            servers,
            bed: bed.to_owned(),
            amqp_url: amqp_url.to_owned(),
            by_name,
        }
    }

    pub(super) async fn publish<E: EventMessage>(
        &mut self,
        event: outbox::Event<E>,
    ) -> anyhow::Result<()> {
        let producer = match self.by_name.get(E::SERVICE) {
            Some(producer) => producer.clone(),
            None => {
                let producer = self.start(E::SERVICE).await?;
                self.by_name.insert(E::SERVICE, producer.clone());
                producer
            }
        };
        let mut tx = producer.database.begin_task().await?;
        outbox::append(&mut tx, event).await?;
        tx.commit_task().await?;
        Ok(())
    }

    async fn start(&self, service: &'static str) -> anyhow::Result<Producer> {
        let url = fresh_database(&self.servers, &format!("{}-{service}", self.bed)).await?;
        let mut config = Config::local(&url, &self.amqp_url)?.database;
        config.pool_size = 3;
        let database = Database::connect(&config, service).await?;
        migrations::run(database.pool(), &NOTHING_OF_ITS_OWN).await?;
        let mut settings = messaging::Settings::new(service, &self.amqp_url);
        settings.outbox_signal = database.outbox_signal();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        messaging::start(
            settings,
            database.pool().clone(),
            Vec::new(),
            &messaging::Stop::both(stop.clone()),
            &tasks,
        );
        tasks.close();
        Ok(Producer {
            database,
            stop,
            tasks,
        })
    }

    pub(super) async fn end(self) -> anyhow::Result<()> {
        for (name, producer) in self.by_name {
            let status = messaging::status::read(producer.database.pool())
                .await
                .with_context(|| format!("the state of {name}"))?;
            producer.stop.cancel();
            producer.tasks.wait().await;
            producer.database.close().await;
            anyhow::ensure!(status.dead_letters == 0, "{name} has dead letters");
        }
        Ok(())
    }
}

impl std::fmt::Debug for Producers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.by_name.keys()).finish()
    }
}
