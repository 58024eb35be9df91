//! Gives a service a process, or runs it inside another one.

mod command;
mod migrate;
mod process;

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::Config;
use crate::database::Database;
use crate::service::Service;
use crate::shutdown::Shutdown;

/// A service that runs inside this process.
#[derive(Debug)]
pub struct Running {
    /// Where gRPC is served.
    pub grpc_address: SocketAddr,
    /// Where the admin port is served.
    pub admin_address: SocketAddr,
    /// The service's database.
    pub database: Database,
    /// The end of the service.
    pub shutdown: Shutdown,
    process: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Stops in order and waits for the end.
    ///
    /// # Errors
    /// When one of the service's tasks died.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.stop();
        self.ended().await
    }

    /// Waits for the end without asking for it.
    ///
    /// # Errors
    /// When one of the service's tasks died.
    pub async fn ended(self) -> anyhow::Result<()> {
        self.process
            .await
            .context("the service's process task died")?
    }

    /// Resolves when the service has begun to end, asked or not.
    pub async fn stopping(&self) {
        self.shutdown.stopping().await;
    }
}

/// A service's `main`: reads the command line and the environment, and runs until SIGTERM. A second
/// signal aborts.
#[must_use]
pub fn run<S: Service>() -> ExitCode {
    command::main::<S>()
}

/// Runs a service inside this process, on the machine's clock. Telemetry is the process's own
/// business. The database must be migrated; see [`crate::database::migrations::run`].
///
/// # Errors
/// When the configuration is incomplete, the database does not answer or is not migrated, or a port
/// is taken.
pub async fn start<S: Service>(config: Config) -> anyhow::Result<Running> {
    start_at::<S>(config, Clock::system()).await
}

/// As [`start`], on a clock of the caller's.
///
/// # Errors
/// As [`start`].
pub async fn start_at<S: Service>(config: Config, clock: Clock) -> anyhow::Result<Running> {
    process::start::<S>(config, clock).await
}
