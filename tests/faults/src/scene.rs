//! What a fault gets hold of: the fleet, the servers, the clients, and chance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use handslag_checker::record::{Injected, Restored};
use handslag_local_infra::{Infra, Tmpfs};
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::fleet::Fleet;
use crate::load::{Load, World};

/// A run under way.
pub(crate) struct Scene {
    pub(crate) infra: Arc<Infra>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) world: Arc<World>,
    pub(crate) load: Load,
    pub(crate) chance: StdRng,
    pub(crate) seed: u64,
    /// How long the fault may go on.
    pub(crate) time: Duration,
    /// How often it struck: a fault that never struck has shown nothing.
    pub(crate) struck: u64,
    /// What the run put into the broker itself.
    pub(crate) injected: Injected,
    /// The servers' disk, when the run has one of its own.
    pub(crate) disk: Option<Arc<Tmpfs>>,
    /// How far clocks were set wrong, in seconds.
    pub(crate) skew: BTreeMap<String, i64>,
    /// What a restore of the databases took back.
    pub(crate) restored: Option<Restored>,
    /// What a reader of the table should know of this run.
    pub(crate) remark: String,
}

impl Scene {
    /// Waits a random time up to `most`.
    pub(crate) async fn pause(&mut self, most: Duration) {
        let wait = most.mul_f64(self.chance.random::<f64>());
        tokio::time::sleep(wait).await;
    }

    /// One of the processes.
    pub(crate) fn any_process(&mut self) -> usize {
        self.chance.random_range(0..self.fleet.processes.len())
    }

    /// Does something to the servers on a thread that may wait.
    pub(crate) async fn servers<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Infra) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let infra = Arc::clone(&self.infra);
        tokio::task::spawn_blocking(move || what(&infra)).await?
    }

    /// The name of the run's virtual host.
    pub(crate) fn vhost(&self) -> &str {
        self.fleet.amqp_url.rsplit('/').next().unwrap_or_default()
    }
}
