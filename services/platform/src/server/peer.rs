//! A connection that has to prove itself: greet in time, call in time.
//!
//! # Design notes
//! Neither hyper nor tonic bounds the time before the first frame: who connects and says nothing,
//! or a byte a second, keeps his socket for ever, and the pings that find dead peers begin only
//! after the greeting. Both deadlines are kept here, under HTTP/2, where nothing has been spent on
//! the peer yet. A client of any library connects when it has something to call, and connects anew
//! without being told when an unused connection was closed, so that honest ones notice nothing.
//!
//! With TLS the handshake comes first, in the same time: greeting means what HTTP/2 says inside it.
//!
//! A connection that has called once is left to the pings and to its age: an idle but well-behaved
//! client may stay.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tonic::transport::server::Connected;

use crate::server::line::{Line, Transport};
use crate::telemetry::metrics::{Metrics, PeerRefused};

/// Time for the greeting of HTTP/2 and the handshake of TLS before it, from the moment of the
/// connection: some round trips of the slowest line.
pub(super) const GREETING_TIME_MOST: Duration = Duration::from_secs(5);
/// Bytes of a greeting at least: the preface and an empty SETTINGS frame.
const GREETING_BYTES: usize = 24 + 9;
/// Time until the first call, from the moment of the connection.
pub(super) const FIRST_CALL_TIME_MOST: Duration = Duration::from_secs(8);
/// The same while many have not called yet: whoever wants to call does so at once.
pub(super) const FIRST_CALL_TIME_CROWDED: Duration = Duration::from_secs(1);

/// What calls know of their connection.
#[derive(Clone, Debug)]
pub(super) struct PeerInfo {
    /// Where it comes from.
    pub(super) address: IpAddr,
    called: Arc<AtomicBool>,
}

impl PeerInfo {
    /// Notes that the connection carries a call.
    pub(super) fn calls(&self) {
        self.called.store(true, Ordering::Relaxed);
    }
}

/// A peer's connection; holds one of the process's places for connections.
#[derive(Debug)]
pub(super) struct Peer {
    line: Line,
    info: PeerInfo,
    received: usize,
    greeted: bool,
    first_call_until: Instant,
    /// Gone once the peer has called.
    trial: Option<Trial>,
    _place: OwnedSemaphorePermit,
}

/// The time in which a peer has to prove itself.
#[derive(Debug)]
struct Trial {
    until: Pin<Box<Sleep>>,
    /// Its place among those on trial.
    _place: OwnedSemaphorePermit,
    metrics: Metrics,
    failed: bool,
}

impl Peer {
    /// A peer that has just connected and shall make its first call within `first_call`.
    pub(super) fn new(
        line: Line,
        address: IpAddr,
        first_call: Duration,
        place: OwnedSemaphorePermit,
        trial: OwnedSemaphorePermit,
        metrics: Metrics,
    ) -> Self {
        let now = Instant::now();
        let greeting_until = now + first_call.min(GREETING_TIME_MOST);
        Self {
            line,
            info: PeerInfo {
                address,
                called: Arc::default(),
            },
            received: 0,
            greeted: false,
            first_call_until: now + first_call,
            trial: Some(Trial {
                until: Box::pin(tokio::time::sleep_until(greeting_until)),
                _place: trial,
                metrics,
                failed: false,
            }),
            _place: place,
        }
    }

    /// The line, once it is open. HTTP/2 begins with a write, so that the trial is watched here too.
    fn poll_line(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Pin<&mut dyn Transport>>> {
        let shaken = self.line.poll_shaken(context);
        if shaken.is_pending() && self.has_failed(context) {
            return Poll::Ready(Err(late()));
        }
        ready!(shaken)?;
        Poll::Ready(self.line.stream())
    }

    /// Whether the peer has failed its trial by now; if not, the task is woken when it would have.
    fn has_failed(&mut self, context: &mut Context<'_>) -> bool {
        let Some(trial) = &mut self.trial else {
            return false;
        };
        if self.info.called.load(Ordering::Relaxed) {
            self.trial = None;
            return false;
        }
        if !self.greeted && self.received >= GREETING_BYTES {
            self.greeted = true;
            trial.until.as_mut().reset(self.first_call_until);
        }
        let over = trial.until.as_mut().poll(context).is_ready();
        if over && !trial.failed {
            trial.failed = true;
            trial.metrics.peer_refused(PeerRefused::Late);
        }
        over
    }
}

impl Connected for Peer {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        self.info.clone()
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(self.poll_line(context))?.poll_read(context, buffer);
        self.received += buffer.filled().len() - before;
        // After the read: what has arrived in time counts, however late this task was woken.
        if read.is_pending() && self.has_failed(context) {
            return Poll::Ready(Err(late()));
        }
        read
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_line(context))?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_line(context))?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_line(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_line(context))?.poll_shutdown(context)
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer made no call in time")
}
