//! Applying events in one transaction, as the platform's `consumer::apply` does: mark, effect,
//! parked successors.

use handslag_platform::messaging::consumer::judgement::Trouble;
use handslag_platform::messaging::inbox::Decision;
use handslag_platform::messaging::inbox::batch::Together;

use super::transaction::Transaction;
use crate::defect::Defect;
use crate::event::Event;
use crate::sim::Sim;
use crate::totals::Count;

/// What became of events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Applied {
    pub(super) duplicates: usize,
}

/// Applies events in order.
pub(super) async fn apply(sim: &Sim, service: usize, events: &[Event]) -> Result<Applied, Trouble> {
    let mut applied = Applied::default();
    let mut tx = Transaction::begin(sim, service).await?;
    let together = match events {
        [] | [_] => Together::Careful,
        several => tx.claim_batch(several).await?,
    };
    match together {
        Together::Claimed(decisions) => {
            mark_apart(sim, service, &mut tx).await?;
            for (event, decision) in events.iter().zip(decisions) {
                match decision {
                    Decision::Apply => tx.effect(event).await?,
                    _ => applied.duplicate(sim),
                }
            }
        }
        Together::Raced => return Err(Trouble::Retry),
        Together::Careful => {
            for event in events {
                one(sim, service, &mut tx, event, &mut applied).await?;
            }
        }
    }
    tx.note(events).await?;
    tx.commit().await?;
    Ok(applied)
}

impl Applied {
    fn duplicate(&mut self, sim: &Sim) {
        sim.with(|world| world.run.count(Count::Duplicates));
        self.duplicates += 1;
    }
}

async fn one(
    sim: &Sim,
    service: usize,
    tx: &mut Transaction,
    event: &Event,
    applied: &mut Applied,
) -> Result<(), Trouble> {
    let claim = tx.claim(event).await?;
    match claim.decision {
        Decision::Apply => {
            mark_apart(sim, service, tx).await?;
            tx.effect(event).await?;
            if claim.successor_parked {
                drain(sim, tx, *event).await?;
            }
        }
        Decision::Duplicate => applied.duplicate(sim),
        Decision::Gap { .. } => {
            sim.with(|world| world.run.count(Count::Parked));
            tx.park(event).await?;
        }
    }
    Ok(())
}

/// The defect: the effects are in a second transaction.
async fn mark_apart(sim: &Sim, service: usize, tx: &mut Transaction) -> Result<(), Trouble> {
    if sim.with(|world| world.run.has(Defect::MarkApart)) {
        let next = Transaction::begin(sim, service).await?;
        std::mem::replace(tx, next).commit().await?;
    }
    Ok(())
}

/// Applies the parked successors of an event; one that fails stays parked with all after it.
async fn drain(sim: &Sim, tx: &Transaction, event: Event) -> Result<(), Trouble> {
    let mut last = event;
    while let Some(next) = tx.successor(&last).await? {
        let savepoint = tx.savepoint();
        let claim = tx.claim(&next).await?;
        match tx.effect(&next).await {
            Ok(()) => {}
            Err(Trouble::Outage) => return Err(Trouble::Outage),
            Err(Trouble::Retry | Trouble::Reject) => return tx.roll_back_to(savepoint).await,
        }
        sim.with(|world| world.run.count(Count::Drained));
        if !claim.successor_parked {
            return Ok(());
        }
        last = next;
    }
    Ok(())
}
