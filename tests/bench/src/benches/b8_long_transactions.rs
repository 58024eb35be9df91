//! B8: the relay beside a transaction that nobody ends and a snapshot that somebody keeps.

use sqlx::{Connection as _, PgConnection};

use crate::benches::b4_drain::Bed;
use crate::benches::log;
use crate::figure::{Aim, Figure};
use crate::pairs::alternate;
use crate::scale::Scale;
use crate::stage::Stage;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let bed = Bed::open(stage, "b8").await?;
    let events = scale.drained / 2;
    let pairs = alternate(
        scale.pairs,
        async || {
            let nuisance = Nuisance::begin(&bed).await?;
            let rate = bed.drain(events).await;
            nuisance.end().await?;
            bed.settle().await?;
            rate
        },
        async || bed.drain(events).await,
    )
    .await?;
    bed.close().await?;
    Ok(vec![Figure {
        bench: "B8",
        numerator: "events published by the relay beside an idle transaction and a held snapshot",
        denominator: "events published by the relay, undisturbed",
        unit: "1/s",
        pairs,
        aim: Aim::AtLeast(0.95),
        note: format!("{events} events; the idle transaction has drawn a number of the log"),
    }])
}

/// What must not hold the relay up.
struct Nuisance {
    writer: PgConnection,
    reader: PgConnection,
}

impl Nuisance {
    async fn begin(bed: &Bed) -> anyhow::Result<Self> {
        let mut writer = bed.pool.acquire().await?.detach();
        let mut reader = bed.pool.acquire().await?.detach();
        // It has a number of the log that stays invisible: a hole, and all that follows is beyond
        // the oldest running transaction.
        sqlx::raw_sql("BEGIN").execute(&mut writer).await?;
        log::fill_one(&mut writer).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM relay_mark")
            .execute(&mut reader)
            .await?;
        Ok(Self { writer, reader })
    }

    async fn end(self) -> anyhow::Result<()> {
        let Self {
            mut writer,
            mut reader,
        } = self;
        sqlx::raw_sql("ROLLBACK").execute(&mut writer).await?;
        sqlx::raw_sql("ROLLBACK").execute(&mut reader).await?;
        writer.close().await?;
        reader.close().await?;
        Ok(())
    }
}
