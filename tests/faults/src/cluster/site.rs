//! The cluster's databases and broker, asked inside their own pods.

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use handslag_checker::record::QueueState;
use handslag_runner::ports::SERVICES;
use serde_json::Value;

use super::kube::Kube;
use crate::site::Site;

/// The pods of the trial servers.
pub(crate) const DATABASE_POD: &str = "postgresql-0";
pub(crate) const BROKER_POD: &str = "rabbitmq-0";
/// The virtual host of the trial servers.
pub(crate) const VHOST: &str = "handslag";

/// Distributions keep the programs outside of the usual path.
const PSQL: &str = "PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; export PGPASSWORD=$(cat /passwords/password); \
     exec psql -h 127.0.0.1 -U postgres -d \"$0\" -X -q -At -v ON_ERROR_STOP=1 -f -";
const RABBITMQCTL: &str = "PATH=$(echo /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin):$PATH; export HOME=/var/lib/rabbitmq; \
     exec rabbitmqctl \"$0\" \"$@\"";

/// What stands in the namespace of an installation.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSite(pub(crate) Kube);

impl ClusterSite {
    /// Runs SQL text in a database by its name.
    pub(crate) fn sql_in(&self, database: &str, text: &str) -> Result<String> {
        let exec = ["exec", "-i", DATABASE_POD, "--", "sh", "-c", PSQL, database];
        self.0.kubectl_with(&exec, text)
    }

    /// Runs a command of the broker's own tool.
    pub(crate) fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String> {
        let exec = ["exec", BROKER_POD, "--", "sh", "-c", RABBITMQCTL];
        self.0.kubectl(&[exec.as_slice(), arguments].concat())
    }
}

impl Site for ClusterSite {
    fn sql(&self, place: usize, text: &str) -> Result<String> {
        self.sql_in(&format!("handslag_{}", SERVICES[place]), text)
    }

    fn queues(&self) -> BoxFuture<'_, Result<Vec<QueueState>>> {
        let site = self.clone();
        async move {
            tokio::task::spawn_blocking(move || {
                let text = site.rabbitmqctl(&[
                    "-q",
                    "list_queues",
                    "-p",
                    VHOST,
                    "--formatter=json",
                    "name",
                    "messages_ready",
                    "messages_unacknowledged",
                ])?;
                let list: Value = serde_json::from_str(&text)?;
                let list = list.as_array().context("the broker lists no queues")?;
                Ok(list.iter().map(crate::fleet::queue_state).collect())
            })
            .await?
        }
        .boxed()
    }
}
