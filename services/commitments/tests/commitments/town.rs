//! A town with an agreement, and the callers that have a say in it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use handslag_commitments::Commitments;
use handslag_platform::auth::{Principal, Role};
use handslag_platform::etag::Version;
use handslag_platform::id;
use handslag_platform::messaging::outbox::Event;
use handslag_platform::testing::{Bed, MORNING};
use handslag_proto::EventMessage;
use handslag_proto::commitments::v1 as proto;
use handslag_proto::commitments::v1::commitments_service_client::CommitmentsServiceClient;
use handslag_proto::common::v1::{Date, LocalizedText, PartialDate};
use handslag_proto::events::v1 as events;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) type Client = CommitmentsServiceClient<Channel>;

/// A request with the method that answers it.
pub(crate) trait Ask: Clone + Send + Sized {
    type Answer: Send;
    fn ask(
        request: Request<Self>,
        client: &mut Client,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
    /// Gives a command an identity unless it has one.
    fn identified(self) -> Self;
}

macro_rules! asks {
    ($method:ident, $request:ident, $answer:ident, |$one:ident| $identify:expr) => {
        impl Ask for proto::$request {
            type Answer = proto::$answer;
            async fn ask(
                request: Request<Self>,
                client: &mut Client,
            ) -> Result<Response<Self::Answer>, Status> {
                client.$method(request).await
            }
            fn identified(self) -> Self {
                let $one = self;
                $identify
            }
        }
    };
}
macro_rules! commands {
    ($($method:ident: $request:ident -> $answer:ident;)*) => {$(
        asks!($method, $request, $answer, |one| {
            let mut one = one;
            if one.request_id.is_empty() {
                one.request_id = id::new().to_string();
            }
            one
        });
    )*};
}
macro_rules! questions {
    ($($method:ident: $request:ident -> $answer:ident;)*) => {$(
        asks!($method, $request, $answer, |one| one);
    )*};
}

commands! {
    propose_commitment: ProposeCommitmentRequest -> ProposeCommitmentResponse;
    accept_commitment: AcceptCommitmentRequest -> AcceptCommitmentResponse;
    decline_commitment: DeclineCommitmentRequest -> DeclineCommitmentResponse;
    draft_action_plan: DraftActionPlanRequest -> DraftActionPlanResponse;
    approve_action_plan: ApproveActionPlanRequest -> ApproveActionPlanResponse;
    add_action: AddActionRequest -> AddActionResponse;
    report_progress: ReportProgressRequest -> ReportProgressResponse;
    move_action_deadline: MoveActionDeadlineRequest -> MoveActionDeadlineResponse;
    open_follow_up: OpenFollowUpRequest -> OpenFollowUpResponse;
    submit_account: SubmitAccountRequest -> SubmitAccountResponse;
    move_account_deadline: MoveAccountDeadlineRequest -> MoveAccountDeadlineResponse;
    publish_follow_up: PublishFollowUpRequest -> PublishFollowUpResponse;
    record_deliberation: RecordDeliberationRequest -> RecordDeliberationResponse;
}
questions! {
    get_commitment: GetCommitmentRequest -> GetCommitmentResponse;
    list_commitments: ListCommitmentsRequest -> ListCommitmentsResponse;
    get_action_plan: GetActionPlanRequest -> GetActionPlanResponse;
    list_action_plans: ListActionPlansRequest -> ListActionPlansResponse;
    get_action: GetActionRequest -> GetActionResponse;
    list_actions: ListActionsRequest -> ListActionsResponse;
    get_follow_up: GetFollowUpRequest -> GetFollowUpResponse;
    list_follow_ups: ListFollowUpsRequest -> ListFollowUpsResponse;
    list_deliberations: ListDeliberationsRequest -> ListDeliberationsResponse;
}

pub(crate) fn city() -> Principal {
    Principal::of("city-1")
        .with_role(Role::CityOfficer)
        .with_party("city")
        .with_board("social")
}

pub(crate) fn sector() -> Principal {
    Principal::of("sector-1")
        .with_role(Role::SectorRepresentative)
        .with_party("sector")
}

pub(crate) fn group() -> Principal {
    Principal::of("group-1").with_role(Role::WorkingGroup)
}

pub(crate) fn nobody() -> Principal {
    Principal::of("system-1").with_role(Role::SystemReader)
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

/// The name of the n-th agreement of the town.
pub(crate) fn agreement(number: u128) -> String {
    format!("agreements/{}", id::encode(Uuid::from_u128(number)))
}

pub(crate) fn drafted(number: u128, areas: &[&str]) -> events::AgreementDrafted {
    let principle = |code: &str| events::AgreementPrinciple {
        code: code.to_owned(),
        title: title(code),
    };
    events::AgreementDrafted {
        scope: None,
        agreement: agreement(number),
        title: title("Överenskommelsen"),
        kind: "framework".to_owned(),
        parties: texts(&["parties/city", "parties/sector"]),
        principles: vec![principle("dialog"), principle("kvalitet")],
        areas: texts(areas),
    }
}

/// A service that knows a town.
pub(crate) struct Town {
    pub(crate) bed: Bed,
    seen: Mutex<BTreeSet<String>>,
}

impl Town {
    pub(crate) async fn start(name: &str) -> Self {
        let town = Self {
            bed: Bed::start::<Commitments>(name).await,
            seen: Mutex::default(),
        };
        for code in ["social", "aldre", "kultur"] {
            let area = format!("areas/{code}");
            let body = events::AreaCreated {
                scope: None,
                area,
                title: title(code),
            };
            town.hear(code, 1, body).await;
        }
        for code in ["city", "sector", "region"] {
            let party = format!("parties/{code}");
            let body = events::PartyCreated {
                scope: None,
                party,
                title: title(code),
            };
            town.hear(code, 1, body).await;
        }
        for board in ["farsta", "alvsjo", "hagersten"] {
            town.board(board, None).await;
        }
        for number in [1, 2] {
            let areas = ["areas/social", "areas/aldre"];
            town.hear(&agreement(number)[11..], 1, drafted(number, &areas))
                .await;
        }
        let known = || async {
            let count = "SELECT (SELECT count(*) FROM area) + (SELECT count(*) FROM party)
                + (SELECT count(*) FROM agreement) + (SELECT count(*) FROM district_board)";
            town.number(count).await == 11
        };
        town.bed.eventually(known).await;
        town
    }

    pub(crate) async fn hear<E: EventMessage>(&self, aggregate_id: &str, version: i64, body: E) {
        let event = Event {
            aggregate_id: aggregate_id.to_owned(),
            version: Version(version),
            subject: format!("{}/{aggregate_id}", E::AGGREGATE),
            actor: "registry-test".to_owned(),
            time: MORNING,
            body,
        };
        self.bed.publish(event).await;
    }

    pub(crate) async fn board(&self, code: &str, established_on: Option<Date>) {
        let body = events::DistrictBoardCreated {
            scope: None,
            district_board: format!("districtBoards/{code}"),
            title: title(code),
            established_on,
        };
        self.hear(code, 1, body).await;
    }

    pub(crate) async fn succeeded(&self, code: &str, successor: &str, succeeded_on: Option<Date>) {
        let body = events::DistrictBoardSucceeded {
            scope: None,
            district_board: format!("districtBoards/{code}"),
            successor: format!("districtBoards/{successor}"),
            succeeded_on,
        };
        self.hear(code, 2, body).await;
    }

    pub(crate) async fn ask<R: Ask>(
        &self,
        who: &Principal,
        request: R,
    ) -> Result<R::Answer, Status> {
        let mut client = Client::new(self.bed.channel());
        let request = self.bed.request(who, request.identified());
        R::ask(request, &mut client).await.map(Response::into_inner)
    }

    pub(crate) async fn done<R: Ask>(&self, who: &Principal, request: R) -> R::Answer {
        match self.ask(who, request).await {
            Ok(answer) => answer,
            Err(status) => {
                let details = status.get_error_details();
                panic!("refused: {} {:?}", status.message(), details.bad_request())
            }
        }
    }

    /// The request is refused as told, and nothing is written.
    pub(crate) async fn refuses<R: Ask>(
        &self,
        who: &Principal,
        request: R,
        code: Code,
        reason: &str,
        fields: &[(&str, &str)],
    ) -> Status {
        let before = self.footprint().await;
        let Err(status) = self.ask(who, request).await else {
            panic!("{reason} was not refused")
        };
        let details = status.get_error_details();
        let told = details
            .error_info()
            .map(|info| info.reason.clone())
            .unwrap_or_default();
        let violations = details
            .bad_request()
            .map(|bad| bad.field_violations.clone());
        let violations = violations.unwrap_or_default();
        let broken: Vec<(&str, &str)> = violations
            .iter()
            .map(|one| (one.field.as_str(), one.reason.as_str()))
            .collect();
        assert_eq!(
            (status.code(), told.as_str(), broken.as_slice()),
            (code, reason, fields)
        );
        let swedish = details.localized_message().map(|one| one.message.clone());
        assert!(
            swedish.is_some_and(|swedish| !swedish.is_empty()),
            "{reason} in Swedish"
        );
        assert_eq!(self.footprint().await, before, "{reason} wrote something");
        let mut seen = self.seen.lock().unwrap();
        seen.insert(told);
        seen.extend(broken.iter().map(|(_, reason)| (*reason).to_owned()));
        status
    }

    /// The fields of a request break rules.
    pub(crate) async fn invalid<R: Ask>(
        &self,
        who: &Principal,
        request: R,
        fields: &[(&str, &str)],
    ) {
        self.refuses(
            who,
            request,
            Code::InvalidArgument,
            "INVALID_REQUEST",
            fields,
        )
        .await;
    }

    /// The record forbids a request.
    pub(crate) async fn forbidden<R: Ask>(&self, who: &Principal, request: R, reason: &str) {
        self.refuses(who, request, Code::FailedPrecondition, reason, &[])
            .await;
    }

    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(self.bed.database().pool())
            .await
            .unwrap()
    }

    async fn footprint(&self) -> String {
        let sql = "SELECT concat_ws(' ', (SELECT count(*) FROM outbox),
            (SELECT count(*) FROM request_log),
            (SELECT concat(count(*), '.', sum(version)) FROM commitment),
            (SELECT concat(count(*), '.', sum(version)) FROM action_plan),
            (SELECT concat(count(*), '.', sum(version)) FROM action),
            (SELECT count(*) FROM action_report),
            (SELECT concat(count(*), '.', sum(version)) FROM follow_up),
            (SELECT count(*) FROM deliberation))";
        sqlx::query_scalar(sql)
            .fetch_one(self.bed.database().pool())
            .await
            .unwrap()
    }

    pub(crate) async fn propose(&self, bearers: &[&str]) -> String {
        let answer = self.done(&city(), proposal(bearers)).await;
        answer.commitment.unwrap().name
    }

    pub(crate) async fn accept(&self, who: &Principal, commitment: &str) -> proto::Commitment {
        self.done(who, acceptance(who, commitment))
            .await
            .commitment
            .unwrap()
    }

    /// A commitment of the sector that binds.
    pub(crate) async fn binding(&self) -> String {
        let commitment = self.propose(&["parties/sector"]).await;
        self.accept(&sector(), &commitment).await;
        commitment
    }

    pub(crate) async fn plan(&self) -> String {
        self.done(&group(), plan()).await.action_plan.unwrap().name
    }

    pub(crate) async fn action(&self, plan: &str, commitment: &str) -> String {
        let answer = self.done(&group(), action(plan, commitment)).await;
        answer.action.unwrap().name
    }

    pub(crate) async fn approve(&self, who: &Principal, plan: &str) -> proto::ActionPlan {
        self.done(who, approval(who, plan))
            .await
            .action_plan
            .unwrap()
    }

    pub(crate) async fn round(&self, year: i32) -> String {
        self.done(&group(), round(year))
            .await
            .follow_up
            .unwrap()
            .name
    }
}

fn party_of(who: &Principal) -> String {
    format!("parties/{}", who.party.as_deref().unwrap_or("city"))
}

pub(crate) fn proposal(bearers: &[&str]) -> proto::ProposeCommitmentRequest {
    proto::ProposeCommitmentRequest {
        agreement: agreement(1),
        proposer: "parties/city".to_owned(),
        text: "Exempel: en dialogkonferens varje år".to_owned(),
        principles: texts(&["dialog"]),
        area: "areas/social".to_owned(),
        bearers: texts(bearers),
        example: true,
        ..Default::default()
    }
}

pub(crate) fn acceptance(who: &Principal, commitment: &str) -> proto::AcceptCommitmentRequest {
    proto::AcceptCommitmentRequest {
        commitment: commitment.to_owned(),
        party: party_of(who),
        ..Default::default()
    }
}

pub(crate) fn refusal(who: &Principal, commitment: &str) -> proto::DeclineCommitmentRequest {
    proto::DeclineCommitmentRequest {
        commitment: commitment.to_owned(),
        party: party_of(who),
        reason: "Det räcker inte medlen till".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn plan() -> proto::DraftActionPlanRequest {
    proto::DraftActionPlanRequest {
        agreement: agreement(1),
        party: "parties/city".to_owned(),
        title: title("Exempelplan 2026"),
        starts_on: day(2026, 1, 1),
        ends_on: day(2026, 12, 31),
        example: true,
        ..Default::default()
    }
}

pub(crate) fn action(plan: &str, commitment: &str) -> proto::AddActionRequest {
    proto::AddActionRequest {
        action_plan: plan.to_owned(),
        party: "parties/city".to_owned(),
        title: "Bjud in till konferensen".to_owned(),
        commitments: texts(&[commitment]),
        owner: "parties/sector".to_owned(),
        due_on: day(2026, 10, 31),
        example: true,
        ..Default::default()
    }
}

pub(crate) fn approval(who: &Principal, plan: &str) -> proto::ApproveActionPlanRequest {
    proto::ApproveActionPlanRequest {
        action_plan: plan.to_owned(),
        party: party_of(who),
        ..Default::default()
    }
}

pub(crate) fn report(
    action: &str,
    state: proto::ActionState,
    percent: i32,
) -> proto::ReportProgressRequest {
    proto::ReportProgressRequest {
        action: action.to_owned(),
        party: "parties/sector".to_owned(),
        state: state.into(),
        percent,
        ..Default::default()
    }
}

pub(crate) fn later(action: &str, due_on: Option<Date>) -> proto::MoveActionDeadlineRequest {
    proto::MoveActionDeadlineRequest {
        action: action.to_owned(),
        party: "parties/sector".to_owned(),
        due_on,
        reason: "Lokalen är upptagen".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn round(year: i32) -> proto::OpenFollowUpRequest {
    proto::OpenFollowUpRequest {
        agreement: agreement(1),
        party: "parties/city".to_owned(),
        year,
        accounts_due_on: day(2026, 9, 30),
        ..Default::default()
    }
}

pub(crate) fn account(who: &Principal, round: &str) -> proto::SubmitAccountRequest {
    proto::SubmitAccountRequest {
        follow_up: round.to_owned(),
        party: party_of(who),
        summary: "Exempel: ett gott år".to_owned(),
        example: true,
        ..Default::default()
    }
}

pub(crate) fn extension(round: &str, due_on: Option<Date>) -> proto::MoveAccountDeadlineRequest {
    proto::MoveAccountDeadlineRequest {
        follow_up: round.to_owned(),
        party: "parties/city".to_owned(),
        accounts_due_on: due_on,
        reason: "Systemet låg nere på sista dagen".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn publication(round: &str) -> proto::PublishFollowUpRequest {
    proto::PublishFollowUpRequest {
        follow_up: round.to_owned(),
        party: "parties/city".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn discussion(
    board: &str,
    held_on: Option<PartialDate>,
) -> proto::RecordDeliberationRequest {
    proto::RecordDeliberationRequest {
        agreement: agreement(1),
        district_board: format!("districtBoards/{board}"),
        held_on,
        paragraph: "§ 12".to_owned(),
        ..Default::default()
    }
}
