//! Where the front listens and whom it asks.

use std::net::SocketAddr;

/// What the front's own process is told beyond that.
#[derive(Debug, clap::Parser)]
#[command(name = "handslag-web", about = "Handslag's public pages", version)]
pub(crate) struct Process {
    #[command(flatten)]
    pub(crate) config: Config,
    /// Which log lines are written, in tracing's directives.
    #[arg(long, env = "HANDSLAG_LOG", default_value = "info")]
    pub(crate) log: String,
    /// Base address of the collector of traces; without it none are sent.
    #[arg(long, env = "HANDSLAG_OTLP_ENDPOINT")]
    pub(crate) otlp_endpoint: Option<String>,
}

/// Everything the front is told from outside.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Where the pages are served.
    #[arg(long, env = "HANDSLAG_WEB_ADDRESS", default_value = "127.0.0.1:7400")]
    pub address: SocketAddr,
    /// Where /live and /ready are served; without it there is no admin port.
    #[arg(long, env = "HANDSLAG_WEB_ADMIN_ADDRESS")]
    pub admin_address: Option<SocketAddr>,
    /// URL of the registry.
    #[arg(
        long,
        env = "HANDSLAG_WEB_REGISTRY",
        default_value = "http://127.0.0.1:7401"
    )]
    pub registry: String,
    /// URL of commitments.
    #[arg(
        long,
        env = "HANDSLAG_WEB_COMMITMENTS",
        default_value = "http://127.0.0.1:7402"
    )]
    pub commitments: String,
    /// URL of notifications.
    #[arg(
        long,
        env = "HANDSLAG_WEB_NOTIFICATIONS",
        default_value = "http://127.0.0.1:7403"
    )]
    pub notifications: String,
    /// URL of reporting.
    #[arg(
        long,
        env = "HANDSLAG_WEB_REPORTING",
        default_value = "http://127.0.0.1:7404"
    )]
    pub reporting: String,
}
