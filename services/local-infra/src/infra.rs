//! Starting, finding again and stopping one set of private servers.

mod faults;
mod secured;

use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::broker;
use crate::database;
use crate::pause::wake;
use crate::ports::{Ports, await_free};
use crate::process::Process;
use crate::servers::Servers;
use crate::setup::Setup;
use crate::state::{Memory, State};

/// What to start, and where.
pub struct Options<'a> {
    /// The directory of the servers' data; see [`crate::default_data_dir`].
    pub data_dir: PathBuf,
    /// The first of five ports in a row; the next free row when one of them is taken. Without it,
    /// a row that depends on the data directory.
    pub port_base: Option<u16>,
    /// Whether data must survive a power cut. Tests do without, which makes them several times
    /// faster; a killed server keeps its data either way.
    pub durable: bool,
    /// Told in a few words what is done now, since the first start takes long.
    pub progress: &'a mut dyn FnMut(&str),
}

/// A private PostgreSQL and RabbitMQ that run. They go on running when this value is dropped;
/// [`Infra::stop`] ends them.
///
/// It dereferences to its [`Servers`], whose addresses stay the same over stops and starts.
pub struct Infra {
    setup: Setup,
    servers: Servers,
}

impl Deref for Infra {
    type Target = Servers;

    fn deref(&self) -> &Servers {
        &self.servers
    }
}

impl Infra {
    /// Attaches to the servers of the data directory, or starts what does not run. The same call
    /// again, from this process or another, does no harm.
    ///
    /// # Errors
    ///
    /// When the servers are missing and cannot be installed, when their account may not enter the
    /// data directory, or when one of them does not start; the message says what to do or ends
    /// with its log.
    pub fn start(options: Options<'_>) -> Result<Self> {
        let Options {
            data_dir,
            port_base,
            durable,
            progress,
        } = options;
        let setup = Setup::find(&std::path::absolute(&data_dir)?, durable, progress)?;
        let memory = Memory::open(&setup.data_dir)?;
        if let Some(ports) = memory.state().ports {
            setup.adopt(&memory, ports)?;
        }
        let state = memory.state();
        let ports = match state.ports {
            // Servers that run keep their ports, whatever is wished now.
            Some(ports) if state.any_runs() || ports.suit(port_base) => ports,
            _ => Ports::choose(port_base, &setup.data_dir)?,
        };
        memory.update(|state| state.ports = Some(ports))?;
        let servers = setup.servers(&state, ports);
        setup.start_missing(&memory, ports, &servers, progress)?;
        Ok(Self { setup, servers })
    }

    /// Finds running servers without starting any; `None` when none runs.
    ///
    /// # Errors
    ///
    /// When the data directory's memory cannot be read.
    pub fn attach(data_dir: &Path) -> Result<Option<Self>> {
        let state = State::load(data_dir)?;
        let (Some(ports), true) = (state.ports, state.any_runs()) else {
            return Ok(None);
        };
        let setup = Setup::find(data_dir, false, &mut |_| {})?;
        let servers = setup.servers(&state, ports);
        Ok(Some(Self { setup, servers }))
    }

    /// Whether both servers run.
    pub(crate) fn is_whole(&self) -> bool {
        State::load(self.data_dir()).is_ok_and(|state| state.both_run())
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The addresses, to be kept beyond this value.
    #[must_use]
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Where the data lies.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.setup.data_dir
    }

    /// Stops both servers in order, and removes a standby. What they hold is kept for the next
    /// start.
    ///
    /// # Errors
    ///
    /// When one of them does not end, not even by force.
    pub fn stop(&self) -> Result<()> {
        // Without its standby first: a commit would wait for it after the next start.
        let stopped = [
            self.remove_standby(),
            self.stop_broker(),
            self.stop_database(),
        ];
        stopped.into_iter().collect()
    }

    /// Stops the broker in order.
    ///
    /// # Errors
    ///
    /// When it does not end, not even by force.
    pub fn stop_broker(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let state = memory.state();
        state.broker.iter().for_each(wake);
        state.broker.as_ref().map_or(Ok(()), broker::stop)?;
        state.port_mapper.as_ref().map_or(Ok(()), Process::kill)?;
        await_free(ports_of(&memory)?.amqp)?;
        memory.update(|state| (state.broker, state.port_mapper) = (None, None))
    }

    /// Stops the database in order: open sessions are ended, committed data is kept.
    ///
    /// # Errors
    ///
    /// When it does not end, not even by force.
    pub fn stop_database(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        let state = memory.state();
        state.postgres.iter().for_each(wake);
        state.postgres.as_ref().map_or(Ok(()), database::stop)?;
        memory.update(|state| state.postgres = None)
    }

    /// Starts the broker again, on the same ports.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_broker(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        self.setup
            .run_broker(&memory, ports_of(&memory)?, &mut |_| {})
    }

    /// Starts the database again, on the same port.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start_database(&self) -> Result<()> {
        let memory = Memory::open(self.data_dir())?;
        self.setup
            .run_database(&memory, ports_of(&memory)?, &self.servers)
    }
}

pub(crate) fn ports_of(memory: &Memory) -> Result<Ports> {
    memory
        .state()
        .ports
        .context("these servers were never started")
}
