//! The gRPC service: one line per method; what each does stands in `rpc`.

use std::sync::Arc;

use handslag_platform::rpc::unary;
use handslag_proto::registry::v1::{self as proto, registry_service_server::RegistryService};
use tonic::{Request, Response, Status};

use crate::{Registry, rpc};

/// The registry as tonic sees it.
pub(crate) struct Grpc(pub(crate) Arc<Registry>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl RegistryService for Grpc {
    async fn create_area(
        &self,
        request: Request<proto::CreateAreaRequest>,
    ) -> Answer<proto::CreateAreaResponse> {
        unary(&self.0, request, rpc::create_area).await
    }

    async fn list_areas(
        &self,
        request: Request<proto::ListAreasRequest>,
    ) -> Answer<proto::ListAreasResponse> {
        unary(&self.0, request, rpc::list_areas).await
    }

    async fn create_party(
        &self,
        request: Request<proto::CreatePartyRequest>,
    ) -> Answer<proto::CreatePartyResponse> {
        unary(&self.0, request, rpc::create_party).await
    }

    async fn list_parties(
        &self,
        request: Request<proto::ListPartiesRequest>,
    ) -> Answer<proto::ListPartiesResponse> {
        unary(&self.0, request, rpc::list_parties).await
    }

    async fn create_board(
        &self,
        request: Request<proto::CreateBoardRequest>,
    ) -> Answer<proto::CreateBoardResponse> {
        unary(&self.0, request, rpc::create_board).await
    }

    async fn list_boards(
        &self,
        request: Request<proto::ListBoardsRequest>,
    ) -> Answer<proto::ListBoardsResponse> {
        unary(&self.0, request, rpc::list_boards).await
    }

    async fn create_district_board(
        &self,
        request: Request<proto::CreateDistrictBoardRequest>,
    ) -> Answer<proto::CreateDistrictBoardResponse> {
        unary(&self.0, request, rpc::create_district_board).await
    }

    async fn succeed_district_board(
        &self,
        request: Request<proto::SucceedDistrictBoardRequest>,
    ) -> Answer<proto::SucceedDistrictBoardResponse> {
        unary(&self.0, request, rpc::succeed_district_board).await
    }

    async fn list_district_boards(
        &self,
        request: Request<proto::ListDistrictBoardsRequest>,
    ) -> Answer<proto::ListDistrictBoardsResponse> {
        unary(&self.0, request, rpc::list_district_boards).await
    }

    async fn draft_agreement(
        &self,
        request: Request<proto::DraftAgreementRequest>,
    ) -> Answer<proto::DraftAgreementResponse> {
        unary(&self.0, request, rpc::draft_agreement).await
    }

    async fn adopt_agreement(
        &self,
        request: Request<proto::AdoptAgreementRequest>,
    ) -> Answer<proto::AdoptAgreementResponse> {
        unary(&self.0, request, rpc::adopt_agreement).await
    }

    async fn get_agreement(
        &self,
        request: Request<proto::GetAgreementRequest>,
    ) -> Answer<proto::GetAgreementResponse> {
        unary(&self.0, request, rpc::get_agreement).await
    }

    async fn list_agreements(
        &self,
        request: Request<proto::ListAgreementsRequest>,
    ) -> Answer<proto::ListAgreementsResponse> {
        unary(&self.0, request, rpc::list_agreements).await
    }

    async fn record_proceeding(
        &self,
        request: Request<proto::RecordProceedingRequest>,
    ) -> Answer<proto::RecordProceedingResponse> {
        unary(&self.0, request, rpc::record_proceeding).await
    }

    async fn list_proceedings(
        &self,
        request: Request<proto::ListProceedingsRequest>,
    ) -> Answer<proto::ListProceedingsResponse> {
        unary(&self.0, request, rpc::list_proceedings).await
    }

    async fn answer_statement(
        &self,
        request: Request<proto::AnswerStatementRequest>,
    ) -> Answer<proto::AnswerStatementResponse> {
        unary(&self.0, request, rpc::answer_statement).await
    }

    async fn raise_proposal(
        &self,
        request: Request<proto::RaiseProposalRequest>,
    ) -> Answer<proto::RaiseProposalResponse> {
        unary(&self.0, request, rpc::raise_proposal).await
    }

    async fn resolve_proposal(
        &self,
        request: Request<proto::ResolveProposalRequest>,
    ) -> Answer<proto::ResolveProposalResponse> {
        unary(&self.0, request, rpc::resolve_proposal).await
    }

    async fn list_proposals(
        &self,
        request: Request<proto::ListProposalsRequest>,
    ) -> Answer<proto::ListProposalsResponse> {
        unary(&self.0, request, rpc::list_proposals).await
    }

    async fn report_figure(
        &self,
        request: Request<proto::ReportFigureRequest>,
    ) -> Answer<proto::ReportFigureResponse> {
        unary(&self.0, request, rpc::report_figure).await
    }

    async fn list_figures(
        &self,
        request: Request<proto::ListFiguresRequest>,
    ) -> Answer<proto::ListFiguresResponse> {
        unary(&self.0, request, rpc::list_figures).await
    }

    async fn register_organisation(
        &self,
        request: Request<proto::RegisterOrganisationRequest>,
    ) -> Answer<proto::RegisterOrganisationResponse> {
        unary(&self.0, request, rpc::register_organisation).await
    }

    async fn update_organisation(
        &self,
        request: Request<proto::UpdateOrganisationRequest>,
    ) -> Answer<proto::UpdateOrganisationResponse> {
        unary(&self.0, request, rpc::update_organisation).await
    }

    async fn change_organisation_number(
        &self,
        request: Request<proto::ChangeOrganisationNumberRequest>,
    ) -> Answer<proto::ChangeOrganisationNumberResponse> {
        unary(&self.0, request, rpc::change_organisation_number).await
    }

    async fn get_organisation(
        &self,
        request: Request<proto::GetOrganisationRequest>,
    ) -> Answer<proto::GetOrganisationResponse> {
        unary(&self.0, request, rpc::get_organisation).await
    }

    async fn list_organisations(
        &self,
        request: Request<proto::ListOrganisationsRequest>,
    ) -> Answer<proto::ListOrganisationsResponse> {
        unary(&self.0, request, rpc::list_organisations).await
    }

    async fn look_up_organisation(
        &self,
        request: Request<proto::LookUpOrganisationRequest>,
    ) -> Answer<proto::LookUpOrganisationResponse> {
        unary(&self.0, request, rpc::look_up_organisation).await
    }

    async fn batch_look_up_organisations(
        &self,
        request: Request<proto::BatchLookUpOrganisationsRequest>,
    ) -> Answer<proto::BatchLookUpOrganisationsResponse> {
        unary(&self.0, request, rpc::batch_look_up_organisations).await
    }

    async fn invite_organisation(
        &self,
        request: Request<proto::InviteOrganisationRequest>,
    ) -> Answer<proto::InviteOrganisationResponse> {
        unary(&self.0, request, rpc::invite_organisation).await
    }

    async fn record_stance(
        &self,
        request: Request<proto::RecordStanceRequest>,
    ) -> Answer<proto::RecordStanceResponse> {
        unary(&self.0, request, rpc::record_stance).await
    }

    async fn decide_to_join(
        &self,
        request: Request<proto::DecideToJoinRequest>,
    ) -> Answer<proto::DecideToJoinResponse> {
        unary(&self.0, request, rpc::decide_to_join).await
    }

    async fn sign_agreement(
        &self,
        request: Request<proto::SignAgreementRequest>,
    ) -> Answer<proto::SignAgreementResponse> {
        unary(&self.0, request, rpc::sign_agreement).await
    }

    async fn withdraw_signatory(
        &self,
        request: Request<proto::WithdrawSignatoryRequest>,
    ) -> Answer<proto::WithdrawSignatoryResponse> {
        unary(&self.0, request, rpc::withdraw_signatory).await
    }

    async fn get_signatory(
        &self,
        request: Request<proto::GetSignatoryRequest>,
    ) -> Answer<proto::GetSignatoryResponse> {
        unary(&self.0, request, rpc::get_signatory).await
    }

    async fn list_signatories(
        &self,
        request: Request<proto::ListSignatoriesRequest>,
    ) -> Answer<proto::ListSignatoriesResponse> {
        unary(&self.0, request, rpc::list_signatories).await
    }
}
