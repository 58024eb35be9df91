//! A section for the tests of how sections are set.

use time::macros::{date, datetime};
use uuid::Uuid;

use crate::domain::curve::Point;
use crate::domain::figures::{
    ActionState, CommitmentState, Freshness, Measure, ReportedFigure, ReportedOn, count,
};
use crate::domain::names::{AgreementId, AreaCode, BoardCode, PartyCode, Title};
use crate::domain::section::{Account, Section, Written};
use crate::domain::year::Year;
use crate::render::view::{self, View};

pub(crate) fn view(font: &str) -> View {
    view::view(&section(), font)
}

pub(crate) fn section() -> Section {
    let point = |day, signed, decided| Point {
        day,
        signed,
        decided,
    };
    let (start, end) = (
        point(date!(2012 - 01 - 01), 0, 0),
        point(date!(2012 - 12 - 31), 72, 75),
    );
    let commitments = [CommitmentState::Binding; 6]
        .into_iter()
        .chain([CommitmentState::Proposed]);
    let actions = [
        ActionState::InProgress,
        ActionState::Planned,
        ActionState::Planned,
    ];
    Section {
        board: BoardCode::from_code("socialnamnden").expect("a code"),
        board_title: title("Socialnämnden"),
        year: Year::new(2012, date!(2026 - 01 - 01)).expect("a year"),
        until: end.day,
        agreement: Some((
            AgreementId(Uuid::nil()),
            title("Överenskommelsen mellan Stockholms stad och den idéburna sektorn"),
        )),
        areas: vec![(
            AreaCode::from_code("social").expect("a code"),
            title("socialtjänst"),
        )],
        at_start: start,
        at_end: end,
        curve: vec![
            start,
            point(date!(2012 - 06 - 30), 0, 24),
            point(date!(2012 - 09 - 20), 60, 66),
            point(date!(2012 - 10 - 15), 64, 70),
            point(date!(2012 - 11 - 28), 72, 75),
            end,
        ],
        commitments: count(CommitmentState::ALL, commitments),
        actions: count(ActionState::ALL, actions),
        accounts: accounts(),
        reported: reported(),
        contains_examples: true,
        freshness: Freshness {
            as_of: Some(datetime!(2026-02-11 09:41 UTC)),
            events: 214,
        },
    }
}

fn title(sv: &str) -> Title {
    Title {
        sv: sv.to_owned(),
        en: String::new(),
    }
}

fn accounts() -> Vec<Account> {
    vec![
        Account {
            party: PartyCode::from_code("staden").expect("a code"),
            title: title("Stockholms stad"),
            written: Some(Written {
                summary: "Nämnden har bjudit in till en dialogkonferens och gjort reglerna \
                              för stöd lättare att hitta.\n\nEn kontaktväg för föreningar har \
                              öppnats vid varje stadsdelsförvaltning."
                    .to_owned(),
                late: true,
                example: true,
            }),
        },
        Account {
            party: PartyCode::from_code("sektorn").expect("a code"),
            title: title("Den idéburna sektorn"),
            written: None,
        },
    ]
}

fn reported() -> Vec<ReportedFigure> {
    vec![
        ReportedFigure {
            measure: Measure::SignedAtCeremony,
            value: 60,
            reported_on: ReportedOn {
                year: 2012,
                month: 9,
                day: 0,
            },
            document: "Kontorens gemensamma tjänsteutlåtande".to_owned(),
            place: "s. 4".to_owned(),
        },
        ReportedFigure {
            measure: Measure::DecidedToJoin,
            value: 72,
            reported_on: ReportedOn {
                year: 2012,
                month: 12,
                day: 31,
            },
            document: "Kontorens gemensamma tjänsteutlåtande".to_owned(),
            place: String::new(),
        },
    ]
}
