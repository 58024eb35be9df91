//! A town that registers things, and the callers that have a say in it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use handslag_platform::auth::Principal;
use handslag_platform::id;
use handslag_platform::testing::Bed;
use handslag_proto::common::v1::Date;
use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::registry_service_client::RegistryServiceClient;
use handslag_registry::Registry;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::requests::{
    adoption, area, city, decision, draft, organisation, partial, signing, title,
};

pub(crate) type Client = RegistryServiceClient<Channel>;

/// Numbers of the sources, all valid.
pub(crate) const NUMBERS: [&str; 4] = ["212000-0142", "802411-8310", "802000-0009", "252000-0007"];

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
    create_area: CreateAreaRequest -> CreateAreaResponse;
    create_party: CreatePartyRequest -> CreatePartyResponse;
    create_board: CreateBoardRequest -> CreateBoardResponse;
    create_district_board: CreateDistrictBoardRequest -> CreateDistrictBoardResponse;
    succeed_district_board: SucceedDistrictBoardRequest -> SucceedDistrictBoardResponse;
    draft_agreement: DraftAgreementRequest -> DraftAgreementResponse;
    adopt_agreement: AdoptAgreementRequest -> AdoptAgreementResponse;
    record_proceeding: RecordProceedingRequest -> RecordProceedingResponse;
    answer_statement: AnswerStatementRequest -> AnswerStatementResponse;
    raise_proposal: RaiseProposalRequest -> RaiseProposalResponse;
    resolve_proposal: ResolveProposalRequest -> ResolveProposalResponse;
    report_figure: ReportFigureRequest -> ReportFigureResponse;
    register_organisation: RegisterOrganisationRequest -> RegisterOrganisationResponse;
    update_organisation: UpdateOrganisationRequest -> UpdateOrganisationResponse;
    change_organisation_number: ChangeOrganisationNumberRequest -> ChangeOrganisationNumberResponse;
    invite_organisation: InviteOrganisationRequest -> InviteOrganisationResponse;
    record_stance: RecordStanceRequest -> RecordStanceResponse;
    decide_to_join: DecideToJoinRequest -> DecideToJoinResponse;
    sign_agreement: SignAgreementRequest -> SignAgreementResponse;
    withdraw_signatory: WithdrawSignatoryRequest -> WithdrawSignatoryResponse;
}
questions! {
    list_areas: ListAreasRequest -> ListAreasResponse;
    list_parties: ListPartiesRequest -> ListPartiesResponse;
    list_boards: ListBoardsRequest -> ListBoardsResponse;
    list_district_boards: ListDistrictBoardsRequest -> ListDistrictBoardsResponse;
    get_agreement: GetAgreementRequest -> GetAgreementResponse;
    list_agreements: ListAgreementsRequest -> ListAgreementsResponse;
    list_proceedings: ListProceedingsRequest -> ListProceedingsResponse;
    list_proposals: ListProposalsRequest -> ListProposalsResponse;
    list_figures: ListFiguresRequest -> ListFiguresResponse;
    get_organisation: GetOrganisationRequest -> GetOrganisationResponse;
    list_organisations: ListOrganisationsRequest -> ListOrganisationsResponse;
    look_up_organisation: LookUpOrganisationRequest -> LookUpOrganisationResponse;
    batch_look_up_organisations: BatchLookUpOrganisationsRequest -> BatchLookUpOrganisationsResponse;
    get_signatory: GetSignatoryRequest -> GetSignatoryResponse;
    list_signatories: ListSignatoriesRequest -> ListSignatoriesResponse;
}

/// A registry with two areas and two parties.
pub(crate) struct Town {
    pub(crate) bed: Bed,
    seen: Mutex<BTreeSet<String>>,
}

impl Town {
    pub(crate) async fn start(name: &str) -> Self {
        let bed = Bed::start::<Registry>(&format!("registry-{name}")).await;
        let town = Self {
            bed,
            seen: Mutex::default(),
        };
        for code in ["social", "aldre"] {
            town.done(&city(), area(code)).await;
        }
        for code in ["city", "sector"] {
            let party_id = code.to_owned();
            let request = proto::CreatePartyRequest {
                party_id,
                title: title(code),
                ..Default::default()
            };
            town.done(&city(), request).await;
        }
        town
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
    ) {
        let before = self.footprint().await;
        let Err(status) = self.ask(who, request).await else {
            panic!("{reason} {fields:?} was not refused")
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
    }

    /// The fields of a request break rules.
    pub(crate) async fn invalid<R: Ask>(&self, request: R, fields: &[(&str, &str)]) {
        self.refuses(
            &city(),
            request,
            Code::InvalidArgument,
            "INVALID_REQUEST",
            fields,
        )
        .await;
    }

    /// The record forbids a request.
    pub(crate) async fn forbidden<R: Ask>(&self, request: R, reason: &str) {
        self.refuses(&city(), request, Code::FailedPrecondition, reason, &[])
            .await;
    }

    /// What the request names does not exist.
    pub(crate) async fn missing<R: Ask>(&self, request: R) {
        self.refuses(&city(), request, Code::NotFound, "RESOURCE_NOT_FOUND", &[])
            .await;
    }

    pub(crate) fn seen(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn footprint(&self) -> String {
        let sql = "SELECT concat_ws(' ',
            (SELECT count(*) FROM outbox), (SELECT count(*) FROM request_log),
            (SELECT count(*) FROM area), (SELECT count(*) FROM party), (SELECT count(*) FROM board),
            (SELECT concat(count(*), '.', sum(version)) FROM district_board),
            (SELECT concat(count(*), '.', sum(version)) FROM agreement),
            (SELECT count(*) FROM edition),
            (SELECT concat(count(*), '.', count(taken_up)) FROM proceeding),
            (SELECT concat(count(*), '.', sum(version)) FROM proposal),
            (SELECT count(*) FROM figure),
            (SELECT concat(count(*), '.', sum(version)) FROM organisation),
            (SELECT count(*) FROM organisation_number), (SELECT count(*) FROM signatory_step))";
        sqlx::query_scalar(sql)
            .fetch_one(self.bed.database().pool())
            .await
            .unwrap()
    }

    /// Each aggregate's version is the number of its events.
    pub(crate) async fn counts_its_events(&self) {
        let sql = "SELECT count(*) FROM (
                SELECT 'agreement' AS aggregate, sum(version) AS versions FROM agreement
                UNION ALL SELECT 'organisation', sum(version) FROM organisation
                UNION ALL SELECT 'signatory', sum(version) FROM signatory
                UNION ALL SELECT 'proposal', sum(version) FROM proposal
                UNION ALL SELECT 'district_board', sum(version) FROM district_board
            ) AS rows
            WHERE coalesce(versions, 0)
                  <> (SELECT count(*) FROM outbox WHERE outbox.aggregate = rows.aggregate)";
        let wrong: i64 = sqlx::query_scalar(sql)
            .fetch_one(self.bed.database().pool())
            .await
            .unwrap();
        assert_eq!(wrong, 0, "an aggregate has another version than events");
    }

    pub(crate) async fn draft(&self) -> String {
        self.done(&city(), draft()).await.agreement.unwrap().name
    }

    /// An agreement as of June 2012.
    pub(crate) async fn agreement(&self) -> String {
        let name = self.draft().await;
        self.done(&city(), adoption(&name, partial(2012, 6, 0)))
            .await;
        name
    }

    pub(crate) async fn proceeding(
        &self,
        request: proto::RecordProceedingRequest,
    ) -> proto::Proceeding {
        self.done(&city(), request).await.proceeding.unwrap()
    }

    pub(crate) async fn organisation(&self, display_name: &str, number: &str) -> String {
        let request = organisation(display_name, number);
        self.done(&city(), request).await.organisation.unwrap().name
    }

    pub(crate) async fn signatory(&self, agreement: &str, organisation: &str) {
        self.done(
            &city(),
            decision(agreement, organisation, partial(2012, 8, 0)),
        )
        .await;
        self.done(
            &city(),
            signing(agreement, organisation, partial(2012, 9, 0)),
        )
        .await;
    }

    pub(crate) async fn district(&self, code: &str, established_on: Option<Date>) {
        let request = proto::CreateDistrictBoardRequest {
            district_board_id: code.to_owned(),
            title: title(code),
            established_on,
            ..Default::default()
        };
        self.done(&city(), request).await;
    }
}
