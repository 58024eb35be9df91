//! One connection through a proxy.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Tally;
use super::amqp::{Faults, Output, Session};
use super::conditions::{Conditions, Cut, Direction, Passage, Way};
use super::line::{Front, Line, busy_for};

/// Bytes read at once at most.
const READ_BYTES: usize = 1 << 16;

/// The servers run on the same machine, where a connection takes no time: one that does not come
/// about belongs to a stopped process with a full queue.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Distinguishes the chance of the two directions of one connection.
const OTHER_WAY: u64 = 0x5851_F42D_4C95_7F2D;

/// What the proxy's owner wants. Orders that happen once are counted, so that each connection sees
/// which of them were given in its lifetime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orders {
    pub(crate) conditions: Conditions,
    pub(crate) upstream: SocketAddr,
    pub(crate) cuts: u64,
    /// How the last cut was.
    pub(crate) cut: Cut,
    pub(crate) ends_to_server: u64,
    pub(crate) ends_to_client: u64,
}

/// A connection that was let in.
pub(crate) struct Connection {
    /// The orders when it came.
    pub(crate) begun: Orders,
    pub(crate) orders: watch::Receiver<Orders>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) faults: Option<Faults>,
    pub(crate) seed: u64,
}

impl Orders {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self {
            conditions: Conditions::default(),
            upstream,
            cuts: 0,
            cut: Cut::default(),
            ends_to_server: 0,
            ends_to_client: 0,
        }
    }

    fn ends(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToServer => self.ends_to_server,
            Direction::ToClient => self.ends_to_client,
        }
    }
}

impl Connection {
    /// Carries the connection until both ends are done with it, one of them breaks it off, or it
    /// is cut.
    pub(crate) async fn serve(self, mut client: TcpStream) {
        let arrived = tokio::select! {
            arrived = self.reach_server() => arrived.map_err(|_| Cut::Reset),
            cut = self.cut() => Err(cut),
        };
        let mut server = match arrived {
            Ok(server) => server,
            Err(how) => return end(&mut client, how).await,
        };
        let how = tokio::select! {
            carried = self.carry(&mut client, &mut server) => match carried {
                Ok(()) => Cut::Close,
                Err(_) => Cut::Reset,
            },
            cut = self.cut() => cut,
        };
        if how == Cut::Silence {
            // What the client still says is taken and lost, until it gives up itself.
            let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
        }
        end(&mut client, how).await;
        end(&mut server, how).await;
    }

    async fn reach_server(&self) -> io::Result<TcpStream> {
        let mut orders = self.orders.clone();
        let open = |orders: &Orders| orders.conditions.to_server.passage == Passage::Open;
        let upstream = match orders.wait_for(open).await {
            Ok(orders) => orders.upstream,
            // The proxy has ended.
            Err(_) => return Err(io::ErrorKind::ConnectionAborted.into()),
        };
        let connect = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(upstream)).await;
        let connected = connect.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if connected.is_err() {
            self.tally.unreachable.fetch_add(1, Ordering::Relaxed);
        }
        connected
    }

    /// Resolves when the connection is to be cut.
    async fn cut(&self) -> Cut {
        let mut orders = self.orders.clone();
        let begun = self.begun.cuts;
        let Ok(how) = orders
            .wait_for(|now| now.cuts > begun)
            .await
            .map(|now| now.cut)
        else {
            return Cut::Reset;
        };
        self.tally.cut.fetch_add(1, Ordering::Relaxed);
        how
    }

    async fn carry(&self, client: &mut TcpStream, server: &mut TcpStream) -> io::Result<()> {
        // What a proxy holds back it holds back by order, not to fill a packet.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client_read, client_write) = client.split();
        let (server_read, server_write) = server.split();
        let session = self.faults.clone();
        let session = session.map(|faults| Mutex::new(Session::new(faults, self.seed)));
        let lines = Lines {
            to_server: Line::new(self.seed),
            to_client: Line::new(self.seed ^ OTHER_WAY),
            session,
        };
        tokio::try_join!(
            self.read(client_read, Direction::ToServer, &lines),
            self.write(server_write, Direction::ToServer, &lines),
            self.read(server_read, Direction::ToClient, &lines),
            self.write(client_write, Direction::ToClient, &lines),
        )?;
        Ok(())
    }

    /// Reads one end until it has nothing more to say.
    async fn read(
        &self,
        mut from: ReadHalf<'_>,
        direction: Direction,
        lines: &Lines,
    ) -> io::Result<()> {
        let mut orders = self.orders.clone();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let passage = orders.borrow_and_update().conditions.way(direction).passage;
            if passage == Passage::Held {
                changed(&mut orders).await?;
                continue;
            }
            let read = async {
                lines.of(direction).room().await;
                from.read(&mut buffer).await
            };
            tokio::select! {
                read = read => match read? {
                    0 => break,
                    count => lines.pass(direction, &buffer[..count]),
                },
                () = lines.delayed(direction) => lines.pass(direction, &[]),
                order = changed(&mut orders) => order?,
            }
        }
        lines.end(direction);
        Ok(())
    }

    /// Hands over to the other end what is under way, when its time has come.
    async fn write(
        &self,
        mut to: WriteHalf<'_>,
        direction: Direction,
        lines: &Lines,
    ) -> io::Result<()> {
        let mut orders = self.orders.clone();
        let line = lines.of(direction);
        let mut state = Writing::Whole;
        let mut idle_from = Instant::now();
        loop {
            let now = *orders.borrow_and_update();
            let way = now.conditions.way(direction);
            if state == Writing::Whole && now.ends(direction) > self.begun.ends(direction) {
                to.shutdown().await?;
                state = Writing::Closed;
            }
            let due = match line.front(way) {
                Front::Due(due) => due,
                Front::Ended if way.passage == Passage::Open => {
                    return match state {
                        Writing::Whole => to.shutdown().await,
                        Writing::Holed => Err(io::ErrorKind::ConnectionReset.into()),
                        Writing::Closed => Ok(()),
                    };
                }
                Front::Ended => {
                    changed(&mut orders).await?;
                    continue;
                }
                Front::Empty => {
                    tokio::select! {
                        () = line.filled() => {}
                        order = changed(&mut orders) => order?,
                    }
                    continue;
                }
            };
            let due = due.max(idle_from);
            if way.passage == Passage::Held {
                changed(&mut orders).await?;
                continue;
            }
            if due > Instant::now() {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    order = changed(&mut orders) => order?,
                }
                continue;
            }
            let bytes = line.take(way);
            idle_from = Instant::now() + busy_for(way, bytes.len());
            state = self
                .hand_over(&mut to, state, direction, way, &bytes)
                .await?;
        }
    }

    async fn hand_over(
        &self,
        to: &mut WriteHalf<'_>,
        state: Writing,
        direction: Direction,
        way: &Way,
        bytes: &[u8],
    ) -> io::Result<Writing> {
        let swallowed = way.passage == Passage::Swallowed;
        let (counter, state) = match (state, swallowed) {
            (Writing::Whole, false) => {
                to.write_all(bytes).await?;
                (self.passed(direction), Writing::Whole)
            }
            (Writing::Holed, false) => return Err(io::ErrorKind::ConnectionReset.into()),
            (Writing::Whole | Writing::Holed, true) => {
                (&self.tally.bytes_swallowed, Writing::Holed)
            }
            (Writing::Closed, _) => (&self.tally.bytes_swallowed, Writing::Closed),
        };
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(state)
    }

    fn passed(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::ToServer => &self.tally.bytes_to_server,
            Direction::ToClient => &self.tally.bytes_to_client,
        }
    }
}

/// What one end has got so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// Everything.
    Whole,
    /// Not everything: it must get nothing more.
    Holed,
    /// Everything up to an early end.
    Closed,
}

/// Both directions, and who reads along.
struct Lines {
    to_server: Line,
    to_client: Line,
    session: Option<Mutex<Session>>,
}

impl Lines {
    fn of(&self, direction: Direction) -> &Line {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    fn pass(&self, direction: Direction, bytes: &[u8]) {
        let Some(session) = &self.session else {
            return self.of(direction).push(bytes.to_vec());
        };
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        self.put(match direction {
            Direction::ToServer => session.hear_client(bytes),
            Direction::ToClient => session.hear_broker(bytes, Instant::now()),
        });
    }

    fn end(&self, direction: Direction) {
        if let Some(session) = &self.session {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            self.put(session.end(direction));
        }
        self.of(direction).end();
    }

    /// Put while the session is locked, so that what it says keeps its order.
    fn put(&self, output: Output) {
        self.to_server.push(output.to_broker);
        self.to_client.push(output.to_client);
    }

    /// Resolves when something that was held back on purpose may go on; never in most directions.
    async fn delayed(&self, direction: Direction) {
        let due = match (&self.session, direction) {
            (Some(session), Direction::ToClient) => session
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next_due(),
            _ => None,
        };
        match due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

/// Waits for another order; an error when the proxy has ended.
async fn changed(orders: &mut watch::Receiver<Orders>) -> io::Result<()> {
    let changed = orders.changed().await;
    changed.map_err(|_| io::ErrorKind::ConnectionAborted.into())
}

async fn end(stream: &mut TcpStream, how: Cut) {
    // A stream that has broken already takes neither.
    let _ = match how {
        Cut::Reset | Cut::Silence => stream.set_zero_linger(),
        Cut::Close => stream.shutdown().await,
    };
}
