//! The benches, one file each.

mod b1_commands;
mod b2_lone_command;
mod b3_look_ups;
mod b4_drain;
mod b5_flow;
mod b6_stream;
mod b7_size;
mod b8_long_transactions;
mod b9_rebuild;

pub(crate) mod calls;
pub(crate) mod log;
pub(crate) mod read_model;
pub(crate) mod stock;

use crate::cli::Bench;
use crate::figure::Figure;
use crate::scale::Scale;
use crate::stage::Stage;
use crate::{hostile, overload};

/// Connections of a service to its database, and of pgbench to its own: the default of production.
pub(crate) const CONNECTIONS: u32 = 8;

/// Runs one.
pub(crate) async fn run(bench: Bench, stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    match bench {
        Bench::B1 => b1_commands::run(stage, scale).await,
        Bench::B2 => b2_lone_command::run(stage, scale).await,
        Bench::B3 => b3_look_ups::run(stage, scale).await,
        Bench::B4 => b4_drain::run(stage, scale).await,
        Bench::B5 => b5_flow::run(stage, scale).await,
        Bench::B6 => b6_stream::run(stage, scale).await,
        Bench::B7 => b7_size::run(stage, scale).await,
        Bench::B8 => b8_long_transactions::run(stage, scale).await,
        Bench::B9 => b9_rebuild::run(stage, scale).await,
        Bench::Overload => overload::run(stage, scale).await,
        Bench::Hostile => hostile::run(stage, scale).await,
    }
}
