//! The registry: who and what was agreed.
//!
//! It owns areas, parties, boards and district boards with their successions; agreements with their
//! editions, terms and proceedings; proposals and reported figures; organisations and their
//! relations to agreements. It hears no other service.
//!
//! # Design notes
//! - A relation to an agreement says who has joined, and gates nothing: every look-up answers that
//!   the boards follow the agreement's approach either way.
//! - What a source says (a reported figure, a statement, a note) is kept with its date and place
//!   and never mixed with what the registry itself counts.
//! - Terms, states and relations are functions of the day that is asked about. No task moves them,
//!   so that an outage changes nothing.
//! - An area, party, board or district is data.
//!
//! Every command says one event per aggregate that it changes: `Create…` says `…Created`,
//! `SucceedDistrictBoard` says `DistrictBoardSucceeded`, and so on by name. Those that record a
//! part of an agreement (`AdoptAgreement`, `RecordProceeding`, `AnswerStatement`) are events of the
//! agreement; those of a relation (`InviteOrganisation` to `WithdrawSignatory`) are all
//! `SignatoryStateChanged`.

mod grpc;

pub mod domain;

mod form;
mod pages;
mod rpc;

mod convert;
mod error;
mod store;

use std::sync::Arc;

use handslag_platform::{
    clock::Clock, database::Database, messaging::Consumer, paging::Tokens, service::Context,
    service::Service,
};
use handslag_proto::registry::v1::registry_service_server::RegistryServiceServer;
use sqlx::migrate::Migrator;
use tonic::service::RoutesBuilder;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The registry service.
#[derive(Debug)]
pub struct Registry {
    database: Database,
    clock: Clock,
    tokens: Tokens,
}

impl Service for Registry {
    const NAME: &'static str = "registry";

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
        routes.add_service(RegistryServiceServer::new(grpc::Grpc(self)));
    }

    fn consumers(self: Arc<Self>) -> Vec<Consumer> {
        Vec::new()
    }
}
