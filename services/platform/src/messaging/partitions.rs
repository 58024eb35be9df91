//! Upkeep of the outbox log: partitions ahead of its end, none behind the retention time.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::error::Chain;

/// Partitions of a million numbers each that must exist ahead. At 15 000 events a second one lasts
/// 66 s, so two outlast the pause between rounds.
const AHEAD: i32 = 2;
/// Pause between rounds.
const PAUSE: Duration = Duration::from_secs(60);

/// Does a round now and each minute. Any replica may: the function lets one in at a time.
pub(crate) async fn supervise(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        if let Err(error) = maintain(&shared).await {
            tracing::warn!(
                error = %Chain(&error),
                "the outbox's partitions could not be maintained and will be in a minute"
            );
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn maintain(shared: &Shared) -> Result<(), sqlx::Error> {
    let retain = shared.settings.retain.map(|retain| PgInterval {
        microseconds: i64::try_from(retain.as_micros()).unwrap_or(i64::MAX),
        ..PgInterval::default()
    });
    let round = sqlx::query!(
        r#"SELECT created AS "created!", dropped AS "dropped!" FROM outbox_maintain($1, $2)"#,
        AHEAD,
        retain,
    )
    .fetch_one(&shared.pool)
    .await?;
    if round.created + round.dropped > 0 {
        tracing::info!(
            created = round.created,
            dropped = round.dropped,
            "the outbox's partitions were maintained"
        );
    }
    Ok(())
}
