//! How many calls may be under way while they wait for the database.
//!
//! # Design notes
//! A fixed number of places is right for one speed of the database only. When it becomes slow, the
//! same number of calls waits longer than their callers do, and those who give up have taken the
//! places of others for nothing. Therefore the number follows what the database does: while there
//! is a standing queue for its connections, as many calls are let in as it serves in
//! [`WAIT_MOST`], which is Little's law; when the queue is gone, the bound goes up again. A burst
//! that is served within a [`WINDOW`] or two is no standing queue: what counts is the shortest wait
//! of a window, as CoDel has it.
//!
//! Nothing is taken back: what was let in is brought to its end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Longest wait for a connection that is let grow: a sixth of what the pool gives up after, so that
/// nobody who was let in is told to go. Shorter ones are left alone: callers who wait for their
/// answers before they ask again are no overload.
const WAIT_MOST: Duration = Duration::from_millis(500);
/// A shorter wait than this is no queue.
const WAIT_NONE: Duration = Duration::from_millis(100);
/// Time that is judged at once: long enough for the bursts of one screen full of questions.
const WINDOW: Duration = Duration::from_millis(500);
/// Calls for each connection at least: one works with it and one waits, so that it is never idle.
const CALLS_PER_CONNECTION_LEAST: usize = 2;
/// As good as no bound: far above any number of places.
const BOUND_NONE: usize = 1 << 16;

/// The bound that follows the database. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Arc<Following>);

#[derive(Debug)]
struct Following {
    connections: usize,
    bound: AtomicUsize,
    window: Mutex<Window>,
}

/// What was seen since it was opened.
#[derive(Clone, Copy, Debug)]
struct Window {
    opened: Instant,
    waits: usize,
    shortest: Duration,
}

impl Window {
    fn open(at: Instant) -> Self {
        Self {
            opened: at,
            waits: 0,
            shortest: Duration::MAX,
        }
    }
}

impl Pace {
    /// Of a pool of so many connections.
    pub(crate) fn new(connections: u32) -> Self {
        Self(Arc::new(Following {
            connections: usize::try_from(connections).unwrap_or(BOUND_NONE),
            bound: AtomicUsize::new(BOUND_NONE),
            window: Mutex::new(Window::open(Instant::now())),
        }))
    }

    /// Somebody has waited so long because all connections were in use, whether he got one or not.
    pub(crate) fn waited(&self, wait: Duration) {
        let now = Instant::now();
        let mut window = self.0.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.waits += 1;
        window.shortest = window.shortest.min(wait);
        let time = now - window.opened;
        if time >= WINDOW {
            let bound = self.bound();
            let bound = next(self.0.connections, &window, time, bound);
            self.0.bound.store(bound, Ordering::Relaxed);
            *window = Window::open(now);
        }
    }

    /// So many calls may be under way.
    pub(crate) fn bound(&self) -> usize {
        self.0.bound.load(Ordering::Relaxed)
    }
}

/// The next bound, after a window of this length.
fn next(connections: usize, window: &Window, time: Duration, bound: usize) -> usize {
    let least = connections * CALLS_PER_CONNECTION_LEAST;
    if window.shortest < WAIT_NONE {
        // Twice as many, and not all at once: the queue that has just gone would come back.
        return bound.saturating_mul(2).clamp(least, BOUND_NONE);
    }
    let served = u32::try_from(window.waits).unwrap_or(u32::MAX);
    let served = f64::from(served) * (WAIT_MOST.as_secs_f64() / time.as_secs_f64());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and far below 2^52"
    )]
    let served = served.ceil() as usize;
    served.saturating_add(connections).clamp(least, BOUND_NONE)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BOUND_NONE, Pace, WINDOW};

    /// A second in which so many calls wait so long.
    async fn second(pace: &Pace, waits: u32, wait: Duration) {
        for _ in 0..waits {
            tokio::time::advance(Duration::from_secs(1) / waits).await;
            pace.waited(wait);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_database_is_given_no_more_than_it_serves_in_the_longest_wait() {
        let pace = Pace::new(8);
        second(&pace, 80, Duration::from_millis(900)).await;
        // Forty in half a second, beside the eight that it works on.
        assert_eq!(pace.bound(), 48);
        second(&pace, 1_000, Duration::from_millis(400)).await;
        assert_eq!(pace.bound(), 508);
    }

    #[tokio::test(start_paused = true)]
    async fn no_fewer_than_keep_every_connection_busy() {
        let pace = Pace::new(8);
        second(&pace, 2, Duration::from_secs(3)).await;
        assert_eq!(pace.bound(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_no_queue() {
        let pace = Pace::new(8);
        for wait in [0, 100, 200, 300, 400] {
            pace.waited(Duration::from_millis(wait));
        }
        tokio::time::advance(WINDOW).await;
        pace.waited(Duration::from_millis(500));
        assert_eq!(pace.bound(), BOUND_NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_queue_is_gone_all_may_come_back() {
        let pace = Pace::new(8);
        second(&pace, 2, Duration::from_millis(900)).await;
        assert_eq!(pace.bound(), 16);
        for _ in 0..4 {
            second(&pace, 10, Duration::ZERO).await;
        }
        // Eight windows.
        assert!(pace.bound() >= 16 << 7, "{}", pace.bound());
    }
}
