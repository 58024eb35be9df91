//! TLS between the processes, with certificates that are exchanged while they run.
//!
//! # Design notes
//! tonic's own configuration is read once. Here certificate, key and authorities are made into one
//! configuration of rustls; when a file changes another one is made, and connections from then on
//! use it. Those that there are go on: the server ends each within minutes for its age. What cannot
//! be used (a key of another certificate, an expired one, half a file) leaves the former in place,
//! is logged once and shown as a metric, since an expired secret must not take down what works.
//!
//! A certificate that is not valid yet is served: the clock that says so is ours, and those of the
//! peers decide.

mod client;
mod pem;
mod reloading;
mod server;

pub(crate) use client::trusting;
pub use client::{ClientFiles, ClientTls};
pub use reloading::State;
pub use server::ServerTls;
