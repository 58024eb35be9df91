//! `migrate`: brings the database up to date, says whether it is, or waits until it is.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use crate::config::DatabaseConfig;
use crate::database::migrations::{self, Refusal};
use crate::database::{Database, grants};
use crate::messaging::incarnation;
use crate::service::Service;

/// Pause between two tries while it is waited.
const TRY_PAUSE: Duration = Duration::from_secs(1);
/// One try, from the connection to the answer.
const TRY_TIME_MOST: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only says whether it is; the exit code is 1 when it is not
    #[arg(long, conflicts_with = "grant_to")]
    check: bool,
    /// Waits at most so long for the database to answer, and with --check for it to be up to date
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Lets a role run the service, with no more rights than that needs; may be repeated
    #[arg(long, value_name = "ROLE")]
    grant_to: Vec<String>,
    /// The databases were restored from a backup for the (NUMBER − 1)th time: what was said after the
    /// instant of the backup no longer counts. Does nothing where it was done; with --check, waits for it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    incarnation: Option<i64>,
    #[command(flatten)]
    database: DatabaseConfig,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// That the database answers.
    Answer,
    /// That its schema is that of the program, and that it has come to this incarnation.
    Schema {
        /// The least that is wanted.
        incarnation: i64,
    },
}

pub(super) async fn run<S: Service>(options: Migrate) -> anyhow::Result<ExitCode> {
    let patience = Duration::from_secs(options.wait.unwrap_or(0));
    if options.check {
        let incarnation = options.incarnation.unwrap_or(incarnation::FIRST);
        let schema = For::Schema { incarnation };
        let holds = until::<S>(schema, &options.database, patience).await?;
        return Ok(if holds {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    if options.wait.is_some() && !until::<S>(For::Answer, &options.database, patience).await? {
        return Ok(ExitCode::FAILURE);
    }
    let database = Database::connect(&options.database, S::NAME).await?;
    migrations::run(database.pool(), S::migrations())
        .await
        .context("the database could not be brought up to date")?;
    if let Some(number) = options.incarnation {
        incarnation::begin_at_least(database.pool(), number).await?;
    }
    for role in &options.grant_to {
        grants::to(database.pool(), role).await?;
        tracing::info!(service = S::NAME, role, "the role may run the service");
    }
    database.close().await;
    tracing::info!(service = S::NAME, "the database is up to date");
    Ok(ExitCode::SUCCESS)
}

/// Tries until what is waited for holds, at least once. Each reason is told once.
async fn until<S: Service>(
    what: For,
    config: &DatabaseConfig,
    patience: Duration,
) -> anyhow::Result<bool> {
    let deadline = Instant::now() + patience;
    let mut told = BTreeSet::new();
    loop {
        let missing = attempt::<S>(what, config).await?;
        if missing.is_empty() {
            match what {
                For::Answer => tracing::info!(service = S::NAME, "the database answers"),
                For::Schema { .. } => {
                    tracing::info!(service = S::NAME, "the database is up to date");
                }
            }
            return Ok(true);
        }
        let over = Instant::now() + TRY_PAUSE > deadline;
        for reason in missing {
            if over {
                tracing::error!(
                    service = S::NAME,
                    reason,
                    waited_seconds = patience.as_secs(),
                    "the database is not ready for this program"
                );
            } else if told.insert(reason.clone()) {
                tracing::info!(
                    service = S::NAME,
                    reason,
                    "waiting until the database is ready for this program"
                );
            }
        }
        if over {
            return Ok(false);
        }
        tokio::time::sleep(TRY_PAUSE).await;
    }
}

/// What is missing now, one sentence each. A database that does not answer is missing; a refusal is
/// an error, since no wait changes it.
async fn attempt<S: Service>(what: For, config: &DatabaseConfig) -> anyhow::Result<Vec<String>> {
    // Read anew each time: the secret may come, or change, while we wait.
    let options = config.options()?;
    let database = named(&options);
    let answer = async {
        let mut connection = options.connect().await?;
        let missing = look::<S>(what, &mut connection).await;
        // What was asked is answered.
        let _closed = connection.close().await;
        missing
    };
    match tokio::time::timeout(TRY_TIME_MOST, answer).await {
        Ok(Ok(missing)) => Ok(missing),
        Ok(Err(Refusal::Database(sqlx::Error::Database(error)))) => {
            Ok(vec![format!("{database} does not let us in: {error}")])
        }
        Ok(Err(Refusal::Database(error))) => {
            Ok(vec![format!("{database} does not answer: {error}")])
        }
        Ok(Err(refusal)) => Err(refusal.into()),
        Err(_) => Ok(vec![format!("{database} does not answer in time")]),
    }
}

/// Which database is meant. Who we are is the secret's affair.
fn named(options: &PgConnectOptions) -> String {
    let (host, port) = (options.get_host(), options.get_port());
    match options.get_database() {
        Some(name) => format!("the database {name} at {host}:{port}"),
        None => format!("the database at {host}:{port}"),
    }
}

async fn look<S: Service>(
    what: For,
    connection: &mut PgConnection,
) -> Result<Vec<String>, Refusal> {
    match what {
        For::Answer => migrations::refuse_old_server(connection).map(|()| Vec::new()),
        For::Schema { incarnation } => {
            let mut missing = migrations::pending_on(connection, S::migrations()).await?;
            if missing.is_empty() {
                let now = incarnation::current(connection).await?;
                if now < incarnation {
                    missing.push(format!(
                        "the log is in its incarnation {now}, and {incarnation} is wanted: \
                         `migrate --incarnation {incarnation}` has not run"
                    ));
                }
            }
            Ok(missing)
        }
    }
}
