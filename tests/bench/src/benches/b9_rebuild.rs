//! B9: a read model made anew, against PostgreSQL copying the same rows.

use std::time::Instant;

use anyhow::ensure;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sqlx::PgPool;

use crate::benches::log::{self, Relay};
use crate::benches::read_model::Hearing;
use crate::figure::{Aim, Figure};
use crate::pairs::alternate;
use crate::peers::broker::per_second;
use crate::scale::Scale;
use crate::stage::Stage;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let mut hearing = Hearing::open(stage, "b9").await?;
    let events = scale.flowed.unsigned_abs();
    hearing.flow(events).await?;
    let relay = Relay::start(&hearing.log, &hearing.amqp_url);
    let pairs = alternate(
        scale.pairs,
        async || rebuild(&hearing, events).await,
        async || copy(&hearing, events).await,
    )
    .await;
    relay.end().await;
    hearing.close().await?;
    Ok(vec![Figure {
        bench: "B9",
        numerator: "events of a rebuild of reporting's read model, replayed by the relay",
        denominator: "the same events by COPY out of the log, their rows by COPY in",
        unit: "1/s",
        pairs: pairs?,
        aim: Aim::AtLeast(0.5),
        note: format!("{events} registrations of organisations"),
    }])
}

/// Drops the read model and waits until it is as it was; all the time counts.
async fn rebuild(hearing: &Hearing, events: u64) -> anyhow::Result<f64> {
    let began = Instant::now();
    handslag_reporting::rebuild(&hearing.model).await?;
    log::rate_of(events, async || hearing.counted().await).await?;
    let rate = per_second(usize::try_from(events)?, began.elapsed());
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM organisation")
        .fetch_one(&hearing.model)
        .await?;
    ensure!(
        rows.unsigned_abs() == events,
        "{rows} rows of {events} events"
    );
    Ok(rate)
}

/// Moves the bytes that a rebuild cannot do without: the log out of one database, the read model
/// and the inbox into the other, indexes included.
async fn copy(hearing: &Hearing, events: u64) -> anyhow::Result<f64> {
    let model = copy_out(&hearing.model, "COPY organisation TO STDOUT").await?;
    let marks = copy_out(&hearing.model, "COPY inbox_mark TO STDOUT").await?;
    sqlx::raw_sql(
        "CREATE TABLE copy_of_organisation (LIKE organisation INCLUDING ALL);
         CREATE TABLE copy_of_mark (LIKE inbox_mark INCLUDING ALL)",
    )
    .execute(&hearing.model)
    .await?;
    let began = Instant::now();
    let read = copy_out(&hearing.log, "COPY (SELECT * FROM outbox) TO STDOUT").await?;
    let rows = [
        copy_in(
            &hearing.model,
            "COPY copy_of_organisation FROM STDIN",
            &model,
        )
        .await?,
        copy_in(&hearing.model, "COPY copy_of_mark FROM STDIN", &marks).await?,
    ];
    let time = began.elapsed();
    sqlx::raw_sql("DROP TABLE copy_of_organisation, copy_of_mark")
        .execute(&hearing.model)
        .await?;
    ensure!(!read.is_empty(), "nothing was copied out of the log");
    ensure!(rows == [events; 2], "{rows:?} rows of {events}");
    Ok(per_second(usize::try_from(events)?, time))
}

async fn copy_out(pool: &PgPool, statement: &str) -> anyhow::Result<Vec<Bytes>> {
    let mut connection = pool.acquire().await?;
    let parts = connection.copy_out_raw(statement).await?;
    Ok(parts.try_collect().await?)
}

async fn copy_in(pool: &PgPool, statement: &str, parts: &[Bytes]) -> anyhow::Result<u64> {
    let mut connection = pool.acquire().await?;
    let mut copy = connection.copy_in_raw(statement).await?;
    for part in parts {
        copy.send(part.as_ref()).await?;
    }
    Ok(copy.finish().await?)
}
