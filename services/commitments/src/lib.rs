//! What was promised and what is done: commitments, action plans, yearly follow-ups, deliberations.
//!
//! # Design notes
//! The parties are equals. What one of them proposes binds another only by that one's own answer,
//! and nobody edits the other's part; an administrator's path is absent on purpose. Nothing changes
//! its status because time passes: what is overdue or late is computed when it is asked for.
//!
//! The registry is known here only by its events ([`consumers`]), a moment later than it knows
//! itself. A command that refers to what has not arrived yet is refused with the field, and told to
//! try again ([`references`]).
//!
//! Deliberately absent: deleting (a record is added to, never taken from), and the text of a
//! commitment being edited (the bearers answered to these words; new words are a new commitment).

// What is promised: pure rules.
pub mod domain;
// Where it is kept.
pub mod store;
// How it looks on the wire, and what is said when it is refused.
pub mod convert;
pub mod error;
// What requests refer to, what is asked of this service, what it hears.
pub mod consumers;
pub mod references;
pub mod rpc;

use std::sync::Arc;

use handslag_platform::clock::Clock;
use handslag_platform::database::Database;
use handslag_platform::messaging::Consumer;
use handslag_platform::paging::Tokens;
use handslag_platform::{Context, Service};
use handslag_proto::commitments::v1::commitments_service_server::CommitmentsServiceServer;
use sqlx::migrate::Migrator;
use tonic::service::RoutesBuilder;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The commitments service.
#[derive(Debug)]
pub struct Commitments {
    /// Its own database.
    pub database: Database,
    /// The time.
    pub clock: Clock,
    /// Page tokens.
    pub tokens: Tokens,
}

impl Service for Commitments {
    const NAME: &'static str = "commitments";

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
        }
    }

    fn routes(self: Arc<Self>, routes: &mut RoutesBuilder) {
        routes.add_service(CommitmentsServiceServer::new(rpc::Api(self)));
    }

    fn consumers(self: Arc<Self>) -> Vec<Consumer> {
        vec![consumers::of_registry()]
    }
}
