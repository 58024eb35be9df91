//! The command line of a service's process.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::run::migrate::{self, Migrate};
use crate::run::{Running, start};
use crate::service::Service;
use crate::telemetry::{self, Telemetry};

/// Threads of the runtime at least: the exporter of traces needs one beside the one that works.
const THREADS_LEAST: usize = 2;
/// What a shell expects of a process that a signal ended.
const ABORTED: u8 = 130;

#[derive(Debug, Parser)]
#[command(about = "One of Handslag's services", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until SIGTERM
    Serve(Box<Config>),
    /// Brings the database up to date
    Migrate(Box<Migrate>),
}

pub(super) fn main<S: Service>() -> ExitCode {
    let cli = Cli::parse();
    let threads = std::thread::available_parallelism().map_or(THREADS_LEAST, Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(THREADS_LEAST))
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return last_words(&anyhow::Error::new(error)),
    };
    let code = runtime.block_on(async {
        let telemetry = match install::<S>(&cli.command) {
            Ok(telemetry) => telemetry,
            Err(error) => return last_words(&error),
        };
        let code = execute::<S>(cli.command).await.unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "the process fails");
            ExitCode::FAILURE
        });
        telemetry.flush().await;
        code
    });
    runtime.shutdown_background();
    code
}

fn install<S: Service>(command: &Command) -> anyhow::Result<Telemetry> {
    match command {
        Command::Serve(config) => {
            telemetry::install(S::NAME, &config.log, config.otlp_endpoint.as_deref())
        }
        Command::Migrate(_) => telemetry::install(S::NAME, "info,sqlx=warn", None),
    }
}

async fn execute<S: Service>(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(config) => serve::<S>(*config).await,
        Command::Migrate(options) => migrate::run::<S>(*options).await,
    }
}

async fn serve<S: Service>(config: Config) -> anyhow::Result<ExitCode> {
    tracing::info!(service = S::NAME, ?config, "the service starts");
    // Before anything else: a signal that arrives while we start must not kill us half way.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = tokio::select! {
        running = start::<S>(config) => running?,
        () = any(&mut terminate, &mut interrupt) => return Ok(ExitCode::SUCCESS),
    };
    tracing::info!(grpc = %running.grpc_address, admin = %running.admin_address, "serving");
    tokio::select! {
        () = any(&mut terminate, &mut interrupt) => {
            tracing::info!("asked to stop; a second signal aborts");
        }
        () = running.stopping() => {}
    }
    end(running, &mut terminate, &mut interrupt).await
}

async fn end(
    running: Running,
    terminate: &mut Signal,
    interrupt: &mut Signal,
) -> anyhow::Result<ExitCode> {
    tokio::select! {
        ended = running.stop() => {
            ended?;
            tracing::info!("stopped in order");
            Ok(ExitCode::SUCCESS)
        }
        () = any(terminate, interrupt) => {
            tracing::warn!("a second signal: aborted");
            Ok(ExitCode::from(ABORTED))
        }
    }
}

async fn any(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Before telemetry stands, standard error is all there is.
fn last_words(error: &anyhow::Error) -> ExitCode {
    use std::io::Write as _;
    let _nobody_reads = writeln!(std::io::stderr(), "the process cannot start: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
