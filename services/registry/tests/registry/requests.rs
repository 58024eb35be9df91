//! Requests as clients make them, good until a test breaks them; and the callers.

use handslag_platform::auth::{Principal, Role};
use handslag_platform::id;
use handslag_proto::common::v1::{Date, LocalizedText, PartialDate, Source};
use handslag_proto::registry::v1 as proto;

pub(crate) fn city() -> Principal {
    Principal::of("city-1")
        .with_role(Role::CityOfficer)
        .with_board("socialnamnden")
}

/// Somebody who speaks for the organisation of this name.
pub(crate) fn member(organisation: &str) -> Principal {
    let id = organisation.trim_start_matches("organisations/");
    Principal::of("member-1")
        .with_role(Role::Organisation)
        .with_organisation(id)
}

pub(crate) fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

pub(crate) fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

pub(crate) fn partial(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

pub(crate) fn title(sv: &str) -> Option<LocalizedText> {
    Some(LocalizedText {
        sv: sv.to_owned(),
        en: String::new(),
    })
}

pub(crate) fn source() -> Option<Source> {
    let document = "Kommunstyrelsens utlåtande 2012-05-30".to_owned();
    Some(Source {
        document,
        place: "s. 3".to_owned(),
    })
}

/// An id that nothing has.
pub(crate) fn nothing(collection: &str) -> String {
    format!("{collection}/{}", id::encode(id::new()))
}

pub(crate) fn draft() -> proto::DraftAgreementRequest {
    let principle = |code: &str| proto::Principle {
        code: code.to_owned(),
        title: title(code),
    };
    proto::DraftAgreementRequest {
        kind: proto::AgreementKind::Framework.into(),
        title: title("Överenskommelsen mellan Stockholms stad och den idéburna sektorn"),
        parties: texts(&["parties/city", "parties/sector"]),
        principles: vec![principle("dialog"), principle("kvalitet")],
        areas: texts(&["areas/social", "areas/aldre"]),
        term_years: 4,
        max_extensions: 1,
        ..Default::default()
    }
}

pub(crate) fn adoption(
    agreement: &str,
    decided_on: Option<PartialDate>,
) -> proto::AdoptAgreementRequest {
    proto::AdoptAgreementRequest {
        agreement: agreement.to_owned(),
        decided_on,
        decided_by: "Kommunfullmäktige".to_owned(),
        diary_numbers: texts(&["325-1263/2012", "3.1-635/2012"]),
        ..Default::default()
    }
}

pub(crate) fn proceeding(
    agreement: &str,
    kind: proto::ProceedingKind,
    held_on: Option<PartialDate>,
) -> proto::RecordProceedingRequest {
    proto::RecordProceedingRequest {
        agreement: agreement.to_owned(),
        kind: kind.into(),
        held_on,
        title: title("Ett steg"),
        actors: texts(&["Äldrenämnden"]),
        source: source(),
        ..Default::default()
    }
}

pub(crate) fn statement(agreement: &str) -> proto::RecordProceedingRequest {
    proto::RecordProceedingRequest {
        statement: Some(proto::Statement {
            invitation: proto::StatementInvitation::Unlisted.into(),
            due_on: day(2012, 1, 31),
            on_older_draft: true,
            ..Default::default()
        }),
        outcomes: vec![proto::Outcome::Undecided.into()],
        ..proceeding(
            agreement,
            proto::ProceedingKind::Statement,
            partial(2012, 2, 15),
        )
    }
}

pub(crate) fn organisation(display_name: &str, number: &str) -> proto::RegisterOrganisationRequest {
    proto::RegisterOrganisationRequest {
        display_name: display_name.to_owned(),
        number: number.to_owned(),
        kind: proto::OrganisationKind::Association.into(),
        level: proto::OrganisationLevel::Local.into(),
        roles: vec![proto::Role::VoiceBearer.into()],
        areas: texts(&["areas/social"]),
        example: true,
        ..Default::default()
    }
}

pub(crate) fn figure(
    agreement: &str,
    measure: proto::Measure,
    value: i32,
) -> proto::ReportFigureRequest {
    proto::ReportFigureRequest {
        agreement: agreement.to_owned(),
        measure: measure.into(),
        value,
        approximate: value == 100,
        reported_on: partial(2012, 10, 0),
        source: source(),
        ..Default::default()
    }
}

macro_rules! step {
    ($name:ident, $request:ident) => {
        pub(crate) fn $name(
            agreement: &str,
            organisation: &str,
            effective_on: Option<PartialDate>,
        ) -> proto::$request {
            proto::$request {
                agreement: agreement.to_owned(),
                organisation: organisation.to_owned(),
                effective_on,
                ..Default::default()
            }
        }
    };
}
step!(invitation, InviteOrganisationRequest);
step!(stance, RecordStanceRequest);
step!(decision, DecideToJoinRequest);
step!(signing, SignAgreementRequest);
step!(withdrawal, WithdrawSignatoryRequest);

pub(crate) fn area(code: &str) -> proto::CreateAreaRequest {
    proto::CreateAreaRequest {
        area_id: code.to_owned(),
        title: title(code),
        ..Default::default()
    }
}

pub(crate) fn succession(
    board: &str,
    successor: &str,
    on: Option<Date>,
) -> proto::SucceedDistrictBoardRequest {
    proto::SucceedDistrictBoardRequest {
        district_board: format!("districtBoards/{board}"),
        successor: format!("districtBoards/{successor}"),
        succeeded_on: on,
        ..Default::default()
    }
}
