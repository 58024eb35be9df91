//! A transaction of a consuming service, statement by statement, as the platform's `inbox`,
//! `account` and `dead_letters` write them.

mod claim;

use handslag_platform::messaging::comparison::Digest;
use handslag_platform::messaging::consumer::judgement::Trouble;
use handslag_platform::messaging::relay::holes::Mark;

use crate::event::Event;
use crate::model::locks::{Grant, Key, TransactionId};
use crate::model::tables::{Account, Dead, Parked, Writes};
use crate::schedule::{MILLISECOND, NEVER, Time, Topic};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::World;

/// How long a gap is left alone, as the platform does.
const GAP_GRACE: Time = 500 * MILLISECOND;

/// What an effect does.
enum Effect {
    Happens,
    Fails(Trouble),
    /// The process dies of it.
    Kills,
}

/// What an obstinate event's effect does, time and again: each kind has its own way to the dead
/// letters.
fn obstinacy(event: &Event) -> Effect {
    match event.version % 3 {
        0 => Effect::Fails(Trouble::Reject),
        1 => Effect::Fails(Trouble::Retry),
        _ => Effect::Kills,
    }
}

/// An open transaction; dropped without a commit it is rolled back.
#[derive(Debug)]
pub(crate) struct Transaction {
    sim: Sim,
    service: usize,
    id: TransactionId,
}

impl Transaction {
    pub(crate) async fn begin(sim: &Sim, service: usize) -> Result<Self, Trouble> {
        sim.hop().await;
        let id = sim.with(|world| {
            let tables = &mut world.services[service];
            tables.is_up(world.run.now()).then(|| {
                let id = world.run.new_id();
                tables.begin(id, world.run.schedule.current_process());
                id
            })
        });
        Ok(Self {
            sim: sim.clone(),
            service,
            id: id.ok_or(Trouble::Outage)?,
        })
    }

    /// One statement. The transaction is gone if the server was.
    async fn statement<T>(&self, act: impl FnOnce(&mut World) -> T) -> Result<T, Trouble> {
        self.sim.hop().await;
        let act = |world: &mut World| {
            let open = world.services[self.service].writes(self.id).is_some();
            open.then(|| act(world))
        };
        self.sim.with(act).ok_or(Trouble::Outage)
    }

    async fn write(&self, act: impl FnOnce(&mut Writes)) -> Result<(), Trouble> {
        self.statement(|world| {
            if let Some(writes) = world.services[self.service].writes(self.id) {
                act(writes);
            }
        })
        .await
    }

    /// Locks a row until the end, waiting for whoever has it.
    async fn lock(&self, key: Key) -> Result<(), Trouble> {
        self.sim
            .look(Topic::ServiceLocks(self.service), |world| {
                let tables = &mut world.services[self.service];
                if tables.writes(self.id).is_none() {
                    return Look::Seen(Err(Trouble::Outage));
                }
                match tables.locks.ask(self.id, key) {
                    Grant::Held => Look::Seen(Ok(())),
                    Grant::Wait => {
                        world.run.count(Count::LockWaits);
                        Look::Until(NEVER)
                    }
                    Grant::Deadlock => {
                        world.run.count(Count::Deadlocks);
                        // An answer of the database like any other that says no.
                        Look::Seen(Err(Trouble::Retry))
                    }
                }
            })
            .await
    }

    /// The effect itself: a row of the read model.
    pub(crate) async fn effect(&self, event: &Event) -> Result<(), Trouble> {
        let outcome = self.statement(|world| {
            let obstinate = (self.service, event.key());
            let run = &mut world.run;
            if run.chance.happens(run.chance.odds.obstinate) {
                world.obstinate.push(obstinate);
            }
            if world.obstinate.contains(&obstinate) {
                run.count(Count::EffectsFailed);
                return obstinacy(event);
            }
            if run.chance.happens(run.chance.odds.failing) {
                run.count(Count::EffectsFailed);
                return Effect::Fails(Trouble::Retry);
            }
            if let Some(writes) = world.services[self.service].writes(self.id) {
                writes.effects.push(*event);
            }
            Effect::Happens
        });
        match outcome.await? {
            Effect::Happens => Ok(()),
            Effect::Fails(trouble) => Err(trouble),
            Effect::Kills => {
                self.sim.with(World::die);
                self.sim.sleep_until(NEVER).await;
                Err(Trouble::Outage)
            }
        }
    }

    /// `inbox::park`.
    pub(crate) async fn park(&self, event: &Event) -> Result<(), Trouble> {
        let now = self.sim.now();
        let parked = Parked {
            event: *event,
            attempts: 0,
            ask_after: now + GAP_GRACE,
            try_after: 0,
        };
        self.write(|writes| writes.parked.push((event.key(), Some(parked))))
            .await
    }

    /// `inbox::successor`.
    pub(crate) async fn successor(&self, event: &Event) -> Result<Option<Event>, Trouble> {
        let key = (event.aggregate, event.version + 1);
        self.statement(|world| {
            let now = world.now();
            let parked = world.services[self.service].parked(self.id, key);
            let due = parked.filter(|parked| parked.try_after <= now);
            due.map(|parked| parked.event)
        })
        .await
    }

    /// `inbox::unpark`.
    pub(crate) async fn unpark(&self, event: &Event) -> Result<(), Trouble> {
        self.write(|writes| writes.parked.push((event.key(), None)))
            .await
    }

    /// `account::note`.
    pub(crate) async fn note(&self, events: &[Event]) -> Result<(), Trouble> {
        let unheard = self.statement(|world| {
            let tables = &mut world.services[self.service];
            if let Some(writes) = tables.writes(self.id) {
                writes.noted.extend(events.iter().map(|event| event.seq));
            }
            tables.unheard(events)
        });
        let unheard = unheard.await?;
        for (seq, hash) in unheard {
            self.lock(Key::Seen(seq)).await?;
            self.sim.with(|world| {
                let tables = &mut world.services[self.service];
                let known = tables.seen.contains_key(&seq);
                if let Some(writes) = tables.writes(self.id)
                    && !known
                {
                    writes.seen.push((seq, Some(hash)));
                }
            });
        }
        Ok(())
    }

    /// The account, locked.
    pub(crate) async fn account(&self) -> Result<Mark, Trouble> {
        self.statement(|_| ()).await?;
        self.lock(Key::Account).await?;
        Ok(self
            .sim
            .with(|world| world.services[self.service].account.agreed))
    }

    /// Count and sum of what was heard since, up to `seq`.
    pub(crate) async fn since(&self, seq: i64) -> Result<(i64, i64), Trouble> {
        self.statement(|world| world.services[self.service].since(seq))
            .await
    }

    /// `account::agree`.
    pub(crate) async fn agree(&self, digest: &Digest) -> Result<(), Trouble> {
        let agreed = Mark {
            seq: digest.seq,
            count: digest.count,
            hash: digest.hash,
        };
        self.write_account(|account| account.agreed = agreed)
            .await?;
        self.forget(digest.seq).await
    }

    /// `account::recount`.
    pub(crate) async fn recount(&self) -> Result<(), Trouble> {
        self.account().await?;
        self.write_account(|account| {
            *account = Account {
                agreed: Mark::default(),
                replay_wanted: true,
            };
        })
        .await?;
        self.forget(i64::MAX).await
    }

    /// `account::replay_asked`.
    pub(crate) async fn replay_asked(&self) -> Result<(), Trouble> {
        self.account().await?;
        self.write_account(|account| account.replay_wanted = false)
            .await
    }

    async fn write_account(&self, change: impl FnOnce(&mut Account)) -> Result<(), Trouble> {
        let committed = self.sim.with(|world| world.services[self.service].account);
        self.write(|writes| change(writes.account.get_or_insert(committed)))
            .await
    }

    /// Forgets the single numbers up to `seq`.
    async fn forget(&self, seq: i64) -> Result<(), Trouble> {
        let heard = self
            .statement(|world| {
                let seen = &world.services[self.service].seen;
                seen.range(..=seq).map(|(seq, _)| *seq).collect::<Vec<_>>()
            })
            .await?;
        for seq in heard {
            self.lock(Key::Seen(seq)).await?;
            self.sim.with(|world| {
                if let Some(writes) = world.services[self.service].writes(self.id) {
                    writes.seen.push((seq, None));
                }
            });
        }
        Ok(())
    }

    /// `dead_letters::bury`, of which an earlier wish to try again is forgotten.
    pub(crate) async fn bury(&self, event: &Event) -> Result<(), Trouble> {
        let dead = Dead {
            event: *event,
            replay_wanted: false,
        };
        self.write(|writes| writes.dead.push((event.key(), Some(dead))))
            .await?;
        self.unpark(event).await?;
        self.note(&[*event]).await
    }

    /// `dead_letters::remove`.
    pub(crate) async fn exhume(&self, event: &Event) -> Result<(), Trouble> {
        self.write(|writes| writes.dead.push((event.key(), None)))
            .await
    }

    /// What was written up to here, to come back to.
    pub(crate) fn savepoint(&self) -> Option<Writes> {
        self.sim.with(|world| {
            let writes = world.services[self.service].writes(self.id);
            writes.map(|writes| writes.clone())
        })
    }

    pub(crate) async fn roll_back_to(&self, savepoint: Option<Writes>) -> Result<(), Trouble> {
        self.write(|writes| *writes = savepoint.unwrap_or_default())
            .await
    }

    /// Commits. An outage may hide that it did.
    pub(crate) async fn commit(self) -> Result<(), Trouble> {
        self.sim.hop().await;
        let (committed, crashes) = self.sim.with(|world| {
            let committed = world.commit_effects(self.service, self.id);
            (committed, world.services[self.service].crashes())
        });
        self.sim.hop().await;
        let crashed = self
            .sim
            .with(|world| world.services[self.service].crashes() != crashes);
        if committed && !crashed {
            Ok(())
        } else {
            Err(Trouble::Outage)
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.sim
            .with(|world| world.roll_back_effects(self.service, self.id));
    }
}
