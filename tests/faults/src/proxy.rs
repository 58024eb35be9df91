//! A proxy in front of any server that makes the faults of a network, while running and by seed.
//!
//! # Design notes
//!
//! * The kernel of a test machine often lacks `netem`, and a fault of the kernel's would concern
//!   every connection of the machine. A proxy concerns one edge of one run.
//! * Conditions are one value. Who changes them replaces it, and every connection obeys at its
//!   next step, the old ones too; so a fault is undone by `set(Conditions::default())`, whatever
//!   it was.
//! * A shut door must refuse as a dead server does, so the listener is really closed. Meanwhile a
//!   second socket that is bound and does not listen keeps the port from everybody else.
//! * Chance comes from the seed and the number of the connection, so that one connection's jitter
//!   does not depend on what the others do.
//! * [`AmqpProxy`] reads along and can change what publisher and broker tell each other. Without
//!   a fault it passes every byte as it came.

mod amqp;
mod conditions;
mod connection;
mod line;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Url;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use amqp::{Fate, Faults, Rule, When};
pub(crate) use conditions::{Conditions, Counters, Cut, Direction, Door};

use connection::{Connection, Orders};

/// Connections that wait to be accepted: more than any client opens at once, since a full queue
/// would be a fault that nobody ordered.
const BACKLOG: u32 = 1_024;

/// The wait after a connection could not be accepted, which happens when the process has no file
/// descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A TCP proxy on a port of 127.0.0.1. Its connections end with it.
pub(crate) struct Proxy {
    address: SocketAddr,
    orders: watch::Sender<Orders>,
    tally: Arc<Tally>,
    _end: DropGuard,
}

/// A proxy between clients and a RabbitMQ, which can also misreport publications and confirms.
pub(crate) struct AmqpProxy {
    proxy: Proxy,
    faults: Faults,
}

impl Proxy {
    /// Listens on a free port and forwards to `upstream`. Must be called within a runtime.
    pub(crate) fn start(upstream: SocketAddr, seed: u64) -> Result<Self> {
        Self::start_with(upstream, seed, None)
    }

    /// The same in front of the server that a URL names.
    pub(crate) fn before(url: &str, seed: u64) -> Result<Self> {
        Self::start(address_of(url)?, seed)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a server, with the proxy's host and port.
    pub(crate) fn through(&self, url: &str) -> Result<String> {
        let mut url = Url::parse(url).context("this is no URL")?;
        let host = url.set_host(Some(&self.address.ip().to_string()));
        host.context("this URL takes no host")?;
        let port = url.set_port(Some(self.address.port()));
        port.ok().context("this URL takes no port")?;
        Ok(url.into())
    }

    /// Replaces the conditions.
    pub(crate) fn set(&self, conditions: Conditions) {
        self.orders
            .send_modify(|orders| orders.conditions = conditions);
    }

    /// Leads new connections to another server. Those that are in stay where they are until they
    /// are cut.
    pub(crate) fn repoint(&self, upstream: SocketAddr) {
        self.orders.send_modify(|orders| orders.upstream = upstream);
    }

    /// Cuts every connection that is in; answers how many those were.
    pub(crate) fn cut(&self, how: Cut) -> u64 {
        let open = self.tally.open.load(Ordering::Relaxed);
        self.orders.send_modify(|orders| {
            orders.cuts += 1;
            orders.cut = how;
        });
        open
    }

    /// Tells one end of every connection that is in that the other one has nothing more to say,
    /// and throws away what the other one says all the same; answers how many those were.
    pub(crate) fn half_close(&self, direction: Direction) -> u64 {
        let open = self.tally.open.load(Ordering::Relaxed);
        self.orders.send_modify(|orders| match direction {
            Direction::ToServer => orders.ends_to_server += 1,
            Direction::ToClient => orders.ends_to_client += 1,
        });
        open
    }

    /// What it has done.
    pub(crate) fn counters(&self) -> Counters {
        self.tally.counters()
    }

    fn start_with(upstream: SocketAddr, seed: u64, faults: Option<Faults>) -> Result<Self> {
        let keeper = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = keeper.local_addr()?;
        let listener = listen(address).context("the proxy cannot listen")?;
        let (orders, orders_read) = watch::channel(Orders::new(upstream));
        let tally = Arc::new(Tally::default());
        let end = CancellationToken::new();
        let entrance = Entrance {
            address,
            _keeper: keeper,
            orders: orders_read,
            tally: Arc::clone(&tally),
            faults,
            seed,
            end: end.clone(),
        };
        tokio::spawn(entrance.run(listener));
        Ok(Self {
            address,
            orders,
            tally,
            _end: end.drop_guard(),
        })
    }
}

impl AmqpProxy {
    /// Listens on a free port and forwards to the broker at `upstream`. Must be called within a
    /// runtime.
    pub(crate) fn start(upstream: SocketAddr, seed: u64) -> Result<Self> {
        let faults = Faults::default();
        let proxy = Proxy::start_with(upstream, seed, Some(faults.clone()))?;
        Ok(Self { proxy, faults })
    }

    /// The same in front of the broker that a URL names.
    pub(crate) fn before(url: &str, seed: u64) -> Result<Self> {
        Self::start(address_of(url)?, seed)
    }

    /// What publisher and broker misunderstand.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Deref for AmqpProxy {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.proxy
    }
}

/// The part that lets connections in.
struct Entrance {
    address: SocketAddr,
    /// Keeps the port while nobody listens on it.
    _keeper: TcpSocket,
    orders: watch::Receiver<Orders>,
    tally: Arc<Tally>,
    faults: Option<Faults>,
    seed: u64,
    end: CancellationToken,
}

impl Entrance {
    async fn run(mut self, listener: TcpListener) {
        let end = self.end.clone();
        // The only way out is the end of the proxy.
        let _ = end.run_until_cancelled(self.serve(listener)).await;
    }

    async fn serve(&mut self, listener: TcpListener) {
        let mut listener = Some(listener);
        loop {
            let open = self.orders.borrow_and_update().conditions.door == Door::Open;
            listener = match listener {
                Some(_) if !open => None,
                None if open => listen(self.address).ok(),
                same => same,
            };
            let Some(door) = &listener else {
                // A port that could not be had again is tried for until it can.
                let changed = self.orders.changed();
                let _ = tokio::time::timeout(ACCEPT_PAUSE, changed).await;
                continue;
            };
            tokio::select! {
                accepted = door.accept() => match accepted {
                    Ok((client, _)) => self.admit(client),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                _ = self.orders.changed() => {}
            }
        }
    }

    fn admit(&self, client: TcpStream) {
        let orders = *self.orders.borrow();
        if orders.conditions.door == Door::Shut {
            // It came between the order and the closing of the listener.
            let _ = client.set_zero_linger();
            return;
        }
        let number = self.tally.accepted.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            begun: orders,
            orders: self.orders.clone(),
            tally: Arc::clone(&self.tally),
            faults: self.faults.clone(),
            // Far apart, so that the seeds of two proxies do not overlap.
            seed: self.seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        };
        let end = self.end.clone();
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let tally = Arc::clone(&connection.tally);
            let _ = end.run_until_cancelled(connection.serve(client)).await;
            tally.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// The counters while they are counted.
#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    open: AtomicU64,
    unreachable: AtomicU64,
    cut: AtomicU64,
    bytes_to_server: AtomicU64,
    bytes_to_client: AtomicU64,
    bytes_swallowed: AtomicU64,
}

impl Tally {
    fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            accepted: read(&self.accepted),
            open: read(&self.open),
            unreachable: read(&self.unreachable),
            cut: read(&self.cut),
            bytes_to_server: read(&self.bytes_to_server),
            bytes_to_client: read(&self.bytes_to_client),
            bytes_swallowed: read(&self.bytes_swallowed),
        }
    }
}

/// The address that a URL of a private server names.
pub(crate) fn address_of(url: &str) -> Result<SocketAddr> {
    let url = Url::parse(url).context("this is no URL")?;
    let host = url.host_str().context("the URL has no host")?;
    let port = url.port_or_known_default();
    let port = port.context("the URL has no port")?;
    let address = host.parse().context("the URL's host is no address")?;
    Ok(SocketAddr::new(address, port))
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    // What lets the keeper and the listener have the same port.
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address)?.listen(BACKLOG)
}
