//! A connection on which anything may be written.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::frames::{
    ACK, END_STREAM, GOAWAY, HEAD_BYTES, HEADERS, PAYLOAD_MOST, PING, RST_STREAM, frame,
};

/// Longest watch of one peer: what lives longer has won.
const WATCH: Duration = Duration::from_secs(60);

/// Time for a look at what has come.
const GLANCE: Duration = Duration::from_millis(2);

/// What a server does about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The connection is closed, or announced to be.
    Closed,
    /// The call of this stream has its answer.
    Answered(u32),
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// When it was made.
    pub(super) since: Instant,
    read: Vec<u8>,
    /// Whether it answers pings.
    polite: bool,
    over: bool,
}

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("the service is not reachable")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            since: Instant::now(),
            read: Vec::new(),
            polite: true,
            over: false,
        })
    }

    /// No longer answers pings.
    pub(super) fn fall_silent(&mut self) {
        self.polite = false;
    }

    /// Writes; false when the server has closed the connection.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = tokio::time::timeout(WATCH, self.stream.write_all(bytes)).await;
        matches!(written, Ok(Ok(())))
    }

    /// Waits until the server does something about this peer.
    pub(super) async fn seen(&mut self) -> anyhow::Result<Seen> {
        match tokio::time::timeout(WATCH, self.read_on()).await {
            Ok(seen) => Ok(seen),
            Err(_) => bail!(
                "the server does nothing about the peer in {} s",
                WATCH.as_secs()
            ),
        }
    }

    /// Waits until the connection is closed, whatever else the server does.
    pub(super) async fn closed(&mut self) -> anyhow::Result<()> {
        while !self.over {
            self.over = self.seen().await? == Seen::Closed;
        }
        Ok(())
    }

    /// Reads what has come; whether the server has closed the connection. A write would notice it
    /// later, and a server whose answers nobody reads stops reading itself.
    pub(super) async fn is_closed_already(&mut self) -> bool {
        self.over || tokio::time::timeout(GLANCE, self.closed()).await.is_ok()
    }

    async fn read_on(&mut self) -> Seen {
        loop {
            while let Some(next) = self.next_frame() {
                match (next.kind, next.flags) {
                    (GOAWAY, _) => return Seen::Closed,
                    (RST_STREAM, _) => return Seen::Answered(next.stream),
                    (HEADERS, flags) if flags & END_STREAM != 0 => {
                        return Seen::Answered(next.stream);
                    }
                    (PING, flags) if flags & ACK == 0 && self.polite => {
                        // If it cannot be written, the next read says why.
                        self.write(&frame(PING, ACK, 0, &next.payload)).await;
                    }
                    _ => {}
                }
            }
            let mut part = [0; PAYLOAD_MOST];
            match self.stream.read(&mut part).await {
                Ok(0) | Err(_) => return Seen::Closed,
                Ok(bytes) => self.read.extend_from_slice(&part[..bytes]),
            }
        }
    }

    fn next_frame(&mut self) -> Option<Frame> {
        let (head, rest) = self.read.split_first_chunk::<HEAD_BYTES>()?;
        let [a, b, c, kind, flags, s, t, u, v] = *head;
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
        let payload = rest.get(..length)?.to_vec();
        let stream = u32::from_be_bytes([s, t, u, v]);
        self.read.drain(..HEAD_BYTES + length);
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}
