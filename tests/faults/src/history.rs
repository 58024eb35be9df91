//! What is written down for the judge, line by line.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use handslag_checker::record::ClientRecord;
use serde::Serialize;

/// A file of JSON lines that many write to.
pub(crate) struct Lines(Mutex<BufWriter<File>>);

impl Lines {
    /// Begins an empty file, with the folder that it lies in.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(Mutex::new(BufWriter::new(file))))
    }

    /// Adds a line.
    pub(crate) fn write(&self, record: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(record)?;
        self.write_text(&line)
    }

    /// Adds a line that is JSON already.
    pub(crate) fn write_text(&self, line: &str) -> Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(writeln!(file, "{line}")?)
    }

    /// Brings everything into the file.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(file.flush()?)
    }
}

/// The clients' history and the clock of the run.
pub(crate) struct History {
    lines: Lines,
    began: Instant,
}

impl History {
    /// Begins.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Ok(Self {
            lines: Lines::create(path)?,
            began: Instant::now(),
        })
    }

    /// Milliseconds since the run began.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Adds a record.
    pub(crate) fn write(&self, record: &ClientRecord<'_>) -> Result<()> {
        self.lines.write(record)
    }

    /// Brings everything into the file.
    pub(crate) fn flush(&self) -> Result<()> {
        self.lines.flush()
    }
}
