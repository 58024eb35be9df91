//! What the health service says, on the API port and on the admin port.
//!
//! # Design notes
//! Beside the whole process and the gRPC services in it there is [`DELIVERY`], which says whether
//! events flow. It is no condition of readiness: a broker that is away must not take the service
//! away from those who ask.

use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::messaging::Messaging;
use crate::readiness::Readiness;
use crate::shutdown::Shutdown;

/// How often the conditions are looked at: well below the period of a probe.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// The whole process, in the health protocol.
const WHOLE: &str = "";

/// Whether what this service says is published, and what it hears is agreed on.
pub const DELIVERY: &str = "handslag.delivery";

/// The health of a process and of the gRPC services in it.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
    services: Vec<String>,
    readiness: Readiness,
}

impl Health {
    pub(crate) async fn new(services: Vec<String>, readiness: Readiness) -> Self {
        let health = Self {
            reporter: HealthReporter::new(),
            services,
            readiness,
        };
        health.say(ServingStatus::NotServing).await;
        health.say_of(DELIVERY, ServingStatus::NotServing).await;
        health
    }

    pub(crate) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Follows the conditions until the process stops. Then it says so, and ends the streams of
    /// those who watch: they would hold their connections open.
    pub(crate) async fn follow(
        self,
        messaging: Messaging,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let mut said = ServingStatus::NotServing;
        let mut said_of_delivery = ServingStatus::NotServing;
        loop {
            let now = serving(self.readiness.missing().is_empty());
            if now != said {
                self.say(now).await;
                said = now;
            }
            let delivery = serving(messaging.delivers());
            if delivery != said_of_delivery {
                self.say_of(DELIVERY, delivery).await;
                said_of_delivery = delivery;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_PAUSE) => {}
                () = shutdown.stopping() => break,
            }
        }
        self.say(ServingStatus::NotServing).await;
        // Lets the watchers hear it first.
        tokio::time::sleep(LOOK_PAUSE).await;
        let mut reporter = self.reporter;
        for service in &self.services {
            reporter.clear_service_status(service).await;
        }
        reporter.clear_service_status(DELIVERY).await;
        reporter.clear_service_status(WHOLE).await;
        Ok(())
    }

    async fn say(&self, status: ServingStatus) {
        self.say_of(WHOLE, status).await;
        for service in &self.services {
            self.say_of(service, status).await;
        }
    }

    async fn say_of(&self, service: &str, status: ServingStatus) {
        self.reporter.set_service_status(service, status).await;
    }
}

fn serving(holds: bool) -> ServingStatus {
    if holds {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}
