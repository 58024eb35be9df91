//! What became of the calls of one load.

use std::time::Duration;

use anyhow::ensure;
use hdrhistogram::Histogram;
use tonic::{Code, Status};

/// Longest time that is told apart, in microseconds: six times the longest call.
const LONGEST_US: u64 = 60_000_000;
/// Digits that are kept: a time is exact to a thousandth.
const DIGITS: u8 = 3;

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It did what it should.
    Done,
    /// The service had too much to do and said so.
    Refused,
    /// Anything else.
    Failed(String),
}

impl<T> From<Result<T, Status>> for Answer {
    fn from(result: Result<T, Status>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(status) if status.code() == Code::ResourceExhausted => Self::Refused,
            Err(status) => Self::Failed(format!("{:?}: {}", status.code(), status.message())),
        }
    }
}

/// What became of many.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    times: Histogram<u64>,
    refusals: Histogram<u64>,
    failed: u64,
    first_failure: Option<String>,
    elapsed: Duration,
}

impl Outcome {
    pub(super) fn new() -> Self {
        Self {
            times: histogram(),
            refusals: histogram(),
            failed: 0,
            first_failure: None,
            elapsed: Duration::ZERO,
        }
    }

    pub(super) fn note(&mut self, answer: Answer, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(LONGEST_US);
        match answer {
            Answer::Done => self.times.saturating_record(us),
            Answer::Refused => self.refusals.saturating_record(us),
            Answer::Failed(text) => {
                self.failed += 1;
                self.first_failure.get_or_insert(text);
            }
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        // Both have the same bounds, which is all that could keep them apart.
        let _ = self.times.add(other.times);
        let _ = self.refusals.add(other.refusals);
        self.failed += other.failed;
        if let Some(text) = other.first_failure {
            self.first_failure.get_or_insert(text);
        }
    }

    pub(super) fn ended(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
    }

    /// Calls that did what they should.
    pub(crate) fn done(&self) -> u64 {
        self.times.len()
    }

    /// Calls that were refused for want of room.
    pub(crate) fn refused(&self) -> u64 {
        self.refusals.len()
    }

    /// Share of the calls that were refused for want of room.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run has far fewer calls than 2^52"
    )]
    pub(crate) fn refused_share(&self) -> f64 {
        self.refused() as f64 / (self.refused() + self.done()) as f64
    }

    /// Calls done in a second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run has far fewer calls than 2^52"
    )]
    pub(crate) fn rate(&self) -> f64 {
        self.done() as f64 / self.elapsed.as_secs_f64()
    }

    /// Time within which this share of the calls was done, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        milliseconds(self.times.value_at_quantile(share))
    }

    /// Time within which this share of the refusals came, in milliseconds.
    pub(crate) fn refusal_ms(&self, share: f64) -> f64 {
        milliseconds(self.refusals.value_at_quantile(share))
    }

    /// Refuses to speak of a load in which something failed, or nothing was done.
    pub(crate) fn whole(self) -> anyhow::Result<Self> {
        self.sound()?;
        ensure!(
            self.refused() == 0,
            "{} calls were refused for want of room",
            self.refused()
        );
        Ok(self)
    }

    /// As [`Self::whole`], but refusals for want of room are part of the plan.
    pub(crate) fn sound(&self) -> anyhow::Result<()> {
        ensure!(
            self.failed == 0,
            "{} of {} calls failed, the first with {}",
            self.failed,
            self.done() + self.failed,
            self.first_failure.as_deref().unwrap_or_default()
        );
        ensure!(self.done() > 0, "no call was done");
        Ok(())
    }
}

#[expect(clippy::expect_used, reason = "the bounds are constants, and right")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("bounds")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the longest time is far below 2^52"
)]
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1_000.0
}
