//! Who may connect to the API port, and how many at once.
//!
//! # Design notes
//! tonic's own loop has no bound, and when the process is out of file descriptors it asks for the
//! next connection again at once and for ever, which takes a whole core from those who are being
//! served. Here the number is bounded, a failed accept is waited out, and a full process leaves
//! newcomers in the kernel's queue instead of turning them away: places come free within seconds,
//! since whoever takes many of them at once seldom calls.
//!
//! A greeting costs about as much as a call. A crowd that connects at once would take both cores for
//! as long as its greetings last; beyond some newcomers who have not called yet, the next ones come
//! in one at a time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::server::line::Line;
use crate::server::peer::{FIRST_CALL_TIME_CROWDED, FIRST_CALL_TIME_MOST, Peer};
use crate::tls::ServerTls;

/// Connections of one replica. Some tens of proxies and some hundred systems of boards call; an
/// idle connection costs about 20 KiB, so that a full house costs 40 MiB.
const CONNECTIONS_MOST: usize = 2_000;
/// With fewer free places than this, newcomers get less time to prove themselves.
const CROWDED_BELOW: usize = CONNECTIONS_MOST / 2;
/// Peers that have not called yet and were let in without a pause. Honest ones call at once and
/// make room, so that few are enough for a deployment that starts all at once; and each of a crowd
/// that never calls takes a tenth of a millisecond from those who do.
const NEWCOMERS_AT_ONCE: usize = 32;
/// Pause before each further one, which leaves nine tenths of a core to those who call.
const NEWCOMER_PAUSE: Duration = Duration::from_millis(1);
/// After a failed accept: out of file descriptors, or a connection that broke at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections, one after the other, without end.
pub(super) fn peers(
    listener: TcpListener,
    tls: Option<ServerTls>,
) -> impl Stream<Item = io::Result<Peer>> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    let newcomers = Arc::new(Semaphore::new(NEWCOMERS_AT_ONCE));
    let door = (listener, tls, places, newcomers);
    stream::unfold(door, |(listener, tls, places, newcomers)| async move {
        // Nobody closes the semaphore, so that there is always a next one.
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        let (stream, address) = accept(&listener).await;
        let newcomer = Arc::clone(&newcomers).try_acquire_owned().ok();
        if newcomer.is_none() {
            tokio::time::sleep(NEWCOMER_PAUSE).await;
        }
        let crowded = places.available_permits() < CROWDED_BELOW;
        let first_call = if crowded {
            FIRST_CALL_TIME_CROWDED
        } else {
            FIRST_CALL_TIME_MOST
        };
        let line = match &tls {
            Some(tls) => Line::Shaking(Box::new(tls.accept(stream))),
            None => Line::Plain(stream),
        };
        let peer = Peer::new(line, address.ip(), first_call, place, newcomer);
        Some((Ok(peer), (listener, tls, places, newcomers)))
    })
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
