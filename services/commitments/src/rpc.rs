//! What this service is asked: one file per RPC, each command by the same eight steps.
//!
//! # Design notes
//! decode → begin → load → decide → store → append → commit → encode. The row of the aggregate is
//! locked before the outbox draws its number, so that events of one aggregate are numbered in the
//! order of its versions.

pub mod accept_commitment;
pub mod add_action;
pub mod approve_action_plan;
pub mod decline_commitment;
pub mod draft_action_plan;
pub mod get_action;
pub mod get_action_plan;
pub mod get_commitment;
pub mod get_follow_up;
pub mod list_action_plans;
pub mod list_actions;
pub mod list_commitments;
pub mod list_deliberations;
pub mod list_follow_ups;
pub mod move_account_deadline;
pub mod move_action_deadline;
pub mod open_follow_up;
pub mod propose_commitment;
pub mod publish_follow_up;
pub mod record_deliberation;
pub mod report_progress;
pub mod submit_account;

use std::sync::Arc;

use handslag_platform::rpc::unary;
use handslag_proto::commitments::v1 as proto;
use handslag_proto::commitments::v1::commitments_service_server::CommitmentsService;
use tonic::{Request, Response, Status};

use crate::Commitments;

/// The service as gRPC meets it.
#[derive(Debug, Clone)]
pub struct Api(pub Arc<Commitments>);

#[tonic::async_trait]
impl CommitmentsService for Api {
    async fn propose_commitment(
        &self,
        request: Request<proto::ProposeCommitmentRequest>,
    ) -> Result<Response<proto::ProposeCommitmentResponse>, Status> {
        unary(&self.0, request, propose_commitment::propose_commitment).await
    }

    async fn accept_commitment(
        &self,
        request: Request<proto::AcceptCommitmentRequest>,
    ) -> Result<Response<proto::AcceptCommitmentResponse>, Status> {
        unary(&self.0, request, accept_commitment::accept_commitment).await
    }

    async fn decline_commitment(
        &self,
        request: Request<proto::DeclineCommitmentRequest>,
    ) -> Result<Response<proto::DeclineCommitmentResponse>, Status> {
        unary(&self.0, request, decline_commitment::decline_commitment).await
    }

    async fn get_commitment(
        &self,
        request: Request<proto::GetCommitmentRequest>,
    ) -> Result<Response<proto::GetCommitmentResponse>, Status> {
        unary(&self.0, request, get_commitment::get_commitment).await
    }

    async fn list_commitments(
        &self,
        request: Request<proto::ListCommitmentsRequest>,
    ) -> Result<Response<proto::ListCommitmentsResponse>, Status> {
        unary(&self.0, request, list_commitments::list_commitments).await
    }

    async fn draft_action_plan(
        &self,
        request: Request<proto::DraftActionPlanRequest>,
    ) -> Result<Response<proto::DraftActionPlanResponse>, Status> {
        unary(&self.0, request, draft_action_plan::draft_action_plan).await
    }

    async fn approve_action_plan(
        &self,
        request: Request<proto::ApproveActionPlanRequest>,
    ) -> Result<Response<proto::ApproveActionPlanResponse>, Status> {
        unary(&self.0, request, approve_action_plan::approve_action_plan).await
    }

    async fn get_action_plan(
        &self,
        request: Request<proto::GetActionPlanRequest>,
    ) -> Result<Response<proto::GetActionPlanResponse>, Status> {
        unary(&self.0, request, get_action_plan::get_action_plan).await
    }

    async fn list_action_plans(
        &self,
        request: Request<proto::ListActionPlansRequest>,
    ) -> Result<Response<proto::ListActionPlansResponse>, Status> {
        unary(&self.0, request, list_action_plans::list_action_plans).await
    }

    async fn add_action(
        &self,
        request: Request<proto::AddActionRequest>,
    ) -> Result<Response<proto::AddActionResponse>, Status> {
        unary(&self.0, request, add_action::add_action).await
    }

    async fn report_progress(
        &self,
        request: Request<proto::ReportProgressRequest>,
    ) -> Result<Response<proto::ReportProgressResponse>, Status> {
        unary(&self.0, request, report_progress::report_progress).await
    }

    async fn move_action_deadline(
        &self,
        request: Request<proto::MoveActionDeadlineRequest>,
    ) -> Result<Response<proto::MoveActionDeadlineResponse>, Status> {
        unary(&self.0, request, move_action_deadline::move_action_deadline).await
    }

    async fn get_action(
        &self,
        request: Request<proto::GetActionRequest>,
    ) -> Result<Response<proto::GetActionResponse>, Status> {
        unary(&self.0, request, get_action::get_action).await
    }

    async fn list_actions(
        &self,
        request: Request<proto::ListActionsRequest>,
    ) -> Result<Response<proto::ListActionsResponse>, Status> {
        unary(&self.0, request, list_actions::list_actions).await
    }

    async fn open_follow_up(
        &self,
        request: Request<proto::OpenFollowUpRequest>,
    ) -> Result<Response<proto::OpenFollowUpResponse>, Status> {
        unary(&self.0, request, open_follow_up::open_follow_up).await
    }

    async fn submit_account(
        &self,
        request: Request<proto::SubmitAccountRequest>,
    ) -> Result<Response<proto::SubmitAccountResponse>, Status> {
        unary(&self.0, request, submit_account::submit_account).await
    }

    async fn move_account_deadline(
        &self,
        request: Request<proto::MoveAccountDeadlineRequest>,
    ) -> Result<Response<proto::MoveAccountDeadlineResponse>, Status> {
        unary(
            &self.0,
            request,
            move_account_deadline::move_account_deadline,
        )
        .await
    }

    async fn publish_follow_up(
        &self,
        request: Request<proto::PublishFollowUpRequest>,
    ) -> Result<Response<proto::PublishFollowUpResponse>, Status> {
        unary(&self.0, request, publish_follow_up::publish_follow_up).await
    }

    async fn get_follow_up(
        &self,
        request: Request<proto::GetFollowUpRequest>,
    ) -> Result<Response<proto::GetFollowUpResponse>, Status> {
        unary(&self.0, request, get_follow_up::get_follow_up).await
    }

    async fn list_follow_ups(
        &self,
        request: Request<proto::ListFollowUpsRequest>,
    ) -> Result<Response<proto::ListFollowUpsResponse>, Status> {
        unary(&self.0, request, list_follow_ups::list_follow_ups).await
    }

    async fn record_deliberation(
        &self,
        request: Request<proto::RecordDeliberationRequest>,
    ) -> Result<Response<proto::RecordDeliberationResponse>, Status> {
        unary(&self.0, request, record_deliberation::record_deliberation).await
    }

    async fn list_deliberations(
        &self,
        request: Request<proto::ListDeliberationsRequest>,
    ) -> Result<Response<proto::ListDeliberationsResponse>, Status> {
        unary(&self.0, request, list_deliberations::list_deliberations).await
    }
}
