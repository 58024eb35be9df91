//! What a network does, on each edge: services to database, services to broker, clients to services.

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use rand::RngExt as _;
use tokio::time::Instant;

use super::Fault;
use crate::proxy::{Conditions, Cut, Direction, Proxy};
use crate::scene::Scene;

/// Longest time that a condition lasts before the network is good again for a moment.
const SPELL_MOST: Duration = Duration::from_secs(6);
/// Longest time that the network is good between two spells.
const GOOD_MOST: Duration = Duration::from_secs(2);
/// A line so thin that a batch of events takes a second.
const THIN: u64 = 30_000;

/// An edge of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Database,
    Broker,
    Clients,
}

const EDGES: [Edge; 3] = [Edge::Database, Edge::Broker, Edge::Clients];

/// What happens on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    Far,
    Thin,
    Held,
    BlackHole,
    Refused,
    Reset,
    HalfClosed,
}

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new("far", "latency and jitter on every edge", |scene| {
            spells(scene, &[Weather::Far]).boxed()
        }),
        Fault::new("thin", "a line of 30 kB a second on every edge", |scene| {
            spells(scene, &[Weather::Thin]).boxed()
        }),
        Fault::new(
            "held",
            "a cut cable that is mended: nothing passes, nothing is lost",
            |scene| spells(scene, &[Weather::Held]).boxed(),
        ),
        Fault::new(
            "black-hole",
            "bytes vanish on every edge, then the connections",
            |scene| spells(scene, &[Weather::BlackHole]).boxed(),
        )
        .short(),
        Fault::new(
            "refused",
            "nobody listens for seconds, on every edge",
            |scene| spells(scene, &[Weather::Refused]).boxed(),
        ),
        Fault::new("reset", "connections are reset at any instant", |scene| {
            spells(scene, &[Weather::Reset]).boxed()
        }),
        Fault::new(
            "half-closed",
            "one direction of the connections ends",
            |scene| spells(scene, &[Weather::HalfClosed]).boxed(),
        ),
    ]
}

/// One kind of weather after the other on one edge after the other, with good moments between.
async fn spells(scene: &mut Scene, weathers: &[Weather]) -> Result<()> {
    let end = Instant::now() + scene.time;
    let mut turn: usize = scene.chance.random_range(0..EDGES.len());
    while Instant::now() < end {
        let edge = EDGES[turn % EDGES.len()];
        let weather = weathers[scene.chance.random_range(0..weathers.len())];
        spell(scene, edge, weather).await;
        scene.struck += 1;
        turn += 1;
        scene.pause(GOOD_MOST).await;
    }
    let (mut cut, mut swallowed, mut passed) = (0, 0, 0);
    for edge in EDGES {
        for counters in proxies(scene, edge).into_iter().map(Proxy::counters) {
            cut += counters.cut;
            swallowed += counters.bytes_swallowed;
            passed += counters.bytes_to_server + counters.bytes_to_client;
        }
    }
    scene.remark = format!("{cut} connections cut, {swallowed} of {passed} bytes swallowed");
    Ok(())
}

async fn spell(scene: &mut Scene, edge: Edge, weather: Weather) {
    for proxy in proxies(scene, edge) {
        begin(proxy, weather);
    }
    let lasts = match weather {
        // These strike at one instant.
        Weather::Reset | Weather::HalfClosed => Duration::from_millis(300),
        _ => SPELL_MOST,
    };
    scene.pause(lasts).await;
    for proxy in proxies(scene, edge) {
        proxy.set(Conditions::default());
    }
}

fn proxies(scene: &Scene, edge: Edge) -> Vec<&Proxy> {
    match edge {
        Edge::Database => vec![&scene.fleet.to_database],
        Edge::Broker => vec![&scene.fleet.to_broker],
        Edge::Clients => scene
            .fleet
            .to_service
            .iter()
            .map(|(_, proxy)| proxy)
            .collect(),
    }
}

fn begin(proxy: &Proxy, weather: Weather) {
    match weather {
        Weather::Far => {
            let (latency, jitter) = (Duration::from_millis(30), Duration::from_millis(70));
            proxy.set(Conditions::far(latency, jitter));
        }
        Weather::Thin => {
            let rate = NonZeroU64::new(THIN).unwrap_or(NonZeroU64::MIN);
            proxy.set(Conditions::narrow(rate));
        }
        Weather::Held => proxy.set(Conditions::held()),
        Weather::BlackHole => proxy.set(Conditions::swallowing()),
        Weather::Refused => {
            proxy.set(Conditions::refusing());
            proxy.cut(Cut::Reset);
        }
        Weather::Reset => {
            proxy.cut(Cut::Reset);
        }
        Weather::HalfClosed => {
            proxy.half_close(Direction::ToServer);
            proxy.half_close(Direction::ToClient);
        }
    }
}

/// Any weather anywhere, for the random composition.
pub(super) async fn any(scene: &mut Scene) -> Result<()> {
    let edge = EDGES[scene.chance.random_range(0..EDGES.len())];
    let weathers = [
        Weather::Far,
        Weather::Thin,
        Weather::Held,
        Weather::BlackHole,
        Weather::Refused,
        Weather::Reset,
        Weather::HalfClosed,
    ];
    let weather = weathers[scene.chance.random_range(0..weathers.len())];
    spell(scene, edge, weather).await;
    Ok(())
}
