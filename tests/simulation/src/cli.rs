//! The command line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::campaign::{Campaign, Report};
use crate::simulation::{Options, simulate};

/// Between two lines about the progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// Runs the messaging of Handslag in simulated worlds, each drawn from a seed, and judges them.
#[derive(Debug, Parser)]
#[command(name = "handslag-simulation")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps after the last fault within which a world must be quiet.
    #[arg(long, default_value_t = Options::default().steps)]
    steps: u64,
    /// Threads; as many as the machine has cores if this is not given.
    #[arg(long)]
    threads: Option<usize>,
}

/// Runs what the command line says.
///
/// # Errors
/// When the number of cores is not known and none was given.
pub fn run() -> anyhow::Result<ExitCode> {
    let Arguments {
        seeds,
        seed,
        steps,
        threads,
    } = Arguments::parse();
    let options = Options {
        steps,
        ..Options::default()
    };
    let campaign = Campaign {
        first: seed,
        seeds,
        threads: match threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism()?.get(),
        },
        options,
    };
    let mut told = Instant::now();
    let report = campaign.run(|report| {
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            eprintln!("{}", progress(report));
        }
    });
    println!("{}\n{}", progress(&report), report.totals);
    let Some(breach) = &report.breach else {
        println!("every promise was kept");
        return Ok(ExitCode::SUCCESS);
    };
    let history = Options {
        history: true,
        ..options
    };
    println!("{}", simulate(breach.seed, history));
    println!(
        "again: cargo run --package handslag-simulation -- --seed {} --seeds 1 --steps {steps}",
        breach.seed
    );
    Ok(ExitCode::FAILURE)
}

fn progress(report: &Report) -> String {
    format!(
        "{} seeds in {:.1} s, {:.0} a second",
        report.seeds,
        report.took.as_secs_f64(),
        report.rate()
    )
}
