//! The files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use super::SERVICES;
use crate::record::{
    self, BrokerState, ClientRecord, Manifest, Sample, Seen, TapEvent, TapGarbage,
};
use crate::run::dump;

type Writer = BufWriter<File>;

/// The files of a run.
#[derive(Debug)]
pub(super) struct Out {
    dir: PathBuf,
    dumps: BTreeMap<&'static str, Writer>,
    clients: Writer,
    tap: Writer,
    garbage: Writer,
    samples: Writer,
    subscribers: BTreeMap<String, Writer>,
}

impl Out {
    /// # Errors
    /// When a file cannot be made, or the directory holds something already: a subscriber's log of
    /// an earlier run would be judged with this one.
    pub(super) fn create(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        if dir.read_dir()?.next().is_some() {
            bail!("{} is not empty", dir.display());
        }
        fs::create_dir_all(dir.join(record::DUMPS))?;
        fs::create_dir_all(dir.join(record::SUBSCRIBERS))?;
        let dumps = SERVICES
            .iter()
            .map(|service| Ok((*service, file(&dump(dir, service))?)));
        Ok(Self {
            dumps: dumps.collect::<Result<_>>()?,
            clients: file(&dir.join(record::CLIENTS))?,
            tap: file(&dir.join(record::TAP))?,
            garbage: file(&dir.join(record::TAP_GARBAGE))?,
            samples: file(&dir.join(record::SAMPLES))?,
            subscribers: BTreeMap::new(),
            dir: dir.to_owned(),
        })
    }

    /// Writes a row of a dump.
    pub(super) fn row(&mut self, service: &str, table: &str, row: &Value) -> Result<()> {
        let file = self.dumps.get_mut(service).context("no such service")?;
        writeln!(file, "{}", record::dump_line(table, &row.to_string())?)?;
        Ok(())
    }

    /// Writes a record of a client.
    pub(super) fn client(&mut self, record: &ClientRecord<'_>) -> Result<()> {
        line(&mut self.clients, record)
    }

    /// Writes a sighting of the tap.
    pub(super) fn tap(&mut self, event: &TapEvent<'_>) -> Result<()> {
        line(&mut self.tap, event)
    }

    /// Writes what the tap got and is no event.
    pub(super) fn garbage(&mut self, garbage: &TapGarbage<'_>) -> Result<()> {
        line(&mut self.garbage, garbage)
    }

    /// Writes a sample.
    pub(super) fn sample(&mut self, sample: &Sample<'_>) -> Result<()> {
        line(&mut self.samples, sample)
    }

    /// Writes what a subscriber's client saw.
    pub(super) fn seen(&mut self, client: &str, seen: &Seen<'_>) -> Result<()> {
        let path = self
            .dir
            .join(record::SUBSCRIBERS)
            .join(format!("{client}.jsonl"));
        let file = match self.subscribers.entry(client.to_owned()) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(file(&path)?),
        };
        line(file, seen)
    }

    /// Writes what is said once, and closes everything.
    pub(super) fn finish(&mut self, manifest: &Manifest, broker: &BrokerState) -> Result<()> {
        let write = |name: &str, text: String| fs::write(self.dir.join(name), text);
        write(record::MANIFEST, serde_json::to_string_pretty(manifest)?)?;
        write(record::BROKER, serde_json::to_string_pretty(broker)?)?;
        let single = [
            &mut self.clients,
            &mut self.tap,
            &mut self.garbage,
            &mut self.samples,
        ];
        let many = self.dumps.values_mut().chain(self.subscribers.values_mut());
        for file in many.chain(single) {
            file.flush()?;
        }
        Ok(())
    }
}

fn file(path: &Path) -> Result<Writer> {
    let file = File::create(path);
    let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::new(file))
}

fn line(file: &mut Writer, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")?;
    Ok(())
}
