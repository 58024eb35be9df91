//! The platform against real servers: PostgreSQL and RabbitMQ, a database and a virtual host each.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in tests an unwrap is the assertion, in their helpers too"
)]

mod access;
mod broker_tls;
mod commands;
mod errors;
mod fuzzed;
mod grants;
mod hostile;
mod keys;
mod limits;
mod messaging;
mod migrations;
mod paging;
mod probe;
mod running;
mod secrets;
mod tls;
