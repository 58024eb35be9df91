//! How services that run somewhere are reached: their addresses, and TLS.

use std::path::PathBuf;

use clap::Args;
use handslag_platform::tls::{ClientFiles, ClientTls};

use crate::{import::Endpoints, ports::SERVICES, state::CityState};

/// Where the services are.
#[derive(Debug, Clone, Args)]
pub struct Addresses {
    /// Address of the registry, http:// or https:// [default: that of the city `up` runs]
    #[arg(long, env = "HANDSLAG_CLI_REGISTRY")]
    pub registry: Option<String>,
    /// Address of commitments
    #[arg(long, env = "HANDSLAG_CLI_COMMITMENTS")]
    pub commitments: Option<String>,
    /// Address of notifications
    #[arg(long, env = "HANDSLAG_CLI_NOTIFICATIONS")]
    pub notifications: Option<String>,
    /// Address of reporting
    #[arg(long, env = "HANDSLAG_CLI_REPORTING")]
    pub reporting: Option<String>,
}

/// Where the services' admin ports are.
#[derive(Debug, Clone, Args)]
pub struct AdminAddresses {
    /// Address of the registry's admin port, such as http://127.0.0.1:9090 [default: that of the city `up` runs]
    #[arg(long, env = "HANDSLAG_CLI_REGISTRY_ADMIN")]
    pub registry_admin: Option<String>,
    /// Address of commitments' admin port
    #[arg(long, env = "HANDSLAG_CLI_COMMITMENTS_ADMIN")]
    pub commitments_admin: Option<String>,
    /// Address of notifications' admin port
    #[arg(long, env = "HANDSLAG_CLI_NOTIFICATIONS_ADMIN")]
    pub notifications_admin: Option<String>,
    /// Address of reporting's admin port
    #[arg(long, env = "HANDSLAG_CLI_REPORTING_ADMIN")]
    pub reporting_admin: Option<String>,
}

/// TLS of a client.
#[derive(Debug, Clone, Default, Args)]
pub struct Tls {
    /// File with the authorities (PEM) that the services' certificates are checked with, instead of the web's
    #[arg(long, env = "HANDSLAG_CLI_TLS_AUTHORITIES_FILE")]
    pub authorities_file: Option<PathBuf>,
    /// File with the certificate (PEM) that is shown to services that ask for one
    #[arg(long, env = "HANDSLAG_CLI_TLS_CERTIFICATE_FILE", requires = "key_file")]
    pub certificate_file: Option<PathBuf>,
    /// File with that certificate's key (PEM)
    #[arg(long, env = "HANDSLAG_CLI_TLS_KEY_FILE", requires = "certificate_file")]
    pub key_file: Option<PathBuf>,
}

impl Addresses {
    /// Those given, and for the rest those of a city that is known here.
    pub fn with(&self, known: Option<&CityState>) -> Vec<(&'static str, String)> {
        let given = [
            &self.registry,
            &self.commitments,
            &self.notifications,
            &self.reporting,
        ];
        SERVICES
            .into_iter()
            .zip(given)
            .filter_map(|(name, given)| {
                let address = given.clone().or_else(|| known?.grpc.get(name).cloned())?;
                Some((name, address))
            })
            .collect()
    }
}

impl AdminAddresses {
    /// Those given, and for the rest those of a city that is known here.
    pub fn with(&self, known: Option<&CityState>) -> Vec<(&'static str, Option<String>)> {
        let given = [
            &self.registry_admin,
            &self.commitments_admin,
            &self.notifications_admin,
            &self.reporting_admin,
        ];
        let addresses = SERVICES.into_iter().zip(given).map(|(name, given)| {
            let known = || known?.admin.get(name).cloned();
            (name, given.clone().or_else(known))
        });
        addresses.collect()
    }
}

impl Tls {
    /// Channels to these addresses.
    ///
    /// # Errors
    /// When a file cannot be used, or an address is none.
    pub fn endpoints(&self, addresses: &[(&'static str, String)]) -> anyhow::Result<Endpoints> {
        let tls = ClientTls::new(ClientFiles {
            authorities: self.authorities_file.clone(),
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
        })?;
        Endpoints::secured(addresses, &tls)
    }
}
