//! Free ports on 127.0.0.1.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::files::wait_until;

/// Ports that one set of servers takes, in this order from the base.
const BLOCK: u16 = 5;

/// From one try to the next: a round number, so that the ports stay easy to remember.
const STEP: u16 = 10;

/// How many blocks are tried before we give up.
const TRIES: u16 = 400;

/// Where servers without a wanted base begin to look. Below 32768, where Linux takes the ports of
/// outgoing connections from: a stopped server's port must still be free at its next start.
const LOWEST: u16 = 20_000;

/// The ports of one set of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) postgres: u16,
    pub(crate) amqp: u16,
    pub(crate) management: u16,
    pub(crate) distribution: u16,
    pub(crate) epmd: u16,
}

impl Ports {
    /// The first free block at the wanted base or above it; without a wanted base, at a place that
    /// depends on the data directory, so that two sets seldom meet and each keeps its ports.
    pub(crate) fn choose(base: Option<u16>, data_dir: &Path) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        data_dir.hash(&mut hasher);
        let spread = u16::try_from(hasher.finish() % 600).unwrap_or(0) * STEP;
        let first = base.unwrap_or(LOWEST + spread);
        for attempt in 0..TRIES {
            let Some(base) = first.checked_add(attempt * STEP) else {
                break;
            };
            let Some(ports) = Self::at(base) else {
                break;
            };
            if ports.are_free() {
                return Ok(ports);
            }
        }
        bail!("no {BLOCK} free ports in a row from {first} on")
    }

    /// Whether nobody listens on any of them.
    pub(crate) fn are_free(&self) -> bool {
        let Self {
            postgres,
            amqp,
            management,
            distribution,
            epmd,
        } = *self;
        [postgres, amqp, management, distribution, epmd]
            .into_iter()
            .all(is_free)
    }

    /// Whether a stopped set may keep these ports: they are the wished ones, and free. Children of
    /// killed servers may hold one for a moment.
    pub(crate) fn suit(&self, wished: Option<u16>) -> bool {
        let fits = wished.is_none_or(|base| base == self.postgres);
        fits && wait_until(Duration::from_secs(2), || self.are_free())
    }

    fn at(base: u16) -> Option<Self> {
        base.checked_add(BLOCK)?;
        Some(Self {
            postgres: base,
            amqp: base + 1,
            management: base + 2,
            distribution: base + 3,
            epmd: base + 4,
        })
    }
}

/// Waits until nobody listens on the port any more.
pub(crate) fn await_free(port: u16) -> Result<()> {
    if !wait_until(Duration::from_secs(10), || is_free(port)) {
        bail!("port {port} is taken by another program");
    }
    Ok(())
}

/// Whether nobody listens on the port.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_to_the_next_block_when_one_port_is_taken() {
        let folder = Path::new("/somewhere");
        let free = Ports::choose(Some(33_100), folder).unwrap();
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free.management)).unwrap();
        let next = Ports::choose(Some(free.postgres), folder).unwrap();
        assert!(next.postgres > free.postgres);
        assert_eq!((next.postgres - free.postgres) % STEP, 0);
    }

    #[test]
    fn refuses_a_base_without_room() {
        assert!(Ports::choose(Some(65_533), Path::new("/somewhere")).is_err());
    }

    #[test]
    fn keeps_the_place_of_a_data_directory_below_outgoing_connections() {
        let ports = Ports::choose(None, Path::new("/somewhere")).unwrap();
        assert!(ports.postgres >= LOWEST && ports.epmd < 32_768);
    }
}
