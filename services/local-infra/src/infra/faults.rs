//! What can happen to servers, made to happen by a test.

use anyhow::{Context, Result};

use super::{Infra, ports_of};
use crate::broker::{self, MEMORY_WATERMARK};
use crate::database;
use crate::pause::{Paused, children, wake};
use crate::ports::await_free;
use crate::process::Process;
use crate::state::{Memory, running};

impl Infra {
    /// Kills the broker as a crash would, and waits until nobody can connect any more: its threads
    /// end one after the other.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn kill_broker(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        kill(memory.state().broker.as_ref())?;
        await_free(ports_of(&memory)?.amqp)
    }

    /// Kills the database as a crash would, and waits until nobody can connect any more.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn kill_database(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        kill(memory.state().postgres.as_ref())
    }

    /// Ends the database at once, as `pg_ctl stop -m immediate` does: every session is told and
    /// nothing is written any more, so that the next start recovers.
    ///
    /// # Errors
    ///
    /// When it does not end, not even by force.
    pub fn crash_database(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let state = memory.state();
        state.postgres.iter().for_each(wake);
        state.postgres.as_ref().map_or(Ok(()), database::crash)
    }

    /// Makes the broker stand still with all its processes: connections stay open and nothing
    /// answers, until the answered value is dropped.
    ///
    /// # Errors
    ///
    /// When it does not run or does not stand still.
    pub fn pause_broker(&self) -> Result<Paused> {
        let state = Memory::open(self.data_dir())?.state();
        let broker = running(&state.broker).context("the broker does not run")?;
        Paused::family(broker)
    }

    /// Makes the database stand still with all its sessions, until the answered value is dropped.
    ///
    /// # Errors
    ///
    /// When it does not run or does not stand still.
    pub fn pause_database(&self) -> Result<Paused> {
        let state = Memory::open(self.data_dir())?.state();
        let postmaster = running(&state.postgres).context("the database does not run")?;
        Paused::family(postmaster)
    }

    /// Makes one session of the database stand still with the locks that it holds, until the
    /// answered value is dropped. `pid` is what `pg_backend_pid()` and `pg_stat_activity` tell.
    ///
    /// # Errors
    ///
    /// When no session of this database has this number, or it does not stand still.
    pub fn pause_session(&self, pid: u32) -> Result<Paused> {
        let state = Memory::open(self.data_dir())?.state();
        let postmaster = running(&state.postgres).context("the database does not run")?;
        let session = children(postmaster)
            .into_iter()
            .find(|child| child.pid == pid);
        let session = session.with_context(|| format!("the database has no session {pid}"))?;
        Paused::alone(&session)
    }

    /// Takes everything from the broker that it has stored: messages, queues, exchanges, bindings.
    /// It is killed, its data is deleted, and it starts again with the users, virtual hosts,
    /// permissions and policies that it had, since those are its operator's and not its data.
    ///
    /// # Errors
    ///
    /// When it does not end or start, or does not take what it had been told before.
    pub fn wipe_broker(&self) -> Result<()> {
        // Only a broker that runs can say what it was told.
        self.start_broker()?;
        let definitions = self.servers.management.definitions()?;
        self.kill_broker()?;
        let memory = Memory::open(self.data_dir())?;
        let ports = ports_of(&memory)?;
        self.setup.broker(&memory.state(), ports).delete_data()?;
        drop(memory);
        self.start_broker()?;
        self.servers.management.define(definitions)
    }

    /// Makes the broker believe that its memory is full, or no longer so: it tells publishers that
    /// they are blocked and reads nothing of them. Returns when it is so, after a second or two; a
    /// restart of the broker ends it.
    ///
    /// # Errors
    ///
    /// When the broker does not run or does not obey.
    pub fn broker_memory_alarm(&self, on: bool) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let broker = self.setup.broker(&memory.state(), ports_of(&memory)?);
        let watermark: &[&str] = if on {
            &["0"]
        } else {
            &["absolute", MEMORY_WATERMARK]
        };
        broker.control(&[&["set_vm_memory_high_watermark"], watermark].concat())?;
        broker::await_alarm(&self.servers.management, on)
    }
}

/// Kills a server. It is woken first: the others of its family notice its death only while they
/// run.
fn kill(server: Option<&Process>) -> Result<()> {
    server.into_iter().for_each(wake);
    server.map_or(Ok(()), Process::kill)
}
