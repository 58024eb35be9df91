//! `handslag-simulation`: see the library.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    handslag_simulation::cli::run()
}
