//! Waiting until nothing is left to do, and what the broker holds then.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use handslag_checker::record::BrokerState;
use handslag_runner::ports::SERVICES;

use crate::site::Site;
use crate::subscribers::Reader;
use crate::tap;

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Whose logs each service hears, in the order of [`SERVICES`].
const HEARS: [&[usize]; 4] = [&[], &[0], &[0, 1], &[0, 1]];

/// The place of notifications in [`SERVICES`], whose database has the inboxes.
const NOTIFICATIONS: usize = 2;

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
    site: &Arc<dyn Site>,
    readers: &[Reader],
    patience: Duration,
) -> Result<(Option<f64>, Left)> {
    let began = Instant::now();
    loop {
        let left = match look(site, readers).await {
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

async fn look(site: &Arc<dyn Site>, readers: &[Reader]) -> Result<Left> {
    let asked = Arc::clone(site);
    let states = tokio::task::spawn_blocking(move || {
        (0..SERVICES.len())
            .map(|place| state(&*asked, place))
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
    let positions = positions(site).await?;
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
    for queue in broker(&**site, true).await?.queues {
        // Events that met no queue are the judge's business; nobody will ever take them out.
        if queue.ready + queue.unacknowledged > 0 && queue.name != "handslag.unrouted" {
            let waiting = queue.ready + queue.unacknowledged;
            left.0
                .push(format!("{} holds {waiting} messages", queue.name));
        }
    }
    Ok(left)
}

fn state(site: &dyn Site, place: usize) -> Result<State> {
    let text = site.sql(place, STATE)?;
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
pub(crate) async fn positions(site: &Arc<dyn Site>) -> Result<Vec<(String, i64)>> {
    let site = Arc::clone(site);
    let rows = tokio::task::spawn_blocking(move || {
        site.sql(NOTIFICATIONS, "SELECT id, last_position FROM subscriber")
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

/// What each queue holds.
pub(crate) async fn broker(site: &dyn Site, with_tap: bool) -> Result<BrokerState> {
    let mut queues = site.queues().await?;
    queues.retain(|queue| with_tap || queue.name != tap::QUEUE);
    Ok(BrokerState { queues })
}
