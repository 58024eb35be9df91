//! Which ports the services get on one machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::bail;

/// First port of the usual block.
pub const DEFAULT_BASE: u16 = 7400;

/// Ports from one block to the next: ten for what people and systems call, ten for the admin ports.
const BLOCK: u16 = 20;

/// Blocks that are tried before giving up; more than this many cities on one machine is a mistake.
const BLOCKS: u16 = 50;

/// The services in the order of their ports, after the web front's.
pub const SERVICES: [&str; 4] = ["registry", "commitments", "notifications", "reporting"];

/// One block of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The web front's; the services' follow, the admin ports stand ten further up.
    pub base: u16,
}

impl Ports {
    /// The first block from `base` on whose ports are all free.
    ///
    /// # Errors
    /// When none of fifty blocks is free.
    pub fn choose(base: u16) -> anyhow::Result<Self> {
        Self::choose_where(base, |port| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        })
    }

    fn choose_where(base: u16, free: impl Fn(u16) -> bool) -> anyhow::Result<Self> {
        for block in 0..BLOCKS {
            let Some(start) = base
                .checked_add(block * BLOCK)
                .filter(|start| *start < u16::MAX - BLOCK)
            else {
                break;
            };
            let ports = Self { base: start };
            if ports.all().into_iter().all(&free) {
                return Ok(ports);
            }
        }
        bail!("no block of ports is free from {base} on: name another with --port-base")
    }

    /// The web front's address.
    pub fn web(self) -> SocketAddr {
        local(self.base)
    }

    /// The gRPC address of the service of this place in [`SERVICES`].
    pub fn grpc(self, place: u16) -> SocketAddr {
        local(self.base + 1 + place)
    }

    /// The admin address of the service of this place in [`SERVICES`].
    pub fn admin(self, place: u16) -> SocketAddr {
        local(self.base + 11 + place)
    }

    fn all(self) -> Vec<u16> {
        (self.base..=self.base + 4)
            .chain(self.base + 11..=self.base + 14)
            .collect()
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::Ports;

    #[test]
    fn takes_the_usual_block_when_it_is_free() {
        assert_eq!(
            Ports::choose_where(7400, |_| true).expect("free").base,
            7400
        );
    }

    #[test]
    fn takes_the_next_block_when_one_port_is_taken() {
        assert_eq!(
            Ports::choose_where(7400, |port| port != 7412)
                .expect("free")
                .base,
            7420
        );
    }

    #[test]
    fn says_so_when_nothing_is_free() {
        assert!(Ports::choose_where(7400, |_| false).is_err());
        assert!(Ports::choose_where(65530, |_| true).is_err());
    }
}
