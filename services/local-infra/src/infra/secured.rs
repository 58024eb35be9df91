//! A broker that listens with TLS, as that of a city does.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Infra, ports_of};
use crate::files::{wait_until, write_private};
use crate::ports::{await_free, is_free};
use crate::state::Memory;

/// The broker's listeners open one after the other, within milliseconds.
const LISTEN_LIMIT: Duration = Duration::from_secs(20);

impl Infra {
    /// Starts the broker anew with this certificate and its key (PEM), and answers the port on which
    /// it listens with TLS; that without goes on beside it. So it stays over later starts.
    ///
    /// # Errors
    ///
    /// When the files cannot be written, or the broker does not start with them.
    pub fn serve_broker_with_tls(&self, certificate: &str, key: &str) -> Result<u16> {
        let memory = Memory::open(self.data_dir())?;
        let ports = ports_of(&memory)?;
        let broker = self.setup.broker(&memory.state(), ports);
        drop(memory);
        // Ports are handed out by tens, of which a set of servers takes the first five.
        let port = ports.epmd + 1;
        let folder = broker.directory.join("conf.d");
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
            self.setup.account.own(file, 0o600)?;
        }
        self.setup.account.own(&folder, 0o700)?;
        self.stop_broker()?;
        await_free(port)?;
        self.start_broker()?;
        if !wait_until(LISTEN_LIMIT, || !is_free(port)) {
            bail!("the broker does not listen on port {port} with TLS");
        }
        Ok(port)
    }
}
