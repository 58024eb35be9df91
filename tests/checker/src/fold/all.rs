//! All folds at once, so that each event is decoded once.

use std::collections::BTreeMap;

use handslag_proto::EventDescriptor;
use handslag_proto::common::v1::EventScope;

use super::fields::{code, title};
use super::{Table, Tables, Unreadable, commitments, notifications, own, reporting};
use crate::contract::body::{Body, Decode};
use crate::contract::{COMMITMENTS, NOTIFICATIONS, REGISTRY, REPORTING, descriptor};
use crate::findings::Findings;
use crate::log::{EventRef, Log, Logs};
use crate::told::{Boards, Classes};
use crate::verdict::Invariant;

/// What the events make.
pub(crate) struct Folded {
    /// By service: its tables.
    pub(crate) tables: BTreeMap<&'static str, NamedTables>,
    /// What the events are, for whoever asks for them.
    pub(crate) classes: Classes,
    /// The district boards by their names.
    pub(crate) boards: Boards,
}

/// The tables of a service by their names.
pub(crate) type NamedTables = BTreeMap<&'static str, Box<dyn Table>>;

/// Folds the events of all logs. What no consumer could have understood is a breach of I8.
pub(crate) fn all(logs: &Logs, findings: &mut Findings) -> Folded {
    let mut folds = Folds {
        registry: own::Registry::default(),
        promises: own::Commitments::default(),
        offices: own::Offices::default(),
        commitments: commitments::Commitments::default(),
        notifications: notifications::Notifications::default(),
        reporting: reporting::Reporting::default(),
        classes: Classes::new(logs),
        boards: Boards::default(),
    };
    for service in [REGISTRY, COMMITMENTS, NOTIFICATIONS, REPORTING] {
        let kinds = logs.of(service).map(kinds).unwrap_or_default();
        for at in logs.places(service) {
            folds.take(logs, at, &kinds, findings);
        }
    }
    folds.settle()
}

/// How an event type is read; looked up once for a type and not for each event.
type Kind = Option<(Decode, &'static EventDescriptor)>;

fn kinds(log: &Log) -> Vec<Kind> {
    let types = log.types();
    types
        .map(|of| Body::decoder(of).zip(descriptor(of)))
        .collect()
}

struct Folds {
    registry: own::Registry,
    promises: own::Commitments,
    offices: own::Offices,
    commitments: commitments::Commitments,
    notifications: notifications::Notifications,
    reporting: reporting::Reporting,
    classes: Classes,
    boards: Boards,
}

impl Folds {
    fn take(&mut self, logs: &Logs, at: EventRef, kinds: &[Kind], findings: &mut Findings) {
        let (log, event) = logs.at(at);
        let mut unreadable = |text: String| {
            findings.add(Invariant::I8, || (log.concerns(event), text));
        };
        let Some((decode, of)) = kinds[log.type_number(event)] else {
            // A type that the contracts do not know moves marks and nothing else.
            return;
        };
        match decode(log.payload(event)) {
            Err(error) => unreadable(format!("its body cannot be decoded: {error}")),
            Ok(body) => {
                if let Err(Unreadable(what)) = self.fold(logs, at, &body, of) {
                    let text = "no consumer can make sense of it";
                    unreadable(format!("{text}: its {what} is wrong"));
                }
            }
        }
    }

    fn fold(
        &mut self,
        logs: &Logs,
        at: EventRef,
        body: &Body,
        of: &'static EventDescriptor,
    ) -> Result<(), Unreadable> {
        let (_, event) = logs.at(at);
        if let Body::DistrictBoardCreated(board) = body {
            let code = code("districtBoards", &board.district_board)?;
            self.boards.name(code, title(board.title.as_ref()));
        }
        let everything = EventScope::default();
        self.classes
            .sort(at, of, body.scope().unwrap_or(&everything))?;
        self.registry.say(at, body)?;
        self.promises.say(at, body)?;
        self.offices.say(at, body)?;
        self.commitments.hear(at, body)?;
        self.notifications.hear(at, body)?;
        self.reporting.hear(at, event, body)
    }

    fn settle(self) -> Folded {
        // A name stands for one table: what a service owns and what it hears of are never called
        // the same.
        let named = |tables: Tables| -> NamedTables {
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
        let tables = BTreeMap::from([
            (REGISTRY, named(self.registry.tables())),
            (COMMITMENTS, named(commitments)),
            (NOTIFICATIONS, named(notifications)),
            (REPORTING, named(reporting)),
        ]);
        Folded {
            tables,
            classes: self.classes,
            boards: self.boards,
        }
    }
}
