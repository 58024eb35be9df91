//! The commitments service on a real PostgreSQL and a real RabbitMQ, asked as clients ask it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in tests an unwrap is the assertion"
)]

#[path = "commitments/bad_input.rs"]
mod bad_input;
#[path = "commitments/paging.rs"]
mod paging;
#[path = "commitments/projections.rs"]
mod projections;
#[path = "commitments/rules.rs"]
mod rules;
#[path = "commitments/town.rs"]
mod town;
#[path = "commitments/wire.rs"]
mod wire;
