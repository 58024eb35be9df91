//! Who may connect to the API port, and how many at once.
//!
//! # Design notes
//! tonic's own loop has no bound, and when the process is out of file descriptors it asks for the
//! next connection again at once and for ever, which takes a whole core from those who are being
//! served. Here the number is bounded, a failed accept is waited out, and a full process leaves
//! newcomers in the kernel's queue instead of turning them away: places come free within seconds,
//! since whoever takes many of them at once seldom calls.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::server::peer::{FIRST_CALL_TIME_CROWDED, FIRST_CALL_TIME_MOST, Peer};

/// Connections of one replica. Some tens of proxies and some hundred systems of boards call; an
/// idle connection costs about 20 KiB, so that a full house costs 40 MiB.
const CONNECTIONS_MOST: usize = 2_000;
/// With fewer free places than this, newcomers get less time to prove themselves.
const CROWDED_BELOW: usize = CONNECTIONS_MOST / 2;
/// After a failed accept: out of file descriptors, or a connection that broke at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections, one after the other, without end.
pub(super) fn peers(listener: TcpListener) -> impl Stream<Item = io::Result<Peer>> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MOST));
    stream::unfold((listener, places), |(listener, places)| async move {
        // Nobody closes the semaphore, so that there is always a next one.
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        let (stream, address) = accept(&listener).await;
        let crowded = places.available_permits() < CROWDED_BELOW;
        let first_call = if crowded {
            FIRST_CALL_TIME_CROWDED
        } else {
            FIRST_CALL_TIME_MOST
        };
        let peer = Peer::new(stream, address.ip(), first_call, place);
        Some((Ok(peer), (listener, places)))
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
