//! Stories through public interfaces only: gRPC by the contract's own description, pages by HTTP.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

#[path = "stories/access.rs"]
mod access;
#[path = "stories/broker_outage.rs"]
mod broker_outage;
#[path = "stories/extension.rs"]
mod extension;
#[path = "stories/fuzzed.rs"]
mod fuzzed;
#[path = "stories/main_job.rs"]
mod main_job;
#[path = "stories/malformed.rs"]
mod malformed;
#[path = "stories/readme.rs"]
mod readme;
#[path = "stories/reflection.rs"]
mod reflection;
#[path = "stories/secured.rs"]
mod secured;
