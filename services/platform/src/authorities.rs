//! Whose certificates the process believes when it calls others over HTTPS.
//!
//! # Design notes
//! An image that holds one program has no certificates of a system, and the HTTP client refuses to
//! be made without any, even for addresses that need none. So the authorities that browsers trust
//! are part of the program. Those of the machine count beside them where there are some: they may
//! name the city's own, and `SSL_CERT_FILE` names a file of them that is mounted into a container.

use std::path::Path;

use anyhow::Context as _;
use reqwest::Certificate;

/// The beginning of an HTTP client that believes the authorities of a file (PEM) alone, or without
/// one those that are part of the program and those of the machine.
///
/// # Errors
/// When an authority or the file cannot be read.
pub fn http_client(file: Option<&Path>) -> anyhow::Result<reqwest::ClientBuilder> {
    crate::server::install_tls_provider();
    let builder = reqwest::Client::builder();
    let Some(path) = file else {
        return Ok(builder.tls_certs_merge(bundled()?));
    };
    let wrong = || format!("{} cannot be read", path.display());
    let pem = std::fs::read(path).with_context(wrong)?;
    let only = Certificate::from_pem_bundle(&pem).with_context(wrong)?;
    Ok(builder.tls_certs_only(only))
}

/// The beginning of a client for a thread that may block.
///
/// # Errors
/// When an authority cannot be read.
pub(crate) fn blocking_http_client() -> anyhow::Result<reqwest::blocking::ClientBuilder> {
    crate::server::install_tls_provider();
    Ok(reqwest::blocking::Client::builder().tls_certs_merge(bundled()?))
}

fn bundled() -> anyhow::Result<Vec<Certificate>> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der).context("a bundled authority cannot be read"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    const ALONE: &str = "HANDSLAG_TEST_WITHOUT_AUTHORITIES";

    /// What a process believes is read from its environment, so the test is a process of its own.
    #[test]
    fn a_client_can_be_made_where_the_machine_has_no_authorities() {
        if std::env::var_os(ALONE).is_some() {
            super::http_client(None).unwrap().build().unwrap();
            super::blocking_http_client().unwrap().build().unwrap();
            assert!(
                reqwest::Client::builder().build().is_err(),
                "the machine has authorities after all, and this shows nothing"
            );
            return;
        }
        let name = "authorities::tests::a_client_can_be_made_where_the_machine_has_no_authorities";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ALONE, "1")
            .env("SSL_CERT_FILE", "/dev/null")
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
