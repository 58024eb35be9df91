//! What a consumer has heard: the mark of each aggregate, and how many events of each producer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use crate::calendar::Moment;
use crate::contract::{HEARS, REPORTING};
use crate::findings::{Concerns, Findings};
use crate::judge::versions::highest;
use crate::lines::DumpLine;
use crate::log::Log;
use crate::run::Run;
use crate::verdict::Invariant;

/// What a consumer must have heard.
pub(super) struct Heard<'a> {
    run: &'a Run,
    consumer: &'a str,
    /// By producer: its log, and of each aggregate the version of its last event until its mark has
    /// come.
    producers: BTreeMap<&'a str, (&'a Log, Vec<Option<i64>>)>,
    counted: Vec<&'a str>,
}

/// A row of `inbox_mark`.
#[derive(Deserialize)]
struct Mark<'a> {
    #[serde(borrow)]
    producer: Cow<'a, str>,
    #[serde(borrow)]
    aggregate: Cow<'a, str>,
    #[serde(borrow)]
    aggregate_id: Cow<'a, str>,
    version: i64,
}

/// A row of reporting's `freshness`.
#[derive(Deserialize)]
struct Freshness<'a> {
    #[serde(borrow)]
    producer: Cow<'a, str>,
    events: u64,
    as_of: Moment,
}

impl<'a> Heard<'a> {
    pub(super) fn new(run: &'a Run, consumer: &'a str) -> Self {
        let heard = HEARS.into_iter().filter(|(hears, _)| *hears == consumer);
        let producers = heard.filter_map(|(_, producer)| {
            let log = run.logs.of(producer)?;
            let versions = highest(log).into_iter().map(Some).collect();
            Some((log.service.as_str(), (log, versions)))
        });
        Self {
            run,
            consumer,
            producers: producers.collect(),
            counted: Vec::new(),
        }
    }

    /// Compares a row, if it is one of these.
    ///
    /// # Errors
    /// When it has not the form of its table.
    pub(super) fn read(&mut self, line: DumpLine<'_>, findings: &mut Findings) -> Result<()> {
        match line.table {
            "inbox_mark" => self.mark(&line.row()?, findings),
            "freshness" if self.consumer == REPORTING => self.fresh(&line.row()?, findings),
            _ => {}
        }
        Ok(())
    }

    fn mark(&mut self, mark: &Mark<'_>, findings: &mut Findings) {
        let consumer = self.consumer;
        let producer = self.producers.get_mut(&*mark.producer);
        let found = producer.and_then(|(log, versions)| {
            let number = log.find(&mark.aggregate, &mark.aggregate_id)?;
            Some((*log, number, versions[number as usize].take()))
        });
        let Some((log, number, said)) = found else {
            let name = format!("{}/{}/{}", mark.producer, mark.aggregate, mark.aggregate_id);
            if !self.run.manifest.injected.aggregates.contains(&name) {
                findings.plain(Invariant::I8, || {
                    format!("{consumer}.inbox_mark has a row for {name}, which has no event")
                });
            }
            return;
        };
        if said != Some(mark.version) {
            findings.add(Invariant::I8, || {
                let said = said.unwrap_or_default();
                let text = format!(
                    "{consumer} has heard of it up to version {}, and its last event has {said}",
                    mark.version
                );
                (log.about(number), text)
            });
        }
    }

    /// How many events, and the latest time of one. What the run forged may have been counted too.
    fn fresh(&mut self, row: &Freshness<'_>, findings: &mut Findings) {
        let Some((log, _)) = self.producers.get(&*row.producer) else {
            findings.plain(Invariant::I8, || {
                format!(
                    "reporting.freshness has a row for {}, which it does not hear",
                    row.producer
                )
            });
            return;
        };
        self.counted.push(&log.service);
        let forged = self.run.manifest.injected.event_ids.len() as u64;
        let events = log.events.len() as u64;
        let latest = log.events.iter().max_by_key(|event| event.time);
        let as_of = latest.map(|event| event.time);
        let counts = (events..=events + forged).contains(&row.events);
        if !counts || (forged == 0 && as_of != Some(row.as_of)) {
            findings.add(Invariant::I8, || {
                let text = format!(
                    "reporting.freshness has {} events of {} as of {}, and there are {events} as \
                     of {}",
                    row.events,
                    log.service,
                    row.as_of,
                    as_of.unwrap_or_default()
                );
                (
                    latest.map(|event| log.concerns(event)).unwrap_or_default(),
                    text,
                )
            });
        }
    }

    /// Says what never came.
    pub(super) fn missing(&self, findings: &mut Findings) {
        let consumer = self.consumer;
        for (log, versions) in self.producers.values() {
            for (number, _) in (0_u32..)
                .zip(versions)
                .filter(|(_, version)| version.is_some())
            {
                findings.add(Invariant::I8, || {
                    let about: Concerns = log.about(number);
                    (
                        about,
                        format!("{consumer} has no mark of it: it has heard nothing of it"),
                    )
                });
            }
            let counts = consumer != REPORTING || self.counted.contains(&log.service.as_str());
            if !counts && !log.events.is_empty() {
                findings.plain(Invariant::I8, || {
                    format!("reporting.freshness lacks the row of {}", log.service)
                });
            }
        }
    }
}
