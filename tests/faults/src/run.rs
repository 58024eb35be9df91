//! One run: a city, load, a fault, quiet, the records, the verdict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use handslag_checker::record::{
    BROKER, CLIENTS, DuplicateBound, Injected, MANIFEST, Manifest, Subscriber,
};
use handslag_checker::{Verdict, judge};
use handslag_local_infra::{Infra, Standby, Tmpfs};
use handslag_runner::ports::SERVICES;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::fleet::Fleet;
use crate::history::History;
use crate::load::{Load, World};
use crate::matrix::Fault;
use crate::samples::Sampler;
use crate::scene::Scene;
use crate::site::Site;
use crate::subscribers::{self, Reader};
use crate::tap::Tap;
use crate::{dump, quiet, setup};

/// Load before the fault and after it: enough for every kind of command to come.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(2);
/// How long recovery may take after the last fault. Sessions come back within 5 s of the broker, a
/// lost replay is asked for again after 30 s; the rest is a debug build on a busy machine.
const RECOVERY_MOST: Duration = Duration::from_secs(60);
/// The same after a fault of so long: what it held up is caught up in no more time than it took to
/// pile up.
fn recovery_most(time: Duration) -> Duration {
    RECOVERY_MOST.max(time)
}

/// What a process may hold: a debug build of reporting, with the typesetter in it, and a margin.
const MEMORY_BYTES_MOST: u64 = 512 * 1_024 * 1_024;
/// Connections of its pool, to the broker, and of a hundred clients.
const SOCKETS_MOST: u64 = 400;
/// Events that a leadership repeats at most: a second of publishing at a rate far above a run's.
const REPEATED_MOST: u64 = 5_000;

/// What a run showed.
pub(crate) struct Outcome {
    pub(crate) fault: String,
    pub(crate) seed: u64,
    pub(crate) folder: PathBuf,
    pub(crate) answered: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) struck: u64,
    pub(crate) quiet_seconds: Option<f64>,
    pub(crate) left: Vec<String>,
    pub(crate) remark: String,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
}

/// What is given to every run.
pub(crate) struct Plan<'a> {
    pub(crate) infra: &'a Arc<Infra>,
    /// The servers' disk, if they have a small one of their own.
    pub(crate) disk: Option<Arc<Tmpfs>>,
    pub(crate) folder: &'a Path,
    pub(crate) seed: u64,
    /// How long the fault goes on.
    pub(crate) time: Duration,
    /// Failpoints of services from the start, as pairs of service and value.
    pub(crate) failpoints: Vec<(&'static str, String)>,
}

/// A started run.
struct Stage {
    fleet: Arc<Fleet>,
    world: Arc<World>,
    tap: Tap,
    readers: Vec<Reader>,
    sampler: Sampler,
    subscribers: Vec<Subscriber>,
    folder: PathBuf,
}

/// Runs a fault to its verdict.
pub(crate) async fn run(fault: &Fault, plan: &Plan<'_>) -> Result<Outcome> {
    let began = Instant::now();
    let stage = Stage::set(fault, plan)
        .await
        .context("the run could not begin")?;
    let mut scene = Scene {
        infra: Arc::clone(plan.infra),
        fleet: Arc::clone(&stage.fleet),
        world: Arc::clone(&stage.world),
        load: Load::start(&stage.world, fault.manner, plan.seed),
        chance: StdRng::seed_from_u64(plan.seed),
        seed: plan.seed,
        time: plan.time,
        struck: 0,
        injected: Injected::default(),
        disk: plan.disk.clone(),
        skew: BTreeMap::new(),
        restored: None,
        remark: String::new(),
    };
    tokio::time::sleep(BEFORE).await;
    (fault.strike)(&mut scene)
        .await
        .context("the fault could not be made")?;
    stage.fleet.heal().await?;
    tokio::time::sleep(AFTER).await;
    let Scene {
        fleet,
        load,
        struck,
        injected,
        skew,
        restored,
        remark,
        ..
    } = scene;
    // The stage holds it alone from here on, and ends it.
    drop(fleet);
    load.stop().await;
    let site: Arc<dyn Site> = stage.fleet.clone();
    let patience = 2 * recovery_most(plan.time);
    let (quiet_seconds, left) = quiet::wait(&site, &stage.readers, patience).await?;
    drop(site);
    let manifest = Manifest {
        quiet_seconds,
        injected,
        clock_skew_seconds: skew,
        restored,
        ..stage.manifest(fault, plan.time)
    };
    let (world, folder) = (Arc::clone(&stage.world), stage.folder.clone());
    stage.record(plan.infra, manifest).await?;
    let judged = folder.clone();
    let verdict = tokio::task::spawn_blocking(move || judge(&judged)).await??;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Outcome {
        fault: fault.name.to_owned(),
        seed: plan.seed,
        folder,
        answered: count(&world.tally.answered),
        refused: count(&world.tally.refused),
        unknown: count(&world.tally.unknown),
        struck,
        quiet_seconds,
        left: left.0,
        remark,
        verdict,
        took: began.elapsed(),
    })
}

impl Stage {
    async fn set(fault: &Fault, plan: &Plan<'_>) -> Result<Self> {
        let folder = plan.folder.join(format!("{}-{}", fault.name, plan.seed));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let servers = plan.infra.servers();
        let fleet = Fleet::start(servers, &folder, plan.seed, &plan.failpoints).await?;
        let fleet = Arc::new(fleet);
        let addresses: Vec<_> = fleet
            .to_service
            .iter()
            .map(|(place, proxy)| (SERVICES[*place], proxy.address()))
            .collect();
        let history = History::create(&folder.join(CLIENTS))?;
        let world = World::new(history, Arc::clone(&fleet.issuer), &addresses)?;
        let world = Arc::new(world);
        let tap = Tap::open(&fleet.amqp_url, &folder, &world).await?;
        let sampler = Sampler::start(&fleet, &world, &folder)?;
        let mut subscribers = setup::city(&world, plan.seed).await?;
        let names: Vec<String> = subscribers.iter().map(|one| one.name.clone()).collect();
        let readers = subscribers::start(&world, &names, &folder, plan.seed)?;
        let site: Arc<dyn Site> = fleet.clone();
        let (quiet, left) = quiet::wait(&site, &readers, RECOVERY_MOST).await?;
        quiet.with_context(|| format!("the setup does not come to rest: {:?}", left.0))?;
        sampler.set_up().await;
        let told = "SELECT coalesce(max(seq), 0) FROM event";
        let told = fleet.sql.run(&fleet.databases[2], told)?;
        for subscriber in &mut subscribers {
            subscriber.complete_after = Some(told.trim().parse()?);
        }
        Ok(Self {
            fleet,
            world,
            tap,
            readers,
            sampler,
            subscribers,
            folder,
        })
    }

    fn manifest(&self, fault: &Fault, time: Duration) -> Manifest {
        Manifest {
            services: SERVICES.map(str::to_owned).to_vec(),
            recovered_within_seconds: recovery_most(time).as_secs_f64(),
            broker_lost_messages: fault.allows.broker_loses,
            tap_lost_messages: fault.allows.tap_loses,
            duplicates: DuplicateBound {
                sightings_per_event: 0,
                // Counted when all is over.
                leaderships: 0,
                duplicates_per_leadership: REPEATED_MOST,
            },
            memory_bytes_most: Some(MEMORY_BYTES_MOST),
            sockets_most: Some(SOCKETS_MOST),
            subscribers: self.subscribers.clone(),
            ..Manifest::default()
        }
    }

    /// Stops everything and writes down what is left.
    async fn record(self, infra: &Arc<Infra>, mut manifest: Manifest) -> Result<()> {
        let broker = quiet::broker(&*self.fleet, false).await?;
        std::fs::write(self.folder.join(BROKER), serde_json::to_vec(&broker)?)?;
        for reader in self.readers {
            reader.stop().await?;
        }
        manifest.counters = self.sampler.stop().await?;
        self.tap.close().await?;
        self.world.history.flush()?;
        let (site, folder) = (Arc::clone(&self.fleet), self.folder.clone());
        tokio::task::spawn_blocking(move || dump::all(&*site, &folder)).await??;
        manifest.duplicates.leaderships = leaderships(&self.folder)?;
        std::fs::write(
            self.folder.join(MANIFEST),
            serde_json::to_vec_pretty(&manifest)?,
        )?;
        let Ok(fleet) = Arc::try_unwrap(self.fleet) else {
            anyhow::bail!("somebody still holds the fleet")
        };
        let promoted = fleet.sql.clone().into_promoted();
        fleet.stop().await?;
        match promoted {
            Some(standby) => give_back(infra, standby).await,
            None => Ok(()),
        }
    }
}

/// After a failover the first server serves again for the next run, whose databases are its own.
async fn give_back(infra: &Arc<Infra>, standby: Arc<Standby>) -> Result<()> {
    let infra = Arc::clone(infra);
    tokio::task::spawn_blocking(move || {
        infra.start_database()?;
        match Arc::try_unwrap(standby) {
            Ok(standby) => standby.remove(),
            Err(_) => anyhow::bail!("somebody still holds the standby"),
        }
    })
    .await?
}

/// How often a process became the leader of a relay, by the logs.
fn leaderships(folder: &Path) -> Result<u64> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = std::fs::read(&path)?;
            let text = String::from_utf8_lossy(&text);
            count += text.matches("this process leads the relay").count();
        }
    }
    Ok(u64::try_from(count)?)
}
