//! Applying events in one transaction, as the platform's `consumer::apply` does: mark, effect,
//! parked successors.

use handslag_platform::messaging::consumer::judgement::Trouble;
use handslag_platform::messaging::inbox::Decision;

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
    for event in events {
        let claim = tx.claim(event).await?;
        match claim.decision {
            Decision::Apply => {
                if sim.with(|world| world.run.has(Defect::MarkApart)) {
                    tx.commit().await?;
                    tx = Transaction::begin(sim, service).await?;
                }
                tx.effect(event).await?;
                if claim.successor_parked {
                    drain(sim, &tx, *event).await?;
                }
            }
            Decision::Duplicate => {
                sim.with(|world| world.run.count(Count::Duplicates));
                applied.duplicates += 1;
            }
            Decision::Gap { .. } => {
                sim.with(|world| world.run.count(Count::Parked));
                tx.park(event).await?;
            }
        }
    }
    tx.note(events).await?;
    tx.commit().await?;
    Ok(applied)
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
