//! Where it was measured.

use std::fmt;

use crate::stage::Stage;

/// What a figure depends on beside the program.
#[derive(Clone, Debug)]
pub struct Machine {
    cores: usize,
    callers_apart: bool,
    model: String,
    postgres: String,
    broker: String,
    profile: &'static str,
    durable: bool,
}

impl Machine {
    /// Asks the machine and the servers.
    ///
    /// # Errors
    /// When a server does not answer.
    pub(crate) async fn of(stage: &Stage) -> anyhow::Result<Self> {
        let pool = stage.pool(&stage.database("version").await?, 1).await?;
        let postgres: String = sqlx::query_scalar("SHOW server_version")
            .fetch_one(&pool)
            .await?;
        pool.close().await;
        let number = postgres.split_whitespace().next().unwrap_or("?");
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            callers_apart: stage.outside().apart,
            model: model(),
            postgres: number.to_owned(),
            broker: crate::peers::broker::version(&stage.vhost("version").await?).await?,
            profile: if cfg!(debug_assertions) {
                "without optimisation, says nothing"
            } else {
                "optimised"
            },
            durable: stage.durable(),
        })
    }

    /// In a few words, for a column.
    pub(crate) fn short(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disk = if self.durable { "on" } else { "off" };
        let apart = if self.callers_apart {
            " and one for callers"
        } else {
            ""
        };
        write!(
            f,
            "{} × {}{apart}; PostgreSQL {} (fsync {disk}), RabbitMQ {}; {}",
            self.cores, self.model, self.postgres, self.broker, self.profile
        )
    }
}

/// The processor's name, where the system tells it.
fn model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split(": ").nth(1))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), str::to_owned)
}
