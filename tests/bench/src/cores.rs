//! The machine's cores, and who runs on which.
//!
//! # Design notes
//! What a service does under overload or attack is asked of the service. A generator of three times
//! the load, or of five thousand connections a second, that runs on the service's own cores takes
//! from it what no caller on another machine would, and the figure would tell of the generator. So
//! there callers and attackers have the first core for themselves, and services, PostgreSQL and
//! RabbitMQ have the rest; the other side of each ratio is measured in the same division. Of the
//! two on the first core, attackers yield to callers.
//!
//! A thread hands its cores on to whatever it starts, threads and programs alike. So it is enough
//! to choose them for the first thread of each party, before it starts anything.

use std::future::Future;
use std::thread;

use anyhow::Context as _;
use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::runtime::{Builder, Handle, Runtime};

/// Priority of attackers: the lowest that there is.
const ATTACKERS_NICE: i32 = 19;
/// Threads of callers and of attackers: they share a core.
const THREADS: usize = 1;

/// Those outside the services, who call them or mean harm.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    /// Ordinary callers.
    pub(crate) callers: Handle,
    /// Peers that mean harm.
    pub(crate) attackers: Handle,
    /// Whether they have a core of their own.
    pub(crate) apart: bool,
}

impl Outside {
    /// Who runs where this runtime does.
    pub(crate) fn beside(runtime: &Handle) -> Self {
        Self {
            callers: runtime.clone(),
            attackers: runtime.clone(),
            apart: false,
        }
    }
}

/// Runs a bench, and what it starts, on all cores.
///
/// # Errors
/// When there are no threads to be had, or those of the bench.
pub(crate) fn among_all<F, Fut>(run: F) -> anyhow::Result<()>
where
    F: FnOnce(Outside) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let outside = Outside::beside(runtime.handle());
    run_on(runtime, run(outside))
}

/// Runs a bench, and what it starts, on all cores but the first, which those outside have.
///
/// # Errors
/// When there is but one core, or no threads to be had, or those of the bench.
pub(crate) fn divided<F, Fut>(run: F) -> anyhow::Result<()>
where
    F: FnOnce(Outside) -> Fut + Send,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let (first, rest) = halves()?;
    let callers = runtime_on(first, 0)?;
    let attackers = runtime_on(first, ATTACKERS_NICE)?;
    let outside = Outside {
        callers: callers.handle().clone(),
        attackers: attackers.handle().clone(),
        apart: true,
    };
    let outcome = thread::scope(|scope| {
        let services = scope.spawn(|| {
            sched_setaffinity(None, &rest)?;
            let threads = usize::try_from(rest.count())?;
            let mut services = Builder::new_multi_thread();
            let services = services.worker_threads(threads).enable_all().build()?;
            run_on(services, run(outside))
        });
        services.join()
    });
    callers.shutdown_background();
    attackers.shutdown_background();
    outcome.map_err(|_| anyhow::anyhow!("the services' thread panicked"))?
}

/// The first core, and all others.
fn halves() -> anyhow::Result<(CpuSet, CpuSet)> {
    let all = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core));
    let first = cores.next().context("this process has no core")?;
    let (mut callers, mut rest) = (CpuSet::new(), all);
    callers.set(first);
    rest.unset(first);
    anyhow::ensure!(
        rest.count() > 0,
        "callers and services need a core each, and there is one"
    );
    Ok((callers, rest))
}

/// A runtime whose threads have those cores and that priority.
fn runtime_on(cores: CpuSet, nice: i32) -> anyhow::Result<Runtime> {
    let made = thread::spawn(move || -> anyhow::Result<Runtime> {
        sched_setaffinity(None, &cores)?;
        if nice != 0 {
            // Of the calling thread, whose threads have it too.
            setpriority_process(None, nice)?;
        }
        let mut runtime = Builder::new_multi_thread();
        Ok(runtime.worker_threads(THREADS).enable_all().build()?)
    });
    made.join()
        .map_err(|_| anyhow::anyhow!("a thread of callers panicked"))?
}

fn run_on(runtime: Runtime, run: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let outcome = runtime.block_on(run);
    // A peer that still waits for an answer is not waited for.
    runtime.shutdown_background();
    outcome
}
