//! A client that keeps the very bytes of an answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

/// How long a connection may take to be made: the machine is one, a stopped process never answers.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A connection that is silent so long is asked whether it is still there, and given up when it does
/// not say so within the same time: a node that lost its network closes nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// A method of the contracts.
#[derive(Clone, Debug)]
pub(crate) struct Method(MethodDescriptor);

/// What a call was answered with.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The encoded response.
    Answered(Vec<u8>),
    /// The service says that nothing happened.
    Refused { code: String, reason: String },
    /// Nobody knows whether something happened.
    Unknown(Status),
}

impl Method {
    /// Finds `registry.CreateArea`.
    pub(crate) fn find(call: &str) -> Result<Self> {
        let (service, name) = call.split_once('.').context("no service in the call")?;
        let package = format!("handslag.{service}.v1");
        handslag_proto::pool()
            .services()
            .filter(|candidate| candidate.package_name() == package)
            .flat_map(|candidate| candidate.methods().collect::<Vec<_>>())
            .find(|candidate| candidate.name() == name)
            .map(Self)
            .with_context(|| format!("the contracts have no {call}"))
    }

    /// `handslag.registry.v1.RegistryService/CreateArea`.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.0.parent_service().full_name(), self.0.name())
    }

    /// A request from its JSON form.
    pub(crate) fn encode(&self, request: Value) -> Result<Vec<u8>> {
        let message = DynamicMessage::deserialize(self.0.input(), request)
            .with_context(|| format!("the request does not fit {}", self.0.name()))?;
        Ok(message.encode_to_vec())
    }

    /// A response in its JSON form.
    pub(crate) fn decode(&self, response: &[u8]) -> Result<Value> {
        let message = DynamicMessage::decode(self.0.output(), response)?;
        Ok(serde_json::to_value(message)?)
    }
}

/// A channel to an address, connected when it is first used and again whenever it broke.
pub(crate) fn channel(address: std::net::SocketAddr) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let endpoint = endpoint
        .connect_timeout(CONNECT_LIMIT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_lazy())
}

/// Calls once. `told` is the deadline that the service is told of; the client waits a little
/// longer for the answer than the service has time.
pub(crate) async fn call(
    channel: Channel,
    method: &Method,
    request: Vec<u8>,
    token: &str,
    told: Duration,
) -> Outcome {
    let answer = async {
        let mut client = tonic::client::Grpc::new(channel);
        client
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(request);
        request.set_timeout(told);
        if !token.is_empty() {
            let value = format!("Bearer {token}").parse();
            let value = value.map_err(|_| Status::internal("the token is no header"))?;
            request.metadata_mut().insert("authorization", value);
        }
        let path = format!("/{}", method.path()).parse();
        let path = path.map_err(|_| Status::internal("the method is no path"))?;
        client.unary(request, path, Bare).await
    };
    match tokio::time::timeout(told + CONNECT_LIMIT, answer).await {
        Ok(Ok(response)) => Outcome::Answered(response.into_inner().to_vec()),
        Ok(Err(status)) => classify(status),
        Err(_) => Outcome::Unknown(Status::deadline_exceeded("the client gave up")),
    }
}

/// A refusal is an answer of the service with a reason and a code that says that nothing happened.
/// Whatever else went wrong may have gone wrong after the commit.
fn classify(status: Status) -> Outcome {
    let definite = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::ResourceExhausted
    );
    match status.get_details_error_info() {
        Some(info) if definite => Outcome::Refused {
            code: format!("{:?}", status.code()),
            reason: info.reason,
        },
        _ => Outcome::Unknown(status),
    }
}

/// Encodes and decodes nothing: the request is encoded before, and the answer's bytes are compared.
#[derive(Clone, Copy)]
struct Bare;

impl Codec for Bare {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Bare {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bare {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
