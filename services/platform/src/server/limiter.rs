//! How often one caller may call.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitsConfig;
use crate::error::{ErrorCode, Fault};
use crate::rpc::tally::RATE_LIMITED;

/// A rate for each caller.
#[derive(Debug)]
pub(crate) struct Limiter(DefaultKeyedRateLimiter<String>);

impl Limiter {
    pub(crate) fn new(limits: &LimitsConfig) -> anyhow::Result<Self> {
        let positive = |number: u32, name: &str| {
            NonZeroU32::new(number).ok_or_else(|| anyhow::anyhow!("{name} must be positive"))
        };
        let quota = Quota::per_second(positive(limits.calls_per_second, "calls per second")?)
            .allow_burst(positive(limits.calls_burst, "the burst of calls")?);
        Ok(Self(RateLimiter::keyed(quota)))
    }

    /// # Errors
    /// `RATE_LIMITED`, with the time after which the next call passes.
    pub(crate) fn check(&self, caller: &str) -> Result<(), Box<Fault>> {
        self.0.check_key(&caller.to_owned()).map_err(|until| {
            let fault = Fault::new(
                ErrorCode::ResourceExhausted,
                RATE_LIMITED,
                "you call more often than one caller may; wait and call again",
                "För många anrop på kort tid. Försök igen om en stund.",
            );
            Box::new(fault.with_retry_after(until.wait_time_from(DefaultClock::default().now())))
        })
    }

    /// Forgets the callers whose burst is full again: they are as good as new.
    pub(crate) fn forget_the_quiet(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}
