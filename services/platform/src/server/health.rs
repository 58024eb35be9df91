//! What the health service says, on the API port and on the admin port.

use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::readiness::Readiness;
use crate::shutdown::Shutdown;

/// How often the conditions are looked at: well below the period of a probe.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// The whole process, in the health protocol.
const WHOLE: &str = "";

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
        health
    }

    pub(crate) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Follows the conditions until the process stops. Then it says so, and ends the streams of
    /// those who watch: they would hold their connections open.
    pub(crate) async fn follow(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut said = ServingStatus::NotServing;
        loop {
            let now = if self.readiness.missing().is_empty() {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            if now != said {
                self.say(now).await;
                said = now;
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
        reporter.clear_service_status(WHOLE).await;
        Ok(())
    }

    async fn say(&self, status: ServingStatus) {
        self.reporter.set_service_status(WHOLE, status).await;
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
