//! Benches: how near the platform runs to the limits of PostgreSQL, RabbitMQ and tonic.
//!
//! # Design notes
//! A bare number says more of the machine than of the program. Therefore every figure is a ratio:
//! numerator and denominator are measured in the same run, on the same servers, one after the other
//! and again (A/B/A/B), and the median of the pairs' ratios counts. What else the machine does
//! spoils both sides of a pair alike; the spread tells how much it did.
//!
//! Latencies are those of an open loop: calls are planned before and do not wait for one another,
//! and each counts from the moment it was planned for. Otherwise a server that stands still for a
//! second would spoil one call and not the hundred that somebody would have made meanwhile.
//!
//! Clients, services, PostgreSQL and RabbitMQ share one machine. What a client takes is missing to
//! the service, in numerator and denominator; where one side has far more of it than the other, the
//! machine is divided between them ([`cores`]).

mod benches;
mod cli;
mod cores;
mod figure;
mod machine;
mod pairs;
mod scale;
mod stage;

mod generator;
mod peers;

mod hostile;
mod overload;

use std::process::ExitCode;

use clap::Parser as _;

pub use cli::{Bench, Options};
pub use figure::{Aim, Figure};
pub use scale::Scale;
pub use stage::Stage;

/// The allocator: the same as in the services' own programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reads the command line, runs what it names and prints each figure as it comes.
#[must_use]
pub fn main() -> ExitCode {
    cli::main(&Options::parse())
}

/// Runs one bench.
///
/// # Errors
/// When something does not answer, or one side did not do the other's work.
pub async fn run(bench: Bench, stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    benches::run(bench, stage, scale).await
}
