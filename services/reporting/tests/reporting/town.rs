//! The service with the record of one agreement, and what tests do with it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use handslag_platform::auth::{Principal, Role};
use handslag_platform::etag::Version;
use handslag_platform::id as ids;
use handslag_platform::messaging::outbox;
use handslag_platform::testing::Bed;
use handslag_proto::EventMessage;
use handslag_proto::common::v1::{Date, EventScope, LocalizedText, PartialDate, Source};
use handslag_proto::events::v1 as events;
use handslag_proto::reporting::v1::reporting_service_client::ReportingServiceClient;
use handslag_proto::reporting::v1::{
    BoardSection, CreateReportRequest, GetBoardSectionRequest, GetReportRequest,
    GetSignatoriesOverTimeRequest, GetSignatoriesOverTimeResponse, Report, ReportFormat,
    ReportState,
};
use handslag_reporting::Reporting;
use time::OffsetDateTime;
use time::macros::datetime;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) type Client = ReportingServiceClient<Channel>;

pub(crate) struct Town {
    pub(crate) bed: Bed,
    versions: Mutex<BTreeMap<String, i64>>,
}

impl Town {
    /// The service alone.
    pub(crate) async fn bare(name: &str) -> Self {
        Self {
            bed: Bed::start::<Reporting>(name).await,
            versions: Mutex::default(),
        }
    }

    /// The service, and what the registry tells of how the agreement came to be.
    pub(crate) async fn start(name: &str) -> Self {
        let town = Self::bare(name).await;
        town.tell_of_the_agreement().await;
        town.heard().await;
        town
    }

    /// The same, with organisations, commitments, actions and a follow-up of 2013.
    pub(crate) async fn with_the_record(name: &str) -> Self {
        let town = Self::bare(name).await;
        town.tell_of_the_agreement().await;
        town.tell_of_signatories().await;
        town.tell_of_commitments().await;
        town.heard().await;
        town
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.bed.channel())
    }

    /// Publishes the next event of an aggregate.
    pub(crate) async fn tell<E: EventMessage>(&self, subject: &str, time: OffsetDateTime, body: E) {
        let version = {
            let mut versions = self.versions.lock().expect("no test panics here");
            let version = versions.entry(subject.to_owned()).or_default();
            *version += 1;
            *version
        };
        let aggregate_id = subject
            .split_once('/')
            .map_or(subject, |(_, rest)| rest)
            .to_owned();
        let event = outbox::Event {
            aggregate_id,
            version: Version(version),
            subject: subject.to_owned(),
            actor: "test".to_owned(),
            time,
            body,
        };
        self.bed.publish(event).await;
    }

    /// Waits until everything that was told is counted.
    pub(crate) async fn heard(&self) {
        let told: i64 = self
            .versions
            .lock()
            .expect("no test panics here")
            .values()
            .sum();
        self.bed
            .eventually(|| async { self.counted().await == told })
            .await;
    }

    pub(crate) async fn counted(&self) -> i64 {
        sqlx::query_scalar("SELECT coalesce(sum(events), 0)::bigint FROM freshness")
            .fetch_one(self.bed.database().pool())
            .await
            .expect("a count")
    }

    pub(crate) async fn section(&self, board: &str, year: i32) -> BoardSection {
        let request = GetBoardSectionRequest {
            board: board.to_owned(),
            year,
        };
        let answer = self
            .client()
            .get_board_section(request)
            .await
            .expect("a section");
        answer.into_inner().section.expect("a section")
    }

    pub(crate) async fn curve(
        &self,
        request: GetSignatoriesOverTimeRequest,
    ) -> GetSignatoriesOverTimeResponse {
        let answer = self.client().get_signatories_over_time(request).await;
        answer.expect("a curve").into_inner()
    }

    pub(crate) async fn order(&self, board: &str, year: i32, format: ReportFormat) -> Report {
        let request = CreateReportRequest {
            request_id: fresh(),
            board: board.to_owned(),
            year,
            format: format.into(),
        };
        let answer = self
            .client()
            .create_report(request)
            .await
            .expect("an order");
        answer.into_inner().report.expect("a report")
    }

    pub(crate) async fn report(&self, name: &str) -> Report {
        let request = GetReportRequest {
            name: name.to_owned(),
        };
        let answer = self.client().get_report(request).await.expect("a report");
        answer.into_inner().report.expect("a report")
    }

    /// Waits until a report is ready.
    pub(crate) async fn ready(&self, name: &str) -> Report {
        self.bed
            .eventually(|| async { self.report(name).await.state() == ReportState::Ready })
            .await;
        self.report(name).await
    }

    /// Streams a report and gives its pieces.
    pub(crate) async fn download(
        &self,
        name: &str,
    ) -> Vec<handslag_proto::reporting::v1::DownloadReportResponse> {
        let request = handslag_proto::reporting::v1::DownloadReportRequest {
            name: name.to_owned(),
        };
        let mut client = self.client().max_decoding_message_size(4 * 1024 * 1024);
        let mut stream = client
            .download_report(request)
            .await
            .expect("a stream")
            .into_inner();
        let mut pieces = Vec::new();
        while let Some(piece) = stream.message().await.expect("a piece") {
            pieces.push(piece);
        }
        pieces
    }

    async fn tell_of_the_agreement(&self) {
        for (code, name) in [("social", "socialtjänst"), ("aldre", "äldreomsorg")] {
            let area = format!("areas/{code}");
            let body = events::AreaCreated {
                scope: None,
                area: area.clone(),
                title: text(name),
            };
            self.tell(&area, SPRING, body).await;
        }
        for (code, name) in [
            ("staden", "Stockholms stad"),
            ("sektorn", "Den idéburna sektorn"),
        ] {
            let party = format!("parties/{code}");
            let body = events::PartyCreated {
                scope: None,
                party: party.clone(),
                title: text(name),
            };
            self.tell(&party, SPRING, body).await;
        }
        for (code, name, area) in [
            (SOCIAL, "Socialnämnden", "areas/social"),
            (AGEING, "Äldrenämnden", "areas/aldre"),
        ] {
            let body = events::BoardCreated {
                scope: None,
                board: code.to_owned(),
                title: text(name),
                areas: vec![area.to_owned()],
            };
            self.tell(code, SPRING, body).await;
        }
        let body = events::AgreementDrafted {
            scope: scope(&[]),
            agreement: agreement(),
            title: text("Överenskommelsen"),
            kind: "framework".to_owned(),
            parties: vec!["parties/staden".to_owned(), "parties/sektorn".to_owned()],
            principles: Vec::new(),
            areas: vec!["areas/social".to_owned(), "areas/aldre".to_owned()],
        };
        self.tell(&agreement(), SPRING, body).await;
        let body = events::AgreementAdopted {
            scope: scope(&[]),
            agreement: agreement(),
            edition: 1,
            decided_on: partial(2012, 6, 0),
            principles: Vec::new(),
            areas: vec!["areas/social".to_owned(), "areas/aldre".to_owned()],
            term_starts_on: day(2012, 6, 30),
            term_ends_on: day(2016, 6, 29),
        };
        self.tell(&agreement(), SPRING, body).await;
        for (number, measure, value, reported_on) in [
            (1, "took_part", 100, partial(2010, 0, 0)),
            (2, "signed_at_ceremony", 60, partial(2012, 9, 0)),
            (3, "decided_to_join", 70, partial(2013, 1, 0)),
            (4, "decided_to_join", 72, partial(2013, 1, 31)),
        ] {
            let figure = name("figures", 900 + number);
            let body = events::FigureReported {
                scope: scope(&[]),
                figure: figure.clone(),
                agreement: agreement(),
                measure: measure.to_owned(),
                value,
                reported_on,
                source: Some(Source {
                    document: "Kontorens gemensamma tjänsteutlåtande".to_owned(),
                    place: String::new(),
                }),
            };
            self.tell(&figure, SPRING, body).await;
        }
    }

    /// Two sign at the ceremony, one decides in November 2012 and signs in March 2013, one of the two withdraws in
    /// 2014; and an example signs in October 2012.
    async fn tell_of_signatories(&self) {
        self.joins(1, "signed", partial(2012, 9, 20), false).await;
        self.joins(2, "signed", partial(2012, 9, 20), false).await;
        self.joins(3, "decided", partial(2012, 11, 0), false).await;
        self.joins(3, "signed", partial(2013, 3, 15), false).await;
        self.joins(2, "withdrawn", partial(2014, 1, 10), false)
            .await;
        self.joins(4, "signed", partial(2012, 10, 1), true).await;
    }

    pub(crate) async fn joins(
        &self,
        organisation: u128,
        state: &str,
        effective_on: Option<PartialDate>,
        example: bool,
    ) {
        let organisation = name("organisations", organisation);
        let id = organisation.trim_start_matches("organisations/");
        let signatory = format!("{}/signatories/{id}", agreement());
        let body = events::SignatoryStateChanged {
            scope: scope(&[]),
            signatory: signatory.clone(),
            agreement: agreement(),
            organisation,
            display_name: "Förening".to_owned(),
            state: state.to_owned(),
            previous_state: String::new(),
            effective_on,
            edition: 1,
            example,
        };
        self.tell(&signatory, SPRING, body).await;
    }

    /// A joint commitment of both areas that binds in May 2013, one of social services that stays proposed, an action
    /// of the first that is under way, and the follow-up of 2013 with an account of the city alone.
    async fn tell_of_commitments(&self) {
        self.proposes(11, &[], true, datetime!(2013-04-10 10:00 UTC))
            .await;
        for (party, binding) in [("parties/staden", false), ("parties/sektorn", true)] {
            let body = events::CommitmentAccepted {
                scope: scope(&[]),
                commitment: name("commitments", 11),
                party: party.to_owned(),
                binding,
            };
            self.tell(
                &name("commitments", 11),
                datetime!(2013-05-02 10:00 UTC),
                body,
            )
            .await;
        }
        self.proposes(
            12,
            &["areas/social"],
            false,
            datetime!(2013-06-01 10:00 UTC),
        )
        .await;
        let action = name("actions", 21);
        let body = events::ActionAdded {
            scope: scope(&[]),
            action: action.clone(),
            action_plan: name("actionPlans", 31),
            title: "Gör överenskommelsen känd".to_owned(),
            commitments: vec![name("commitments", 11)],
            owner: "parties/staden".to_owned(),
            due_on: day(2014, 6, 30),
            example: true,
        };
        self.tell(&action, datetime!(2013-05-20 10:00 UTC), body)
            .await;
        let body = events::ActionProgressed {
            scope: scope(&[]),
            action: action.clone(),
            state: "in_progress".to_owned(),
            percent: 40,
            reported_on: day(2013, 10, 1),
        };
        self.tell(&action, datetime!(2013-10-02 10:00 UTC), body)
            .await;
        let round = name("followUps", 41);
        let body = events::FollowUpOpened {
            scope: scope(&[]),
            follow_up: round.clone(),
            year: 2013,
            accounts_due_on: day(2014, 1, 31),
            parties: vec!["parties/staden".to_owned(), "parties/sektorn".to_owned()],
        };
        self.tell(&round, datetime!(2013-12-01 10:00 UTC), body)
            .await;
        let body = events::FollowUpAccountSubmitted {
            scope: scope(&[]),
            follow_up: round.clone(),
            year: 2013,
            party: "parties/staden".to_owned(),
            summary: "Nämnden har bjudit in till dialog.".to_owned(),
            late: true,
            submitted_on: day(2014, 2, 12),
            example: true,
        };
        self.tell(&round, datetime!(2014-02-12 10:00 UTC), body)
            .await;
    }

    pub(crate) async fn proposes(
        &self,
        number: u128,
        areas: &[&str],
        example: bool,
        at: OffsetDateTime,
    ) {
        let commitment = name("commitments", number);
        let body = events::CommitmentProposed {
            scope: scope(areas),
            commitment: commitment.clone(),
            text: "Parterna bjuder in varandra tidigt.".to_owned(),
            bearers: vec!["parties/staden".to_owned(), "parties/sektorn".to_owned()],
            proposer: "parties/sektorn".to_owned(),
            principles: vec!["dialog".to_owned()],
            example,
        };
        self.tell(&commitment, at, body).await;
    }
}

pub(crate) const SOCIAL: &str = "boards/socialnamnden";
pub(crate) const AGEING: &str = "boards/aldrenamnden";
const SPRING: OffsetDateTime = datetime!(2026-03-02 09:30 UTC);

pub(crate) fn agreement() -> String {
    name("agreements", 1)
}

pub(crate) fn name(collection: &str, number: u128) -> String {
    format!("{collection}/{}", ids::encode(Uuid::from_u128(number)))
}

pub(crate) fn fresh() -> String {
    ids::new().to_string()
}

pub(crate) fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

pub(crate) fn partial(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

pub(crate) fn officer() -> Principal {
    Principal::of("officer")
        .with_role(Role::CityOfficer)
        .with_board("socialnamnden")
}

pub(crate) fn reason(status: &tonic::Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The fields that a refusal names, with the rules they break.
pub(crate) fn violations(status: &tonic::Status) -> Vec<(String, String)> {
    let details = status
        .get_details_bad_request()
        .map(|it| it.field_violations);
    let pair = |one: tonic_types::FieldViolation| (one.field, one.reason);
    details.unwrap_or_default().into_iter().map(pair).collect()
}

fn scope(areas: &[&str]) -> Option<EventScope> {
    Some(EventScope {
        agreement: agreement(),
        areas: areas.iter().map(|area| (*area).to_owned()).collect(),
        district_board: String::new(),
    })
}

fn text(sv: &str) -> Option<LocalizedText> {
    Some(LocalizedText {
        sv: sv.to_owned(),
        en: String::new(),
    })
}
