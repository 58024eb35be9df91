//! Between the contract's messages and ours.

use handslag_platform::error::Fault;
use handslag_platform::etag::Version;
use handslag_platform::messaging::outbox;
use handslag_platform::violations::FieldError;
use handslag_platform::{id as ids, wire};
use handslag_proto::common::v1::{EventScope, LocalizedText, PartialDate, Source};
use handslag_proto::events::v1 as events;
use handslag_proto::reporting::v1 as proto;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::domain::curve::Point;
use crate::domain::figures::{ActionState, CommitmentState, Freshness, ReportedFigure, StateCount};
use crate::domain::names::{AgreementId, Title};
use crate::domain::report::{Format, Report, State};
use crate::domain::section::{Account, Section};
use crate::domain::year::{FIRST_YEAR, Year};

/// Reads a required resource name of a code.
pub(crate) fn code<C>(read: fn(&str) -> Option<C>, name: &str) -> Result<C, FieldError> {
    if name.is_empty() {
        return Err(FieldError::required());
    }
    read(name).ok_or_else(name_invalid)
}

/// Reads an optional resource name of a code.
pub(crate) fn optional_code<C>(
    read: fn(&str) -> Option<C>,
    name: &str,
) -> Result<Option<C>, FieldError> {
    if name.is_empty() {
        Ok(None)
    } else {
        code(read, name).map(Some)
    }
}

/// Reads a required resource name of an id.
pub(crate) fn id(collection: &str, name: &str) -> Result<Uuid, FieldError> {
    if name.is_empty() {
        return Err(FieldError::required());
    }
    name.strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(ids::decode)
        .ok_or_else(name_invalid)
}

/// Reads a year of the record.
pub(crate) fn year(number: i32, today: Date) -> Result<Year, FieldError> {
    Year::new(number, today).ok_or_else(|| {
        let last = today.year();
        FieldError::new(
            "YEAR_OUT_OF_RANGE",
            format!("must be {FIRST_YEAR} to {last}"),
            format!("Måste vara {FIRST_YEAR} till {last}."),
        )
    })
}

/// Reads a format.
pub(crate) fn format(number: i32) -> Result<Format, FieldError> {
    match proto::ReportFormat::try_from(number) {
        Ok(proto::ReportFormat::Unspecified) => Err(FieldError::required()),
        Ok(proto::ReportFormat::Html) => Ok(Format::Html),
        Ok(proto::ReportFormat::Pdf) => Ok(Format::Pdf),
        Err(_) => Err(FieldError::new(
            "FORMAT_UNKNOWN",
            "is no format of a report",
            "Är inget format för en rapport.",
        )),
    }
}

/// The name of a report.
pub(crate) fn report_name(id: Uuid) -> String {
    format!("reports/{}", ids::encode(id))
}

/// A report.
pub(crate) fn report(report: &Report) -> proto::Report {
    let (state, size_bytes, failure) = match &report.state {
        State::Running => (proto::ReportState::Running, 0, ""),
        State::Ready { size_bytes } => (proto::ReportState::Ready, *size_bytes, ""),
        State::Failed { why } => (proto::ReportState::Failed, 0, why.as_str()),
    };
    let format = match report.format {
        Format::Html => proto::ReportFormat::Html,
        Format::Pdf => proto::ReportFormat::Pdf,
    };
    proto::Report {
        name: report_name(report.id),
        board: report.board.name(),
        year: report.year,
        format: format.into(),
        state: state.into(),
        size_bytes,
        failure: failure.to_owned(),
        created_at: Some(wire::timestamp_to_proto(report.created_at)),
        freshness: Some(freshness(report.freshness)),
        etag: Version(report.version).etag(),
    }
}

/// A section.
pub(crate) fn section(section: &Section) -> proto::BoardSection {
    let agreement = section.agreement.as_ref();
    proto::BoardSection {
        board: section.board.name(),
        board_title: Some(title(&section.board_title)),
        year: section.year.number(),
        agreement: agreement
            .map(|(id, _)| agreement_name(*id))
            .unwrap_or_default(),
        agreement_title: agreement.map(|(_, name)| title(name)),
        areas: section.areas.iter().map(|(area, _)| area.name()).collect(),
        signed_at_start: section.at_start.signed,
        signed_at_end: section.at_end.signed,
        curve: section.curve.iter().map(point).collect(),
        commitments: counts(&section.commitments, CommitmentState::code),
        actions: counts(&section.actions, ActionState::code),
        accounts: section.accounts.iter().map(account).collect(),
        reported_figures: section.reported.iter().map(reported).collect(),
        contains_examples: section.contains_examples,
        freshness: Some(freshness(section.freshness)),
    }
}

/// A point of the curve.
pub(crate) fn point(point: &Point) -> proto::CountOnDay {
    proto::CountOnDay {
        day: Some(wire::date_to_proto(point.day)),
        signed: point.signed,
        decided: point.decided,
    }
}

/// Counts by state.
pub(crate) fn counts<S: Copy>(
    counts: &[StateCount<S>],
    code: fn(S) -> &'static str,
) -> Vec<proto::StateCount> {
    let count = |one: &StateCount<S>| proto::StateCount {
        state: code(one.state).to_owned(),
        count: one.count,
    };
    counts.iter().map(count).collect()
}

/// What a source reports.
pub(crate) fn reported(figure: &ReportedFigure) -> proto::ReportedFigure {
    proto::ReportedFigure {
        measure: figure.measure.code().to_owned(),
        value: figure.value,
        reported_on: Some(PartialDate {
            year: figure.reported_on.year,
            month: figure.reported_on.month,
            day: figure.reported_on.day,
        }),
        source: Some(Source {
            document: figure.document.clone(),
            place: figure.place.clone(),
        }),
    }
}

/// As of when figures are.
pub(crate) fn freshness(freshness: Freshness) -> proto::Freshness {
    proto::Freshness {
        as_of: freshness.as_of.map(wire::timestamp_to_proto),
        events: freshness.events,
    }
}

/// The name of an agreement.
pub(crate) fn agreement_name(id: AgreementId) -> String {
    format!("agreements/{}", ids::encode(id.0))
}

/// A field's refusal as the whole answer.
pub(crate) fn refused(field: &str, error: FieldError) -> Fault {
    Fault::from((field, error))
}

/// The event of an order.
pub(crate) fn requested(
    report: &Report,
    section: &Section,
    actor: &str,
) -> outbox::Event<events::ReportRequested> {
    let body = events::ReportRequested {
        scope: Some(scope(section)),
        report: report_name(report.id),
        board: report.board.name(),
        year: report.year,
    };
    event(report, actor, report.created_at, body)
}

/// The event of a report that is ready.
pub(crate) fn completed(
    report: &Report,
    section: &Section,
    actor: &str,
    now: OffsetDateTime,
) -> outbox::Event<events::ReportCompleted> {
    let body = events::ReportCompleted {
        scope: Some(scope(section)),
        report: report_name(report.id),
        board: report.board.name(),
        year: report.year,
    };
    event(report, actor, now, body)
}

fn event<E>(report: &Report, actor: &str, time: OffsetDateTime, body: E) -> outbox::Event<E> {
    outbox::Event {
        aggregate_id: ids::encode(report.id),
        version: Version(report.version),
        subject: report_name(report.id),
        actor: actor.to_owned(),
        time,
        body,
    }
}

fn scope(section: &Section) -> EventScope {
    EventScope {
        agreement: section
            .agreement
            .as_ref()
            .map(|(id, _)| agreement_name(*id))
            .unwrap_or_default(),
        areas: section.areas.iter().map(|(area, _)| area.name()).collect(),
        district_board: String::new(),
    }
}

fn account(account: &Account) -> proto::AccountLine {
    let written = account.written.as_ref();
    proto::AccountLine {
        party: account.party.name(),
        title: Some(title(&account.title)),
        missing: written.is_none(),
        late: written.is_some_and(|written| written.late),
        summary: written
            .map(|written| written.summary.clone())
            .unwrap_or_default(),
    }
}

fn title(title: &Title) -> LocalizedText {
    LocalizedText {
        sv: title.sv.clone(),
        en: title.en.clone(),
    }
}

fn name_invalid() -> FieldError {
    FieldError::new(
        "NAME_INVALID",
        "is no resource name of this kind",
        "Är inget giltigt namn.",
    )
}
