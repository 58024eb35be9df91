//! Peers that mean harm, and what the others notice of them.
//!
//! # Design notes
//! The peers speak HTTP/2 by hand, since no library would send what they send. Each is watched
//! until the server is done with it: the connection is closed, or, where the peer breaks no rule of
//! HTTP/2, its call is answered. A connection that has called once and then stays idle may stay; it
//! is left to the pings (30 s, and 10 s for their answer) and to its age, and is no case here.

mod attacks;
mod frames;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::ensure;

use crate::benches::calls::{Clients, Desk, RelayIs, warm_up};
use crate::cores::Outside;
use crate::figure::{Aim, Figure};
use crate::generator::{self, calls_in};
use crate::pairs::alternate;
use crate::scale::Scale;
use crate::stage::Stage;

use attacks::Attack;

/// What ordinary clients call meanwhile, in a second: far below what the service can do.
const RATE: f64 = 200.0;
/// Time in which the server must be done with a peer.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// Pairs of one attack at most: there are many attacks.
const PAIRS_MOST: usize = 3;
/// Pause between two attacks by the same peer.
const AGAIN: Duration = Duration::from_millis(20);

pub(crate) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let desk = Desk::open(stage, "hostile", scale.organisations, RelayIs::Held).await?;
    warm_up(&desk, scale.warm_up).await?;
    let mut figures = Vec::new();
    for attack in Attack::ALL {
        figures.extend(figures_of(attack, &desk, stage.outside(), scale).await?);
    }
    desk.close().await?;
    Ok(figures)
}

async fn figures_of(
    attack: Attack,
    desk: &Desk,
    outside: &Outside,
    scale: &Scale,
) -> anyhow::Result<[Figure; 2]> {
    let mut seen = Vec::new();
    let others = alternate(
        scale.pairs.min(PAIRS_MOST),
        async || {
            let (tail, watched) = besieged(attack, desk, outside, scale).await?;
            seen.push(watched);
            Ok(tail)
        },
        async || tail(&desk.clients, outside, scale.siege).await,
    )
    .await?;
    let peers: usize = seen.iter().map(|watched| watched.peers).sum();
    ensure!(peers > 0, "no peer attacked");
    let how = seen.last().map_or("", |watched| watched.how);
    let closed = seen.iter().map(|watched| {
        // What took no time that can be measured took some.
        let slowest = watched.slowest.as_secs_f64().max(0.000_1);
        (slowest, CLOSED_WITHIN.as_secs_f64())
    });
    Ok([
        Figure {
            bench: "hostile",
            numerator: attack.others(),
            denominator: "look-ups at the same rate without such peers, p99",
            unit: "ms",
            pairs: others,
            aim: Aim::AtMost(2.0),
            note: format!("{RATE:.0} look-ups a second; {peers} peers"),
        },
        Figure {
            bench: "hostile",
            numerator: attack.until_closed(),
            denominator: "what is allowed",
            unit: "s",
            pairs: closed.collect(),
            aim: Aim::AtMost(1.0),
            note: format!("{how}; the slowest of {peers} peers"),
        },
    ])
}

/// What was seen of the peers of one attack.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    peers: usize,
    slowest: Duration,
    how: &'static str,
}

/// Ordinary calls while peers attack again and again; answers their p99, and how the peers fared.
async fn besieged(
    attack: Attack,
    desk: &Desk,
    outside: &Outside,
    scale: &Scale,
) -> anyhow::Result<(f64, Watched)> {
    let over = Arc::new(AtomicBool::new(false));
    let siege = outside.attackers.spawn(siege(
        attack,
        desk.running.grpc_address,
        scale.crowd,
        Arc::clone(&over),
    ));
    let tail = tail(&desk.clients, outside, scale.siege).await;
    over.store(true, Ordering::Relaxed);
    Ok((tail?, siege.await??))
}

/// Attacks until it is over.
async fn siege(
    attack: Attack,
    address: SocketAddr,
    crowd: usize,
    over: Arc<AtomicBool>,
) -> anyhow::Result<Watched> {
    let mut watched = Watched::default();
    // The first attack is watched to its end, however long it takes.
    while watched.peers == 0 || !over.load(Ordering::Relaxed) {
        let ended = attack.run(address, crowd).await?;
        watched.peers += ended.peers;
        watched.slowest = watched.slowest.max(ended.after);
        watched.how = ended.how;
        tokio::time::sleep(AGAIN).await;
    }
    Ok(watched)
}

async fn tail(clients: &Clients, outside: &Outside, time: Duration) -> anyhow::Result<f64> {
    let clients = clients.clone();
    let look_ups = generator::open(RATE, calls_in(RATE, time), move |number| {
        let clients = clients.clone();
        async move {
            let caller = usize::try_from(number).unwrap_or_default();
            clients.look_up(caller).await
        }
    });
    let outcome = outside.callers.spawn(look_ups).await?;
    Ok(outcome.whole()?.percentile_ms(0.99))
}
