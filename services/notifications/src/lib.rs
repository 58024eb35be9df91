//! Notifications: who must know, and that each is told of what matches, once.
//!
//! # Design notes
//! Every event of the registry and the commitments is stored once, matched with every subscription
//! in force, and put into the inbox of each subscriber that it matches: in one transaction with the
//! mark that it was heard. However often it is delivered and however many subscriptions match, a
//! subscriber gets one notification.
//!
//! *From when on.* A subscription is told of the events that this service hears of after
//! `Subscribe` was committed, whenever they happened: one point in one order, which needs no two
//! clocks to agree. What was heard before shows in the preview. A log that is read again tells
//! nobody anything twice, since the event is there already.
//!
//! *Positions.* An inbox is numbered under the lock of its subscriber's row: without holes, and in
//! the order of the commits, so that whoever has read up to a position has missed nothing before
//! it. That also makes a position enough to resume from, after any restart.
//!
//! *Absent on purpose.* There is no copy of areas and agreements: who asks for an area that does
//! not exist yet is told once it does. Boards are copied, to refuse slips of the pen and to name
//! them in sentences.

pub mod domain;

pub mod access;
pub mod bell;
pub mod consumers;
pub mod convert;
pub mod delivery;
pub mod error;
pub mod grpc;
pub mod rpc;
pub mod store;

use std::sync::Arc;

use handslag_platform::{
    Context, Service, clock::Clock, database::Database, messaging::Consumer, paging::Tokens,
    shutdown::Shutdown,
};
use handslag_proto::notifications::v1::notifications_service_server::NotificationsServiceServer;
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The notifications service.
#[derive(Debug)]
pub struct Notifications {
    database: Database,
    clock: Clock,
    tokens: Tokens,
    shutdown: Shutdown,
    bell: bell::Bell,
    delivery: delivery::Delivery,
}

impl Service for Notifications {
    const NAME: &'static str = "notifications";

    fn migrations() -> &'static Migrator {
        &MIGRATIONS
    }

    fn new(context: Context) -> Self {
        let Context {
            database,
            clock,
            tokens,
            shutdown,
            metrics,
            ..
        } = context;
        Self {
            delivery: delivery::Delivery::new(&metrics, clock.clone()),
            database,
            clock,
            tokens,
            shutdown,
            bell: bell::Bell::default(),
        }
    }

    fn routes(self: Arc<Self>, routes: &mut tonic::service::RoutesBuilder) {
        routes.add_service(NotificationsServiceServer::new(grpc::Grpc(self)));
    }

    fn consumers(self: Arc<Self>) -> Vec<Consumer> {
        consumers::all(&self.bell)
    }
}
