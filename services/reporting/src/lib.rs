//! Reporting: how it went. Figures, sections for the boards, reports.
//!
//! # Design notes
//! *Read models.* Everything that is counted is fed by the events of the registry and the commitments and by nothing
//! else, is kept as one row per change, and can be dropped and rebuilt from the producers' logs ([`rebuild`]). Figures are
//! folded when they are asked for ([`domain`]), so that they cannot drift from what they count. Signatories alone are
//! summed up day by day by the database as their changes are written: to fold a million of them took 1.5 s for each curve.
//!
//! *Dates.* Relations of organisations count from the day that the registry says, commitments from the day of their
//! events, actions from the day of the report. An imprecise date counts from its last day ([`domain::history`]).
//!
//! *Reports.* An order takes the section down as it stands; a task sets it ([`making`](self)). So a report says what
//! was known when it was ordered, and setting it twice gives the same report.
//!
//! *Refused.* One figure that mixes what sources report with what is counted; marks for accounts that nobody has asked
//! for; ranks of organisations.

pub mod domain;
pub mod render;

mod consumers;
mod convert;
mod error;
mod grpc;
mod making;
mod read;
mod rebuild;
mod rpc;
mod store;

use std::sync::Arc;

use handslag_platform::clock::Clock;
use handslag_platform::database::Database;
use handslag_platform::messaging::Consumer;
use handslag_platform::paging::Tokens;
use handslag_platform::{BackgroundTask, Context, Service};
use handslag_proto::reporting::v1::reporting_service_server::ReportingServiceServer;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;

pub use rebuild::rebuild;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The reporting service.
#[derive(Debug)]
pub struct Reporting {
    database: Database,
    clock: Clock,
    tokens: Tokens,
    /// Wakes the making of reports; a missed signal costs one turn.
    ordered: Notify,
}

impl Service for Reporting {
    const NAME: &'static str = "reporting";

    fn migrations() -> &'static Migrator {
        &MIGRATIONS
    }

    fn new(context: Context) -> Self {
        let Context {
            database,
            clock,
            tokens,
            ..
        } = context;
        Self {
            database,
            clock,
            tokens,
            ordered: Notify::new(),
        }
    }

    fn routes(self: Arc<Self>, routes: &mut tonic::service::RoutesBuilder) {
        routes.add_service(ReportingServiceServer::new(grpc::Grpc(self)));
    }

    fn consumers(self: Arc<Self>) -> Vec<Consumer> {
        consumers::all()
    }

    fn tasks(self: Arc<Self>) -> Vec<BackgroundTask> {
        vec![BackgroundTask::new("reports", |shutdown| {
            making::make_reports(self, shutdown)
        })]
    }
}
