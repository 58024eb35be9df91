//! The judge judged: in right histories it finds nothing, in mutated ones it finds the mutation and
//! blames it on a promise that it breaks.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "in tests an unwrap is the assertion, in their helpers too"
)]

#[path = "mutations/bounds.rs"]
mod bounds;
#[path = "mutations/clients.rs"]
mod clients;
#[path = "mutations/harmless.rs"]
mod harmless;
#[path = "mutations/history.rs"]
mod history;
#[path = "mutations/inboxes.rs"]
mod inboxes;
#[path = "mutations/log.rs"]
mod log;
#[path = "mutations/rest.rs"]
mod rest;
#[path = "mutations/restored.rs"]
mod restored;
#[path = "mutations/tables.rs"]
mod tables;
#[path = "mutations/tap.rs"]
mod tap;
