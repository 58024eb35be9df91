//! I8, and what of I3 and I6 stands in the tables.
//!
//! **I8** Every row of every table that events feed is what its events make of it, column by
//! column, and there is no other row: the read models of reporting, what the commitments and the
//! notifications keep of the registry, each event that subscribers are told of, what was heard of
//! each aggregate, and how many events of each producer. The same holds for what the registry and
//! the commitments have said of their own rows. Totals need no word of their own: they are equal
//! when every row is.
//!
//! **I3** The version in an aggregate's row is that of its last event, and each aggregate with a
//! row has events. A report that failed is the one change that is told to nobody.
//!
//! **I6** The notifications keep every event that they hear exactly once.

mod aggregates;
mod heard;

use std::borrow::Cow;

use anyhow::Result;
use serde::Deserialize;
use uuid::Uuid;

use self::aggregates::Aggregates;
use self::heard::Heard;
use super::subscribers::{self, Inboxes};
use crate::contract::NOTIFICATIONS;
use crate::findings::{Concerns, Findings};
use crate::fold::Judged;
use crate::fold::all::{Folded, NamedTables};
use crate::lines::{DumpLine, Lines};
use crate::run::{Run, dump};
use crate::threads::share;
use crate::told::EventRow;
use crate::verdict::{EventName, Invariant};

/// Judges the tables with what the events make, and with them the inboxes.
///
/// # Errors
/// When a dump or a subscriber's log cannot be read.
pub(crate) fn judge(run: &Run, folded: Folded) -> Result<Vec<Findings>> {
    let Folded {
        mut tables,
        classes,
        boards,
    } = folded;
    let mut inboxes = Some(Inboxes::new(classes, boards, &run.logs));
    let services = run.manifest.services.iter().enumerate();
    let jobs = services.map(|(number, service)| Job {
        number,
        service,
        tables: tables.remove(service.as_str()).unwrap_or_default(),
        inboxes: inboxes.take_if(|_| service == NOTIFICATIONS),
    });
    let mut found = share(jobs.collect(), |job| job.work(run))?;
    // Whoever was done first: the same run has the same verdict.
    found.sort_by_key(|(number, _)| *number);
    Ok(found.into_iter().map(|(_, findings)| findings).collect())
}

/// A service's dump to be judged.
struct Job<'a> {
    number: usize,
    service: &'a str,
    tables: NamedTables,
    inboxes: Option<Inboxes>,
}

impl Job<'_> {
    fn work(self, run: &Run) -> Result<(usize, Findings)> {
        let Self {
            number,
            service,
            mut tables,
            mut inboxes,
        } = self;
        let mut findings = Findings::default();
        let judged = Judged {
            service,
            logs: &run.logs,
        };
        let mut aggregates = Aggregates::new(run, service);
        let mut heard = Heard::new(run, service);
        Lines::open(&dump(&run.dir, service))?.each(|line| {
            let line = DumpLine::read(line)?;
            if let Some(inboxes) = &mut inboxes {
                inboxes.read(line)?;
                if line.table == "event" {
                    told(run, &line.row()?, inboxes, &mut findings);
                }
            }
            aggregates.read(line, &mut findings)?;
            heard.read(line, &mut findings)?;
            match tables.get_mut(line.table) {
                Some(table) => table.check(line.row, &judged, &mut findings),
                None => Ok(()),
            }
        })?;
        for table in tables.values_mut() {
            table.missing(&judged, &mut findings);
        }
        aggregates.missing(&mut findings);
        heard.missing(&mut findings);
        if let Some(inboxes) = &mut inboxes {
            inboxes.untold(run, &mut findings);
            subscribers::judge(run, inboxes, &mut findings)?;
        }
        Ok((number, findings))
    }
}

/// Judges an event that the notifications keep.
fn told(run: &Run, row: &EventRow<'_>, inboxes: &mut Inboxes, findings: &mut Findings) {
    let known = run.logs.by_id(row.id);
    let Some((at, class)) = known.and_then(|at| Some((at, inboxes.classes.of(at)?.1))) else {
        if !run.is_injected(row.id) {
            findings.add(Invariant::I6, || {
                let event = EventName {
                    id: Some(row.id),
                    version: None,
                };
                let text = "the notifications keep it, and no producer has said it".to_owned();
                (
                    Concerns {
                        aggregate: None,
                        event: Some(event),
                    },
                    text,
                )
            });
        }
        return;
    };
    let (log, event) = run.logs.at(at);
    if let Some(column) = row.wrong_column(log, event, class, &inboxes.boards) {
        findings.add(Invariant::I8, || {
            let text = format!("notifications.event has another {column} than the event says");
            (log.concerns(event), text)
        });
    }
    if !inboxes.keep(row.seq, at) {
        findings.add(Invariant::I6, || {
            (
                log.concerns(event),
                "the notifications keep it more than once".to_owned(),
            )
        });
    }
}

/// What of a row tells which aggregate it is.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
    id: Option<Uuid>,
    agreement: Option<Uuid>,
    organisation: Option<Uuid>,
    version: i64,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
}
