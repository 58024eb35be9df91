//! The side that calls.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::client::WantsClientCert;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use super::pem::{self, Identity};
use super::reloading::{Fresh, Reloading, State};
use super::server::HTTP2;
use crate::clock::Clock;

/// The port of an `https` address that names none.
const HTTPS_PORT: u16 = 443;

/// What a client checks servers with, and shows them.
#[derive(Clone, Debug, Default)]
pub struct ClientFiles {
    /// Authorities (PEM) that the servers' certificates are checked with; those of the web when
    /// missing.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate with its chain (PEM), for servers that ask for one.
    pub certificate: Option<PathBuf>,
    /// Its key (PEM).
    pub key: Option<PathBuf>,
}

/// TLS of a client. Clones share one configuration.
#[derive(Clone, Debug)]
pub struct ClientTls {
    config: Arc<Reloading<ClientConfig>>,
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one is missing or cannot be used; the sentence says which.
    pub fn new(files: ClientFiles) -> anyhow::Result<Self> {
        anyhow::ensure!(
            files.certificate.is_some() == files.key.is_some(),
            "a client's certificate and its key are needed together"
        );
        let paths = [&files.authorities, &files.certificate, &files.key].map(Clone::clone);
        let make = move || make(&files, &Clock::system());
        let config = Reloading::new("TLS to the services", paths.into_iter().flatten(), make)
            .context("TLS to the services cannot be set up")?;
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// A channel that connects when it is first used, and by what the files say then. `http`
    /// addresses go without TLS. `shape` sets the rest of the endpoint.
    ///
    /// # Errors
    /// When the address is none.
    pub fn channel(
        &self,
        address: &str,
        shape: impl FnOnce(Endpoint) -> Endpoint,
    ) -> anyhow::Result<Channel> {
        let uri: Uri = address
            .parse()
            .with_context(|| format!("{address} is no address"))?;
        if uri.scheme_str() != Some("https") {
            let endpoint = Endpoint::from_shared(address.to_owned())
                .with_context(|| format!("{address} is no address"))?;
            return Ok(shape(endpoint).connect_lazy());
        }
        let authority = uri.authority().context("an https address names a host")?;
        // tonic leaves TLS to a connector of one's own only where the address does not ask for it;
        // the calls themselves say https.
        let endpoint = Endpoint::from_shared(format!("http://{authority}"))?.origin(uri.clone());
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(HTTPS_PORT);
        let name = ServerName::try_from(host.clone())
            .with_context(|| format!("{host} is no name that a certificate can have"))?;
        let config = Arc::clone(&self.config);
        let connector = tower::service_fn(move |_: Uri| {
            let (host, name) = (host.clone(), name.clone());
            let tls = TlsConnector::from(config.current());
            async move { connect(&tls, &host, port, name).await.map(TokioIo::new) }
        });
        Ok(shape(endpoint).connect_with_connector_lazy(connector))
    }

    /// What an operator sees.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.config.state()
    }

    /// Takes changed files over until `end`.
    pub async fn follow(&self, end: impl Future<Output = ()>) {
        self.config.follow(end).await;
    }
}

async fn connect(
    tls: &TlsConnector,
    host: &str,
    port: u16,
    name: ServerName<'static>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let stream = tls.connect(name, stream).await?;
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(HTTP2) {
        return Err(io::Error::other("the server does not speak HTTP/2"));
    }
    Ok(stream)
}

/// A client without a certificate of its own, which checks servers with the authorities of a file
/// (PEM) alone, or without one with those of the web.
///
/// # Errors
/// When the file cannot be read, or holds no authority.
pub(crate) fn trusting(authorities: Option<&Path>) -> anyhow::Result<ClientConfig> {
    Ok(checking(authorities)?.with_no_client_auth())
}

fn checking(
    authorities: Option<&Path>,
) -> anyhow::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let roots = match authorities {
        Some(path) => pem::authorities(path)?,
        None => RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots))
}

fn make(files: &ClientFiles, clock: &Clock) -> anyhow::Result<Fresh<ClientConfig>> {
    let builder = checking(files.authorities.as_deref())?;
    let (mut config, expires) = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::read(certificate, key, clock.now())?;
            let config = builder
                .with_client_auth_cert(identity.chain, identity.key)
                .map_err(|error| pem::refused(error, certificate, key))?;
            (config, Some(identity.expires))
        }
        _ => (builder.with_no_client_auth(), None),
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok((config, expires))
}
