//! B3: look-ups by organisation number, against a bare tonic and a bare PostgreSQL.

use anyhow::ensure;

use crate::benches::CONNECTIONS;
use crate::benches::calls::{Desk, RelayIs, warm_up};
use crate::figure::{Aim, Figure};
use crate::generator;
use crate::pairs::alternate;
use crate::peers::echo::{self, Echo};
use crate::peers::pgbench::Script;
use crate::scale::Scale;
use crate::stage::{Stage, channels};

/// Callers: enough that tonic and the pool are both busy.
const CALLERS: usize = 32;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let desk = Desk::open(stage, "b3", scale.organisations, RelayIs::Held).await?;
    warm_up(&desk, scale.warm_up).await?;
    let script = script(stage, &desk)?;
    finds(&desk, &script).await?;
    // What the echo gives back is a real answer.
    let echo = Echo::start(desk.clients.answer().await?).await?;
    let ways = channels(echo.address, 4)?;
    let pairs = alternate(
        scale.pairs,
        async || {
            let clients = desk.clients.clone();
            let outcome = generator::closed(CALLERS, scale.phase, move |caller| {
                let clients = clients.clone();
                async move { clients.look_up(caller).await }
            });
            Ok(outcome.await.whole()?.rate())
        },
        async || {
            let (clients, ways) = (desk.clients.clone(), ways.clone());
            let outcome = generator::closed(CALLERS, scale.phase, move |caller| {
                let call = echo::call(ways[caller % ways.len()].clone(), clients.question());
                async move { call.await.into() }
            });
            let tonic = outcome.await.whole()?.rate();
            let postgres = script.run(CONNECTIONS, scale.phase).await?.rate;
            Ok(1.0 / (1.0 / tonic + 1.0 / postgres))
        },
    )
    .await?;
    drop(echo);
    desk.close().await?;
    Ok(vec![Figure {
        bench: "B3",
        numerator: "LookUpOrganisation by gRPC; 8 connections, 32 callers",
        denominator: "1 ÷ (1/tonic's echo of the answer + 1/the same statements by pgbench)",
        unit: "1/s",
        pairs,
        aim: Aim::AtLeast(0.85),
        note: "what both would do if one core did one after the other".to_owned(),
    }])
}

fn script(stage: &Stage, desk: &Desk) -> anyhow::Result<Script> {
    let variables = [
        ("organisations", desk.stock.organisations.to_string()),
        ("agreement", desk.stock.agreement_id.to_string()),
    ];
    let text = include_str!("b3_look_ups/look_up_organisation.sql");
    Script::new(
        stage,
        "look_up_organisation",
        &desk.database,
        text,
        &variables,
    )
}

/// Refuses a script that looks for numbers that nobody has.
async fn finds(desk: &Desk, script: &Script) -> anyhow::Result<()> {
    let fetched = async || -> anyhow::Result<i64> {
        // A session tells what it did a second later at most.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        Ok(sqlx::query_scalar(
            "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'organisation'",
        )
        .fetch_one(&desk.pool)
        .await?)
    };
    let before = fetched().await?;
    let run = script.run(1, std::time::Duration::from_secs(1)).await?;
    let found = (fetched().await? - before).unsigned_abs();
    ensure!(
        found >= run.transactions,
        "{found} organisations were found in {} look-ups",
        run.transactions
    );
    Ok(())
}
