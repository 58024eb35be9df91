//! Reporting through its public interface, on a real PostgreSQL and RabbitMQ.

mod figures;
mod refusals;
mod replay;
mod reports;
mod sections;
mod town;
mod wire;
