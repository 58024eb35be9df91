//! What happened, as the other services hear it: one event per changed aggregate, with its new
//! version. No event carries personal data or an organisation number.

use handslag_platform::{
    etag::Version,
    messaging::outbox::Event,
    rpc::Call,
    wire::{date_to_proto, partial_date_to_proto},
};
use handslag_proto::{
    common::v1::EventScope,
    events::v1::{self as events, AgreementPrinciple},
};
use time::{Date, OffsetDateTime};

use crate::domain::{
    agreement::{Agreement, Content, Edition},
    area::Area,
    board::Board,
    district_board::{DistrictBoard, Succession},
    figure::Figure,
    name::{AgreementId, AreaCode, PartyCode},
    organisation::Organisation,
    party::Party,
    proceeding::Proceeding,
    proposal::{Proposal, Resolution},
    signatory::{Signatory, State, Step},
};

/// Who did it and when.
pub(crate) struct Stamp {
    actor: String,
    time: OffsetDateTime,
}

impl Stamp {
    pub(crate) fn of<T>(call: &Call<T>, time: OffsetDateTime) -> Self {
        Self {
            actor: call.principal.subject.clone(),
            time,
        }
    }

    fn event<E>(self, key: String, version: Version, subject: String, body: E) -> Event<E> {
        let Self { actor, time } = self;
        Event {
            aggregate_id: key,
            version,
            subject,
            actor,
            time,
            body,
        }
    }
}

pub(crate) fn area_created(area: &Area, stamp: Stamp) -> Event<events::AreaCreated> {
    let body = events::AreaCreated {
        scope: scope(None, std::slice::from_ref(&area.code)),
        area: area.code.name(),
        title: Some(super::localized(&area.title)),
    };
    stamp.event(
        area.code.as_str().to_owned(),
        area.version,
        area.code.name(),
        body,
    )
}

pub(crate) fn party_created(party: &Party, stamp: Stamp) -> Event<events::PartyCreated> {
    let body = events::PartyCreated {
        scope: scope(None, &[]),
        party: party.code.name(),
        title: Some(super::localized(&party.title)),
    };
    stamp.event(
        party.code.as_str().to_owned(),
        party.version,
        party.code.name(),
        body,
    )
}

pub(crate) fn board_created(board: &Board, stamp: Stamp) -> Event<events::BoardCreated> {
    let body = events::BoardCreated {
        scope: scope(None, &board.areas),
        board: board.code.name(),
        title: Some(super::localized(&board.title)),
        areas: areas(&board.areas),
    };
    stamp.event(
        board.code.as_str().to_owned(),
        board.version,
        board.code.name(),
        body,
    )
}

pub(crate) fn district_board_created(
    board: &DistrictBoard,
    stamp: Stamp,
) -> Event<events::DistrictBoardCreated> {
    let body = events::DistrictBoardCreated {
        scope: district_scope(board),
        district_board: board.code.name(),
        title: Some(super::localized(&board.title)),
        established_on: board.established_on.map(date_to_proto),
    };
    stamp.event(
        board.code.as_str().to_owned(),
        board.version,
        board.code.name(),
        body,
    )
}

pub(crate) fn district_board_succeeded(
    board: &DistrictBoard,
    succession: &Succession,
    stamp: Stamp,
) -> Event<events::DistrictBoardSucceeded> {
    let body = events::DistrictBoardSucceeded {
        scope: district_scope(board),
        district_board: board.code.name(),
        successor: succession.successor.name(),
        succeeded_on: Some(date_to_proto(succession.on)),
    };
    stamp.event(
        board.code.as_str().to_owned(),
        board.version,
        board.code.name(),
        body,
    )
}

pub(crate) fn agreement_drafted(
    agreement: &Agreement,
    stamp: Stamp,
) -> Event<events::AgreementDrafted> {
    let body = events::AgreementDrafted {
        scope: scope(Some(agreement.id), &agreement.draft.areas),
        agreement: agreement.id.name(),
        title: Some(super::localized(&agreement.title)),
        kind: agreement.kind.as_str().to_owned(),
        parties: agreement.parties.iter().map(PartyCode::name).collect(),
        principles: principles(&agreement.draft),
        areas: areas(&agreement.draft.areas),
    };
    of_agreement(agreement, agreement.id.name(), stamp, body)
}

/// The first and last day are those of the term without extensions, whenever the edition was
/// decided.
pub(crate) fn agreement_adopted(
    agreement: &Agreement,
    edition: &Edition,
    stamp: Stamp,
) -> Event<events::AgreementAdopted> {
    let starts_on = agreement
        .editions
        .first()
        .unwrap_or(edition)
        .decided_on
        .earliest();
    let term = agreement.rules.term_on(starts_on, starts_on);
    let body = events::AgreementAdopted {
        scope: scope(Some(agreement.id), &edition.content.areas),
        agreement: agreement.id.name(),
        edition: edition.number,
        decided_on: Some(partial_date_to_proto(edition.decided_on)),
        principles: principles(&edition.content),
        areas: areas(&edition.content.areas),
        term_starts_on: Some(date_to_proto(term.starts_on)),
        term_ends_on: Some(date_to_proto(term.ends_on)),
    };
    of_agreement(agreement, agreement.id.name(), stamp, body)
}

pub(crate) fn proceeding_recorded(
    agreement: &Agreement,
    proceeding: &Proceeding,
    today: Date,
    stamp: Stamp,
) -> Event<events::AgreementProceedingRecorded> {
    let body = events::AgreementProceedingRecorded {
        scope: scope(Some(agreement.id), &agreement.content_on(today).areas),
        agreement: agreement.id.name(),
        proceeding: proceeding.id.name(),
        kind: proceeding.step.kind.as_str().to_owned(),
        held_on: Some(partial_date_to_proto(proceeding.step.held_on)),
        title: Some(super::localized(&proceeding.step.title)),
    };
    of_agreement(agreement, proceeding.id.name(), stamp, body)
}

pub(crate) fn statement_answered(
    agreement: &Agreement,
    proceeding: &Proceeding,
    taken_up: bool,
    today: Date,
    stamp: Stamp,
) -> Event<events::AgreementStatementAnswered> {
    let body = events::AgreementStatementAnswered {
        scope: scope(Some(agreement.id), &agreement.content_on(today).areas),
        agreement: agreement.id.name(),
        proceeding: proceeding.id.name(),
        taken_up,
    };
    of_agreement(agreement, proceeding.id.name(), stamp, body)
}

pub(crate) fn proposal_raised(proposal: &Proposal, stamp: Stamp) -> Event<events::ProposalRaised> {
    let body = events::ProposalRaised {
        scope: scope(Some(proposal.agreement), &[]),
        proposal: proposal.id.name(),
        agreement: proposal.agreement.name(),
        title: Some(super::localized(&proposal.title)),
    };
    stamp.event(
        proposal.id.key(),
        proposal.version,
        proposal.id.name(),
        body,
    )
}

pub(crate) fn proposal_resolved(
    proposal: &Proposal,
    resolution: &Resolution,
    stamp: Stamp,
) -> Event<events::ProposalResolved> {
    let body = events::ProposalResolved {
        scope: scope(Some(proposal.agreement), &[]),
        proposal: proposal.id.name(),
        agreement: proposal.agreement.name(),
        adopted: resolution.adopted,
    };
    stamp.event(
        proposal.id.key(),
        proposal.version,
        proposal.id.name(),
        body,
    )
}

pub(crate) fn figure_reported(figure: &Figure, stamp: Stamp) -> Event<events::FigureReported> {
    let body = events::FigureReported {
        scope: scope(Some(figure.agreement), &[]),
        figure: figure.id.name(),
        agreement: figure.agreement.name(),
        measure: figure.measure.as_str().to_owned(),
        value: figure.value.value(),
        reported_on: Some(partial_date_to_proto(figure.reported_on)),
        source: Some(super::source(&figure.source)),
    };
    stamp.event(figure.id.key(), figure.version, figure.id.name(), body)
}

pub(crate) fn organisation_registered(
    organisation: &Organisation,
    stamp: Stamp,
) -> Event<events::OrganisationRegistered> {
    let body = events::OrganisationRegistered {
        scope: scope(None, &organisation.areas),
        organisation: organisation.id.name(),
        display_name: organisation.display_name.to_string(),
        kind: organisation.kind.as_str().to_owned(),
        example: organisation.example,
    };
    of_organisation(organisation, stamp, body)
}

pub(crate) fn organisation_updated(
    organisation: &Organisation,
    stamp: Stamp,
) -> Event<events::OrganisationUpdated> {
    let body = events::OrganisationUpdated {
        scope: scope(None, &organisation.areas),
        organisation: organisation.id.name(),
        display_name: organisation.display_name.to_string(),
        kind: organisation.kind.as_str().to_owned(),
    };
    of_organisation(organisation, stamp, body)
}

pub(crate) fn organisation_number_changed(
    organisation: &Organisation,
    valid_from: Date,
    stamp: Stamp,
) -> Event<events::OrganisationNumberChanged> {
    let body = events::OrganisationNumberChanged {
        scope: scope(None, &organisation.areas),
        organisation: organisation.id.name(),
        valid_from: Some(date_to_proto(valid_from)),
    };
    of_organisation(organisation, stamp, body)
}

pub(crate) fn signatory_state_changed(
    signatory: &Signatory,
    organisation: &Organisation,
    stamp: Stamp,
) -> Event<events::SignatoryStateChanged> {
    let mut latest = signatory.steps.iter().rev();
    let (last, previous) = (latest.next(), latest.next());
    let word = |step: &Step| step.state.as_str().to_owned();
    let body = events::SignatoryStateChanged {
        scope: scope(Some(signatory.id.agreement), &organisation.areas),
        signatory: signatory.id.name(),
        agreement: signatory.id.agreement.name(),
        organisation: signatory.id.organisation.name(),
        display_name: organisation.display_name.to_string(),
        state: last.map(word).unwrap_or_default(),
        previous_state: previous.map(word).unwrap_or_default(),
        effective_on: last.map(|step| partial_date_to_proto(step.effective_on)),
        edition: signatory
            .state()
            .and_then(State::edition)
            .unwrap_or_default(),
        example: organisation.example,
    };
    stamp.event(
        signatory.id.key(),
        signatory.version(),
        signatory.id.name(),
        body,
    )
}

fn of_agreement<E>(agreement: &Agreement, subject: String, stamp: Stamp, body: E) -> Event<E> {
    stamp.event(agreement.id.key(), agreement.version, subject, body)
}

fn of_organisation<E>(organisation: &Organisation, stamp: Stamp, body: E) -> Event<E> {
    stamp.event(
        organisation.id.key(),
        organisation.version,
        organisation.id.name(),
        body,
    )
}

fn scope(agreement: Option<AgreementId>, areas: &[AreaCode]) -> Option<EventScope> {
    Some(EventScope {
        agreement: agreement.map(AgreementId::name).unwrap_or_default(),
        areas: self::areas(areas),
        district_board: String::new(),
    })
}

fn district_scope(board: &DistrictBoard) -> Option<EventScope> {
    Some(EventScope {
        district_board: board.code.name(),
        ..EventScope::default()
    })
}

fn areas(areas: &[AreaCode]) -> Vec<String> {
    areas.iter().map(AreaCode::name).collect()
}

fn principles(content: &Content) -> Vec<AgreementPrinciple> {
    let principles = content.principles.iter();
    principles
        .map(|principle| AgreementPrinciple {
            code: principle.code.to_string(),
            title: Some(super::localized(&principle.title)),
        })
        .collect()
}
