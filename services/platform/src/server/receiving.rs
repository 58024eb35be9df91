//! A request is received whole before anything is spent on it.
//!
//! # Design notes
//! A message that is begun and never finished would hold one of the process's places for calls for
//! as long as its peer likes: 256 of them are a standstill, and a peer that answers pings looks
//! alive. Therefore the message comes first and the place after it. Every method here takes one
//! message; one that took a stream would need another rule.
//!
//! What has been received and is not yet a whole message is bounded for the process as a whole, in
//! bytes, since a message may have 4 MiB and a connection may begin 200 of them.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::body::Body;

use crate::rpc::MESSAGE_BYTES_MOST;

/// Time for one message: 4 MiB on a slow line of 1 MB/s. Honest ones have some hundred bytes.
const RECEIVE_TIME_MOST: Duration = Duration::from_secs(5);
/// Bytes of unfinished messages in one process.
const UNFINISHED_BYTES_MOST: usize = 64 * 1024 * 1024;
/// The flag and the length before each message.
const PREFIX_BYTES: usize = 5;

/// Why there is no whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// It did not come in time.
    Late,
    /// Too many others are unfinished as well.
    Crowded,
    /// The peer reset the stream or went away.
    Broken,
}

/// Where messages of all connections wait for their ends.
#[derive(Debug)]
pub(super) struct Receiving {
    room: Semaphore,
}

impl Receiving {
    pub(super) fn new() -> Self {
        Self {
            room: Semaphore::new(UNFINISHED_BYTES_MOST),
        }
    }

    /// The body once its message is there. Of a longer one than is allowed only the beginning is
    /// read: its length stands there, and tonic refuses it by that.
    pub(super) async fn whole(&self, body: Body) -> Result<Body, Unfinished> {
        match tokio::time::timeout(RECEIVE_TIME_MOST, self.collect(body)).await {
            Ok(collected) => collected,
            Err(_) => Err(Unfinished::Late),
        }
    }

    async fn collect(&self, mut body: Body) -> Result<Body, Unfinished> {
        let mut message = Parts::default();
        let mut held: Option<SemaphorePermit<'_>> = None;
        while message.bytes() <= MESSAGE_BYTES_MOST + PREFIX_BYTES
            && let Some(frame) = body.frame().await
        {
            let frame = frame.map_err(|_| Unfinished::Broken)?;
            // Trailers of a request say nothing to gRPC.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let bytes = u32::try_from(data.remaining()).map_err(|_| Unfinished::Crowded)?;
            let taken = self.room.try_acquire_many(bytes);
            let taken = taken.map_err(|_| Unfinished::Crowded)?;
            match &mut held {
                Some(held) => held.merge(taken),
                None => held = Some(taken),
            }
            message.push(data);
        }
        Ok(Body::new(Full::new(message.joined())))
    }
}

/// The usual message comes in one piece, which is then not copied.
#[derive(Default)]
struct Parts {
    first: Bytes,
    rest: BytesMut,
}

impl Parts {
    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
        } else {
            self.rest.extend_from_slice(&data);
        }
    }

    fn bytes(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn joined(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.first.len() + self.rest.len());
        whole.extend_from_slice(&self.first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream::{self, StreamExt as _};
    use http_body::Frame;
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::body::Body;

    use super::{MESSAGE_BYTES_MOST, Receiving, UNFINISHED_BYTES_MOST, Unfinished};

    fn body(parts: Vec<Bytes>, ends: bool) -> Body {
        let parts = stream::iter(parts.into_iter().map(Frame::data).map(Ok::<_, Infallible>));
        if ends {
            Body::new(StreamBody::new(parts))
        } else {
            Body::new(StreamBody::new(parts.chain(stream::pending())))
        }
    }

    #[tokio::test]
    async fn gives_back_what_came_in_pieces() {
        let parts = vec![Bytes::from("abc"), Bytes::from("de"), Bytes::from("f")];
        let whole = Receiving::new().whole(body(parts, true)).await.unwrap();
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "abcdef");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_never_finished_is_given_up_and_its_room_is_free_again() {
        let receiving = Receiving::new();
        let half = body(vec![Bytes::from("abc")], false);
        assert_eq!(receiving.whole(half).await.unwrap_err(), Unfinished::Late);
        assert_eq!(receiving.room.available_permits(), UNFINISHED_BYTES_MOST);
    }

    #[tokio::test]
    async fn no_more_is_kept_than_there_is_room_for() {
        let receiving = Receiving::new();
        let part = Bytes::from(vec![0; MESSAGE_BYTES_MOST]);
        let most = UNFINISHED_BYTES_MOST / MESSAGE_BYTES_MOST;
        let mut halves = Vec::new();
        for _ in 0..most {
            let mut half = Box::pin(receiving.whole(body(vec![part.clone()], false)));
            assert!(futures_util::poll!(&mut half).is_pending());
            halves.push(half);
        }
        let one_more = receiving.whole(body(vec![Bytes::from("x")], false)).await;
        assert_eq!(one_more.unwrap_err(), Unfinished::Crowded);
        drop(halves);
        assert!(receiving.whole(body(vec![part], true)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_message_beyond_the_limit_no_more_is_read_than_tells_so() {
        let parts = vec![Bytes::from(vec![0; MESSAGE_BYTES_MOST]); 3];
        // It has no end, and yet the answer comes.
        let read = Receiving::new().whole(body(parts, false)).await.unwrap();
        let bytes = read.collect().await.unwrap().to_bytes().len();
        assert_eq!(bytes, 2 * MESSAGE_BYTES_MOST);
    }
}
