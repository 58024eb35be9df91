//! Messaging on real servers: each promise, and the fault that would break it.

mod audited;
mod bed;
mod dead;
mod flow;
mod fuzzed;
mod repair;
mod restored;
