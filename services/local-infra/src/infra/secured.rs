//! A broker that listens with TLS, as that of a city does.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Infra, Options};
use crate::account::Account;
use crate::files::{wait_until, write_private};
use crate::ports::is_free;

/// The broker's listeners open one after the other, within milliseconds.
const LISTEN_LIMIT: Duration = Duration::from_secs(20);

impl Infra {
    /// Starts servers whose broker shows this certificate with its key (PEM), and answers the port on
    /// which it listens with TLS; that without goes on beside it. The data directory is a fresh one.
    ///
    /// # Errors
    ///
    /// As [`Infra::start`], and when the files cannot be written.
    pub fn start_with_broker_tls(
        options: Options<'_>,
        certificate: &str,
        key: &str,
    ) -> Result<(Self, u16)> {
        // Before the start, since a broker takes its time for each.
        let port = free_port()?;
        let account = Account::find()?;
        account.prepare(&options.data_dir)?;
        let broker = std::path::absolute(&options.data_dir)?.join("broker");
        let folder = broker.join("conf.d");
        fs::create_dir_all(&folder).context("cannot make the broker's folder of settings")?;
        let files = ["broker.crt", "broker.key", "tls.conf"].map(|name| folder.join(name));
        let [certificate_file, key_file, settings_file] = &files;
        let settings = format!(
            "listeners.ssl.1 = 127.0.0.1:{port}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n\
             ssl_options.verify = verify_none\n\
             ssl_options.fail_if_no_peer_cert = false\n",
            certificate_file.display(),
            key_file.display(),
        );
        write_private(certificate_file, certificate)?;
        write_private(key_file, key)?;
        write_private(settings_file, &settings)?;
        for file in &files {
            account.own(file, 0o600)?;
        }
        account.own(&folder, 0o700)?;
        let infra = Self::start(options)?;
        if !wait_until(LISTEN_LIMIT, || !is_free(port)) {
            bail!("the broker does not listen on port {port} with TLS");
        }
        Ok((infra, port))
    }
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?.port())
}
