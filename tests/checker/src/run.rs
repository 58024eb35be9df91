//! A run's records, as far as they are held at once.

use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, anyhow};
use uuid::Uuid;

use crate::clients::{self, Command};
use crate::ids::IdMap;
use crate::lines::{self, DumpLine, Lines};
use crate::log::{Log, Logs};
use crate::record::{self, BrokerState, Manifest};
use crate::state::State;

/// A run's records.
#[derive(Debug)]
pub(crate) struct Run {
    /// Where they lie.
    pub(crate) dir: PathBuf,
    /// What was done.
    pub(crate) manifest: Manifest,
    /// What was said.
    pub(crate) logs: Logs,
    /// What else the platform keeps, in the order of the logs.
    pub(crate) states: Vec<State>,
    /// What was asked for.
    pub(crate) commands: IdMap<Command>,
    /// What was left in the broker.
    pub(crate) broker: BrokerState,
}

impl Run {
    /// Reads everything that is held at once.
    ///
    /// # Errors
    /// When a file is missing or cannot be read.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let manifest: Manifest = lines::whole(&dir.join(record::MANIFEST))?;
        let (dumps, commands) = thread::scope(|scope| {
            // The history of the clients is about as long as all dumps, so two threads share fairly.
            let commands = scope.spawn(|| clients::read(&dir.join(record::CLIENTS)));
            let read = |service: &String| read_dump(&dump(dir, service), service);
            let dumps: Result<Vec<_>> = manifest.services.iter().map(read).collect();
            (dumps, join(commands))
        });
        let (logs, states) = dumps?.into_iter().unzip();
        Ok(Self {
            dir: dir.to_owned(),
            logs: Logs::new(logs),
            states,
            commands: commands?,
            broker: lines::whole(&dir.join(record::BROKER))?,
            manifest,
        })
    }

    /// The services with their logs and states.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&Log, &State)> {
        self.logs.logs.iter().zip(&self.states)
    }

    /// Whether the run itself forged the event.
    pub(crate) fn is_injected(&self, id: Uuid) -> bool {
        self.manifest.injected.event_ids.contains(&id)
    }
}

/// Where a service's dump lies.
pub(crate) fn dump(dir: &Path, service: &str) -> PathBuf {
    dir.join(record::DUMPS).join(format!("{service}.jsonl"))
}

/// What a thread has answered.
///
/// # Errors
/// Its own, and when it panicked.
pub(crate) fn join<T>(handle: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    handle.join().unwrap_or_else(|_| Err(anyhow!("a thread of the judge panicked")))
}

fn read_dump(path: &Path, service: &str) -> Result<(Log, State)> {
    let mut log = Log::new(service);
    let mut state = State::default();
    Lines::open(path)?.each(|line| {
        let line = DumpLine::read(line)?;
        match line.table {
            "outbox" => log.push(&line.row()?),
            _ => state.read(line),
        }
    })?;
    log.settle();
    state.settle();
    Ok((log, state))
}
