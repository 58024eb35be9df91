//! The side that is called.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::pem::{self, Identity};
use super::reloading::{Fresh, Reloading, State};
use crate::clock::Clock;
use crate::config::TlsConfig;

/// What HTTP/2 is called in the handshake.
pub(super) const HTTP2: &[u8] = b"h2";

/// TLS of the gRPC port. Clones share one configuration.
#[derive(Clone, Debug)]
pub struct ServerTls {
    config: Arc<Reloading<ServerConfig>>,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_authorities: Option<PathBuf>,
}

impl ServerTls {
    /// TLS as it was asked for; nothing when it was not.
    ///
    /// # Errors
    /// When a file is missing or cannot be used; the sentence says which.
    pub fn new(config: &TlsConfig, clock: Clock) -> anyhow::Result<Option<Self>> {
        let (certificate, key) = match (&config.tls_certificate_file, &config.tls_key_file) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            (None, None) => return Ok(None),
            _ => anyhow::bail!(
                "HANDSLAG_TLS_CERTIFICATE_FILE and HANDSLAG_TLS_KEY_FILE are needed together"
            ),
        };
        let files = Files {
            certificate,
            key,
            client_authorities: config.tls_client_authorities_file.clone(),
        };
        let paths = [Some(files.certificate.clone()), Some(files.key.clone())]
            .into_iter()
            .chain([files.client_authorities.clone()])
            .flatten();
        let config = Reloading::new("TLS of the gRPC port", paths, move || make(&files, &clock))
            .context("TLS cannot be served")?;
        Ok(Some(Self {
            config: Arc::new(config),
        }))
    }

    /// Begins the handshake with a peer.
    pub(crate) fn accept(&self, stream: TcpStream) -> Accept<TcpStream> {
        TlsAcceptor::from(self.config.current()).accept(stream)
    }

    /// What an operator sees.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.config.state()
    }

    /// Takes changed files over until `end`.
    pub(crate) async fn follow(&self, end: impl Future<Output = ()>) {
        self.config.follow(end).await;
    }
}

fn make(files: &Files, clock: &Clock) -> anyhow::Result<Fresh<ServerConfig>> {
    let identity = Identity::read(&files.certificate, &files.key, clock.now())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match &files.client_authorities {
        Some(path) => {
            let authorities = Arc::new(pem::authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider)
                .build()
                .with_context(|| format!("{} holds no authority for clients", path.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(identity.chain, identity.key)
        .map_err(|error| pem::refused(error, &files.certificate, &files.key))?;
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok((config, Some(identity.expires)))
}
