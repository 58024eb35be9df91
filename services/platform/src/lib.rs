//! What is identical in the four services, once: mechanisms, and no noun of the business.
//!
//! # Design notes
//! A service is the [`service::Service`] trait; [`run::run`] gives it a process and [`run::start`]
//! runs it inside another one. Everything between a call on the wire and a handler is in [`server`]
//! and [`rpc`]; everything between a handler and its tables in [`database`]; everything between two
//! services in [`messaging`].

// Values: pure, usable by domain modules.
pub mod clock;
pub mod date;
pub mod error;
pub mod etag;
pub mod id;
pub mod text;
pub mod violations;
pub mod wire;

// One call: who, how long, which answer.
pub mod auth;
pub mod paging;
pub mod rpc;

// State and messages.
pub mod database;
pub mod messaging;

// The process.
pub mod authorities;
pub mod config;
pub mod dev_issuer;
pub mod failpoint;
pub mod files;
pub mod readiness;
pub mod run;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod telemetry;
pub mod tls;

#[cfg(feature = "testing")]
pub mod testing;

pub use database::migrations::platform as migrations;
pub use run::{Running, run, start};
pub use service::{BackgroundTask, Context, Service};
