//! The registry on a real PostgreSQL and a real RabbitMQ, asked as clients ask it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test cannot do without fails it"
)]

#[path = "registry/bad_input.rs"]
mod bad_input;
#[path = "registry/lists.rs"]
mod lists;
#[path = "registry/look_up.rs"]
mod look_up;
#[path = "registry/process.rs"]
mod process;
#[path = "registry/record.rs"]
mod record;
#[path = "registry/relations.rs"]
mod relations;
#[path = "registry/requests.rs"]
mod requests;
#[path = "registry/town.rs"]
mod town;
#[path = "registry/wire.rs"]
mod wire;
