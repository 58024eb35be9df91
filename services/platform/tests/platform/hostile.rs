//! Peers that mean harm, or have forgotten what they wanted.

use std::net::SocketAddr;
use std::time::Duration;

use handslag_platform::auth::{Principal, Role};
use handslag_platform::testing::Bed;
use handslag_proto::notifications::v1::GetSubscriberRequest;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::probe::Probe;

/// What a client of HTTP/2 says first: the preface and an empty SETTINGS frame.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// A frame's head: three bytes of length, kind, flags, four bytes of stream.
const HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Far above the server's own deadlines: only one that keeps none exceeds it.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(bed: &Bed) -> TcpStream {
    let address: SocketAddr = bed.running().grpc_address;
    TcpStream::connect(address).await.unwrap()
}

/// Reads to the end, which the server must make.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    match tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await {
        // A reset is an end as well.
        Ok(_) => said,
        Err(_) => panic!("the server keeps a peer that never called"),
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The headers of a call, each told in full.
fn headers() -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (
            ":path",
            "/handslag.notifications.v1.NotificationsService/GetSubscriber",
        ),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in usual {
        block.push(0);
        for text in [name, value] {
            // Lengths below 127 are one byte.
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

fn me(bed: &Bed) -> tonic::Request<GetSubscriberRequest> {
    let operator = Principal::of("an-operator").with_role(Role::Operator);
    let name = "me".to_owned();
    bed.request(&operator, GetSubscriberRequest { name })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_says_nothing_or_dawdles_is_hung_up_on() {
    let bed = Bed::start::<Probe>("hostile-silence").await;
    let mut silent = connect(&bed).await;
    let mut dawdling = connect(&bed).await;
    dawdling.write_all(&GREETING[..7]).await.unwrap();
    until_closed(&mut silent).await;
    until_closed(&mut dawdling).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_calls_is_hung_up_on_and_who_has_called_may_stay() {
    let bed = Bed::start::<Probe>("hostile-idle").await;
    let (mut caller, mut idle) = (connect(&bed).await, connect(&bed).await);
    for peer in [&mut caller, &mut idle] {
        peer.write_all(GREETING).await.unwrap();
    }
    // Without a message; that it was refused is answer enough.
    let call = frame(HEADERS, END_HEADERS | END_STREAM, 1, &headers());
    caller.write_all(&call).await.unwrap();
    let said = until_closed(&mut idle).await;
    assert!(!said.is_empty(), "the greeting was answered");
    caller
        .write_all(&frame(PING, 0, 0, b"still on"))
        .await
        .unwrap();
    while next_frame(&mut caller).await.0 != PING {}
    // The end of the service waits for those who are still there.
    drop(caller);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_messages_take_nobodys_place_and_are_given_up() {
    let bed = Bed::start_with::<Probe>("hostile-half", |mut config| {
        config.limits.max_calls = 2;
        config
    })
    .await;
    let mut peer = connect(&bed).await;
    peer.write_all(GREETING).await.unwrap();
    // More calls than there are places, each with ten bytes of a hundred.
    let half = [&[0, 0, 0, 0, 100][..], &[0; 10]].concat();
    for call in 0..8 {
        let stream = 2 * call + 1;
        let begun = [
            frame(HEADERS, END_HEADERS, stream, &headers()),
            frame(DATA, 0, stream, &half),
        ];
        peer.write_all(&begun.concat()).await.unwrap();
    }
    let mut client = NotificationsServiceClient::new(bed.channel());
    for _ in 0..8 {
        client.get_subscriber(me(&bed)).await.unwrap();
    }
    // Each of the eight gets an answer: a HEADERS frame of its own.
    let mut given_up = std::collections::BTreeSet::new();
    while given_up.len() < 8 {
        let (kind, stream) = next_frame(&mut peer).await;
        if kind == HEADERS {
            given_up.insert(stream);
        }
    }
    drop(peer);
    bed.end().await;
}

/// Kind and stream of the next frame.
async fn next_frame(stream: &mut TcpStream) -> (u8, u32) {
    let read = async {
        let mut head = [0; HEAD_BYTES];
        stream.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, _, s, t, u, v] = head;
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap();
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        (kind, u32::from_be_bytes([s, t, u, v]))
    };
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(frame) => frame,
        Err(_) => panic!("the server does not give up on half a message"),
    }
}

/// More than are let in before they call, so that some are turned away at once.
const CROWD: usize = 600;

#[tokio::test]
async fn a_crowd_that_never_calls_is_turned_away_and_leaves_room_for_those_who_do() {
    let bed = Bed::start::<Probe>("crowd").await;
    let mut known = NotificationsServiceClient::new(bed.channel());
    known.get_subscriber(me(&bed)).await.unwrap();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut peer = connect(&bed).await;
        // Whoever is turned away cannot say anything.
        let _ = peer.write_all(GREETING).await;
        crowd.push(peer);
    }
    known.get_subscriber(me(&bed)).await.unwrap();
    for mut peer in crowd {
        until_closed(&mut peer).await;
    }
    let mut newcomer = NotificationsServiceClient::new(bed.channel());
    newcomer.get_subscriber(me(&bed)).await.unwrap();
    let crowded = refused_peers(&bed, "crowded").await;
    let late = refused_peers(&bed, "late").await;
    assert!(crowded > 0 && late > 0, "{crowded} and {late}");
    assert_eq!(crowded + late, CROWD, "each is counted once");
    bed.end().await;
}

/// How many connections were closed before their first call, by what the metrics say.
async fn refused_peers(bed: &Bed, reason: &str) -> usize {
    let metrics = reqwest::get(format!("http://{}/metrics", bed.running().admin_address));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let name = format!("handslag_peers_refused_total{{reason=\"{reason}\"");
    let line = metrics.lines().find(|line| line.starts_with(&name));
    let number = line.and_then(|line| line.split_whitespace().last());
    number.map_or(0, |number| number.parse().unwrap())
}
