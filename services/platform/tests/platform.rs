//! The platform against a real PostgreSQL, a real RabbitMQ and a real gRPC client.

#[path = "platform/access.rs"]
mod access;
#[path = "platform/commands.rs"]
mod commands;
#[path = "platform/errors.rs"]
mod errors;
#[path = "platform/limits.rs"]
mod limits;
#[path = "platform/paging.rs"]
mod paging;
#[path = "platform/probe.rs"]
mod probe;
#[path = "platform/running.rs"]
mod running;
