//! What is no message at all is refused with a reason, by every method.

use bytes::{Buf, BufMut, Bytes};
use handslag_tests::{Town, message};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// Sends bytes as they are and gives those that come back.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
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

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

async fn send(town: &Town, service: &str, path: &str, body: Bytes) -> Status {
    send_encoded(town, service, path, body, "identity").await
}

async fn send_encoded(
    town: &Town,
    service: &str,
    path: &str,
    body: Bytes,
    encoding: &'static str,
) -> Status {
    let channel = town
        .city()
        .endpoints()
        .and_then(|all| all.channel(service))
        .expect("a channel");
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("ready");
    let mut request = Request::new(body);
    let token = format!("Bearer {}", town.token("operator"));
    request
        .metadata_mut()
        .insert("authorization", token.parse().expect("a header"));
    request
        .metadata_mut()
        .insert("grpc-encoding", MetadataValue::from_static(encoding));
    let path = path.parse().expect("a path");
    match client.server_streaming(request, path, Raw).await {
        Err(status) => status,
        Ok(stream) => stream
            .into_inner()
            .message()
            .await
            .expect_err("nothing is answered"),
    }
}

fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_refused_with_a_reason_everywhere() {
    let town = Town::start().await;
    for own in handslag_proto::pool()
        .services()
        .filter(|one| one.package_name().starts_with("handslag."))
    {
        let service = own.package_name().split('.').nth(1).expect("a service");
        for method in own.methods() {
            let path = format!("/{}/{}", own.full_name(), method.name());
            let status = send(&town, service, &path, Bytes::from_static(&[0xff; 11])).await;
            // Who may not call it at all is told so first.
            if status.code() == Code::PermissionDenied {
                continue;
            }
            assert_eq!(
                status.code(),
                Code::InvalidArgument,
                "{path}: {}",
                message(&status)
            );
            assert_eq!(reason(&status), "MESSAGE_MALFORMED", "{path}");
            assert!(status.get_details_localized_message().is_some(), "{path}");
        }
    }
    let path = "/handslag.registry.v1.RegistryService/ListAreas";
    let large = send(&town, "registry", path, Bytes::from(vec![0; 5 << 20])).await;
    assert_eq!(
        (large.code(), reason(&large).as_str()),
        (Code::InvalidArgument, "MESSAGE_TOO_LARGE")
    );
    let packed = send_encoded(&town, "registry", path, Bytes::new(), "gzip").await;
    assert_eq!(
        (packed.code(), reason(&packed).as_str()),
        (Code::Unimplemented, "ENCODING_UNKNOWN")
    );
    let unknown = send(
        &town,
        "registry",
        "/handslag.registry.v1.RegistryService/Abolish",
        Bytes::new(),
    )
    .await;
    assert_eq!(
        (unknown.code(), reason(&unknown).as_str()),
        (Code::Unimplemented, "METHOD_UNKNOWN")
    );
    town.end().await;
}
