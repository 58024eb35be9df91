//! The four services and the web front in one process, as `up` and the stories run them.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use handslag_commitments::Commitments;
use handslag_notifications::Notifications;
use handslag_platform::{
    Running, Service,
    config::{Config, Secret, TlsConfig},
    database::migrations,
};
use handslag_registry::Registry;
use handslag_reporting::Reporting;

use crate::{import::Endpoints, ports::SERVICES, reach::Tls};

/// Connections of each service to its database: four services on one machine stay far below PostgreSQL's usual
/// hundred, with room for the stories that run several cities at once.
const POOL_SIZE: u32 = 5;

/// Calls a caller may make in a second: on one machine everybody is the same anonymous caller, the web front too.
const CALLS_PER_SECOND: u32 = 2_000;

/// Where everything of a city is, and what it trusts.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Each service's database, in the order of [`SERVICES`].
    pub databases: [Secret; 4],
    /// The broker with its virtual host.
    pub amqp_url: Secret,
    /// Where each service answers; port 0 takes a free one.
    pub grpc: [SocketAddr; 4],
    /// Where each service's admin port is.
    pub admin: [SocketAddr; 4],
    /// Where the pages are.
    pub web: SocketAddr,
    /// Keys of the issuer whose tokens are trusted.
    pub jwks_file: PathBuf,
    /// Key of page and resume tokens.
    pub token_key: Secret,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<String>,
    /// TLS that the services serve, if they do,
    pub tls: TlsConfig,
    /// and how those who call them then reach them, the front among them.
    pub callers: Tls,
}

/// A city that runs.
pub struct City {
    services: Vec<(&'static str, Running)>,
    web: handslag_web::Running,
    scheme: &'static str,
    callers: Tls,
}

impl City {
    /// Migrates the databases and starts the services, then the web front.
    ///
    /// # Errors
    /// When a database cannot be reached or migrated, or an address is taken.
    pub async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let services = vec![
            (SERVICES[0], service::<Registry>(plan, 0).await?),
            (SERVICES[1], service::<Commitments>(plan, 1).await?),
            (SERVICES[2], service::<Notifications>(plan, 2).await?),
            (SERVICES[3], service::<Reporting>(plan, 3).await?),
        ];
        let scheme = match plan.tls.tls_certificate_file {
            Some(_) => "https",
            None => "http",
        };
        let url = |place: usize| format!("{scheme}://{}", services[place].1.grpc_address);
        let web = handslag_web::start(handslag_web::Config {
            address: plan.web,
            admin_address: None,
            registry: url(0),
            commitments: url(1),
            notifications: url(2),
            reporting: url(3),
            tls: handslag_web::TlsConfig {
                tls_authorities_file: plan.callers.authorities_file.clone(),
                tls_certificate_file: plan.callers.certificate_file.clone(),
                tls_key_file: plan.callers.key_file.clone(),
            },
        })
        .await
        .context("the web front does not start")?;
        Ok(Self {
            services,
            web,
            scheme,
            callers: plan.callers.clone(),
        })
    }

    /// Each service's name and gRPC address.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        self.services
            .iter()
            .map(|(name, running)| (*name, running.grpc_address))
            .collect()
    }

    /// Each service's name and admin address.
    pub fn admin_addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        self.services
            .iter()
            .map(|(name, running)| (*name, running.admin_address))
            .collect()
    }

    /// Where the pages are.
    pub fn web_address(&self) -> SocketAddr {
        self.web.address()
    }

    /// Channels to the services.
    ///
    /// # Errors
    /// When a file of TLS cannot be used any more.
    pub fn endpoints(&self) -> anyhow::Result<Endpoints> {
        self.callers.endpoints(&self.urls())
    }

    /// Each service's name and URL.
    pub fn urls(&self) -> Vec<(&'static str, String)> {
        self.addresses()
            .into_iter()
            .map(|(name, address)| (name, format!("{}://{address}", self.scheme)))
            .collect()
    }

    /// Stops the web front, then the services, each in order: what is under way is finished.
    pub async fn stop(self) {
        self.web.stop().await;
        let ends = self.services.into_iter().map(|(name, running)| async move {
            if let Err(error) = running.stop().await {
                tracing::error!(
                    service = name,
                    error = format!("{error:#}"),
                    "a service did not stop in order"
                );
            }
        });
        futures_util::future::join_all(ends).await;
    }
}

/// What one service's process would be told.
pub(crate) fn config(plan: &Plan, place: usize) -> anyhow::Result<Config> {
    let mut config = Config::local(plan.databases[place].expose(), plan.amqp_url.expose())?;
    config.grpc_address = plan.grpc[place];
    config.admin_address = plan.admin[place];
    config.database.pool_size = POOL_SIZE;
    config.limits.calls_per_second = CALLS_PER_SECOND;
    config.limits.calls_burst = CALLS_PER_SECOND;
    config.access.jwks_file = Some(plan.jwks_file.clone());
    config.token_key = Some(plan.token_key.clone());
    config.otlp_endpoint.clone_from(&plan.otlp_endpoint);
    config.tls = plan.tls.clone();
    Ok(config)
}

async fn service<S: Service>(plan: &Plan, place: usize) -> anyhow::Result<Running> {
    let config = config(plan, place)?;
    let database = crate::pool(plan.databases[place].expose()).await?;
    migrations::run(&database, S::migrations())
        .await
        .with_context(|| format!("the database of {} cannot be migrated", S::NAME))?;
    database.close().await;
    handslag_platform::start::<S>(config)
        .await
        .with_context(|| format!("{} does not start", S::NAME))
}
