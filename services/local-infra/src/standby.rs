//! A synchronous standby of a private PostgreSQL.
//!
//! # Design notes
//!
//! * The standby is a second server in a directory and on a port of its own, made by
//!   `pg_basebackup` and fed over a slot. While it is there, no commit returns that it has not
//!   written: that is what a failover must not lose.
//! * A server that waits for a standby which is gone hangs at every commit. So the wish for it is
//!   taken back in the server's own file, which works whether the server runs or not, and by
//!   whoever comes first: [`Standby`] when it is dropped, [`Infra::stop`], the next
//!   [`Infra::start_standby`].
//! * Clients are led to the promoted server by whoever stands before it, as in production. This
//!   room has no such part; the fault runs put a proxy there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::address::percent_encode;
use crate::database::{self, Database, REPLICATION, SESSIONS};
use crate::files::wait_until;
use crate::infra::{Infra, ports_of};
use crate::pause::{Paused, wake};
use crate::ports::Ports;
use crate::process::{Process, clean_command};
use crate::psql::Psql;
use crate::setup::Setup;
use crate::state::{Memory, running};

/// What the standby calls itself, and the name of its slot.
const NAME: &str = "handslag_standby";

/// The setting by which the server waits for it.
const SETTING: &str = "synchronous_standby_names";

/// A standby catches up with a little database in a moment; a busy machine takes longer.
const STREAM_LIMIT: Duration = Duration::from_secs(60);

/// A second PostgreSQL that has everything that the first has confirmed. It is removed when this
/// value is dropped.
///
/// It has no `Debug`, since it holds a password.
pub struct Standby {
    setup: Setup,
    primary: Psql,
    psql: Psql,
}

impl Infra {
    /// Makes a standby of the database, and returns when every commit waits for it. One that was
    /// left behind is removed before.
    ///
    /// # Errors
    ///
    /// When the database does not run, or the standby does not start or follow.
    pub fn start_standby(&self) -> Result<Standby> {
        self.remove_standby()?;
        let memory = Memory::open(self.data_dir())?;
        let ports = ports_of(&memory)?;
        running(&memory.state().postgres).context("the database does not run")?;
        // Not held any longer: what fails below removes the standby, which needs it.
        drop(memory);
        let primary = self.servers().psql.clone();
        let mut psql = primary.clone();
        psql.server.port = Ports::choose(Some(ports.postgres), self.data_dir())?.postgres;
        let standby = Standby {
            setup: self.setup().clone(),
            primary,
            psql,
        };
        let server = self.setup().database(ports);
        server.admit(&server.data(), &[SESSIONS, REPLICATION])?;
        standby.primary.sql("postgres", "SELECT pg_reload_conf()")?;
        // One that was removed while the first server was dead has left its slot in it.
        drop_slot(&standby.primary)?;
        standby.copy()?;
        standby.start()?;
        wait_for_standby(self.data_dir(), true)?;
        standby.primary.sql("postgres", "SELECT pg_reload_conf()")?;
        standby.await_stream()?;
        Ok(standby)
    }

    /// Removes a standby, if there is one.
    pub(crate) fn remove_standby(&self) -> Result<()> {
        remove(self.setup(), &self.servers().psql)
    }
}

impl Standby {
    /// The URL of a database on the standby. Until it is promoted it can be read only.
    #[must_use]
    pub fn postgres_url(&self, database: &str) -> String {
        let authority = self.psql.server.authority();
        format!("postgres://{authority}/{}", percent_encode(database))
    }

    /// Runs SQL text on the standby, as [`crate::Servers::sql`] does.
    ///
    /// # Errors
    ///
    /// When a statement fails; the message is PostgreSQL's own.
    pub fn sql(&self, database: &str, text: &str) -> Result<String> {
        self.psql.sql(database, text)
    }

    /// Makes the standby the server that can be written to. The old one must be dead and stay so:
    /// two that can be written to would each have a truth of their own.
    ///
    /// # Errors
    ///
    /// When it does not follow the call.
    pub fn promote(&self) -> Result<()> {
        // Waits until it is done, for a minute at most.
        let promoted = self.psql.sql("postgres", "SELECT pg_promote()")?;
        if promoted.trim() != "t" {
            bail!("the standby was not promoted within a minute");
        }
        Ok(())
    }

    /// Makes the standby stand still, until the answered value is dropped. Commits of the first
    /// server wait as long.
    ///
    /// # Errors
    ///
    /// When it does not run or does not stand still.
    pub fn pause(&self) -> Result<Paused> {
        let state = Memory::open(&self.setup.data_dir)?.state();
        Paused::family(running(&state.standby).context("the standby does not run")?)
    }

    /// Kills the standby as a crash would. Commits of the first server wait until it is started
    /// again or removed.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn kill(&self) -> Result<()> {
        let state = Memory::open(&self.setup.data_dir)?.state();
        state.standby.iter().for_each(wake);
        state.standby.as_ref().map_or(Ok(()), Process::kill)
    }

    /// Starts it again after a kill. It catches up by itself.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(&self) -> Result<()> {
        let memory = Memory::open(&self.setup.data_dir)?;
        let server = self.server();
        let state = memory.state();
        if let Some(process) = running(&state.standby) {
            wake(process);
            return Ok(());
        }
        let process = server.launch(state.standby.as_ref())?;
        memory.update(|state| state.standby = Some(process.clone()))?;
        let process = server.await_answer(process, &self.psql)?;
        memory.update(|state| state.standby = Some(process))
    }

    /// Removes the standby with its data; the first server no longer waits for it.
    ///
    /// # Errors
    ///
    /// When it does not end, not even by force.
    pub fn remove(self) -> Result<()> {
        remove(&self.setup, &self.primary)
    }

    fn server(&self) -> Database<'_> {
        self.setup.standby(self.psql.server.port)
    }

    /// Copies the first server. The copy is made in a neighbour that is renamed at the end, as for
    /// a new server.
    fn copy(&self) -> Result<()> {
        let server = self.server();
        self.setup.account.prepare_server(&server.directory)?;
        let program = self.setup.programs.existing("pg_basebackup")?;
        let mut backup = clean_command(program, &self.setup.account, &server.directory);
        let fresh = server.directory.join("data.new");
        let from = &self.primary.server;
        backup
            .arg("--pgdata")
            .arg(&fresh)
            .args(["--wal-method=stream", "--checkpoint=fast"])
            // Tells the copy that it is a standby, and whose.
            .args(["--write-recovery-conf", "--create-slot", "--slot", NAME])
            .args(["--no-password", "--dbname"])
            .arg(format!(
                "host={} port={} user={} application_name={NAME}",
                from.host, from.port, from.user
            ))
            .env("PGPASSWORD", &from.password);
        if !server.durable {
            backup.arg("--no-sync");
        }
        let output = backup.output().context("cannot run pg_basebackup")?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("pg_basebackup failed: {}", complaint.trim());
        }
        fs::rename(&fresh, server.data()).context("cannot finish the standby's directory")
    }

    fn await_stream(&self) -> Result<()> {
        let query =
            format!("SELECT sync_state FROM pg_stat_replication WHERE application_name = '{NAME}'");
        let mut last = Ok(String::new());
        let follows = || {
            last = self.primary.sql("postgres", &query);
            last.as_ref().is_ok_and(|state| state.trim() == "sync")
        };
        if !wait_until(STREAM_LIMIT, follows) {
            let state = last?;
            bail!(
                "the standby does not follow: its state is {:?}",
                state.trim()
            );
        }
        Ok(())
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        // The next start tries again.
        let _ = remove(&self.setup, &self.primary);
    }
}

/// Removes a standby, its traces in the first server included. Nothing happens when there is none.
fn remove(setup: &Setup, primary: &Psql) -> Result<()> {
    let memory = Memory::open(&setup.data_dir)?;
    let directory = setup.data_dir.join("standby");
    let state = memory.state();
    if state.standby.is_none() && !directory.exists() {
        return Ok(());
    }
    wait_for_standby(&setup.data_dir, false)?;
    let runs = running(&state.postgres).is_some();
    if runs {
        primary.sql("postgres", "SELECT pg_reload_conf()")?;
    }
    state.standby.iter().for_each(wake);
    state.standby.as_ref().map_or(Ok(()), database::stop)?;
    if directory.exists() {
        fs::remove_dir_all(&directory).context("cannot remove the standby's directory")?;
    }
    memory.update(|state| state.standby = None)?;
    if runs {
        drop_slot(primary)?;
    }
    Ok(())
}

/// The first server keeps what the slot's reader has not read, for ever.
fn drop_slot(primary: &Psql) -> Result<()> {
    let drop = format!(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
         WHERE slot_name = '{NAME}'"
    );
    let mut last = Ok(());
    // It is in use until the server has noticed that its reader is gone.
    let is_gone = || {
        last = primary.sql("postgres", &drop).map(std::mem::drop);
        last.is_ok()
    };
    wait_until(STREAM_LIMIT, is_gone);
    last.context("the standby's slot stays behind")
}

/// Writes into the first server's own settings whether its commits wait for a standby.
fn wait_for_standby(data_dir: &Path, wait: bool) -> Result<()> {
    let path: PathBuf = data_dir.join("postgres/data/postgresql.auto.conf");
    let wrong = || format!("cannot change {}", path.display());
    let text = fs::read_to_string(&path).with_context(wrong)?;
    let others = text.lines().filter(|line| !line.starts_with(SETTING));
    let mut text: String = others.flat_map(|line| [line, "\n"]).collect();
    if wait {
        text.push_str(&format!("{SETTING} = '{NAME}'\n"));
    }
    // In place, so that the file stays the server's own.
    fs::write(&path, text).with_context(wrong)
}
