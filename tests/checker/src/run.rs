//! A run's records, as far as they are held at once.

use std::path::{Path, PathBuf};

use anyhow::Result;
use uuid::Uuid;

use crate::clients::{self, Command};
use crate::ids::IdMap;
use crate::lines::{self, DumpLine, Lines};
use crate::log::{Log, Logs};
use crate::record::{self, BrokerState, Manifest};
use crate::state::State;
use crate::threads::share;

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
        let services = manifest.services.iter().enumerate();
        let mut jobs: Vec<Job<'_>> = services.map(|(index, of)| Job::Dump(index, of)).collect();
        jobs.push(Job::Clients);
        let mut commands = IdMap::default();
        let mut dumps = Vec::new();
        for answer in share(jobs, |job| job.work(dir))? {
            match answer {
                Read::Clients(read) => commands = read,
                Read::Dump(index, read) => dumps.push((index, *read)),
            }
        }
        dumps.sort_by_key(|(index, _)| *index);
        let (logs, states) = dumps.into_iter().map(|(_, read)| read).unzip();
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

/// A file to be read.
enum Job<'a> {
    Clients,
    Dump(usize, &'a str),
}

/// What was read of it.
enum Read {
    Clients(IdMap<Command>),
    Dump(usize, Box<(Log, State)>),
}

impl Job<'_> {
    fn work(self, dir: &Path) -> Result<Read> {
        match self {
            Self::Clients => Ok(Read::Clients(clients::read(&dir.join(record::CLIENTS))?)),
            Self::Dump(index, service) => {
                let read = read_dump(&dump(dir, service), service)?;
                Ok(Read::Dump(index, Box::new(read)))
            }
        }
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
