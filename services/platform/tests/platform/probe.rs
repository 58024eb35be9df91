//! A small service that does as it is told: the name in a request says how it behaves.

use std::sync::Arc;
use std::time::Duration;

use handslag_platform::database::Database;
use handslag_platform::error::{ErrorCode, Fault};
use handslag_platform::etag::Version;
use handslag_platform::messaging::{Consumer, Envelope, Rejection, outbox};
use handslag_platform::rpc::{self, Call, Closed, Failure, ItemStream, StreamSink};
use handslag_platform::{Context, Service, id};
use handslag_proto::events::v1::{AreaCreated, SubscriberRegistered};
use handslag_proto::notifications::v1::notifications_service_server::{
    NotificationsService, NotificationsServiceServer,
};
use handslag_proto::notifications::v1::{
    AckNotificationsRequest, AckNotificationsResponse, GetSubscriberRequest, GetSubscriberResponse,
    ListNotificationsRequest, ListNotificationsResponse, ListSubscribersRequest,
    ListSubscribersResponse, ListSubscriptionsRequest, ListSubscriptionsResponse,
    PreviewSubscriptionRequest, PreviewSubscriptionResponse, PullNotificationsRequest,
    PullNotificationsResponse, RegisterSubscriberRequest, RegisterSubscriberResponse,
    StreamNotificationsRequest, StreamNotificationsResponse, SubscribeRequest, SubscribeResponse,
    Subscriber, UnsubscribeRequest, UnsubscribeResponse,
};
use sqlx::PgConnection;
use sqlx::migrate::Migrator;
use tokio::sync::Semaphore;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status};

static MIGRATIONS: Migrator = sqlx::migrate!("tests/platform/migrations");

/// The service.
pub(crate) struct Probe {
    context: Context,
    /// `GetSubscriber` of the name `gate` waits for a permit.
    pub(crate) gate: Arc<Semaphore>,
}

/// What its handlers fail with, as in a service of its own crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such subscriber")]
    NoSuch(String),
    #[error(transparent)]
    Platform(#[from] Failure),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuch(name) => Fault::not_found("subscriber", name).into(),
            Error::Platform(failure) => failure,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Platform(fault.into())
    }
}

impl From<Closed> for Error {
    fn from(closed: Closed) -> Self {
        Self::Platform(closed.into())
    }
}

impl Service for Probe {
    const NAME: &'static str = "notifications";

    fn migrations() -> &'static Migrator {
        &MIGRATIONS
    }

    fn new(context: Context) -> Self {
        Self {
            context,
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    fn routes(self: Arc<Self>, routes: &mut RoutesBuilder) {
        routes.add_service(NotificationsServiceServer::new(Api(self)));
    }

    fn consumers(self: Arc<Self>) -> Vec<Consumer> {
        vec![Consumer::of("registry").on::<AreaCreated, _>(area_created)]
    }
}

async fn area_created(
    tx: &mut PgConnection,
    event: &Envelope<AreaCreated>,
) -> Result<(), Rejection> {
    store(tx, &event.body.area).await?;
    Ok(())
}

async fn register(
    probe: &Probe,
    call: Call<RegisterSubscriberRequest>,
) -> Result<RegisterSubscriberResponse, Error> {
    let mut tx = probe.context.database.begin(&call).await?;
    store(&mut tx, &call.display_name).await?;
    if call.display_name == "slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let id = id::encode(id::new());
    let name = format!("subscribers/{id}");
    let event = outbox::Event {
        aggregate_id: id,
        version: Version::FIRST,
        subject: name.clone(),
        actor: call.principal.subject.clone(),
        time: probe.context.clock.now(),
        body: SubscriberRegistered {
            subscriber: name.clone(),
            ..Default::default()
        },
    };
    outbox::append(&mut tx, event).await?;
    let display_name = call.display_name.clone();
    let subscriber = Subscriber {
        name,
        display_name,
        ..Default::default()
    };
    let response = RegisterSubscriberResponse {
        subscriber: Some(subscriber),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

async fn get(
    probe: &Probe,
    call: Call<GetSubscriberRequest>,
) -> Result<GetSubscriberResponse, Error> {
    match call.name.as_str() {
        "gate" => drop(probe.gate.acquire().await),
        "broken" => return Err(Fault::internal("the secret inner text").into()),
        "dying" => panic!("the secret inner text"),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(400)).await;
            store(&mut *probe.context.database.read().await?, "slept").await?;
        }
        "large" => {
            let subscriber = Subscriber {
                display_name: "x".repeat(rpc::MESSAGE_BYTES_MOST),
                ..Default::default()
            };
            return Ok(GetSubscriberResponse {
                subscriber: Some(subscriber),
            });
        }
        "me" => {
            let name = call.principal.subject.clone();
            let subscriber = Subscriber {
                name,
                ..Default::default()
            };
            return Ok(GetSubscriberResponse {
                subscriber: Some(subscriber),
            });
        }
        other => return Err(Error::NoSuch(other.to_owned())),
    }
    Ok(GetSubscriberResponse::default())
}

/// An endless list without rows.
async fn list(
    probe: &Probe,
    call: Call<ListSubscribersRequest>,
) -> Result<ListSubscribersResponse, Error> {
    let tokens = &probe.context.tokens;
    let question = ListSubscribersRequest::default();
    tokens.decode(call.page_size, &call.page_token, &question)?;
    Ok(ListSubscribersResponse {
        next_page_token: tokens.encode(&["last".to_owned()], &question),
        ..Default::default()
    })
}

async fn stream(
    _: Arc<Probe>,
    call: Call<StreamNotificationsRequest>,
    sink: StreamSink<StreamNotificationsResponse>,
) -> Result<(), Error> {
    let item = |token: &str| StreamNotificationsResponse {
        resume_token: token.to_owned(),
        ..Default::default()
    };
    sink.send(item("first")).await?;
    match call.subscriber.as_str() {
        "short" => return Ok(()),
        "deaf" => std::future::pending().await,
        _ => sink.stopping().await,
    }
    sink.send(item("resume here")).await?;
    Err(Fault::new(
        ErrorCode::Unavailable,
        "SHUTTING_DOWN",
        "call again",
        "Anslut igen.",
    )
    .into())
}

async fn store(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO effect (name) VALUES ($1)")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(())
}

/// How often a name was stored.
pub(crate) async fn effects(database: &Database, name: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM effect WHERE name = $1")
        .bind(name)
        .fetch_one(database.pool())
        .await
        .unwrap()
}

/// The tonic side of the service.
struct Api(Arc<Probe>);

#[tonic::async_trait]
impl NotificationsService for Api {
    async fn register_subscriber(
        &self,
        request: Request<RegisterSubscriberRequest>,
    ) -> Result<Response<RegisterSubscriberResponse>, Status> {
        rpc::unary(&self.0, request, register).await
    }

    async fn get_subscriber(
        &self,
        request: Request<GetSubscriberRequest>,
    ) -> Result<Response<GetSubscriberResponse>, Status> {
        rpc::unary(&self.0, request, get).await
    }

    type StreamNotificationsStream = ItemStream<StreamNotificationsResponse>;

    async fn stream_notifications(
        &self,
        request: Request<StreamNotificationsRequest>,
    ) -> Result<Response<Self::StreamNotificationsStream>, Status> {
        rpc::server_stream(&self.0, request, stream).await
    }

    async fn list_subscribers(
        &self,
        request: Request<ListSubscribersRequest>,
    ) -> Result<Response<ListSubscribersResponse>, Status> {
        rpc::unary(&self.0, request, list).await
    }

    async fn subscribe(
        &self,
        _: Request<SubscribeRequest>,
    ) -> Result<Response<SubscribeResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn unsubscribe(
        &self,
        _: Request<UnsubscribeRequest>,
    ) -> Result<Response<UnsubscribeResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn list_subscriptions(
        &self,
        _: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn preview_subscription(
        &self,
        _: Request<PreviewSubscriptionRequest>,
    ) -> Result<Response<PreviewSubscriptionResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn list_notifications(
        &self,
        _: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn pull_notifications(
        &self,
        _: Request<PullNotificationsRequest>,
    ) -> Result<Response<PullNotificationsResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }

    async fn ack_notifications(
        &self,
        _: Request<AckNotificationsRequest>,
    ) -> Result<Response<AckNotificationsResponse>, Status> {
        Err(Status::unimplemented("not in the probe"))
    }
}
