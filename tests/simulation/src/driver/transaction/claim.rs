//! Claiming events, one or a batch of them.

use handslag_platform::messaging::consumer::judgement::Trouble;
use handslag_platform::messaging::inbox::Claim;
use handslag_platform::messaging::inbox::batch::{Advance, Together, advance};

use super::Transaction;
use crate::event::Event;
use crate::model::locks::Key;
use crate::model::tables::Tables;
use crate::totals::Count;
use crate::world::World;

impl Transaction {
    /// `inbox::claim`.
    pub(crate) async fn claim(&self, event: &Event) -> Result<Claim, Trouble> {
        let before = event.version - 1;
        let mark = |world: &World| {
            let tables = &world.services[self.service];
            tables.mark(self.id, event.aggregate)
        };
        let can_move = |mark: Option<i64>| mark.unwrap_or(0) == before;
        // The first statement finds the row that it may move, or none; it waits for another writer
        // of that row only, and then looks at it again.
        if can_move(self.statement(|world| mark(world)).await?) {
            self.lock(Key::Aggregate(event.aggregate)).await?;
            let moved = self.sim.with(|world| {
                let moves = can_move(mark(world));
                moves.then(|| self.move_mark(&mut world.services[self.service], event))
            });
            if let Some(successor_parked) = moved {
                return Ok(Claim::moved(successor_parked));
            }
        }
        if self.statement(|world| mark(world)).await?.is_some() {
            self.lock(Key::Aggregate(event.aggregate)).await?;
        }
        let mark = self.sim.with(|world| mark(world)).unwrap_or(0);
        Ok(Claim::kept(mark, event.version))
    }

    /// `inbox::batch::claim`.
    pub(crate) async fn claim_batch(&self, events: &[Event]) -> Result<Together, Trouble> {
        let read = self.statement(|world| {
            let tables = &world.services[self.service];
            let careful = events.iter().any(|event| tables.troubled(event.aggregate));
            let mark = |event: &Event| tables.mark(self.id, event.aggregate).unwrap_or(0);
            (!careful).then(|| {
                let heard = events
                    .iter()
                    .map(|event| (event.aggregate, mark(event), event.version));
                advance(heard)
            })
        });
        let Some(Some(Advance {
            decisions,
            mut moves,
        })) = read.await?
        else {
            return Ok(Together::Careful);
        };
        if moves.is_empty() {
            return Ok(Together::Claimed(decisions));
        }
        moves.sort_unstable_by_key(|one| one.key);
        self.statement(|_| ()).await?;
        for one in &moves {
            // Only a row that stands where it was read is waited for, and then looked at again.
            let stands = |world: &World| {
                let mark = world.services[self.service].mark(self.id, one.key);
                mark.unwrap_or(0) == one.first - 1
            };
            if !self.sim.with(|world| stands(world)) {
                return Ok(Together::Raced);
            }
            self.lock(Key::Aggregate(one.key)).await?;
            let moved = self.sim.with(|world| {
                let moves = stands(world);
                if let Some(writes) = world.services[self.service].writes(self.id)
                    && moves
                {
                    writes.marks.push((one.key, one.last));
                }
                moves
            });
            if !moved {
                return Ok(Together::Raced);
            }
        }
        self.sim.with(|world| world.run.count(Count::Together));
        Ok(Together::Claimed(decisions))
    }

    /// Moves the mark, clears what the event heals and says whether its successor is parked.
    fn move_mark(&self, tables: &mut Tables, event: &Event) -> bool {
        let successor = (event.aggregate, event.version + 1);
        let successor_parked = tables.parked(self.id, successor).is_some();
        if let Some(writes) = tables.writes(self.id) {
            writes.marks.push((event.aggregate, event.version));
            writes.parked.push((event.key(), None));
            writes.dead.push((event.key(), None));
        }
        successor_parked
    }
}
