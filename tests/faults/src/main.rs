//! `cargo dev faults` and `cargo dev deploy-test`: load, a fault, quiet, and the judge's verdict.
//!
//! # Design notes
//! * On one machine the services run as processes of their own, as in production: what is killed, stopped or given
//!   another clock is a process. The program starts itself again under a service's name, so that
//!   one build with the feature `failpoints` serves all.
//! * Database and broker are private servers of the run. Services reach them, and clients reach the
//!   services, through proxies, so that every edge can be cut.
//! * What clients, subscribers, a tap on the exchange and the databases saw is written to one
//!   directory; the judge (`handslag-checker`) reads nothing else. A run can be judged again later.
//! * Everything random comes from the seed that is printed. The order in which processes and
//!   servers act is theirs, so a seed replays the plan of a run and not its every instant.

mod cli;
mod client;
mod cluster;
mod defects;
mod dump;
mod fleet;
mod history;
mod load;
mod matrix;
mod proxy;
mod quiet;
mod run;
mod samples;
mod scene;
mod setup;
mod site;
mod subscribers;
mod table;
mod tap;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    match fleet::process::service_to_become() {
        Some(become_it) => become_it(),
        None if std::env::args()
            .nth(1)
            .is_some_and(|verb| verb == cluster::VERB) =>
        {
            cluster::main()
        }
        None => cli::main(),
    }
}
