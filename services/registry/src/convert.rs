//! Protobuf from and to the domain, by plain functions.

pub(crate) mod enums;
pub(crate) mod events;

use handslag_platform::{
    etag::Version,
    text::ShortText,
    wire::{date_to_proto, partial_date_to_proto},
};
use handslag_proto::{common::v1 as common, registry::v1 as proto};
use time::Date;

use crate::{
    domain::{
        agreement::{Agreement, Edition, Principle},
        area::Area,
        board::Board,
        district_board::DistrictBoard,
        figure::Figure,
        name::{AreaCode, DistrictBoardCode, PartyCode, ProceedingId, ProposalId},
        organisation::{Organisation, RecordNote},
        organisation_number::OrganisationNumber,
        party::Party,
        proceeding::{Answer, Proceeding},
        proposal::Proposal,
        signatory::{Signatory, State, Step},
        text::{DiaryNumber, Localized, Source},
    },
    store::organisation_numbers::Known,
};

pub(crate) fn area(area: &Area) -> proto::Area {
    proto::Area {
        name: area.code.name(),
        title: Some(localized(&area.title)),
        etag: area.version.etag(),
    }
}

pub(crate) fn party(party: &Party) -> proto::Party {
    proto::Party {
        name: party.code.name(),
        title: Some(localized(&party.title)),
        etag: party.version.etag(),
    }
}

pub(crate) fn board(board: &Board) -> proto::Board {
    proto::Board {
        name: board.code.name(),
        title: Some(localized(&board.title)),
        areas: areas(&board.areas),
        etag: board.version.etag(),
    }
}

pub(crate) fn district_board(board: &DistrictBoard) -> proto::DistrictBoard {
    let succession = board.succession.as_ref();
    proto::DistrictBoard {
        name: board.code.name(),
        title: Some(localized(&board.title)),
        established_on: board.established_on.map(date_to_proto),
        succeeded_on: succession.map(|succession| date_to_proto(succession.on)),
        successor: succession
            .map(|succession| succession.successor.name())
            .unwrap_or_default(),
        predecessors: board
            .predecessors
            .iter()
            .map(|(code, _)| DistrictBoardCode::name(code))
            .collect(),
        etag: board.version.etag(),
    }
}

/// The agreement as it stood or stands on `day`.
pub(crate) fn agreement(agreement: &Agreement, day: Date) -> proto::Agreement {
    let content = agreement.content_on(day);
    let editions: Vec<&Edition> = agreement
        .editions
        .iter()
        .filter(|edition| edition.decided_on.earliest() <= day)
        .collect();
    let first = editions.first().map(|edition| edition.decided_on);
    proto::Agreement {
        name: agreement.id.name(),
        kind: enums::agreement_kind_to_proto(agreement.kind).into(),
        title: Some(localized(&agreement.title)),
        parties: agreement.parties.iter().map(PartyCode::name).collect(),
        principles: content.principles.iter().map(principle).collect(),
        areas: areas(&content.areas),
        term_years: agreement.rules.years(),
        max_extensions: agreement.rules.max_extensions(),
        editions: editions.into_iter().map(edition).collect(),
        term: agreement.term_on(day).map(|term| proto::Term {
            starts_on: Some(date_to_proto(term.starts_on)),
            starts_on_as_recorded: first.map(partial_date_to_proto),
            ends_on: Some(date_to_proto(term.ends_on)),
            evaluation_starts_on: Some(date_to_proto(term.evaluation_starts_on)),
            extensions: term.extensions,
        }),
        state: enums::agreement_state_to_proto(agreement.state_on(day)).into(),
        etag: agreement.version.etag(),
    }
}

fn edition(edition: &Edition) -> proto::Edition {
    proto::Edition {
        number: edition.number,
        decided_on: Some(partial_date_to_proto(edition.decided_on)),
        decided_by: edition.decided_by.to_string(),
        principles: edition.content.principles.iter().map(principle).collect(),
        areas: areas(&edition.content.areas),
        diary_numbers: diary_numbers(&edition.diary_numbers),
    }
}

fn principle(principle: &Principle) -> proto::Principle {
    proto::Principle {
        code: principle.code.to_string(),
        title: Some(localized(&principle.title)),
    }
}

pub(crate) fn proceeding(proceeding: &Proceeding) -> proto::Proceeding {
    let step = &proceeding.step;
    let outcomes = step.outcomes.iter();
    proto::Proceeding {
        name: proceeding.id.name(),
        kind: enums::proceeding_kind_to_proto(step.kind).into(),
        held_on: Some(partial_date_to_proto(step.held_on)),
        ended_on: step.ended_on.map(partial_date_to_proto),
        title: Some(localized(&step.title)),
        summary: step.summary.as_ref().map(localized),
        actors: step.actors.iter().map(ToString::to_string).collect(),
        outcomes: outcomes
            .map(|outcome| enums::outcome_to_proto(*outcome).into())
            .collect(),
        diary_numbers: diary_numbers(&step.diary_numbers),
        responds_to: step.responds_to.map(ProceedingId::name).unwrap_or_default(),
        refers_to: step.refers_to.map(ProceedingId::name).unwrap_or_default(),
        statement: step.statement.map(|statement| proto::Statement {
            invitation: enums::invitation_to_proto(statement.invitation).into(),
            due_on: statement.due_on.map(date_to_proto),
            late: step.is_late(),
            on_older_draft: statement.on_older_draft,
            answer: proceeding.answer.as_ref().map(answer),
        }),
        proposals: proceeding
            .proposals
            .iter()
            .copied()
            .map(ProposalId::name)
            .collect(),
        source: step.source.as_ref().map(source),
        position: proceeding.position,
    }
}

fn answer(answer: &Answer) -> proto::StatementAnswer {
    proto::StatementAnswer {
        taken_up: answer.taken_up,
        reason: Some(localized(&answer.reason)),
    }
}

pub(crate) fn proposal(proposal: &Proposal) -> proto::Proposal {
    let resolution = proposal.resolution.as_ref();
    proto::Proposal {
        name: proposal.id.name(),
        agreement: proposal.agreement.name(),
        title: Some(localized(&proposal.title)),
        state: enums::proposal_state_to_proto(proposal.state()).into(),
        raised_in: proposal
            .raised_in
            .iter()
            .copied()
            .map(ProceedingId::name)
            .collect(),
        resolution: resolution.map(|resolution| localized(&resolution.text)),
        resolved_on: resolution.map(|resolution| partial_date_to_proto(resolution.resolved_on)),
        etag: proposal.version.etag(),
    }
}

pub(crate) fn figure(figure: &Figure) -> proto::ReportedFigure {
    proto::ReportedFigure {
        name: figure.id.name(),
        agreement: figure.agreement.name(),
        measure: enums::measure_to_proto(figure.measure).into(),
        value: figure.value.value(),
        approximate: figure.approximate,
        reported_on: Some(partial_date_to_proto(figure.reported_on)),
        source: Some(source(&figure.source)),
        etag: figure.version.etag(),
    }
}

pub(crate) fn organisation(
    organisation: &Organisation,
    number: Option<&OrganisationNumber>,
) -> proto::Organisation {
    let roles = organisation.roles.iter();
    proto::Organisation {
        name: organisation.id.name(),
        display_name: organisation.display_name.to_string(),
        number: number.map(ToString::to_string).unwrap_or_default(),
        kind: enums::organisation_kind_to_proto(organisation.kind).into(),
        level: enums::organisation_level_to_proto(organisation.level).into(),
        roles: roles
            .map(|role| enums::role_to_proto(*role).into())
            .collect(),
        areas: areas(&organisation.areas),
        notes: organisation.notes.iter().map(note).collect(),
        example: organisation.example,
        etag: organisation.version.etag(),
    }
}

fn note(note: &RecordNote) -> proto::RecordNote {
    proto::RecordNote {
        text: Some(localized(&note.text)),
        source: Some(source(&note.source)),
    }
}

/// A relation as it stood on the day that `signatory` was cut to; the etag is of the whole.
pub(crate) fn signatory(
    signatory: &Signatory,
    version: Version,
    display_name: &ShortText,
    example: bool,
) -> proto::Signatory {
    let last = signatory.last();
    proto::Signatory {
        name: signatory.id.name(),
        organisation: signatory.id.organisation.name(),
        display_name: display_name.to_string(),
        state: last.map_or(0, |step| enums::signatory_state_to_proto(step.state).into()),
        since: last.map(|step| partial_date_to_proto(step.effective_on)),
        edition: signatory
            .state()
            .and_then(State::edition)
            .unwrap_or_default(),
        steps: signatory.steps.iter().map(signatory_step).collect(),
        example,
        etag: version.etag(),
    }
}

fn signatory_step(step: &Step) -> proto::SignatoryStep {
    proto::SignatoryStep {
        state: enums::signatory_state_to_proto(step.state).into(),
        effective_on: Some(partial_date_to_proto(step.effective_on)),
        note: step
            .note
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

/// What the boards ask before they deal with an organisation. Membership gates nothing, and the
/// answer says so.
pub(crate) fn look_up(
    number: &OrganisationNumber,
    known: Option<&Known>,
    day: Date,
) -> proto::LookUp {
    let state = known.and_then(|known| known.state);
    let edition = state.and_then(State::edition);
    proto::LookUp {
        number: number.to_string(),
        known: known.is_some(),
        organisation: known
            .map(|known| known.organisation.name())
            .unwrap_or_default(),
        display_name: known
            .map(|known| known.display_name.clone())
            .unwrap_or_default(),
        signatory: edition.is_some(),
        state: state.map_or(0, |state| enums::signatory_state_to_proto(state).into()),
        edition: edition.unwrap_or_default(),
        approach_applies: true,
        explanation: Some(explanation(known.is_some(), edition.is_some())),
        as_of: Some(date_to_proto(day)),
    }
}

fn explanation(known: bool, signatory: bool) -> common::LocalizedText {
    let (sv, en) = match (known, signatory) {
        (true, true) => (
            "Organisationen är ansluten till överenskommelsen.",
            "The organisation is a signatory of the agreement.",
        ),
        (true, false) => (
            "Organisationen är inte ansluten till överenskommelsen.",
            "The organisation is not a signatory of the agreement.",
        ),
        (false, _) => (
            "Registret känner ingen organisation med detta nummer; den är inte ansluten.",
            "The register knows no organisation with this number; it is not a signatory.",
        ),
    };
    common::LocalizedText {
        sv: format!("{sv} Nämnderna följer överenskommelsens förhållningssätt i båda fallen."),
        en: format!("{en} The boards follow the agreement's approach either way."),
    }
}

fn localized<T: AsRef<str>>(text: &Localized<T>) -> common::LocalizedText {
    common::LocalizedText {
        sv: text.sv.as_ref().to_owned(),
        en: text
            .en
            .as_ref()
            .map(|en| en.as_ref().to_owned())
            .unwrap_or_default(),
    }
}

fn areas(areas: &[AreaCode]) -> Vec<String> {
    areas.iter().map(AreaCode::name).collect()
}

fn diary_numbers(numbers: &[DiaryNumber]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| number.as_str().to_owned())
        .collect()
}

fn source(source: &Source) -> common::Source {
    common::Source {
        document: source.document.to_string(),
        place: source
            .place
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}
