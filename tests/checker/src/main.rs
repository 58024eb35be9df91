//! The judge's command line.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use handslag_checker::{generate, judge, report};

/// Judges what a fault run has recorded.
#[derive(Debug, Parser)]
#[command(name = "handslag-checker")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says which invariants a run kept; the exit code is 1 when one was broken, 2 when the run
    /// cannot be judged.
    Judge {
        /// Directory of the run's records.
        dir: PathBuf,
        /// Answers in JSON, with every breach that was kept.
        #[arg(long)]
        json: bool,
    },
    /// Writes the records of a run in which everything is right.
    Generate {
        /// How many events the logs hold together, at the least.
        #[arg(long, default_value_t = 1_000)]
        events: u64,
        /// What chance begins with: the same seed makes the same records.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Directory for the records; made when it is not there.
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // Whoever cannot be told anything has gone away.
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Judge { dir, json } => {
            let verdict = judge(&dir)?;
            let text = if json {
                report::json(&verdict)?
            } else {
                report::text(&verdict)
            };
            writeln!(std::io::stdout(), "{}", text.trim_end())?;
            Ok(if verdict.holds() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(1)
            })
        }
        Command::Generate { events, seed, dir } => {
            let made = generate::write(&dir, events, seed)?;
            writeln!(std::io::stdout(), "{made} events in {}", dir.display())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
