//! What a proxy does to the connections that pass it, and what it counts.

use std::num::NonZeroU64;
use std::time::Duration;

/// What happens to every connection, old and new. The default is a good network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// What a new connection meets.
    pub(crate) door: Door,
    /// The way from the client to the server.
    pub(crate) to_server: Way,
    /// The way from the server to the client.
    pub(crate) to_client: Way,
}

/// What a new connection meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    /// It is let in.
    #[default]
    Open,
    /// Nobody listens: connection refused, as after the death of a server. Connections that are
    /// in stay.
    Shut,
}

/// One direction of every connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// What happens to the bytes.
    pub(crate) passage: Passage,
    /// How long each byte is under way at least.
    pub(crate) latency: Duration,
    /// How much longer at most; drawn anew for each read. The order of bytes stays.
    pub(crate) jitter: Duration,
    /// Bytes a second at most.
    pub(crate) bandwidth: Option<NonZeroU64>,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Passage {
    /// They pass.
    #[default]
    Open,
    /// Nothing is read and nothing written, and later everything goes on: a cut cable, since TCP
    /// sends again what got lost. A new connection is accepted, and reaches the server only when
    /// the way to it opens.
    Held,
    /// They are read and thrown away: a middle box that has forgotten the connection. Such a
    /// connection is reset at its first byte after the way has opened, since no TCP delivers a
    /// stream with a hole.
    Swallowed,
}

impl Conditions {
    /// Nobody listens.
    pub(crate) fn refusing() -> Self {
        Self {
            door: Door::Shut,
            ..Self::default()
        }
    }

    /// A cut cable: see [`Passage::Held`].
    pub(crate) fn held() -> Self {
        Self::both(Way {
            passage: Passage::Held,
            ..Way::default()
        })
    }

    /// A black hole: see [`Passage::Swallowed`].
    pub(crate) fn swallowing() -> Self {
        Self::both(Way {
            passage: Passage::Swallowed,
            ..Way::default()
        })
    }

    /// A far server: latency and jitter in each direction.
    pub(crate) fn far(latency: Duration, jitter: Duration) -> Self {
        Self::both(Way {
            latency,
            jitter,
            ..Way::default()
        })
    }

    /// A thin line: so many bytes a second in each direction.
    pub(crate) fn narrow(bytes_per_second: NonZeroU64) -> Self {
        Self::both(Way {
            bandwidth: Some(bytes_per_second),
            ..Way::default()
        })
    }

    /// The same in both directions.
    pub(crate) fn both(way: Way) -> Self {
        Self {
            door: Door::Open,
            to_server: way,
            to_client: way,
        }
    }

    /// One direction of it.
    pub(crate) fn way(&self, direction: Direction) -> &Way {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// How a connection is cut, towards both of its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// With a reset, as by a host that has died and come back: what is under way is lost.
    #[default]
    Reset,
    /// In order, as by a process that ended.
    Close,
    /// Without a word, as by a host without power: neither end hears of the other any more.
    Silence,
}

/// What a proxy has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Connections that were let in.
    pub(crate) accepted: u64,
    /// Connections that are in now.
    pub(crate) open: u64,
    /// Connections that were let in and found no server.
    pub(crate) unreachable: u64,
    /// Connections that were cut by order.
    pub(crate) cut: u64,
    /// Bytes that were handed to servers.
    pub(crate) bytes_to_server: u64,
    /// Bytes that were handed to clients.
    pub(crate) bytes_to_client: u64,
    /// Bytes that were thrown away.
    pub(crate) bytes_swallowed: u64,
}
