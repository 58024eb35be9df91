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

use std::collections::HashMap;

use anyhow::Result;
use serde::Deserialize;
use uuid::Uuid;

use self::aggregates::Aggregates;
use self::heard::Heard;
use super::subscribers::Inboxes;
use crate::contract::body::Body;
use crate::contract::{self, COMMITMENTS, NOTIFICATIONS, REGISTRY, REPORTING};
use crate::findings::{Concerns, Findings};
use crate::fold::fields::{code, title};
use crate::fold::{self, Judged, Table, Unreadable, own};
use crate::lines::{DumpLine, Lines};
use crate::log::{EventRef, Logs};
use crate::run::{Run, dump};
use crate::told::{Boards, Classes, EventRow};
use crate::verdict::{EventName, Invariant};

/// Judges the tables; answers what the notifications keep for their subscribers.
///
/// # Errors
/// When a dump cannot be read.
pub(crate) fn judge(run: &Run, findings: &mut Findings) -> Result<Inboxes> {
    let mut folds = Folds::new(&run.logs);
    for service in [REGISTRY, COMMITMENTS, NOTIFICATIONS, REPORTING] {
        for at in run.logs.places(service) {
            folds.take(&run.logs, at, findings);
        }
    }
    let (mut tables, classes, boards) = folds.settle();
    let mut inboxes = Inboxes::new(classes, &run.logs);
    for service in &run.manifest.services {
        let mut tables = tables.remove(service.as_str()).unwrap_or_default();
        let judged = Judged {
            service,
            logs: &run.logs,
        };
        let mut aggregates = Aggregates::new(run, service);
        let mut heard = Heard::new(run, service);
        Lines::open(&dump(&run.dir, service))?.each(|line| {
            let line = DumpLine::read(line)?;
            if service == NOTIFICATIONS {
                inboxes.read(line)?;
                if line.table == "event" {
                    told(run, &line.row()?, &boards, &mut inboxes, findings);
                }
            }
            aggregates.read(line, findings)?;
            heard.read(line, findings)?;
            match tables.get_mut(line.table) {
                Some(table) => table.check(line.row, &judged, findings),
                None => Ok(()),
            }
        })?;
        for table in tables.values_mut() {
            table.missing(&judged, findings);
        }
        aggregates.missing(findings);
        heard.missing(findings);
    }
    if run
        .manifest
        .services
        .iter()
        .any(|service| service == NOTIFICATIONS)
    {
        inboxes.untold(run, findings);
    }
    Ok(inboxes)
}

/// Judges an event that the notifications keep.
fn told(
    run: &Run,
    row: &EventRow<'_>,
    boards: &Boards,
    inboxes: &mut Inboxes,
    findings: &mut Findings,
) {
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
    if let Some(column) = row.wrong_column(log, event, class, boards) {
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

/// The tables of a service by their names. A name may stand for its own and for none else.
type Tables = HashMap<&'static str, Box<dyn Table>>;

struct Folds {
    registry: own::Registry,
    promises: own::Commitments,
    offices: own::Offices,
    commitments: fold::commitments::Commitments,
    notifications: fold::notifications::Notifications,
    reporting: fold::reporting::Reporting,
    classes: Classes,
    boards: Boards,
}

impl Folds {
    fn new(logs: &Logs) -> Self {
        Self {
            registry: own::Registry::default(),
            promises: own::Commitments::default(),
            offices: own::Offices::default(),
            commitments: fold::commitments::Commitments::default(),
            notifications: fold::notifications::Notifications::default(),
            reporting: fold::reporting::Reporting::default(),
            classes: Classes::new(logs),
            boards: Boards::default(),
        }
    }

    fn take(&mut self, logs: &Logs, at: EventRef, findings: &mut Findings) {
        let (log, event) = logs.at(at);
        let mut unreadable = |text: String| {
            findings.add(Invariant::I8, || (log.concerns(event), text));
        };
        match Body::decode(log.r#type(event), log.payload(event)) {
            // A type that no consumer knows either moves marks and nothing else.
            None => {}
            Some(Err(error)) => unreadable(format!("its body cannot be decoded: {error}")),
            Some(Ok(body)) => {
                if let Err(Unreadable(what)) = self.fold(logs, at, &body) {
                    unreadable(format!(
                        "no consumer can make sense of it: its {what} is wrong"
                    ));
                }
            }
        }
    }

    fn fold(&mut self, logs: &Logs, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        let (_, event) = logs.at(at);
        if let Body::DistrictBoardCreated(board) = body {
            let code = code("districtBoards", &board.district_board)?;
            self.boards.name(code, title(board.title.as_ref()));
        }
        if let Some(of) = contract::descriptor(body.r#type()) {
            let none = handslag_proto::common::v1::EventScope::default();
            self.classes.sort(at, of, body.scope().unwrap_or(&none))?;
        }
        self.registry.say(at, body)?;
        self.promises.say(at, body)?;
        self.offices.say(at, body)?;
        self.commitments.hear(at, body)?;
        self.notifications.hear(at, body)?;
        self.reporting.hear(at, event, body)
    }

    fn settle(self) -> (HashMap<&'static str, Tables>, Classes, Boards) {
        let named = |tables: fold::Tables| -> Tables {
            tables
                .into_iter()
                .map(|table| (table.name(), table))
                .collect()
        };
        let mut commitments = self.commitments.tables();
        commitments.extend(self.promises.tables());
        let (subscribers, reports) = self.offices.tables();
        let mut notifications = self.notifications.tables();
        notifications.extend(subscribers);
        let mut reporting = self.reporting.tables();
        reporting.extend(reports);
        let tables = HashMap::from([
            (REGISTRY, named(self.registry.tables())),
            (COMMITMENTS, named(commitments)),
            (NOTIFICATIONS, named(notifications)),
            (REPORTING, named(reporting)),
        ]);
        (tables, self.classes, self.boards)
    }
}

/// What of a row tells which aggregate it is.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    code: Option<std::borrow::Cow<'a, str>>,
    id: Option<Uuid>,
    agreement: Option<Uuid>,
    organisation: Option<Uuid>,
    version: i64,
    #[serde(borrow)]
    state: Option<std::borrow::Cow<'a, str>>,
}
