//! Where the front listens and whom it asks.

use std::net::SocketAddr;

/// Everything the front is told from outside.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "handslag-web", about = "Handslag's public pages", version)]
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
