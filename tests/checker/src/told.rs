//! What the subscribers are told of: what an event concerns, and how it is kept for them.

mod sentences;

use std::borrow::Cow;
use std::collections::HashMap;

use handslag_proto::EventDescriptor;
use handslag_proto::common::v1::EventScope;
use serde::Deserialize;
use uuid::Uuid;

use crate::calendar::Moment;
use crate::fold::Unreadable;
use crate::fold::fields::{code, codes, id};
use crate::log::{Event, EventRef, Log, Logs};

pub(crate) use self::sentences::Boards;

/// What all events of a type with one scope have in common: whoever asks for one asks for all.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    /// Its type.
    pub(crate) of: &'static EventDescriptor,
    /// The agreement that it concerns.
    pub(crate) agreement: Option<Uuid>,
    /// The codes of the areas that it concerns; none means all.
    pub(crate) areas: Vec<String>,
    /// The code of the district board that it concerns.
    pub(crate) district_board: Option<String>,
}

/// The classes of the events of all logs.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    classes: Vec<Class>,
    numbers: HashMap<&'static str, HashMap<EventScope, u32>>,
    /// By log and event.
    of: Vec<Vec<u32>>,
}

/// The class of what belongs to none: the contracts do not know it, or it cannot be read.
const NONE: u32 = u32::MAX;

impl Classes {
    /// With no event sorted in yet.
    pub(crate) fn new(logs: &Logs) -> Self {
        let of = logs
            .logs
            .iter()
            .map(|log| vec![NONE; log.events.len()])
            .collect();
        Self {
            of,
            ..Self::default()
        }
    }

    /// Sorts an event in.
    ///
    /// # Errors
    /// When its scope names what cannot be a name.
    pub(crate) fn sort(
        &mut self,
        at: EventRef,
        of: &'static EventDescriptor,
        scope: &EventScope,
    ) -> Result<(), Unreadable> {
        let numbers = self.numbers.entry(of.r#type).or_default();
        let number = match numbers.get(scope) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(self.classes.len()).unwrap_or(NONE);
                self.classes.push(Class::new(of, scope)?);
                numbers.insert(scope.clone(), number);
                number
            }
        };
        self.of[usize::from(at.log)][at.index as usize] = number;
        Ok(())
    }

    /// The class of an event, and its number.
    pub(crate) fn of(&self, at: EventRef) -> Option<(usize, &Class)> {
        let number = self.of[usize::from(at.log)][at.index as usize] as usize;
        self.classes.get(number).map(|class| (number, class))
    }

    /// Every class, by number.
    pub(crate) fn all(&self) -> &[Class] {
        &self.classes
    }
}

impl Class {
    fn new(of: &'static EventDescriptor, scope: &EventScope) -> Result<Self, Unreadable> {
        let set = |name: &str| !name.is_empty();
        let agreement = set(&scope.agreement).then(|| id("agreements", &scope.agreement));
        let board = &scope.district_board;
        let district_board = set(board).then(|| code("districtBoards", board));
        Ok(Self {
            of,
            agreement: agreement.transpose()?,
            areas: codes("areas", &scope.areas)?,
            district_board: district_board.transpose()?,
        })
    }
}

/// A row of the table `event` of the notifications.
#[derive(Debug, Deserialize)]
pub(crate) struct EventRow<'a> {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    subject_version: i64,
    occurred_at: Moment,
    agreement: Option<Uuid>,
    areas: Vec<String>,
    district_board: Option<String>,
    severity: i32,
    #[serde(borrow)]
    title_sv: Cow<'a, str>,
    #[serde(borrow)]
    title_en: Cow<'a, str>,
    #[serde(borrow)]
    link: Cow<'a, str>,
}

impl EventRow<'_> {
    /// The column that is not what the event says, if there is one.
    pub(crate) fn wrong_column(
        &self,
        log: &Log,
        event: &Event,
        class: &Class,
        boards: &Boards,
    ) -> Option<&'static str> {
        let subject = log.subject(event);
        let sentences = boards.sentences(class, subject);
        let told = sentences
            .iter()
            .any(|(sv, en)| (*sv == self.title_sv) && (*en == self.title_en));
        let columns = [
            ("type", self.r#type == class.of.r#type),
            ("subject", self.subject == subject),
            ("subject_version", self.subject_version == event.version),
            ("occurred_at", self.occurred_at == event.time),
            ("agreement", self.agreement == class.agreement),
            ("areas", self.areas == class.areas),
            (
                "district_board",
                self.district_board == class.district_board,
            ),
            ("severity", self.severity == class.of.severity),
            ("title_sv or title_en", told),
            ("link", self.link == link(subject, class.agreement)),
        ];
        columns
            .into_iter()
            .find(|(_, right)| !right)
            .map(|(column, _)| column)
    }
}

/// The page about a subject; what has none is found with its agreement, or with all of them.
pub(crate) fn link(subject: &str, agreement: Option<Uuid>) -> String {
    let mut parts = subject.split('/');
    let parts = [
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ];
    match parts {
        [Some("organisations"), Some(id), None, ..]
        | [
            Some("agreements"),
            Some(_),
            Some("signatories"),
            Some(id),
            None,
        ] => {
            format!("/organisationer/{id}")
        }
        [Some("agreements"), Some(id), ..] => format!("/overenskommelsen/{id}"),
        [Some("commitments"), Some(id), None, ..] => format!("/ataganden/{id}"),
        [Some("actionPlans"), Some(id), None, ..] => format!("/handlingsplan/{id}"),
        [Some("actions"), Some(id), None, ..] => format!("/handlingsplan#{id}"),
        [Some("followUps"), Some(id), None, ..] => format!("/uppfoljning/{id}"),
        [Some("deliberations" | "districtBoards"), ..] => "/stadsdelar".to_owned(),
        _ => match agreement {
            Some(agreement) => format!("/overenskommelsen/{}", crate::ids::encode(agreement)),
            None => "/overenskommelsen".to_owned(),
        },
    }
}
