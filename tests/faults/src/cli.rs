//! The command line: which faults, with which seeds, for how long.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use handslag_checker::Invariant;
use handslag_local_infra::{Infra, Options, Tmpfs};

use crate::defects::{DEFECTS, Defect};
use crate::matrix::{self, Fault};
use crate::run::{self, Outcome, Plan};
use crate::table::{self, Ended};
use crate::terminal::{self, say};

/// A disk that both servers fit on, and that can be filled in moments, in MiB.
const SMALL_DISK_MIB: u32 = 1_024;

/// Makes faults under load, waits for quiet, and has the judge look at everything.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Cli {
    /// Faults by name [default: all]
    names: Vec<String>,
    /// Lists the faults and the defective builds
    #[arg(long)]
    list: bool,
    /// The selection of the build server's run
    #[arg(long, conflicts_with = "names")]
    short: bool,
    /// The defective builds instead: each must be caught. Names choose among them
    #[arg(long)]
    defects: bool,
    /// The seed of the first run; each further run has the next one [default: drawn]
    #[arg(long)]
    seed: Option<u64>,
    /// How long each fault goes on, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Runs of each fault
    #[arg(long, default_value_t = 1)]
    times: u64,
    /// Where the records go [default: a folder of this run below the system's one for large
    /// temporary files]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Keeps the records of runs in which nothing was breached as well
    #[arg(long)]
    keep: bool,
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::verdict("faults", execute(&cli))
}

/// One run that is wanted.
struct Wanted {
    fault: Fault,
    defect: Option<&'static Defect>,
}

async fn execute(cli: &Cli) -> Result<bool> {
    let all = matrix::all();
    if cli.list {
        list(&all);
        return Ok(true);
    }
    let wanted = if cli.defects {
        defects(&cli.names)?
    } else {
        faults(all, cli)?
    };
    let seed = terminal::seed(cli.seed);
    let ground = PathBuf::from(format!("/var/tmp/handslag-faults-{}", std::process::id()));
    let folder = cli.folder.clone().unwrap_or_else(|| ground.join("records"));
    let began = Instant::now();
    say(&format!("seed {seed}; records in {}", folder.display()));
    let infra = infra(ground.join("servers")).await?;
    say(&table::head());
    let mut failed = 0;
    let mut runs = 0;
    for wanted in &wanted {
        for _ in 0..cli.times {
            let seed = seed + runs;
            runs += 1;
            let ended = one(cli, wanted, &infra, &folder, seed).await;
            failed += u64::from(ended != Some(Ended::Held) && ended != Some(Ended::Caught));
        }
    }
    tokio::task::spawn_blocking(move || infra.stop()).await??;
    let _ = std::fs::remove_dir_all(ground.join("servers"));
    if failed == 0 && !cli.keep {
        let _ = std::fs::remove_dir_all(&ground);
    }
    say(&format!(
        "{} runs in {} s: {} passed, {failed} failed",
        runs,
        began.elapsed().as_secs(),
        runs - failed,
    ));
    Ok(failed == 0)
}

/// One run; nothing when it could not be made.
async fn one(
    cli: &Cli,
    wanted: &Wanted,
    shared: &Arc<Infra>,
    folder: &std::path::Path,
    seed: u64,
) -> Option<Ended> {
    match attempt(cli, wanted, shared, folder, seed).await {
        Ok(outcome) => {
            let breaks: Vec<Invariant> = match wanted.defect {
                Some(defect) => defect.breaks.to_vec(),
                None => wanted.fault.found_as.into_iter().collect(),
            };
            let ended = table::judge(&outcome, &breaks);
            say(&table::row(&outcome, ended));
            if ended != Ended::Failed && !cli.keep {
                let _ = std::fs::remove_dir_all(&outcome.folder);
            }
            Some(ended)
        }
        Err(error) => {
            say(&format!(
                "{:<22} {seed:>6}  could not be run: {error:#}",
                wanted.fault.name
            ));
            None
        }
    }
}

async fn attempt(
    cli: &Cli,
    wanted: &Wanted,
    shared: &Arc<Infra>,
    folder: &std::path::Path,
    seed: u64,
) -> Result<Outcome> {
    let failpoints = wanted
        .defect
        .map(|defect| defect.failpoints)
        .unwrap_or_default();
    let mut plan = Plan {
        infra: shared,
        disk: None,
        folder,
        seed,
        time: Duration::from_secs(cli.seconds),
        failpoints: failpoints
            .iter()
            .map(|(service, value)| (*service, (*value).to_owned()))
            .collect(),
    };
    if !wanted.fault.small_disk {
        let mut outcome = run::run(&wanted.fault, &plan).await?;
        if let Some(defect) = wanted.defect {
            defect.name.clone_into(&mut outcome.fault);
        }
        return Ok(outcome);
    }
    let disk = tokio::task::spawn_blocking(|| Tmpfs::mount(SMALL_DISK_MIB)).await??;
    let disk = Arc::new(disk);
    let own = infra(disk.path().join("servers")).await?;
    plan.infra = &own;
    plan.disk = Some(Arc::clone(&disk));
    let outcome = run::run(&wanted.fault, &plan).await;
    drop(plan);
    tokio::task::spawn_blocking(move || own.stop()).await??;
    outcome
}

async fn infra(data_dir: PathBuf) -> Result<Arc<Infra>> {
    let started = tokio::task::spawn_blocking(move || {
        Infra::start(Options {
            data_dir,
            port_base: None,
            // A killed server keeps its data either way; a power cut is not among the faults.
            durable: false,
            progress: &mut |text| say(text),
        })
    });
    Ok(Arc::new(started.await??))
}

fn faults(all: Vec<Fault>, cli: &Cli) -> Result<Vec<Wanted>> {
    for name in &cli.names {
        ensure!(
            all.iter().any(|fault| fault.name == *name),
            "there is no fault {name}: see --list"
        );
    }
    let wanted = |fault: &Fault| match (cli.names.is_empty(), cli.short) {
        (true, true) => fault.short,
        (true, false) => true,
        (false, _) => cli.names.iter().any(|name| fault.name == *name),
    };
    let chosen = all.into_iter().filter(wanted);
    Ok(chosen
        .map(|fault| Wanted {
            fault,
            defect: None,
        })
        .collect())
}

fn defects(names: &[String]) -> Result<Vec<Wanted>> {
    for name in names {
        if !DEFECTS.iter().any(|defect| defect.name == *name) {
            bail!("there is no defect {name}: see --list");
        }
    }
    let chosen = DEFECTS
        .iter()
        .filter(|defect| names.is_empty() || names.iter().any(|name| defect.name == *name));
    chosen
        .map(|defect| {
            Ok(Wanted {
                fault: defect.fault().context("the defect's fault is unknown")?,
                defect: Some(defect),
            })
        })
        .collect()
}

fn list(all: &[Fault]) {
    say("faults (s: in the short selection)");
    for fault in all {
        let short = if fault.short { "s" } else { " " };
        say(&format!("  {short} {:<22} {}", fault.name, fault.what));
    }
    say("defective builds");
    for defect in &DEFECTS {
        say(&format!("    {:<22} {}", defect.name, defect.what));
    }
}
