//! Waiting until nothing is left to do, and what the broker holds then.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use handslag_checker::record::{BrokerState, QueueState};
use handslag_local_infra::Servers;
use handslag_runner::ports::SERVICES;
use serde_json::Value;

use crate::fleet::{Fleet, Sql};
use crate::subscribers::Reader;
use crate::tap;

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Whose logs each service hears, in the order of [`SERVICES`].
const HEARS: [&[usize]; 4] = [&[], &[0], &[0, 1], &[0, 1]];

/// What a database says of its own messaging: number of the log's newest event, the relay's mark,
/// the newest seal, parked events, and per producer the number agreed on.
const STATE: &str = "SELECT
    (SELECT coalesce(max(seq), 0) FROM outbox),
    (SELECT low_water FROM relay_mark),
    (SELECT coalesce(max(last_seq), 0) FROM audit_seal),
    (SELECT count(*) FROM inbox_parked WHERE aggregate_id NOT LIKE 'forged%'),
    (SELECT coalesce(string_agg(producer || '=' || seq, ','), '') FROM inbox_account)";

/// One service's state.
#[derive(Debug, Default)]
struct State {
    newest: i64,
    mark: i64,
    sealed: i64,
    parked: i64,
    agreed: Vec<(String, i64)>,
}

/// What is still to be done, one sentence each.
#[derive(Debug, Default)]
pub(crate) struct Left(pub(crate) Vec<String>);

/// Waits until nothing is left to do; answers after how many seconds that was, and what is left if
/// it never came.
pub(crate) async fn wait(
    servers: &Servers,
    fleet: &Fleet,
    readers: &[Reader],
    patience: Duration,
) -> Result<(Option<f64>, Left)> {
    let began = Instant::now();
    loop {
        let left = match look(servers, fleet, readers).await {
            Ok(left) => left,
            Err(error) => Left(vec![format!("{error:#}")]),
        };
        if left.0.is_empty() {
            return Ok((Some(began.elapsed().as_secs_f64()), left));
        }
        if began.elapsed() > patience {
            return Ok((None, left));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

async fn look(servers: &Servers, fleet: &Fleet, readers: &[Reader]) -> Result<Left> {
    let (asked, names) = (fleet.sql.clone(), fleet.databases.clone());
    let states = tokio::task::spawn_blocking(move || {
        names
            .iter()
            .map(|name| state(&asked, name))
            .collect::<Result<Vec<_>>>()
    })
    .await??;
    let mut left = Left::default();
    for (place, state) in states.iter().enumerate() {
        let service = SERVICES[place];
        if state.mark < state.newest {
            left.0.push(format!(
                "{service} has published {} of {}",
                state.mark, state.newest
            ));
        }
        if state.sealed < state.newest {
            left.0.push(format!(
                "{service} has sealed {} of {}",
                state.sealed, state.newest
            ));
        }
        if state.parked > 0 {
            left.0
                .push(format!("{service} has {} parked events", state.parked));
        }
        for &producer in HEARS[place] {
            let name = SERVICES[producer];
            let agreed = state.agreed.iter().find(|(known, _)| known == name);
            let agreed = agreed.map_or(0, |(_, seq)| *seq);
            if agreed < states[producer].newest {
                let newest = states[producer].newest;
                left.0.push(format!(
                    "{service} agrees with {name} on {agreed} of {newest}"
                ));
            }
        }
    }
    let positions = positions(&fleet.sql, &fleet.databases[2]).await?;
    for reader in readers {
        let seen = reader.position.load(Ordering::Relaxed);
        let told = positions
            .iter()
            .find(|(name, _)| *name == reader.subscriber);
        if let Some((name, last)) = told
            && seen < *last
        {
            left.0
                .push(format!("a reader of {name} has seen {seen} of {last}"));
        }
    }
    for queue in broker(fleet, servers, true).await?.queues {
        // Events that met no queue are the judge's business; nobody will ever take them out.
        if queue.ready + queue.unacknowledged > 0 && queue.name != "handslag.unrouted" {
            let waiting = queue.ready + queue.unacknowledged;
            left.0
                .push(format!("{} holds {waiting} messages", queue.name));
        }
    }
    Ok(left)
}

fn state(sql: &Sql, database: &str) -> Result<State> {
    let text = sql.run(database, STATE)?;
    let columns: Vec<&str> = text.trim().split('|').collect();
    let number = |place: usize| {
        let text = columns.get(place).copied().unwrap_or_default();
        text.parse::<i64>()
            .with_context(|| format!("no number: {text:?}"))
    };
    let agreed = columns.get(4).copied().unwrap_or_default().split(',');
    Ok(State {
        newest: number(0)?,
        mark: number(1)?,
        sealed: number(2)?,
        parked: number(3)?,
        agreed: agreed
            .filter_map(|pair| pair.split_once('='))
            .filter_map(|(name, seq)| Some((name.to_owned(), seq.parse().ok()?)))
            .collect(),
    })
}

/// The last position of each subscriber's inbox, by resource name.
pub(crate) async fn positions(sql: &Sql, database: &str) -> Result<Vec<(String, i64)>> {
    let (sql, database) = (sql.clone(), database.to_owned());
    let rows = tokio::task::spawn_blocking(move || {
        sql.run(&database, "SELECT id, last_position FROM subscriber")
    })
    .await??;
    rows.lines()
        .map(|row| {
            let (id, position) = row.split_once('|').context("no row of a subscriber")?;
            let id = handslag_platform::id::encode(id.parse()?);
            Ok((format!("subscribers/{id}"), position.parse()?))
        })
        .collect()
}

/// What each queue holds, as the broker's management interface tells it, some seconds late.
pub(crate) async fn broker(
    fleet: &Fleet,
    servers: &Servers,
    with_tap: bool,
) -> Result<BrokerState> {
    let vhost = fleet.amqp_url.rsplit('/').next().unwrap_or_default();
    let url = format!("{}/api/queues/{vhost}", servers.management_url());
    let answer: Value = fleet
        .http
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let list = answer.as_array().context("the broker lists no queues")?;
    let mut queues = Vec::new();
    for queue in list {
        let name = queue["name"].as_str().unwrap_or_default().to_owned();
        if with_tap || name != tap::QUEUE {
            queues.push(QueueState {
                name,
                ready: queue["messages_ready"].as_u64().unwrap_or(0),
                unacknowledged: queue["messages_unacknowledged"].as_u64().unwrap_or(0),
            });
        }
    }
    Ok(BrokerState { queues })
}
