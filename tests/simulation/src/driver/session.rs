//! The leader's session with its database: the lock lives as long as it does, as in the platform's
//! `relay::leader`.

use super::Failure;
use crate::schedule::ProcessId;
use crate::sim::Sim;
use crate::world::World;

/// A session outside the pool; dropped it is ended.
#[derive(Debug)]
pub(crate) struct Session {
    sim: Sim,
    id: usize,
}

impl Session {
    pub(crate) async fn connect(sim: &Sim, process: ProcessId) -> Result<Self, Failure> {
        sim.hop().await;
        let id = sim.with(|world| {
            let up = world.producer.is_up(world.now());
            up.then(|| world.producer.new_session(process))
        });
        let session = Self {
            sim: sim.clone(),
            id: id.ok_or(Failure::Database)?,
        };
        sim.hop().await;
        Ok(session)
    }

    /// One statement: it may be carried out although its answer is lost.
    pub(crate) async fn ask<T>(&self, act: impl FnOnce(&mut World) -> T) -> Result<T, Failure> {
        let lives = |world: &World| world.producer.session_lives(self.id);
        self.sim.hop().await;
        let answer = self.sim.with(|world| lives(world).then(|| act(world)));
        self.sim.hop().await;
        answer
            .filter(|_| self.sim.with(|world| lives(world)))
            .ok_or(Failure::Database)
    }

    /// Tries once to become the leader.
    pub(crate) async fn try_lead(&self) -> Result<bool, Failure> {
        self.ask(|world| world.producer.try_lock(self.id)).await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sim.with(|world| world.producer.end_session(self.id));
    }
}
