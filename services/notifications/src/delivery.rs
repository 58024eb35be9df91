//! How long it took from what happened until a subscriber was offered the notification of it.
//!
//! # Design notes
//! It is what subscribers feel of relay, broker, fan-out and stream together. A stream counts what
//! comes while it listens: what it reads first, after its token, says how long the subscriber was
//! away. Who pulls is counted as often as it asks, so that this tells its rhythm as well.
//!
//! The moment of the event is the producer's clock, that of the offer ours. Nothing is decided by the
//! difference; one below zero counts as zero.

use handslag_platform::{
    clock::Clock,
    telemetry::metrics::{Durations, Metrics},
};

use crate::domain::notification::Notification;

/// From a quick broker hop to the day that a system which asks once a day waits.
const SECONDS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0,
    86_400.0,
];

/// The way that a notification takes to its subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// `StreamNotifications`.
    Stream,
    /// `PullNotifications`.
    Pull,
}

/// Counts what is offered.
#[derive(Debug, Clone)]
pub struct Delivery {
    durations: Durations,
    clock: Clock,
}

impl Delivery {
    /// Counts among the service's metrics.
    pub fn new(metrics: &Metrics, clock: Clock) -> Self {
        let durations = metrics.durations(
            "handslag.delivery.duration",
            "Time from an event until a notification of it was offered to a subscriber, by channel",
            "channel",
            &SECONDS,
        );
        Self { durations, clock }
    }

    /// Counts a notification that is offered now.
    pub fn offered(&self, channel: Channel, notification: &Notification) {
        let channel = match channel {
            Channel::Stream => "stream",
            Channel::Pull => "pull",
        };
        let took = self.clock.now() - notification.occurrence.occurred_at;
        self.durations
            .record(channel, took.try_into().unwrap_or_default());
    }
}
