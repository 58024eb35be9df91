//! One call, byte by byte: what gRPC's own clients would never send, and all of what comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::ServiceExt as _;

use super::bytes::frame;
use super::service_of;

/// Patience with an answer: the services bound a call themselves, to ten seconds.
const ANSWER_TIME_MOST: Duration = Duration::from_secs(15);
/// A stream that is silent for so long is taken for one that waits, and left.
const STREAM_SILENCE: Duration = Duration::from_millis(200);
/// Messages read of a stream before it is left.
const STREAM_MESSAGES_MOST: usize = 32;
/// Flag and length of a frame.
const FRAME_HEAD_BYTES: usize = 5;

/// Connections to the services.
pub(super) struct Wires(BTreeMap<&'static str, Channel>);

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// `/package.Service/Method`.
    pub(super) path: String,
    /// The service's short name.
    pub(super) service: &'static str,
    /// Who calls.
    pub(super) authorization: Option<HeaderValue>,
    /// `grpc-encoding`.
    pub(super) encoding: Option<&'static str>,
    /// Any other header.
    pub(super) header: Option<(&'static str, HeaderValue)>,
    /// All frames.
    pub(super) body: Bytes,
    /// Whether many messages may come back.
    pub(super) is_streaming: bool,
}

impl Sent {
    /// A message as it should be sent.
    pub(super) fn right(
        method: &MethodDescriptor,
        authorization: Option<HeaderValue>,
        request: &DynamicMessage,
    ) -> Self {
        Self {
            path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
            service: service_of(method),
            authorization,
            encoding: None,
            header: None,
            body: frame(&request.encode_to_vec()).into(),
            is_streaming: method.is_server_streaming(),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// An answer in gRPC's form.
    Whole {
        /// How it ended; OK for a stream that was left while it waited.
        status: Status,
        /// The messages.
        messages: Vec<Bytes>,
        /// Size of the headers that tell how it ended.
        status_bytes: usize,
    },
    /// Something else, in words.
    Broken(String),
}

impl Wires {
    /// Connects when a call needs it.
    pub(super) fn new(addresses: &[(&'static str, std::net::SocketAddr)]) -> Self {
        let connect = |(service, address): &(&'static str, std::net::SocketAddr)| {
            let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
            // An answer that is too large for other clients must be measured, not lost.
            let endpoint = endpoint.http2_max_header_list_size(16 << 20);
            (*service, endpoint.connect_lazy())
        };
        Self(addresses.iter().map(connect).collect())
    }

    /// Makes a call and reads its answer to the end.
    pub(super) async fn send(&self, sent: &Sent) -> Answer {
        let call = self.call(sent);
        match tokio::time::timeout(ANSWER_TIME_MOST, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(broken)) => Answer::Broken(broken),
            Err(_) => {
                let seconds = ANSWER_TIME_MOST.as_secs();
                Answer::Broken(format!("no answer within {seconds} s"))
            }
        }
    }

    async fn call(&self, sent: &Sent) -> Result<Answer, String> {
        let channel = self.0[sent.service].clone();
        let mut request = http::Request::post(&sent.path)
            .version(http::Version::HTTP_2)
            .header("te", "trailers")
            .header("content-type", "application/grpc");
        if let Some(encoding) = sent.encoding {
            request = request.header("grpc-encoding", encoding);
        }
        if let Some((name, value)) = &sent.header {
            request = request.header(*name, value);
        }
        if let Some(authorization) = &sent.authorization {
            request = request.header("authorization", authorization);
        }
        let body = Body::new(Full::new(sent.body.clone()));
        let request = request.body(body).map_err(|error| error.to_string())?;
        let response = channel
            .oneshot(request)
            .await
            .map_err(|error| format!("the connection broke: {}", chain(&error)))?;
        read(response, sent.is_streaming).await
    }
}

async fn read(response: http::Response<Body>, is_streaming: bool) -> Result<Answer, String> {
    if response.status() != http::StatusCode::OK {
        return Err(format!("HTTP answers {}", response.status()));
    }
    let (head, mut body) = response.into_parts();
    let mut unread = BytesMut::new();
    let mut messages = Vec::new();
    let mut trailers = None;
    loop {
        let next = body.frame();
        let frame = if is_streaming {
            match tokio::time::timeout(STREAM_SILENCE, next).await {
                Ok(frame) => frame,
                Err(_) => return Ok(whole(Status::new(Code::Ok, ""), messages, 0)),
            }
        } else {
            next.await
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| format!("the answer broke off: {}", chain(&error)))?;
        match frame.into_data() {
            Ok(data) => unread.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        take_messages(&mut unread, &mut messages)?;
        if is_streaming && messages.len() >= STREAM_MESSAGES_MOST {
            return Ok(whole(Status::new(Code::Ok, ""), messages, 0));
        }
    }
    if !unread.is_empty() {
        return Err(format!(
            "{} bytes of a frame came and no more",
            unread.len()
        ));
    }
    let told = trailers.unwrap_or(head.headers);
    let status = Status::from_header_map(&told).ok_or("the answer ended without a status")?;
    Ok(whole(status, messages, size(&told)))
}

fn whole(status: Status, messages: Vec<Bytes>, status_bytes: usize) -> Answer {
    Answer::Whole {
        status,
        messages,
        status_bytes,
    }
}

fn take_messages(unread: &mut BytesMut, messages: &mut Vec<Bytes>) -> Result<(), String> {
    while let Some(head) = unread.first_chunk::<FRAME_HEAD_BYTES>() {
        if head[0] != 0 {
            return Err(format!("the answer's frame has the flag {}", head[0]));
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let length = usize::try_from(length).map_err(|error| error.to_string())?;
        if unread.len() < FRAME_HEAD_BYTES + length {
            return Ok(());
        }
        unread.advance(FRAME_HEAD_BYTES);
        messages.push(unread.split_to(length).freeze());
    }
    Ok(())
}

/// As HTTP/2 counts it (RFC 9113, 6.5.2): 32 bytes more for each header.
fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 32)
        .sum()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::take_messages;

    #[test]
    fn messages_are_taken_out_of_their_frames() {
        let mut unread = BytesMut::from(&b"\0\0\0\0\x02ab\0\0\0\0\0\0\0\0\0\x03a"[..]);
        let mut messages = Vec::new();
        take_messages(&mut unread, &mut messages).expect("frames");
        assert_eq!(messages, ["ab", ""]);
        assert_eq!(unread.len(), 6);
        assert!(take_messages(&mut BytesMut::from(&[1; 5][..]), &mut messages).is_err());
    }
}
