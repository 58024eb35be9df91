//! A private PostgreSQL and RabbitMQ on this machine, for `handslag up` and for every test.
//!
//! # Design notes
//!
//! * The servers are *private*: an own data directory, generated passwords, an own Erlang cookie,
//!   port mapper and node name, every port on 127.0.0.1. A PostgreSQL or RabbitMQ that the machine
//!   already runs is never touched, neither its data nor its ports.
//! * The servers *outlive* whoever started them. They run in a session of their own, and a file in
//!   the data directory tells the next caller how to find them. A `kill -9` of the caller loses
//!   nothing; the next [`Infra::start`] attaches within a moment.
//! * Everything is synchronous and std only, since callers wait for it before they do anything
//!   else, and since the tools that depend on it should compile in seconds.
//! * The broker is administered over its management interface: one request takes 2 ms, where
//!   `rabbitmqctl` has to start an Erlang machine for 2 s.
//! * What happens to servers in production can be made to happen to these: they are killed, stand
//!   still, lose their data, fail over to a [`Standby`] and run out of disk ([`Tmpfs`]) or memory.
//!   Whatever outlasts a call is undone when its value is dropped, so that a test that fails
//!   leaves no server behind that nobody understands.

mod account;
mod address;
mod archive;
mod broker;
mod database;
mod files;
mod infra;
mod logins;
mod management;
mod packages;
mod pause;
mod ports;
mod process;
mod programs;
mod psql;
mod servers;
mod setup;
mod standby;
mod state;
mod testing;
mod tmpfs;
mod vhost;

pub use account::default_data_dir;
pub use infra::{Infra, Options};
pub use logins::Login;
pub use management::{Policy, STANDARD_POLICY};
pub use packages::{Need, install};
pub use pause::Paused;
pub use programs::postgres_program;
pub use servers::Servers;
pub use standby::Standby;
pub use testing::{shared_for_tests, stop_test_servers, test_data_dir};
pub use tmpfs::Tmpfs;
pub use vhost::{Binding, Connection, Queue, Vhost};
