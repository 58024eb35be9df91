//! One unary call by the contract's own description, without generated types.

use std::collections::BTreeMap;

use anyhow::Context;
use handslag_platform::tls::{ClientFiles, ClientTls};
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;
use tonic::{
    Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

/// Time for one call of an import, above the services' own bound of ten seconds.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(12);
/// Time for a connection and its handshake.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);

/// Where the services answer.
#[derive(Clone)]
pub struct Endpoints {
    channels: BTreeMap<&'static str, Channel>,
}

impl Endpoints {
    /// Connects lazily to each service's address, as `http://127.0.0.1:7401`.
    ///
    /// # Errors
    /// When an address is no URL.
    pub fn new(addresses: &[(&'static str, String)]) -> anyhow::Result<Self> {
        Self::secured(addresses, &ClientTls::new(ClientFiles::default())?)
    }

    /// The same, with TLS of one's own for `https` addresses.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn secured(addresses: &[(&'static str, String)], tls: &ClientTls) -> anyhow::Result<Self> {
        let shape = |endpoint: Endpoint| endpoint.timeout(DEADLINE).connect_timeout(CONNECT);
        let mut channels = BTreeMap::new();
        for (service, address) in addresses {
            let channel = tls
                .channel(address, shape)
                .with_context(|| format!("{address} is no address of {service}"))?;
            channels.insert(*service, channel);
        }
        Ok(Self { channels })
    }

    /// The channel to a service.
    ///
    /// # Errors
    /// When the service is not among the addresses.
    pub fn channel(&self, service: &str) -> anyhow::Result<Channel> {
        self.channels
            .get(service)
            .cloned()
            .with_context(|| format!("no address is known of {service}"))
    }
}

/// Why a call gave no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The service refused.
    Status(Box<Status>),
    /// The call is not in the contract.
    Malformed(anyhow::Error),
}

/// Calls `<service>.<Method>` with a request in JSON and gives the response in JSON.
///
/// # Errors
/// [`Refusal::Malformed`] when the contract has no such method or the request does not fit it, [`Refusal::Status`]
/// when the service refuses.
pub async fn invoke(
    endpoints: &Endpoints,
    call: &str,
    request: Value,
    token: &str,
) -> Result<Value, Refusal> {
    let mut call = prepare(endpoints, call, request, token).await?;
    let response = call
        .client
        .unary(call.request, call.path, call.codec)
        .await
        .map_err(refused)?;
    serde_json::to_value(response.into_inner())
        .context("the response has no JSON form")
        .map_err(Refusal::Malformed)
}

/// Opens a method's stream and waits for its first message, or for its end.
///
/// # Errors
/// As [`invoke`].
pub async fn open(
    endpoints: &Endpoints,
    call: &str,
    request: Value,
    token: &str,
) -> Result<(), Refusal> {
    let mut call = prepare(endpoints, call, request, token).await?;
    let response = call
        .client
        .server_streaming(call.request, call.path, call.codec)
        .await;
    response
        .map_err(refused)?
        .into_inner()
        .message()
        .await
        .map(drop)
        .map_err(refused)
}

/// A call that is ready to be made.
struct Prepared {
    client: tonic::client::Grpc<Channel>,
    request: Request<DynamicMessage>,
    path: http::uri::PathAndQuery,
    codec: Dynamic,
}

fn refused(status: Status) -> Refusal {
    Refusal::Status(Box::new(status))
}

async fn prepare(
    endpoints: &Endpoints,
    call: &str,
    request: Value,
    token: &str,
) -> Result<Prepared, Refusal> {
    let (channel, request, path, codec) =
        parts(endpoints, call, request, token).map_err(Refusal::Malformed)?;
    let mut client = tonic::client::Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| refused(Status::unavailable(error.to_string())))?;
    Ok(Prepared {
        client,
        request,
        path,
        codec,
    })
}

type Parts = (
    Channel,
    Request<DynamicMessage>,
    http::uri::PathAndQuery,
    Dynamic,
);

fn parts(endpoints: &Endpoints, call: &str, request: Value, token: &str) -> anyhow::Result<Parts> {
    let (service, method) = find(call)?;
    let message = DynamicMessage::deserialize(method.input(), request)
        .with_context(|| format!("the request does not fit {call}"))?;
    let channel = endpoints.channel(&service)?;
    let mut request = Request::new(message);
    if !token.is_empty() {
        let value = format!("Bearer {token}")
            .parse()
            .context("the token is no header value")?;
        request.metadata_mut().insert("authorization", value);
    }
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name()).parse()?;
    Ok((channel, request, path, Dynamic(method.output())))
}

fn find(call: &str) -> anyhow::Result<(String, MethodDescriptor)> {
    let (service, method) = call
        .split_once('.')
        .with_context(|| format!("{call} is not <service>.<Method>"))?;
    let package = format!("handslag.{service}.v1");
    handslag_proto::pool()
        .services()
        .filter(|candidate| candidate.package_name() == package)
        .flat_map(|candidate| candidate.methods().collect::<Vec<_>>())
        .find(|candidate| candidate.name() == method)
        .map(|found| (service.to_owned(), found))
        .with_context(|| format!("the contract has no {call}"))
}

/// Encodes any message, and decodes messages of one type.
#[derive(Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        self.clone()
    }

    fn decoder(&mut self) -> Self::Decoder {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: Self::Item, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(buffer)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        DynamicMessage::decode(self.0.clone(), buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::{DynamicMessage, find};
    use crate::import::{Script, Step};

    #[test]
    fn every_step_of_record_and_example_fits_the_contract() {
        let steps: Vec<Step> = Script::record()
            .expect("record")
            .steps
            .into_iter()
            .chain(crate::example::steps())
            .collect();
        for step in steps {
            let (_, method) = find(&step.call).expect(&step.key);
            DynamicMessage::deserialize(method.input(), step.request.clone()).expect(&step.key);
        }
    }

    #[test]
    fn refuses_a_method_that_the_contract_does_not_have() {
        assert!(find("registry.Abolish").is_err());
        assert!(find("registry").is_err());
    }
}
