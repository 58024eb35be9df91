//! The versions in the aggregates' own rows.

use anyhow::{Context as _, Result};

use super::Named;
use crate::contract::{AGGREGATES, REPORTING};
use crate::findings::{Concerns, Findings};
use crate::ids::encode;
use crate::judge::versions::highest;
use crate::lines::DumpLine;
use crate::log::Log;
use crate::run::Run;
use crate::verdict::Invariant;

/// The aggregates of a service, to be compared with their rows.
pub(super) struct Aggregates<'a> {
    log: Option<&'a Log>,
    service: &'a str,
    /// The tables of its aggregates.
    tables: Vec<&'static str>,
    /// By aggregate: the version of its last event, until its row has come.
    versions: Vec<Option<i64>>,
}

impl<'a> Aggregates<'a> {
    pub(super) fn new(run: &'a Run, service: &'a str) -> Self {
        let log = run.logs.of(service);
        let versions = log.map(highest).unwrap_or_default();
        let own = AGGREGATES.into_iter().filter(|(of, _)| *of == service);
        Self {
            log,
            service,
            tables: own.map(|(_, table)| table).collect(),
            versions: versions.into_iter().map(Some).collect(),
        }
    }

    /// Compares a row, if it is an aggregate's.
    ///
    /// # Errors
    /// When it has no key.
    pub(super) fn read(&mut self, line: DumpLine<'_>, findings: &mut Findings) -> Result<()> {
        if !self.tables.contains(&line.table) {
            return Ok(());
        }
        let row: Named<'_> = line.row()?;
        let id = key(&row).with_context(|| format!("a row of {} has no key", line.table))?;
        let number = self
            .log
            .and_then(|log| Some((log, log.find(line.table, &id)?)));
        let Some((log, number)) = number else {
            findings.plain(Invariant::I3, || {
                format!(
                    "{}.{} has a row {id} without any event",
                    self.service, line.table
                )
            });
            return Ok(());
        };
        let failed = self.service == REPORTING && row.state.as_deref() == Some("failed");
        let said = self.versions[number as usize].take();
        let right = said.map(|version| version + i64::from(failed));
        if right != Some(row.version) {
            let about = || -> Concerns { log.about(number) };
            findings.add(Invariant::I3, || {
                let said = said.map_or_else(
                    || "has come before".to_owned(),
                    |version| format!("has version {version} by its events"),
                );
                (
                    about(),
                    format!("it {said} and is at version {} in its row", row.version),
                )
            });
        }
        Ok(())
    }

    /// Says which aggregates have no row.
    pub(super) fn missing(&self, findings: &mut Findings) {
        let Some(log) = self.log else { return };
        for (number, _) in (0_u32..)
            .zip(&self.versions)
            .filter(|(_, version)| version.is_some())
        {
            findings.add(Invariant::I3, || {
                (
                    log.about(number),
                    "it has events and no row of its own".to_owned(),
                )
            });
        }
    }
}

/// The aggregate's id as events have it.
fn key(row: &Named<'_>) -> Option<String> {
    if let Some(code) = &row.code {
        return Some(code.to_string());
    }
    match row.id {
        Some(id) => Some(encode(id)),
        None => Some(format!(
            "{}.{}",
            encode(row.agreement?),
            encode(row.organisation?)
        )),
    }
}
