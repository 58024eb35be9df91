//! Load on an installation, over several rows, and the judge after each.
//!
//! # Design notes
//! The history goes on from row to row: the judge needs to know of every command since the databases
//! were empty. A row's own figures are what the counters grew by.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use handslag_checker::record::{
    BROKER, BrokerState, CLIENTS, DuplicateBound, MANIFEST, Manifest, QueueState, Subscriber,
};
use handslag_checker::{Verdict, judge};
use handslag_runner::issuer::Issuer;
use handslag_runner::ports::SERVICES;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entrances::Entrances;
use super::install::Installer;
use super::site::{ClusterSite, VHOST};
use crate::client::{self, Method, Outcome};
use crate::history::History;
use crate::load::{Load, Manner, World};
use crate::site::Site;
use crate::subscribers::{self, Reader};
use crate::tap::Tap;
use crate::{dump, quiet, setup};

/// Load before a row's event, and after it.
const AROUND: Duration = Duration::from_secs(3);
/// How long recovery may take: a node that is off the network is only taken for dead after 40 s by
/// default, and pods and their servers start again in turn on two cores.
const RECOVERY_MOST: Duration = Duration::from_secs(90);
/// How long a client of look-ups tries again: the aim is to serve again within 30 s.
const PATIENCE: Duration = Duration::from_secs(28);
/// Pause of a client of look-ups, after an answer and after a failure.
const LOOK_UP_PAUSE: Duration = Duration::from_millis(40);
const LOOK_UP_AGAIN: Duration = Duration::from_millis(200);
/// Deadline of a look-up.
const LOOK_UP_DEADLINE: Duration = Duration::from_secs(3);
/// Clients of look-ups.
const LOOK_UP_CLIENTS: u64 = 2;
/// Events that a leadership repeats at most: a second of publishing at a rate far above a run's.
const REPEATED_MOST: u64 = 5_000;
/// The queue of events that met no other.
const UNROUTED: &str = "handslag.unrouted";
/// How often the queues are looked at again while one holds a message, and the pause between.
const LOOKS: u32 = 5;
const LOOK_PAUSE: Duration = Duration::from_millis(300);
/// Pause between two looks at which pods there are.
const PODS_PAUSE: Duration = Duration::from_secs(2);

/// Look-ups, which need no token and change nothing.
#[derive(Debug, Default)]
struct LookUps {
    answered: AtomicU64,
    again: AtomicU64,
    failed: AtomicU64,
    longest_ms: AtomicU64,
    /// The last refusal, in words.
    said: Mutex<String>,
}

/// What a row under load showed.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) answered: u64,
    pub(crate) again: u64,
    pub(crate) given_up: u64,
    pub(crate) longest: Duration,
    pub(crate) look_ups: u64,
    pub(crate) look_ups_failed: u64,
    pub(crate) quiet_seconds: Option<f64>,
    pub(crate) left: Vec<String>,
    pub(crate) verdict: Verdict,
    pub(crate) said: String,
}

/// An installation under load.
pub(crate) struct Session {
    pub(crate) site: ClusterSite,
    world: Arc<World>,
    tap: Tap,
    readers: Vec<Reader>,
    subscribers: Vec<Subscriber>,
    look_ups: Arc<LookUps>,
    folder: PathBuf,
    seed: u64,
    rounds: u64,
    /// Identities of all containers that ever ran: each may have led a relay.
    starts: Arc<Mutex<BTreeSet<String>>>,
    watch: CancellationToken,
    /// From the row on that empties the broker.
    pub(crate) broker_lost_messages: bool,
}

impl Session {
    /// Makes the small city in an empty installation, and begins to record.
    pub(crate) async fn open(
        installer: &Installer,
        entrances: &Entrances,
        issuer: Arc<Issuer>,
        folder: &Path,
        seed: u64,
    ) -> Result<Self> {
        let site = ClusterSite(installer.kube.clone());
        let history = History::create(&folder.join(CLIENTS))?;
        let world = Arc::new(World::new(history, issuer, &entrances.services()?)?);
        let amqp = format!("amqp://admin:trial@{}/{VHOST}", entrances.address("amqp")?);
        let tap = Tap::open(&amqp, folder, &world).await?;
        let mut subscribers = setup::city(&world, seed).await?;
        let names: Vec<String> = subscribers.iter().map(|one| one.name.clone()).collect();
        let readers = subscribers::start(&world, &names, folder, seed)?;
        let shared: Arc<dyn Site> = Arc::new(site.clone());
        let (quiet, left) = quiet::wait(&shared, &readers, RECOVERY_MOST).await?;
        quiet.with_context(|| format!("the setup does not come to rest: {:?}", left.0))?;
        let told = site.sql(2, "SELECT coalesce(max(seq), 0) FROM event")?;
        for subscriber in &mut subscribers {
            subscriber.complete_after = Some(told.trim().parse()?);
        }
        let session = Self {
            site,
            world,
            tap,
            readers,
            subscribers,
            look_ups: Arc::default(),
            folder: folder.to_owned(),
            seed,
            rounds: 0,
            starts: Arc::default(),
            watch: CancellationToken::new(),
            broker_lost_messages: false,
        };
        session.watch_starts(installer);
        Ok(session)
    }

    /// Counts the containers that run, until the session ends.
    fn watch_starts(&self, installer: &Installer) {
        let (starts, watch, installer) = (
            Arc::clone(&self.starts),
            self.watch.clone(),
            installer.clone(),
        );
        tokio::spawn(async move {
            while !watch.is_cancelled() {
                let installer = installer.clone();
                let pods = tokio::task::spawn_blocking(move || installer.pods()).await;
                for pod in pods.ok().and_then(Result::ok).unwrap_or_default() {
                    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
                    let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
                    let mut starts = starts.lock().unwrap_or_else(PoisonError::into_inner);
                    for restart in 0..=restarts.unwrap_or(0) {
                        starts.insert(format!("{uid}/{restart}"));
                    }
                }
                tokio::select! {
                    () = watch.cancelled() => {}
                    () = tokio::time::sleep(PODS_PAUSE) => {}
                }
            }
        });
    }

    /// Something happens while clients work; then quiet, and the judge's verdict on all until now.
    pub(crate) async fn under_load<F>(&mut self, what: F) -> Result<Shown>
    where
        F: Future<Output = Result<()>>,
    {
        self.rounds += 1;
        let before = self.counts();
        self.world.tally.longest_ms.store(0, Ordering::Relaxed);
        self.look_ups.longest_ms.store(0, Ordering::Relaxed);
        let load = Load::start(
            &self.world,
            Manner::ORDINARY,
            self.seed ^ (self.rounds << 16),
        );
        let look_ups = self.start_look_ups();
        tokio::time::sleep(AROUND).await;
        let happened = what.await;
        tokio::time::sleep(AROUND).await;
        load.stop().await;
        look_ups.0.cancel();
        look_ups.1.close();
        look_ups.1.wait().await;
        happened?;
        let after = self.counts();
        let (quiet_seconds, left, verdict) = self.settle().await?;
        let longest = self.world.tally.longest_ms.load(Ordering::Relaxed);
        let longest = longest.max(self.look_ups.longest_ms.load(Ordering::Relaxed));
        let said = self
            .look_ups
            .said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Ok(Shown {
            answered: after[0] - before[0],
            again: after[1] - before[1],
            given_up: after[2] - before[2],
            look_ups: after[3] - before[3],
            look_ups_failed: after[4] - before[4],
            longest: Duration::from_millis(longest),
            quiet_seconds,
            left,
            verdict,
            said,
        })
    }

    fn counts(&self) -> [u64; 5] {
        let (tally, look_ups) = (&self.world.tally, &self.look_ups);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            read(&tally.answered) + read(&tally.refused),
            read(&tally.again) + read(&look_ups.again),
            read(&tally.unknown),
            read(&look_ups.answered),
            read(&look_ups.failed),
        ]
    }

    /// Waits for quiet, writes everything down and judges it.
    async fn settle(&self) -> Result<(Option<f64>, Vec<String>, Verdict)> {
        let site: Arc<dyn Site> = Arc::new(self.site.clone());
        let began = Instant::now();
        let (quiet_seconds, left) = quiet::wait(&site, &self.readers, RECOVERY_MOST).await?;
        tracing::debug!(seconds = began.elapsed().as_secs(), "quiet");
        let broker = self.broker(&*site).await?;
        std::fs::write(self.folder.join(BROKER), serde_json::to_vec(&broker)?)?;
        for reader in &self.readers {
            reader.flush()?;
        }
        self.tap.flush()?;
        self.world.history.flush()?;
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || dump::all(&*site, &folder)).await??;
        let leaderships = self
            .starts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        let manifest = Manifest {
            services: SERVICES.map(str::to_owned).to_vec(),
            recovered_within_seconds: RECOVERY_MOST.as_secs_f64(),
            quiet_seconds,
            broker_lost_messages: self.broker_lost_messages,
            tap_lost_messages: self.broker_lost_messages,
            duplicates: DuplicateBound {
                sightings_per_event: 0,
                leaderships: u64::try_from(leaderships)?,
                duplicates_per_leadership: REPEATED_MOST,
            },
            subscribers: self.subscribers.clone(),
            ..Manifest::default()
        };
        std::fs::write(
            self.folder.join(MANIFEST),
            serde_json::to_vec_pretty(&manifest)?,
        )?;
        let folder = self.folder.clone();
        let verdict = tokio::task::spawn_blocking(move || judge(&folder)).await??;
        Ok((quiet_seconds, left.0, verdict))
    }

    /// The queues at rest. A digest passes through each of them every second, and may be under way.
    async fn broker(&self, site: &dyn Site) -> Result<BrokerState> {
        let mut state = quiet::broker(site, false).await?;
        for _ in 0..LOOKS {
            let holds = |queue: &QueueState| queue.ready + queue.unacknowledged > 0;
            if !state.queues.iter().any(holds) {
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
            state = quiet::broker(site, false).await?;
        }
        if self.broker_lost_messages {
            // What a relay published before the consumers had made their queues again. It was told
            // again from the log, which the judge sees; the copies wait for an operator.
            state.queues.retain(|queue| queue.name != UNROUTED);
        }
        Ok(state)
    }

    fn start_look_ups(&self) -> (CancellationToken, TaskTracker) {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        for number in 0..LOOK_UP_CLIENTS {
            let (world, counts, stop) = (
                Arc::clone(&self.world),
                Arc::clone(&self.look_ups),
                stop.clone(),
            );
            let chance = StdRng::seed_from_u64(self.seed ^ (number << 40) ^ self.rounds);
            tasks.spawn(async move {
                if let Err(error) = look_up(&world, &counts, &stop, chance).await {
                    counts.failed.fetch_add(1, Ordering::Relaxed);
                    *counts.said.lock().unwrap_or_else(PoisonError::into_inner) =
                        format!("{error:#}");
                }
            });
        }
        (stop, tasks)
    }

    /// Ends all clients.
    pub(crate) async fn close(self) -> Result<()> {
        self.watch.cancel();
        for reader in self.readers {
            reader.stop().await?;
        }
        self.tap.close().await
    }
}

/// Looks things up as a page or another system would, until it is stopped. What a standard policy of
/// retries answers is no failure: UNAVAILABLE, and a deadline that passed on a connection that died.
async fn look_up(
    world: &World,
    counts: &LookUps,
    stop: &CancellationToken,
    mut chance: StdRng,
) -> Result<()> {
    let method = Method::find("registry.ListOrganisations")?;
    let request = method.encode(json!({"pageSize": 20}))?;
    while !stop.is_cancelled() {
        let began = Instant::now();
        loop {
            let channel = world.channel("registry", &mut chance)?;
            match client::call(channel, &method, request.clone(), "", LOOK_UP_DEADLINE).await {
                Outcome::Answered(_) => {
                    counts.answered.fetch_add(1, Ordering::Relaxed);
                    break;
                }
                Outcome::Refused { code, reason } => {
                    anyhow::bail!("a look-up was refused: {code} {reason}")
                }
                Outcome::Unknown(status) => {
                    ensure!(
                        began.elapsed() < PATIENCE,
                        "a look-up is not answered: {status}"
                    );
                    counts.again.fetch_add(1, Ordering::Relaxed);
                }
            }
            tokio::time::sleep(LOOK_UP_AGAIN).await;
        }
        let took = u64::try_from(began.elapsed().as_millis())?;
        counts.longest_ms.fetch_max(took, Ordering::Relaxed);
        tokio::time::sleep(LOOK_UP_PAUSE).await;
    }
    Ok(())
}
