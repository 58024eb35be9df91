//! The gRPC server and its limits.
//!
//! # Design notes
//! tonic's defaults leave streams per connection unlimited, never close a silent connection, and
//! send messages of any size. Each bound here is a constant with its reason. The age of a
//! connection is set alone: together with a grace time tonic 0.14 cuts the connection without a
//! GOAWAY.
//!
//! Hostile peers meet a bound at each step: how many may connect ([`incoming`]), how long they may
//! take to shake hands, to greet and to call ([`peer`]), how large their headers are and how often they reset (the
//! constants below), how long a message takes to arrive ([`receiving`]), and only then a place
//! ([`door`]).

mod admin;
mod door;
mod health;
mod incoming;
mod limiter;
mod line;
mod peer;
mod places;
mod receiving;
mod shed;
mod unexplained;

use std::time::Duration;

use tokio::net::TcpListener;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::Server;

use crate::config::LimitsConfig;
use crate::id;
use crate::shutdown::Shutdown;
use crate::tls::ServerTls;

pub(crate) use admin::Admin;
pub(crate) use door::{Door, DoorSettings};
pub use health::DELIVERY;
pub(crate) use health::Health;
pub(crate) use incoming::listen;

/// Calls open at once on one connection: one client cannot take all the places of a replica with
/// one connection.
const STREAMS_PER_CONNECTION_MOST: u32 = 200;
/// Headers of one call, in bytes: a token of 8 KiB and tracing fit twice.
const HEADER_LIST_BYTES_MOST: u32 = 16 * 1024;
/// A silent connection is asked whether it still lives after this time: below the idle time of
/// common load balancers.
const KEEPALIVE_PAUSE: Duration = Duration::from_secs(30);
/// and is closed when it does not answer for this long.
const KEEPALIVE_ANSWER_MOST: Duration = Duration::from_secs(10);
/// Streams that a client may open and reset before it is cut off: the rapid reset attack
/// (CVE-2023-44487).
const RESET_STREAMS_MOST: usize = 20;
/// Share of a connection's age that is random, so that clients of one deployment do not come back
/// all at once.
const AGE_JITTER: f64 = 0.2;

/// Serves until the process stops and the last connection is done.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    routes: Routes,
    door: Door,
    limits: LimitsConfig,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "an age in seconds is far below 2^52"
    )]
    let age = limits.connection_age_seconds as f64;
    let metrics = door.metrics().clone();
    let age = age * (1.0 - AGE_JITTER / 2.0 + AGE_JITTER * id::random_fraction());
    Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MOST)
        .http2_max_header_list_size(HEADER_LIST_BYTES_MOST)
        .http2_keepalive_interval(Some(KEEPALIVE_PAUSE))
        .http2_keepalive_timeout(Some(KEEPALIVE_ANSWER_MOST))
        .http2_max_pending_accept_reset_streams(Some(RESET_STREAMS_MOST))
        .max_connection_age(Duration::from_secs_f64(age.max(1.0)))
        .accept_http1(false)
        .layer(door)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming::peers(listener, tls, metrics), async move {
            shutdown.stopping().await;
        })
        .await?;
    Ok(())
}

/// Adds reflection, in the version that current tools ask for and in the one that older ones do.
pub(crate) fn add_reflection(routes: &mut RoutesBuilder) -> anyhow::Result<()> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(handslag_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, which a client that knows only reflection could not read otherwise.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    routes.add_service(builder().build_v1()?);
    routes.add_service(builder().build_v1alpha()?);
    Ok(())
}

/// Makes ring the process's provider of cryptography for TLS. Whoever comes second finds it
/// installed.
pub fn install_tls_provider() {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
}
