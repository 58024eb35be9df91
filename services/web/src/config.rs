//! Where the front listens and whom it asks.

use std::{net::SocketAddr, path::PathBuf};

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
    /// Where /live, /ready and /metrics are served; without it there is no admin port.
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
    /// How the services are called.
    #[command(flatten)]
    pub tls: TlsConfig,
}

/// TLS towards the services, for those whose URL is https.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsConfig {
    /// File with the authorities (PEM) that the services' certificates are checked with, instead of
    /// the web's.
    #[arg(long, env = "HANDSLAG_WEB_TLS_AUTHORITIES_FILE")]
    pub tls_authorities_file: Option<PathBuf>,
    /// File with the certificate (PEM) that is shown to services that ask for one.
    #[arg(
        long,
        env = "HANDSLAG_WEB_TLS_CERTIFICATE_FILE",
        requires = "tls_key_file"
    )]
    pub tls_certificate_file: Option<PathBuf>,
    /// File with that certificate's key (PEM).
    #[arg(
        long,
        env = "HANDSLAG_WEB_TLS_KEY_FILE",
        requires = "tls_certificate_file"
    )]
    pub tls_key_file: Option<PathBuf>,
}
