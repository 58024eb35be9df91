//! PostgreSQL: initialising and starting it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::files::{last_lines, wait_until, write_private};
use crate::process::{Launch, Process, Signal, clean_command};
use crate::programs::Programs;
use crate::psql::Psql;

/// The name of the only role that exists at first.
pub(crate) const USER: &str = "handslag";

/// Recovery after a kill replays what was written since the last checkpoint: seconds, on a slow
/// disk tens of them.
const START_LIMIT: Duration = Duration::from_secs(60);

const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Four services and a web front hold up to 8 connections each, a test binary some hundred.
const CONNECTIONS: u32 = 300;

/// Only passwords, only from this machine: another user of it cannot come in.
pub(crate) const SESSIONS: &str = "host all all 127.0.0.1/32 scram-sha-256";

/// The same for a standby; "all" databases leave this one out.
pub(crate) const REPLICATION: &str = "host replication all 127.0.0.1/32 scram-sha-256";

/// One private PostgreSQL.
pub(crate) struct Database<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) account: &'a Account,
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    pub(crate) durable: bool,
}

impl Database<'_> {
    /// Makes the data directory unless it exists. `initdb` works in a neighbour that is renamed at
    /// the end, so that one that was killed half way is never taken for a whole one.
    pub(crate) fn initialise(&self, password: &str) -> Result<()> {
        let data = self.data();
        if data.exists() {
            return Ok(());
        }
        let fresh = self.directory.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).context("cannot remove a half-made data directory")?;
        }
        let secret = self.directory.join("password");
        write_private(&secret, password)?;
        self.account.own(&secret, 0o600)?;
        let made = self.initdb(&fresh, &secret);
        fs::remove_file(&secret)?;
        made?;
        self.admit(&fresh, &[SESSIONS])?;
        fs::rename(&fresh, &data).context("cannot finish the data directory")
    }

    /// Writes who may connect.
    pub(crate) fn admit(&self, data: &Path, rules: &[&str]) -> Result<()> {
        let path = data.join("pg_hba.conf");
        write_private(&path, &(rules.join("\n") + "\n"))?;
        self.account.own(&path, 0o600)
    }

    fn initdb(&self, fresh: &Path, secret: &Path) -> Result<()> {
        // C.UTF-8 knows å ä ö in `lower` and is the same everywhere; sorting by Swedish rules is
        // said in each query by the ICU collation. Systems without it have at least C.
        let mut refusal = String::new();
        for locale in ["C.UTF-8", "C"] {
            let mut initdb = clean_command(
                self.programs.program("initdb"),
                self.account,
                &self.directory,
            );
            initdb.args([
                "--encoding=UTF8",
                "--auth=scram-sha-256",
                "--username",
                USER,
            ]);
            initdb.arg(format!("--locale={locale}"));
            initdb
                .arg("--pgdata")
                .arg(fresh)
                .arg("--pwfile")
                .arg(secret);
            if !self.durable {
                initdb.arg("--no-sync");
            }
            let output = initdb.output().context("cannot run initdb")?;
            if output.status.success() {
                return Ok(());
            }
            refusal = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            if fresh.exists() {
                fs::remove_dir_all(fresh)?;
            }
        }
        bail!("initdb failed: {refusal}")
    }

    /// Starts the server; the caller waits until it answers.
    ///
    /// `before` is the process that served this directory last. When it is known to be dead, its
    /// lock file is stale, however its number may be used again by now.
    pub(crate) fn launch(&self, before: Option<&Process>) -> Result<Process> {
        let lock = self.data().join("postmaster.pid");
        let stale = before.is_some_and(|process| !process.is_alive() && names(&lock, process.pid));
        if stale {
            fs::remove_file(&lock).context("cannot remove a stale postmaster.pid")?;
        }
        let program = self.programs.program("postgres");
        let mut arguments = vec!["-D".to_owned(), self.data().display().to_string()];
        for setting in self.settings() {
            arguments.extend(["-c".to_owned(), setting]);
        }
        let log = self.log();
        let directory = self.directory.as_path();
        let environment = vec![("HOME", directory.display().to_string())];
        Launch {
            account: self.account,
            program: &program,
            arguments,
            environment,
            directory,
            log: &log,
        }
        .start()
    }

    /// Waits until the server answers a query, starting it again if it gave up because children of
    /// a killed predecessor were still ending.
    pub(crate) fn await_answer(&self, mut process: Process, psql: &Psql) -> Result<Process> {
        let mut attempts = 0;
        let mut refusal = String::new();
        let answers = wait_until(START_LIMIT, || {
            match psql.sql("postgres", "SELECT 1") {
                Ok(_) => return true,
                Err(error) => refusal = format!("{error:#}"),
            }
            if !process.is_alive() && attempts < 20 {
                attempts += 1;
                std::thread::sleep(Duration::from_millis(500));
                if let Ok(again) = self.launch(None) {
                    process = again;
                }
            }
            false
        });
        if !answers {
            process.kill()?;
            bail!(
                "PostgreSQL does not start: {refusal}\n{}",
                last_lines(&self.log(), 12)
            );
        }
        Ok(process)
    }

    /// The server that runs here, if somebody started it and was killed before remembering it.
    pub(crate) fn adopt(&self) -> Option<Process> {
        Process::adopt(&self.log(), &self.data().display().to_string())
    }

    /// Where its data lies.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    fn settings(&self) -> Vec<String> {
        let disk = if self.durable { "on" } else { "off" };
        vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            // No socket file: it would lie in a shared folder, and nobody needs it.
            "unix_socket_directories=".to_owned(),
            format!("max_connections={CONNECTIONS}"),
            "shared_buffers=64MB".to_owned(),
            // The services refuse to start without it. Test servers save the disk instead: their
            // data need not survive a power cut, only a killed server.
            "synchronous_commit=on".to_owned(),
            format!("fsync={disk}"),
            format!("full_page_writes={disk}"),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "logging_collector=off".to_owned(),
        ]
    }
}

/// Stops the server: open sessions are ended, committed data is kept.
pub(crate) fn stop(process: &Process) -> Result<()> {
    process.stop(Signal::Interrupt, STOP_LIMIT)
}

/// Ends the server at once; the next start recovers.
pub(crate) fn crash(process: &Process) -> Result<()> {
    process.stop(Signal::Quit, STOP_LIMIT)
}

/// Whether a `postmaster.pid` names this process.
fn names(lock: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(lock).unwrap_or_default();
    text.lines()
        .next()
        .is_some_and(|line| line.trim() == pid.to_string())
}
