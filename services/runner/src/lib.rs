//! The command line `handslag`: a whole city on one machine, and the tools of those who operate it.
//!
//! # Design notes
//! A verb is a client like any other: it calls the services by gRPC with a token, or looks after a service's database
//! with the functions that the service's own process uses. `up` runs the services in its own process, with the same
//! code that runs them apart: what differs is who starts them.

pub mod city;
pub mod cli;
pub mod example;
mod given;
pub mod import;
pub mod issuer;
pub mod ports;
pub mod reach;
pub mod show;
pub mod state;
pub mod up;
mod verbs;

use verbs::pool;
pub use verbs::{installation_works, messaging_status};

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Verb};

/// The allocator: the same as in the services' own programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let verb = Cli::parse().verb;
    handslag_platform::server::install_tls_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(run(verb));
    // What is still blocked on a terminal or a socket is not waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Up(options) => verbs::up(options).await,
        Verb::Migrate(options) => verbs::migrate(options).await,
        Verb::Import(options) => verbs::import(options).await,
        Verb::Issuer(options) => verbs::issuer(&options),
        Verb::Token(options) => verbs::token(&options),
        Verb::DeadLetters(options) => verbs::dead_letters(options.verb).await,
        Verb::ReadModel(options) => verbs::read_model(options.verb).await,
        Verb::Audit(options) => verbs::audit(&options).await,
        Verb::Doctor(options) => verbs::doctor(&options).await,
        Verb::Check(options) => verbs::check(&options).await,
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a command line tells its user what went wrong"
)]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("handslag: {error:#}");
    ExitCode::FAILURE
}
