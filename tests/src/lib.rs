//! Harness of the stories: a whole city on real servers, reached through its public interfaces only.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness fails the test it serves"
)]

pub mod fuzz;
mod town;

pub use town::{Town, eventually, message};
