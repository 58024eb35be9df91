//! The four services as this front calls them: lazily connected, with a deadline on every call.
//!
//! # Design notes
//! A channel connects when it is first used and again after every loss, so the front starts before
//! the services and survives their restarts. Reads are repeated once when the connection was lost
//! under them (a server that closes an aged connection can fail the call that races the closing);
//! commands are repeated too, since each carries the identity that makes a repetition harmless.

use std::{future::Future, time::Duration};

use handslag_platform::tls::ClientTls;
use handslag_proto::{
    commitments::v1::commitments_service_client::CommitmentsServiceClient,
    notifications::v1::notifications_service_client::NotificationsServiceClient,
    registry::v1::registry_service_client::RegistryServiceClient,
    reporting::v1::reporting_service_client::ReportingServiceClient,
};
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{config::Config, error::PageError, service::Service};

/// A reader waits for a page; a lookup that takes longer than this is as good as down.
const READ_DEADLINE: Duration = Duration::from_secs(2);
/// Reports are counted over all that has happened.
const REPORT_DEADLINE: Duration = Duration::from_secs(10);
/// Well under `READ_DEADLINE`, so that a service that is away is told from one that is slow.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Finds connections whose other end vanished without a word.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A pause before the one repetition, long enough for a new connection to be tried.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Channels to the four services.
#[derive(Clone)]
pub(crate) struct Clients {
    registry: Channel,
    commitments: Channel,
    notifications: Channel,
    reporting: Channel,
}

impl Clients {
    /// Reads the URLs; connects to nothing yet.
    ///
    /// # Errors
    /// When a URL is none.
    pub(crate) fn new(config: &Config, tls: &ClientTls) -> anyhow::Result<Self> {
        Ok(Self {
            registry: tls.channel(&config.registry, shape)?,
            commitments: tls.channel(&config.commitments, shape)?,
            notifications: tls.channel(&config.notifications, shape)?,
            reporting: tls.channel(&config.reporting, shape)?,
        })
    }

    /// Asks the registry.
    pub(crate) async fn registry<Q, A, F, Fut>(&self, request: Q, call: F) -> Result<A, PageError>
    where
        Q: Clone,
        F: Fn(RegistryServiceClient<Channel>, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let client = RegistryServiceClient::new(self.registry.clone());
        ask(Service::Registry, READ_DEADLINE, request, |r| {
            call(client.clone(), r)
        })
        .await
    }

    /// Asks commitments.
    pub(crate) async fn commitments<Q, A, F, Fut>(
        &self,
        request: Q,
        call: F,
    ) -> Result<A, PageError>
    where
        Q: Clone,
        F: Fn(CommitmentsServiceClient<Channel>, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let client = CommitmentsServiceClient::new(self.commitments.clone());
        ask(Service::Commitments, READ_DEADLINE, request, |r| {
            call(client.clone(), r)
        })
        .await
    }

    /// Asks notifications.
    pub(crate) async fn notifications<Q, A, F, Fut>(
        &self,
        request: Q,
        call: F,
    ) -> Result<A, PageError>
    where
        Q: Clone,
        F: Fn(NotificationsServiceClient<Channel>, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let client = NotificationsServiceClient::new(self.notifications.clone());
        ask(Service::Notifications, READ_DEADLINE, request, |r| {
            call(client.clone(), r)
        })
        .await
    }

    /// Asks reporting.
    pub(crate) async fn reporting<Q, A, F, Fut>(&self, request: Q, call: F) -> Result<A, PageError>
    where
        Q: Clone,
        F: Fn(ReportingServiceClient<Channel>, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let client = ReportingServiceClient::new(self.reporting.clone());
        ask(Service::Reporting, REPORT_DEADLINE, request, |r| {
            call(client.clone(), r)
        })
        .await
    }
}

fn shape(endpoint: Endpoint) -> Endpoint {
    endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .tcp_nodelay(true)
}

async fn ask<Q, A, F, Fut>(
    service: Service,
    deadline: Duration,
    question: Q,
    call: F,
) -> Result<A, PageError>
where
    Q: Clone,
    F: Fn(Request<Q>) -> Fut,
    Fut: Future<Output = Result<Response<A>, Status>>,
{
    let attempt = || {
        let mut request = Request::new(question.clone());
        request.set_timeout(deadline);
        call(request)
    };
    let both = async {
        match attempt().await {
            Err(status) if connection_was_lost(&status) => {
                tokio::time::sleep(RETRY_PAUSE).await;
                attempt().await
            }
            answer => answer,
        }
    };
    // The deadline is kept here as well: a server that hangs before it reads the request knows of
    // none.
    match tokio::time::timeout(deadline, both).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(PageError::from_status(service, &status)),
        Err(_) => Err(PageError::from_status(
            service,
            &Status::deadline_exceeded("no answer in time"),
        )),
    }
}

fn connection_was_lost(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Cancelled)
}
