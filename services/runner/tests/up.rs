//! `handslag up` as a process: killed, started again, traced, stopped.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

#[path = "up/issuer.rs"]
mod issuer;
#[path = "up/killed.rs"]
mod killed;
#[path = "up/process.rs"]
mod process;
#[path = "up/traced.rs"]
mod traced;
