//! The public pages: HTML rendered on the server, a client of the four services like any other.
//!
//! # Design notes
//! No database, no session, no script. A page asks the services for what it shows, turns it into a
//! struct of texts and renders a template. What a page cannot do without makes it answer 503; what
//! it can do without (the name of an area, the curve beside the text) becomes a notice on the page.
//! Public reads need no token, so this front holds no credential that could leak.

mod app;
pub mod chart;
mod clients;
mod config;
mod error;
mod labels;
mod layout;
mod pages;
mod params;
mod reads;
mod security;
mod server;
mod service;
pub mod view;

pub use config::{Config, TlsConfig};
pub use server::{Running, run, start};
