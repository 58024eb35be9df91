//! What each process holds, once a second: memory, sockets, the age of its outbox.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use handslag_checker::record::{Counters, SAMPLES, Sample};
use tokio_util::sync::CancellationToken;

use crate::fleet::{Fleet, metric_of};
use crate::history::Lines;
use crate::load::World;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What the processes counted, over all their lives.
#[derive(Default)]
pub(crate) struct Totals {
    /// By process number and start: what it counted last.
    last: BTreeMap<(usize, u32), (String, Counters)>,
    /// By service: what was counted while the run was being set up. A consumer that starts after
    /// the first events reads them by a replay, and nothing was lost by that.
    before: BTreeMap<String, Counters>,
}

impl Totals {
    /// Per service, what its processes counted since the setup.
    fn since_setup(&self) -> BTreeMap<String, Counters> {
        let mut sums = self.by_service();
        for (service, before) in &self.before {
            if let Some(sum) = sums.get_mut(service) {
                let since = |now: Option<u64>, then: Option<u64>| {
                    Some(now?.saturating_sub(then.unwrap_or(0)))
                };
                sum.replayed = since(sum.replayed, before.replayed);
                sum.dead_letters = since(sum.dead_letters, before.dead_letters);
            }
        }
        sums
    }

    /// Per service, what its processes counted, as far as it was seen before they ended.
    fn by_service(&self) -> BTreeMap<String, Counters> {
        let mut sums: BTreeMap<String, Counters> = BTreeMap::new();
        for (service, counters) in self.last.values() {
            let sum = sums.entry(service.clone()).or_default();
            sum.replayed = Some(sum.replayed.unwrap_or(0) + counters.replayed.unwrap_or(0));
            let dead = sum.dead_letters.unwrap_or(0) + counters.dead_letters.unwrap_or(0);
            sum.dead_letters = Some(dead);
        }
        sums
    }
}

/// Looks until it is stopped.
pub(crate) struct Sampler {
    totals: Arc<Mutex<Totals>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<()>>,
}

impl Sampler {
    /// Starts looking.
    pub(crate) fn start(fleet: &Arc<Fleet>, world: &Arc<World>, folder: &Path) -> Result<Self> {
        let lines = Lines::create(&folder.join(SAMPLES))?;
        let totals = Arc::new(Mutex::new(Totals::default()));
        let stop = CancellationToken::new();
        let (fleet, world) = (Arc::clone(fleet), Arc::clone(world));
        let (kept, stopped) = (Arc::clone(&totals), stop.clone());
        let task = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                look(&fleet, &world, &lines, &kept).await?;
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            look(&fleet, &world, &lines, &kept).await?;
            lines.flush()
        });
        Ok(Self { totals, stop, task })
    }

    /// From now on counters count for the judge.
    pub(crate) async fn set_up(&self) {
        // The next look is at most a pause away, and the setup is at rest.
        tokio::time::sleep(PAUSE * 2).await;
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.before = totals.by_service();
    }

    /// Looks once more and ends.
    pub(crate) async fn stop(self) -> Result<BTreeMap<String, Counters>> {
        self.stop.cancel();
        self.task.await??;
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(totals.since_setup())
    }
}

async fn look(fleet: &Fleet, world: &World, lines: &Lines, totals: &Mutex<Totals>) -> Result<()> {
    for (number, process) in fleet.processes.iter().enumerate() {
        let (service, pid, admin, start) = {
            let mut process = process.lock().await;
            if !process.is_alive() {
                continue;
            }
            (
                process.service(),
                process.pid(),
                process.orders.admin,
                process.starts,
            )
        };
        let Some(pid) = pid else { continue };
        let Some(resident_bytes) = resident_bytes(pid) else {
            continue;
        };
        let url = format!("http://{admin}/metrics");
        let text = match fleet.http.get(url).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        if !text.is_empty() {
            let counters = Counters {
                replayed: metric_of(&text, "handslag_relay_replayed"),
                dead_letters: metric_of(&text, "handslag_dead_letters"),
            };
            let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
            totals
                .last
                .insert((number, start), (service.to_owned(), counters));
        }
        lines.write(&Sample {
            at_ms: world.history.now_ms(),
            service: service.into(),
            resident_bytes,
            sockets: sockets(pid),
            in_transaction: 0,
            outbox_age_ms: metric_of(&text, "handslag_outbox_age_ms"),
        })?;
    }
    Ok(())
}

/// What the process holds of the machine's memory.
fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Its open sockets.
fn sockets(pid: u32) -> u64 {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return 0;
    };
    let is_socket = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path())
            .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    files.flatten().filter(is_socket).count() as u64
}
