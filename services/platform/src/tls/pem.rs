//! What stands in PEM files, or a sentence that says what is wrong with them.

use std::path::Path;

use anyhow::{Context as _, ensure};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

/// A certificate with its chain, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// When the first certificate of the chain ends to be valid.
    pub(super) expires: OffsetDateTime,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read, or a certificate has expired at `now`.
    pub(super) fn read(
        certificate: &Path,
        key: &Path,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let chain = certificates(certificate)?;
        let expires = expires(certificate, &chain)?;
        ensure!(
            expires > now,
            "the certificate in {} expired on {}",
            certificate.display(),
            expires.date()
        );
        let text = read(key)?;
        let key = PrivateKeyDer::from_pem_slice(&text)
            .ok()
            .with_context(|| format!("{} holds no private key in PEM", key.display()))?;
        Ok(Self {
            chain,
            key,
            expires,
        })
    }
}

/// Says of rustls' refusal of an identity what is wrong with the files.
pub(super) fn refused(error: rustls::Error, certificate: &Path, key: &Path) -> anyhow::Error {
    let (certificate, key) = (certificate.display(), key.display());
    match error {
        rustls::Error::InconsistentKeys(_) => {
            anyhow::anyhow!("the key in {key} does not fit the certificate in {certificate}")
        }
        error => anyhow::Error::new(error).context(format!(
            "the certificate in {certificate} cannot be used with the key in {key}"
        )),
    }
}

/// Authorities that certificates are checked with.
///
/// # Errors
/// When the file cannot be read, or holds no certificate.
pub(super) fn authorities(path: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .with_context(|| format!("{} holds what is no authority", path.display()))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is damaged", path.display()))?;
    ensure!(
        !chain.is_empty(),
        "{} holds no certificate in PEM",
        path.display()
    );
    Ok(chain)
}

/// When the first certificate of a chain ends to be valid.
fn expires(path: &Path, chain: &[CertificateDer<'_>]) -> anyhow::Result<OffsetDateTime> {
    let mut first = None;
    for certificate in chain {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate)
            .with_context(|| format!("{} holds what is no certificate", path.display()))?;
        let end =
            OffsetDateTime::from_unix_timestamp(certificate.validity().not_after.timestamp())?;
        first = Some(first.map_or(end, |first: OffsetDateTime| first.min(end)));
    }
    first.context("a chain has a certificate")
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
