//! What both verbs do on a terminal: say, draw a seed, end with a verdict.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use handslag_platform::id;

/// Seeds that are drawn: short enough to be typed again.
const SEEDS: u64 = 100_000;

/// Runs a verb that answers whether everything passed.
pub(crate) fn verdict(verb: &str, run: impl Future<Output = Result<bool>>) -> ExitCode {
    handslag_platform::server::install_tls_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .context("no runtime")
        .and_then(|runtime| runtime.block_on(run));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{verb}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The seed that was asked for, or a drawn one.
pub(crate) fn seed(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| u64::from_le_bytes(id::random_bytes::<8>()) % SEEDS)
}

#[expect(
    clippy::print_stdout,
    reason = "a command line tells its user what it found"
)]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
