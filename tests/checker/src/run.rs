//! A run's records, as far as they are held at once.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
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
        let dumps = Mutex::new(manifest.services.iter().enumerate());
        let (commands, mut read) = thread::scope(|scope| {
            // Two threads take one dump after the other; one reads the clients' history before.
            let other = scope.spawn(|| {
                let commands = clients::read(&dir.join(record::CLIENTS))?;
                Ok((commands, read_dumps(dir, &dumps)?))
            });
            let mut read = read_dumps(dir, &dumps)?;
            let (commands, others) = join(other)?;
            read.extend(others);
            anyhow::Ok((commands, read))
        })?;
        read.sort_by_key(|(index, ..)| *index);
        let (logs, states) = read.into_iter().map(|(_, log, state)| (log, state)).unzip();
        Ok(Self {
            dir: dir.to_owned(),
            logs: Logs::new(logs),
            states,
            commands,
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
    handle
        .join()
        .unwrap_or_else(|_| Err(anyhow!("a thread of the judge panicked")))
}

/// Reads dumps until none is left.
fn read_dumps<'a>(
    dir: &Path,
    services: &Mutex<impl Iterator<Item = (usize, &'a String)>>,
) -> Result<Vec<(usize, Log, State)>> {
    let mut read = Vec::new();
    loop {
        let next = services
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next();
        let Some((index, service)) = next else {
            return Ok(read);
        };
        let (log, state) = read_dump(&dump(dir, service), service)?;
        read.push((index, log, state));
    }
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
