//! Reporting through its public interface, on a real PostgreSQL and RabbitMQ.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on says why and ends"
)]

mod figures;
mod refusals;
mod replay;
mod reports;
mod sections;
mod signatory_days;
mod town;
mod wire;
