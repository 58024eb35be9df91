//! The bytes that are under way in one direction of one connection.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::conditions::Way;

/// Bytes under way at most: a second's latency still lets a mebibyte a second pass, and a thousand
/// connections take no more than a gibibyte. The sender is not read beyond it.
const MOST_UNDER_WAY: usize = 1 << 20;

/// Bytes handed over at once at most.
const MOST_AT_ONCE: usize = 1 << 16;

/// A thin line hands over what it carries in this time, so that it trickles instead of bursting.
const TRICKLE: Duration = Duration::from_millis(50);

/// Bytes under way, in order. One task reads them from one end, another hands them to the other.
pub(crate) struct Line {
    under_way: Mutex<UnderWay>,
    /// Something was put in, or the end was reached.
    filled: Notify,
    /// Something was taken out.
    emptied: Notify,
}

struct UnderWay {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    ended: bool,
    chance: StdRng,
}

struct Chunk {
    bytes: Vec<u8>,
    arrived: Instant,
    /// Which part of the jitter it suffers.
    share: f64,
}

/// What stands at the front.
pub(crate) enum Front {
    /// Nothing yet.
    Empty,
    /// Nothing any more.
    Ended,
    /// Bytes that may be handed over from then on.
    Due(Instant),
}

impl Line {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            under_way: Mutex::new(UnderWay {
                chunks: VecDeque::new(),
                bytes: 0,
                ended: false,
                chance: StdRng::seed_from_u64(seed),
            }),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Puts bytes in, whatever is under way already: what a fault makes up has to find room.
    pub(crate) fn push(&self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let mut under_way = self.lock();
        let share = under_way.chance.random();
        under_way.bytes += bytes.len();
        let arrived = Instant::now();
        under_way.chunks.push_back(Chunk {
            bytes,
            arrived,
            share,
        });
        drop(under_way);
        self.filled.notify_one();
    }

    /// The sender has nothing more to say.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_one();
    }

    /// Waits until more may be put in.
    pub(crate) async fn room(&self) {
        while self.lock().bytes >= MOST_UNDER_WAY {
            self.emptied.notified().await;
        }
    }

    /// Waits until something has been put in since the front was seen empty.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// What stands at the front, under the conditions of now.
    pub(crate) fn front(&self, way: &Way) -> Front {
        let under_way = self.lock();
        match under_way.chunks.front() {
            Some(chunk) => {
                Front::Due(chunk.arrived + way.latency + way.jitter.mul_f64(chunk.share))
            }
            None if under_way.ended => Front::Ended,
            None => Front::Empty,
        }
    }

    /// Takes what may be handed over at once.
    pub(crate) fn take(&self, way: &Way) -> Vec<u8> {
        let mut under_way = self.lock();
        let most = at_once(way);
        let Some(mut chunk) = under_way.chunks.pop_front() else {
            return Vec::new();
        };
        if chunk.bytes.len() > most {
            let rest = chunk.bytes.split_off(most);
            let taken = std::mem::replace(&mut chunk.bytes, rest);
            under_way.chunks.push_front(chunk);
            under_way.bytes -= taken.len();
            self.emptied.notify_one();
            return taken;
        }
        under_way.bytes -= chunk.bytes.len();
        self.emptied.notify_one();
        chunk.bytes
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay> {
        // Plain data, whole even if a task panicked beside it.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the line is busy with so many bytes.
pub(crate) fn busy_for(way: &Way, bytes: usize) -> Duration {
    way.bandwidth.map_or(Duration::ZERO, |rate| {
        Duration::from_secs_f64(bytes as f64 / rate.get() as f64)
    })
}

fn at_once(way: &Way) -> usize {
    let Some(rate) = way.bandwidth else {
        return MOST_AT_ONCE;
    };
    let trickle = rate.get() as f64 * TRICKLE.as_secs_f64();
    (trickle as usize).clamp(1, MOST_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use futures_util::FutureExt as _;

    use super::*;

    fn due(line: &Line, way: &Way) -> Option<Instant> {
        match line.front(way) {
            Front::Due(due) => Some(due),
            Front::Empty | Front::Ended => None,
        }
    }

    /// How long the front has to wait beyond its arrival.
    fn wait(line: &Line, way: &Way) -> Duration {
        due(line, way).unwrap() - due(line, &Way::default()).unwrap()
    }

    #[test]
    fn latency_and_jitter_are_those_of_now_not_of_the_arrival() {
        let line = Line::new(7);
        line.push(vec![1]);
        let arrived = due(&line, &Way::default());
        let far = Way {
            latency: Duration::from_secs(3),
            jitter: Duration::from_secs(2),
            ..Way::default()
        };
        let wait = wait(&line, &far);
        assert!(wait >= far.latency && wait <= far.latency + far.jitter);
        assert_eq!(due(&line, &Way::default()), arrived);
    }

    #[test]
    fn the_same_seed_suffers_the_same_jitter() {
        let far = Way {
            jitter: Duration::from_secs(1),
            ..Way::default()
        };
        let jitters = |seed: u64| {
            let line = Line::new(seed);
            let draw = |number: u8| {
                line.push(vec![number]);
                let wait = wait(&line, &far);
                line.take(&far);
                wait
            };
            (0..20).map(draw).collect::<Vec<_>>()
        };
        assert_eq!(jitters(1), jitters(1));
        assert_ne!(jitters(1), jitters(2));
    }

    #[test]
    fn a_thin_line_trickles_and_loses_nothing() {
        let narrow = Way {
            bandwidth: NonZeroU64::new(1_000),
            ..Way::default()
        };
        let line = Line::new(0);
        let sent: Vec<u8> = (0..=255).collect();
        line.push(sent.clone());
        line.end();
        let mut received = Vec::new();
        while due(&line, &narrow).is_some() {
            let taken = line.take(&narrow);
            assert!(taken.len() <= 50);
            assert_eq!(
                busy_for(&narrow, taken.len()),
                Duration::from_millis(taken.len() as u64)
            );
            received.extend(taken);
        }
        assert_eq!(received, sent);
        assert!(matches!(line.front(&narrow), Front::Ended));
    }

    #[test]
    fn a_full_line_is_not_filled_further_until_something_was_taken() {
        let line = Line::new(0);
        line.push(vec![0; MOST_UNDER_WAY]);
        assert!(line.room().now_or_never().is_none());
        line.take(&Way::default());
        assert!(line.room().now_or_never().is_some());
    }
}
