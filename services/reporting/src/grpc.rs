//! The service of the contract: one line per RPC.

use std::sync::Arc;

use handslag_platform::rpc::{ItemStream, server_stream, unary};
use handslag_proto::reporting::v1::reporting_service_server::ReportingService;
use handslag_proto::reporting::v1::{
    CreateReportRequest, CreateReportResponse, DownloadReportRequest, DownloadReportResponse,
    GetBoardSectionRequest, GetBoardSectionResponse, GetCommitmentFiguresRequest,
    GetCommitmentFiguresResponse, GetReportRequest, GetReportResponse,
    GetSignatoriesOverTimeRequest, GetSignatoriesOverTimeResponse, ListReportsRequest,
    ListReportsResponse,
};
use tonic::{Request, Response, Status};

use crate::{Reporting, rpc};

/// The service behind the gRPC server.
#[derive(Debug)]
pub(crate) struct Grpc(pub(crate) Arc<Reporting>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ReportingService for Grpc {
    type DownloadReportStream = ItemStream<DownloadReportResponse>;

    async fn get_signatories_over_time(
        &self,
        request: Request<GetSignatoriesOverTimeRequest>,
    ) -> Answer<GetSignatoriesOverTimeResponse> {
        unary(&self.0, request, rpc::get_signatories_over_time).await
    }

    async fn get_commitment_figures(
        &self,
        request: Request<GetCommitmentFiguresRequest>,
    ) -> Answer<GetCommitmentFiguresResponse> {
        unary(&self.0, request, rpc::get_commitment_figures).await
    }

    async fn get_board_section(
        &self,
        request: Request<GetBoardSectionRequest>,
    ) -> Answer<GetBoardSectionResponse> {
        unary(&self.0, request, rpc::get_board_section).await
    }

    async fn create_report(
        &self,
        request: Request<CreateReportRequest>,
    ) -> Answer<CreateReportResponse> {
        unary(&self.0, request, rpc::create_report).await
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        unary(&self.0, request, rpc::get_report).await
    }

    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Answer<ListReportsResponse> {
        unary(&self.0, request, rpc::list_reports).await
    }

    async fn download_report(
        &self,
        request: Request<DownloadReportRequest>,
    ) -> Answer<Self::DownloadReportStream> {
        server_stream(&self.0, request, rpc::download_report).await
    }
}
