//! What goes on beside the calls in every service.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::DatabaseConfig;
use crate::database::{Database, request_log, vanished};
use crate::files::Mounted;
use crate::messaging;
use crate::paging::Tokens;
use crate::readiness::Flag;
use crate::server::Door;
use crate::service::{BackgroundTask, Service};
use crate::shutdown::Shutdown;
use crate::tls::ServerTls;

/// How often old answers are forgotten: an hour more or less of seven days does not matter.
const SWEEP_PAUSE: Duration = Duration::from_secs(3_600);
/// How often quiet callers are forgotten: bounds the limiter's memory.
const FORGET_PAUSE: Duration = Duration::from_secs(60);
/// How often the broker's connection is looked at for readiness.
const BROKER_LOOK_PAUSE: Duration = Duration::from_millis(500);

pub(super) fn sweeper(database: Database) -> BackgroundTask {
    BackgroundTask::new("request log sweeper", move |shutdown| async move {
        while pause(&shutdown, SWEEP_PAUSE).await {
            let swept = async {
                let mut connection = database.pool().acquire().await?;
                request_log::sweep(&mut connection).await
            };
            match swept.await {
                Ok(answers) => tracing::info!(answers, "old answers were forgotten"),
                Err(error) => tracing::warn!(%error, "old answers were not forgotten this time"),
            }
        }
        Ok(())
    })
}

pub(super) fn forgetter(door: Door) -> BackgroundTask {
    BackgroundTask::new("rate limiter upkeep", move |shutdown| async move {
        while pause(&shutdown, FORGET_PAUSE).await {
            door.forget_the_quiet();
        }
        Ok(())
    })
}

pub(super) fn broker_watch(messaging: messaging::Messaging, flag: Flag) -> BackgroundTask {
    BackgroundTask::new("broker watch", move |shutdown| async move {
        flag.set(messaging.ready());
        while pause(&shutdown, BROKER_LOOK_PAUSE).await {
            flag.set(messaging.ready());
        }
        Ok(())
    })
}

/// Takes a changed address or password of the database over.
pub(super) fn database<S: Service>(
    database: Database,
    config: DatabaseConfig,
    files: Mounted,
) -> BackgroundTask {
    BackgroundTask::new("database address", move |shutdown| async move {
        let end = shutdown.stopping();
        database.follow(&config, &files, S::NAME, end).await;
        Ok(())
    })
}

/// Ends the process when the database's host has vanished.
pub(super) fn database_watch(database: Database) -> BackgroundTask {
    BackgroundTask::new("database watch", move |shutdown| async move {
        tokio::select! {
            vanished = vanished::watch(database.pool()) => vanished.map(|never| match never {}),
            () = shutdown.stopping() => Ok(()),
        }
    })
}

/// Takes a changed key of tokens over.
pub(super) fn token_key(tokens: Tokens, path: Option<PathBuf>, files: Mounted) -> BackgroundTask {
    BackgroundTask::new("token key", move |shutdown| async move {
        let exchange = || {
            let path = path
                .as_deref()
                .context("there is no file of the token key")?;
            tokens.exchange(&std::fs::read_to_string(path)?)
        };
        let apply = || match exchange() {
            Ok(()) => tracing::info!("the token key was exchanged"),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the new token key cannot be used; the former stays"
            ),
        };
        files.follow(shutdown.stopping(), apply).await;
        Ok(())
    })
}

/// Takes a changed certificate of the gRPC port over.
pub(super) fn certificate(tls: ServerTls) -> BackgroundTask {
    BackgroundTask::new("certificate", move |shutdown| async move {
        tls.follow(shutdown.stopping()).await;
        Ok(())
    })
}

/// Waits; false when the process stops meanwhile.
async fn pause(shutdown: &Shutdown, time: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = shutdown.stopping() => false,
    }
}
