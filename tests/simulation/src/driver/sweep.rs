//! What a consumer does by the clock, as the platform's `consumer::sweep` does it.

use handslag_platform::messaging::consumer::judgement::{self, Ruling, Trouble};
use handslag_platform::messaging::relay::answer::Wanted;

use super::Failure;
use super::apply::apply;
use super::consumer::{Session, bury};
use super::transaction::Transaction;
use crate::event::{AGGREGATE, Event};
use crate::model::tables::{Parked, Tables};
use crate::schedule::{SECOND, Time};
use crate::totals::Count;

/// Pause before the producer is asked for the same gap again, as the platform's.
const ASK_AGAIN: Time = 5 * SECOND;

/// Why a round ended: the database, which is met again in the next one, or the broker.
enum Interruption {
    Database,
    Session(Failure),
}

impl From<Trouble> for Interruption {
    fn from(_: Trouble) -> Self {
        Self::Database
    }
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Session(failure)
    }
}

impl Session {
    /// One round.
    pub(super) async fn sweep(&mut self) -> Result<(), Failure> {
        match self.round().await {
            Err(Interruption::Session(failure)) => Err(failure),
            Ok(()) | Err(Interruption::Database) => Ok(()),
        }
    }

    async fn round(&mut self) -> Result<(), Interruption> {
        let wanted = self.query(|tables, _| {
            let dead = tables.dead.values().filter(|dead| dead.replay_wanted);
            dead.map(|dead| dead.event).collect::<Vec<_>>()
        });
        for event in wanted.await? {
            self.revive(&event).await?;
        }
        for parked in self.query(|tables, now| tables.due(now)).await? {
            self.retry(&parked).await?;
        }
        let gaps = self.query(|tables, now| tables.gaps(now, ASK_AGAIN));
        for (aggregate, first, last) in gaps.await? {
            self.count(Count::GapsAsked);
            self.tell(|| format!("asks for thing {aggregate} versions {first} to {last}"));
            let aggregate_id = aggregate.to_string();
            self.ask(Wanted::Versions {
                aggregate: AGGREGATE.to_owned(),
                aggregate_id,
                first,
                last,
            })
            .await?;
        }
        if self.query(|tables, _| tables.account.replay_wanted).await? {
            self.tell(|| "asks for the whole log".to_owned());
            let all = Wanted::Range {
                after: 0,
                last: None,
            };
            if self.ask(all).await? {
                let tx = self.transaction().await?;
                tx.replay_asked().await?;
                tx.commit().await?;
                self.comparison.replaying(self.sim.instant());
            }
        }
        Ok(())
    }

    /// A statement by itself, over the pool.
    async fn query<T>(&self, act: impl FnOnce(&mut Tables, Time) -> T) -> Result<T, Trouble> {
        self.sim.hop().await;
        let answer = self.sim.with(|world| {
            let now = world.now();
            let tables = &mut world.services[self.service];
            tables.is_up(now).then(|| act(tables, now))
        });
        self.sim.hop().await;
        answer.ok_or(Trouble::Outage)
    }

    async fn transaction(&self) -> Result<Transaction, Trouble> {
        Transaction::begin(&self.sim, self.service).await
    }

    /// Applies a dead letter again because an operator wants it.
    async fn revive(&mut self, event: &Event) -> Result<(), Interruption> {
        match apply(&self.sim, self.service, &[*event]).await {
            Ok(_) => {
                self.count(Count::Revived);
                let tx = self.transaction().await?;
                tx.exhume(event).await?;
                tx.commit().await?;
            }
            Err(Trouble::Outage) => {}
            Err(Trouble::Retry | Trouble::Reject) => {
                bury(&self.sim, self.service, event).await?;
            }
        }
        Ok(())
    }

    /// Applies a parked event whose predecessor is there.
    async fn retry(&mut self, parked: &Parked) -> Result<(), Interruption> {
        let event = &parked.event;
        let trouble = match apply(&self.sim, self.service, &[*event]).await {
            Ok(applied) => {
                // The claim has unparked what it applied; a duplicate is left over.
                if applied.duplicates > 0 {
                    let tx = self.transaction().await?;
                    tx.unpark(event).await?;
                    tx.commit().await?;
                }
                return Ok(());
            }
            Err(trouble) => trouble,
        };
        match judgement::of_parked(trouble, parked.attempts) {
            Ruling::Hold => {}
            Ruling::Defer { wait, .. } => {
                let wait = Time::try_from(wait.as_micros()).unwrap_or(Time::MAX);
                self.query(|tables, now| {
                    if let Some(parked) = tables.parked.get_mut(&event.key()) {
                        parked.attempts += 1;
                        parked.try_after = now + wait;
                    }
                })
                .await?;
            }
            Ruling::Bury { reason } => {
                self.tell(|| format!("buries {event}: {reason}"));
                bury(&self.sim, self.service, event).await?;
            }
        }
        Ok(())
    }
}
