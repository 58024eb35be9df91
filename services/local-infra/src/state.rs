//! What the data directory remembers: secrets, ports, and which processes serve it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files::{random_hex, write_private};
use crate::ports::Ports;
use crate::process::Process;

const FILE: &str = "servers.json";

/// The whole memory of one data directory, in `servers.json`, readable by its owner alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) password: String,
    pub(crate) node: String,
    pub(crate) ports: Option<Ports>,
    pub(crate) postgres: Option<Process>,
    pub(crate) broker: Option<Process>,
    pub(crate) port_mapper: Option<Process>,
    #[serde(default)]
    pub(crate) standby: Option<Process>,
}

/// The memory under its lock: whoever holds it may start or stop servers. The kernel gives the lock
/// back when its holder is killed.
pub(crate) struct Memory {
    data_dir: PathBuf,
    state: Mutex<State>,
    #[expect(dead_code, reason = "held for its lock alone")]
    lock: File,
}

impl State {
    /// Reads the memory of a data directory, or begins a new one with fresh secrets.
    pub(crate) fn load(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join(FILE);
        if !path.exists() {
            return Ok(Self {
                password: random_hex(24)?,
                node: format!("handslag-{}@localhost", random_hex(6)?),
                ports: None,
                postgres: None,
                broker: None,
                port_mapper: None,
                standby: None,
            });
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Whether any of the processes still runs.
    pub(crate) fn any_runs(&self) -> bool {
        let Self {
            postgres,
            broker,
            port_mapper,
            standby,
            ..
        } = self;
        [postgres, broker, port_mapper, standby]
            .into_iter()
            .any(|process| running(process).is_some())
    }

    /// Whether both servers run.
    pub(crate) fn both_run(&self) -> bool {
        [&self.postgres, &self.broker]
            .into_iter()
            .all(|process| running(process).is_some())
    }
}

impl Memory {
    /// Waits until nobody else starts or stops servers here, and reads.
    pub(crate) fn open(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("lock");
        let wrong = || format!("cannot lock {}", path.display());
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(wrong)?;
        lock.lock().with_context(wrong)?;
        let state = Mutex::new(State::load(data_dir)?);
        Ok(Self {
            data_dir: data_dir.to_owned(),
            state,
            lock,
        })
    }

    /// What is remembered now.
    pub(crate) fn state(&self) -> State {
        self.guard().clone()
    }

    /// Remembers a change at once, since we may be killed at any moment.
    pub(crate) fn update(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        let mut state = self.guard();
        change(&mut state);
        write_private(
            &self.data_dir.join(FILE),
            &serde_json::to_string_pretty(&*state)?,
        )
    }

    fn guard(&self) -> MutexGuard<'_, State> {
        // The state is plain data and is whole even if a thread panicked beside it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The process, if it still runs.
pub(crate) fn running(process: &Option<Process>) -> Option<&Process> {
    process.as_ref().filter(|process| process.is_alive())
}
