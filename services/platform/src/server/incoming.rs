//! Who may connect to the API port, and how many at once.
//!
//! # Design notes
//! tonic's own loop has no bound, and when the process is out of file descriptors it asks for the
//! next connection again at once and for ever, which takes a whole core from those who are being
//! served. Here the number is bounded, a failed accept is waited out, and a full process leaves
//! newcomers in the kernel's queue.
//!
//! A greeting costs about as much as a call, and a place is worth more than that. A crowd that
//! connects at once and never calls would take both cores for as long as its greetings last, and all
//! places for seconds. Whoever means to call does so at once; so beyond some peers who have not, the
//! next ones come in one at a time and have less time, and beyond many they are turned away, which
//! costs next to nothing and which every client's policy answers by coming again.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::server::line::Line;
use crate::server::peer::{FIRST_CALL_TIME_CROWDED, FIRST_CALL_TIME_MOST, Peer};
use crate::telemetry::metrics::{Metrics, PeerRefused};
use crate::tls::ServerTls;

/// Connections of one replica. Some tens of proxies and some hundred systems of boards call; an
/// idle connection costs about 20 KiB, so that a full house costs 40 MiB.
const CONNECTIONS_MOST: usize = 2_000;
/// Peers on trial, which have not called yet: whoever comes beyond these is turned away. A
/// deployment that starts all at once has fewer, since each of its peers calls within milliseconds.
const TRIALS_MOST: usize = 256;
/// Peers on trial that were let in without a pause: few are enough for those who call at once, and
/// each of a crowd that never calls takes a tenth of a millisecond from those who do.
const TRIALS_AT_ONCE: usize = 32;
/// Pause before each further one, which leaves nine tenths of a core to those who call.
const NEWCOMER_PAUSE: Duration = Duration::from_millis(1);
/// Connections that the kernel keeps ready. When there is no room, it leaves a peer that believes to be
/// connected without an answer for up to a minute; this many are let in or turned away in seconds.
/// The kernel's own bound (`net.core.somaxconn`) is often the same.
const QUEUE_MOST: u32 = 4_096;
/// After a failed accept: out of file descriptors, or a connection that broke at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens the API port.
///
/// # Errors
/// When the address is not this machine's, or taken.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // What a former process left of its connections is no hindrance.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE_MOST)
}

/// The connections, one after the other, without end.
pub(super) fn peers(
    listener: TcpListener,
    tls: Option<ServerTls>,
    metrics: Metrics,
) -> impl Stream<Item = io::Result<Peer>> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    let trials = Arc::new(Semaphore::new(TRIALS_MOST));
    let door = (listener, tls, metrics, places, trials);
    stream::unfold(
        door,
        |(listener, tls, metrics, places, trials)| async move {
            // Nobody closes the semaphore, so that there is always a next one.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            let (stream, address, trial) = loop {
                let (stream, address) = accept(&listener).await;
                if let Ok(trial) = Arc::clone(&trials).try_acquire_owned() {
                    break (stream, address, trial);
                }
                // Closed by being dropped.
                metrics.peer_refused(PeerRefused::Crowded);
                tracing::debug!(%address, "a peer was turned away: too many have not called yet");
                // Those who call come first.
                tokio::task::yield_now().await;
            };
            let crowded = TRIALS_MOST - trials.available_permits() > TRIALS_AT_ONCE;
            let first_call = if crowded {
                tokio::time::sleep(NEWCOMER_PAUSE).await;
                FIRST_CALL_TIME_CROWDED
            } else {
                FIRST_CALL_TIME_MOST
            };
            let line = match &tls {
                Some(tls) => Line::Shaking(Box::new(tls.accept(stream))),
                None => Line::Plain(stream),
            };
            let peer = Peer::new(
                line,
                address.ip(),
                first_call,
                place,
                trial,
                metrics.clone(),
            );
            Some((Ok(peer), (listener, tls, metrics, places, trials)))
        },
    )
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers are small and waited for; without it they wait for each other.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection broke before it was served");
                }
                return (stream, address);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the API port was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
