//! B1: committed commands by gRPC, against pgbench with the same statements.

use std::time::Duration;

use anyhow::ensure;
use sqlx::PgPool;

use crate::benches::CONNECTIONS;
use crate::benches::calls::{Desk, RelayIs, warm_up};
use crate::benches::stock;
use crate::figure::{Aim, Figure};
use crate::generator::{self, Answer};
use crate::pairs::alternate;
use crate::peers::pgbench::Script;
use crate::scale::Scale;
use crate::stage::Stage;

/// Callers for each connection to the database: one whose command commits and one who waits.
const CALLERS: usize = 3 * CONNECTIONS as usize;
/// Commands that show what a command leaves behind.
const COMMANDS: usize = 50;
/// What traces may differ by, as a share: a name may be a byte longer than another.
const TOLERANCE: f64 = 0.02;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for relay in [RelayIs::Held, RelayIs::Running] {
        figures.push(figure(stage, scale, relay).await?);
    }
    Ok(figures)
}

async fn figure(stage: &Stage, scale: &Scale, relay: RelayIs) -> anyhow::Result<Figure> {
    let desk = Desk::open(stage, "b1", scale.organisations, relay).await?;
    warm_up(&desk, scale.warm_up).await?;
    let script = script(stage, &desk).await?;
    same_work(&desk, &script).await?;
    let pairs = alternate(
        scale.pairs,
        async || {
            let clients = desk.clients.clone();
            let outcome = generator::closed(CALLERS, scale.phase, move |caller| {
                let clients = clients.clone();
                async move { clients.update(caller).await }
            });
            Ok(outcome.await.whole()?.rate())
        },
        async || Ok(script.run(CONNECTIONS, scale.phase).await?.rate),
    )
    .await?;
    desk.close().await?;
    let (aim, note) = match relay {
        RelayIs::Held => (Aim::AtLeast(0.80), "without a relay, which B4 measures"),
        RelayIs::Running => (
            Aim::Told,
            "while the relay publishes every event of both sides, on the same cores",
        ),
    };
    Ok(Figure {
        bench: "B1",
        numerator: "UpdateOrganisation, committed, by gRPC; 8 connections, 24 callers",
        denominator: "the same statements in one transaction by pgbench; 8 connections",
        unit: "1/s",
        pairs,
        aim,
        note: note.to_owned(),
    })
}

/// The transaction of `UpdateOrganisation` for pgbench. Some commands must have been answered: the
/// script's event and answer are as long as theirs.
pub(super) async fn script(stage: &Stage, desk: &Desk) -> anyhow::Result<Script> {
    let (event, answer): (i32, i32) = sqlx::query_as(
        "SELECT (SELECT max(length(payload)) FROM outbox WHERE aggregate = 'organisation'),
                (SELECT max(length(response)) FROM request_log WHERE method LIKE '%/Update%')",
    )
    .fetch_one(&desk.pool)
    .await?;
    let variables = [
        ("n", "0".to_owned()),
        ("organisations", desk.stock.organisations.to_string()),
        ("prefix", stock::ID_PREFIX.to_owned()),
        ("event", "x".repeat(usize::try_from(event)?)),
        ("answer", "x".repeat(usize::try_from(answer)?)),
    ];
    let text = include_str!("b1_commands/update_organisation.sql");
    Script::new(
        stage,
        "update_organisation",
        &desk.database,
        text,
        &variables,
    )
}

/// Refuses to compare a command with a transaction that leaves other traces: the script must follow
/// when the command's statements change.
pub(super) async fn same_work(desk: &Desk, script: &Script) -> anyhow::Result<()> {
    let commands = async {
        for caller in 0..COMMANDS {
            let answer = desk.clients.update(caller).await;
            ensure!(answer == Answer::Done, "{answer:?}");
        }
        Ok(u64::try_from(COMMANDS)?)
    };
    let ours = footprint(&desk.pool, commands).await?;
    let transactions = async { Ok(script.run(1, Duration::from_secs(1)).await?.transactions) };
    let theirs = footprint(&desk.pool, transactions).await?;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        ensure!(
            (ours - theirs).abs() <= ours * TOLERANCE,
            "a command leaves {ours:.2} where the script leaves {theirs:.2}: it does other work"
        );
    }
    Ok(())
}

/// What one transaction leaves on average: answered requests, events, versions of organisations,
/// bytes of answers and of events.
async fn footprint(
    pool: &PgPool,
    work: impl Future<Output = anyhow::Result<u64>>,
) -> anyhow::Result<[f64; 5]> {
    let before = traces(pool).await?;
    let done = work.await?;
    ensure!(done > 0, "nothing was done");
    let after = traces(pool).await?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run has far fewer transactions than 2^52"
    )]
    let done = done as f64;
    Ok(std::array::from_fn(|one| (after[one] - before[one]) / done))
}

async fn traces(pool: &PgPool) -> anyhow::Result<[f64; 5]> {
    let (answers, events, versions, answer_bytes, event_bytes) = sqlx::query_as(
        "SELECT (SELECT count(response) FROM request_log)::float8,
                (SELECT count(*) FROM outbox WHERE request_id IS NOT NULL)::float8,
                (SELECT sum(version) FROM organisation)::float8,
                (SELECT sum(length(response)) FROM request_log)::float8,
                (SELECT sum(length(payload)) FROM outbox)::float8",
    )
    .fetch_one(pool)
    .await?;
    Ok([answers, events, versions, answer_bytes, event_bytes])
}
