//! The service of the contract: one line per RPC.

use std::sync::Arc;

use handslag_platform::rpc::{ItemStream, server_stream, unary};
use handslag_proto::notifications::v1::{
    AckNotificationsRequest, AckNotificationsResponse, GetSubscriberRequest, GetSubscriberResponse,
    ListNotificationsRequest, ListNotificationsResponse, ListSubscribersRequest,
    ListSubscribersResponse, ListSubscriptionsRequest, ListSubscriptionsResponse,
    PreviewSubscriptionRequest, PreviewSubscriptionResponse, PullNotificationsRequest,
    PullNotificationsResponse, RegisterSubscriberRequest, RegisterSubscriberResponse,
    StreamNotificationsRequest, StreamNotificationsResponse, SubscribeRequest, SubscribeResponse,
    UnsubscribeRequest, UnsubscribeResponse, notifications_service_server::NotificationsService,
};
use tonic::{Request, Response, Status};

use crate::{Notifications, rpc};

/// The service behind the gRPC server.
#[derive(Debug)]
pub struct Grpc(pub(crate) Arc<Notifications>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl NotificationsService for Grpc {
    type StreamNotificationsStream = ItemStream<StreamNotificationsResponse>;

    async fn register_subscriber(
        &self,
        request: Request<RegisterSubscriberRequest>,
    ) -> Answer<RegisterSubscriberResponse> {
        unary(&self.0, request, rpc::register_subscriber).await
    }

    async fn get_subscriber(
        &self,
        request: Request<GetSubscriberRequest>,
    ) -> Answer<GetSubscriberResponse> {
        unary(&self.0, request, rpc::get_subscriber).await
    }

    async fn list_subscribers(
        &self,
        request: Request<ListSubscribersRequest>,
    ) -> Answer<ListSubscribersResponse> {
        unary(&self.0, request, rpc::list_subscribers).await
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Answer<SubscribeResponse> {
        unary(&self.0, request, rpc::subscribe).await
    }

    async fn unsubscribe(
        &self,
        request: Request<UnsubscribeRequest>,
    ) -> Answer<UnsubscribeResponse> {
        unary(&self.0, request, rpc::unsubscribe).await
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Answer<ListSubscriptionsResponse> {
        unary(&self.0, request, rpc::list_subscriptions).await
    }

    async fn preview_subscription(
        &self,
        request: Request<PreviewSubscriptionRequest>,
    ) -> Answer<PreviewSubscriptionResponse> {
        unary(&self.0, request, rpc::preview_subscription).await
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Answer<ListNotificationsResponse> {
        unary(&self.0, request, rpc::list_notifications).await
    }

    async fn pull_notifications(
        &self,
        request: Request<PullNotificationsRequest>,
    ) -> Answer<PullNotificationsResponse> {
        unary(&self.0, request, rpc::pull_notifications).await
    }

    async fn ack_notifications(
        &self,
        request: Request<AckNotificationsRequest>,
    ) -> Answer<AckNotificationsResponse> {
        unary(&self.0, request, rpc::ack_notifications).await
    }

    async fn stream_notifications(
        &self,
        request: Request<StreamNotificationsRequest>,
    ) -> Answer<Self::StreamNotificationsStream> {
        server_stream(&self.0, request, rpc::stream_notifications).await
    }
}
