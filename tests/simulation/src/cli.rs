//! The command line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum as _};

use crate::campaign::{Campaign, Report};
use crate::defect::Defect;
use crate::simulation::{Options, Outcome, simulate};

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
    /// A design that was refused, to see it found.
    #[arg(long, value_enum)]
    defect: Option<Defect>,
    /// Shows the history of the first seed, and runs no other.
    #[arg(long)]
    history: bool,
}

/// Runs what the command line says.
///
/// # Errors
/// When the number of cores is not known and none was given.
pub fn run() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let options = Options {
        steps: arguments.steps,
        defect: arguments.defect,
        history: arguments.history,
    };
    let breach = if arguments.history {
        Some(simulate(arguments.seed, options))
    } else {
        many(&arguments, options)?
    };
    let Some(outcome) = breach else {
        println!("every promise was kept");
        return Ok(ExitCode::SUCCESS);
    };
    println!("{outcome}");
    if outcome.breach.is_none() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("again: {}", command(outcome.seed, options));
    Ok(ExitCode::FAILURE)
}

/// Runs seeds until all are run or one breaks a promise, which then is run again for its history.
fn many(arguments: &Arguments, options: Options) -> anyhow::Result<Option<Outcome>> {
    let campaign = Campaign {
        first: arguments.seed,
        seeds: arguments.seeds,
        threads: match arguments.threads {
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
    let (slowest, its_seed) = report.slowest;
    println!("the slowest world, seed {its_seed}, was quiet {slowest} steps after its last fault");
    let history = Options {
        history: true,
        ..options
    };
    Ok(report.breach.map(|breach| simulate(breach.seed, history)))
}

fn progress(report: &Report) -> String {
    format!(
        "{} seeds in {:.1} s, {:.0} a second",
        report.seeds,
        report.took.as_secs_f64(),
        report.rate()
    )
}

/// The command that has this history again.
fn command(seed: u64, options: Options) -> String {
    let steps = options.steps;
    let named = options.defect.and_then(|defect| defect.to_possible_value());
    let defect = named.map_or_else(String::new, |value| {
        format!(" --defect {}", value.get_name())
    });
    format!(
        "cargo run --package handslag-simulation -- --seed {seed} --seeds 1 --steps {steps}{defect}"
    )
}
