//! Notifications through its public interface, on a real PostgreSQL and RabbitMQ.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

mod access;
mod commands;
mod inbox;
mod refusals;
mod streams;
mod town;
mod wire;
