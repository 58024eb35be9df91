//! The proxy in front of a server that answers every byte with the same byte.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Long enough for any step on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long something is watched that must not happen.
const WATCH: Duration = Duration::from_millis(200);

/// A server that sends back what it gets, behind its own name.
async fn echo(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(&[name]).await?;
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await?;
                // What a client is told that has nothing more to say.
                write.write_all(b"bye").await
            });
        }
    });
    address
}

struct Client(TcpStream);

impl Client {
    async fn connect(proxy: &Proxy) -> io::Result<Self> {
        TcpStream::connect(proxy.address()).await.map(Self)
    }

    /// Connects and reads the server's name.
    async fn greeted(proxy: &Proxy) -> (Self, u8) {
        let mut client = Self::connect(proxy).await.unwrap();
        let name = client.read(1).await.unwrap();
        (client, name[0])
    }

    async fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = tokio::time::timeout(PATIENCE, self.0.read_exact(&mut bytes));
        read.await.expect("answered in time")?;
        Ok(bytes)
    }

    async fn says(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(bytes).await?;
        self.read(bytes.len()).await
    }

    async fn hears_nothing(&mut self) -> bool {
        let mut byte = [0];
        tokio::time::timeout(WATCH, self.0.read(&mut byte))
            .await
            .is_err()
    }
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let look = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let looked = tokio::time::timeout(PATIENCE, look).await;
    assert!(looked.is_ok(), "waited in vain: {what}");
}

async fn proxy() -> Proxy {
    Proxy::start(echo(b'a').await, 1).unwrap()
}

#[tokio::test]
async fn a_good_network_passes_every_byte_and_counts_it() {
    let proxy = proxy().await;
    let (mut client, _) = Client::greeted(&proxy).await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let (mut read, mut write) = client.0.split();
    let mut answer = vec![0; bytes.len()];
    let (written, read) = tokio::join!(write.write_all(&bytes), read.read_exact(&mut answer));
    written.and(read.map(drop)).unwrap();
    assert!(answer == bytes, "the bytes came back changed");
    let sent = bytes.len() as u64;
    eventually("all is counted", async || {
        let counters = proxy.counters();
        (counters.accepted, counters.open) == (1, 1)
            && (counters.bytes_to_server, counters.bytes_to_client) == (sent, sent + 1)
    })
    .await;
    client.0.shutdown().await.unwrap();
    assert_eq!(
        client.read(3).await.unwrap(),
        b"bye",
        "a half-closed end still hears"
    );
    drop(client);
    eventually("the connection ends", async || proxy.counters().open == 0).await;
}

#[tokio::test]
async fn a_shut_door_refuses_and_opens_again_on_the_same_port() {
    let proxy = proxy().await;
    let (mut old, _) = Client::greeted(&proxy).await;
    for _ in 0..3 {
        proxy.set(Conditions::refusing());
        let refused = async || match Client::connect(&proxy).await {
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            Ok(_) => false,
        };
        eventually("connections are refused", refused).await;
        assert_eq!(old.says(b"still here").await.unwrap(), b"still here");
        proxy.set(Conditions::default());
        eventually("connections are let in", async || {
            Client::connect(&proxy).await.is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn a_cut_is_a_reset_or_an_end_for_every_connection() {
    let proxy = proxy().await;
    let (mut one, _) = Client::greeted(&proxy).await;
    let (mut other, _) = Client::greeted(&proxy).await;
    assert_eq!(proxy.cut(Cut::Reset), 2);
    for client in [&mut one, &mut other] {
        let error = client.read(1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    let (mut third, _) = Client::greeted(&proxy).await;
    assert_eq!(proxy.cut(Cut::Close), 1);
    let error = third.read(1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    eventually("all are cut", async || proxy.counters().open == 0).await;
    assert_eq!(proxy.counters().cut, 3);
    Client::greeted(&proxy).await;
}

#[tokio::test]
async fn what_was_held_goes_on_and_a_new_connection_waits() {
    let proxy = proxy().await;
    let (mut client, _) = Client::greeted(&proxy).await;
    proxy.set(Conditions::held());
    client.0.write_all(b"waits").await.unwrap();
    let mut late = Client::connect(&proxy).await.unwrap();
    assert!(client.hears_nothing().await);
    assert!(late.hears_nothing().await);
    assert_eq!(proxy.counters().bytes_to_server, 0);
    proxy.set(Conditions::default());
    assert_eq!(client.read(5).await.unwrap(), b"waits");
    assert_eq!(late.read(1).await.unwrap(), b"a");
}

#[tokio::test]
async fn a_stream_with_a_hole_is_reset_once_its_way_opens() {
    let proxy = proxy().await;
    let (mut holed, _) = Client::greeted(&proxy).await;
    let (mut silent, _) = Client::greeted(&proxy).await;
    proxy.set(Conditions::swallowing());
    holed.0.write_all(b"lost").await.unwrap();
    eventually("it is swallowed", async || {
        proxy.counters().bytes_swallowed == 4
    })
    .await;
    assert!(holed.hears_nothing().await);
    proxy.set(Conditions::default());
    assert_eq!(silent.says(b"nothing lost").await.unwrap(), b"nothing lost");
    holed.0.write_all(b"more").await.unwrap();
    let error = holed.read(1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn latency_is_suffered_in_each_direction_and_ends_at_once() {
    let proxy = proxy().await;
    let (mut client, _) = Client::greeted(&proxy).await;
    let latency = Duration::from_millis(60);
    proxy.set(Conditions::far(latency, Duration::from_millis(20)));
    for _ in 0..3 {
        let asked = Instant::now();
        assert_eq!(client.says(b"far away").await.unwrap(), b"far away");
        assert!(asked.elapsed() >= 2 * latency, "{:?}", asked.elapsed());
    }
    // Longer than anybody waits: only the change can bring it.
    proxy.set(Conditions::far(100 * PATIENCE, Duration::ZERO));
    client.0.write_all(b"late").await.unwrap();
    assert!(client.hears_nothing().await);
    proxy.set(Conditions::default());
    assert_eq!(client.read(4).await.unwrap(), b"late");
}

#[tokio::test]
async fn a_thin_line_takes_the_time_of_its_bandwidth() {
    let proxy = proxy().await;
    let (mut client, _) = Client::greeted(&proxy).await;
    proxy.set(Conditions::narrow(NonZeroU64::new(100_000).unwrap()));
    let asked = Instant::now();
    let bytes = vec![7; 50_000];
    assert_eq!(client.says(&bytes).await.unwrap(), bytes);
    // The last piece need not wait for the line to be idle again.
    assert!(
        asked.elapsed() >= Duration::from_millis(400),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn a_half_close_is_told_to_one_end_only() {
    let proxy = proxy().await;
    let (mut client, _) = Client::greeted(&proxy).await;
    assert_eq!(proxy.half_close(Direction::ToServer), 1);
    assert_eq!(
        client.read(3).await.unwrap(),
        b"bye",
        "the server believes that we are done"
    );
    let (mut other, _) = Client::greeted(&proxy).await;
    assert_eq!(
        other.says(b"newer than the order").await.unwrap(),
        b"newer than the order"
    );
    proxy.half_close(Direction::ToClient);
    let error = other.read(1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let heard = proxy.counters().bytes_to_server + 5;
    other.0.write_all(b"heard").await.unwrap();
    eventually("the server hears", async || {
        proxy.counters().bytes_to_server >= heard
    })
    .await;
}

#[tokio::test]
async fn another_server_gets_the_new_connections_and_a_dead_one_is_a_reset() {
    let proxy = proxy().await;
    let (mut old, name) = Client::greeted(&proxy).await;
    assert_eq!(name, b'a');
    proxy.repoint(echo(b'b').await);
    let (_, name) = Client::greeted(&proxy).await;
    assert_eq!(name, b'b');
    assert_eq!(old.says(b"the old one").await.unwrap(), b"the old one");

    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.repoint(gone.local_addr().unwrap());
    drop(gone);
    let mut lost = Client::connect(&proxy).await.unwrap();
    assert!(lost.read(1).await.is_err());
    eventually("it is counted", async || proxy.counters().unreachable == 1).await;
}

#[tokio::test]
async fn a_url_leads_through_the_proxy_unchanged_but_for_its_place() {
    let upstream = echo(b'a').await;
    let url = format!("postgres://me:p%40ss@{upstream}/reg%2Fistry?a=b");
    let proxy = Proxy::before(&url, 1).unwrap();
    let expected = format!("postgres://me:p%40ss@{}/reg%2Fistry?a=b", proxy.address());
    assert_eq!(proxy.through(&url).unwrap(), expected);
    let (_, name) = Client::greeted(&proxy).await;
    assert_eq!(name, b'a');
    assert!(Proxy::before("postgres://no-address:5432/x", 1).is_err());
}
