//! tonic alone: one method that answers with what it holds, on a bare server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use handslag_proto::registry::v1::{LookUpOrganisationRequest, LookUpOrganisationResponse};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

const PATH: &str = "/handslag.bench.Echo/LookUp";

/// A running echo. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Echo {
    /// Starts one that always gives this answer.
    pub(crate) async fn start(answer: LookUpOrganisationResponse) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder()
            .add_service(Method(answer))
            .serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
        tokio::spawn(server);
        Ok(Self { address, stop })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Calls it once.
pub(crate) async fn call(
    channel: Channel,
    request: LookUpOrganisationRequest,
) -> Result<Response<LookUpOrganisationResponse>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(PATH);
    client
        .unary(Request::new(request), path, ProstCodec::default())
        .await
}

/// What tonic's code generator would make of the one method.
#[derive(Clone, Debug)]
struct Method(LookUpOrganisationResponse);

impl NamedService for Method {
    const NAME: &'static str = "handslag.bench.Echo";
}

impl UnaryService<LookUpOrganisationRequest> for Method {
    type Response = LookUpOrganisationResponse;
    type Future = std::future::Ready<Result<Response<LookUpOrganisationResponse>, Status>>;

    fn call(&mut self, _: Request<LookUpOrganisationRequest>) -> Self::Future {
        std::future::ready(Ok(Response::new(self.0.clone())))
    }
}

impl Service<http::Request<Body>> for Method {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}
