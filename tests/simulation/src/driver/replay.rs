//! The leader's answers to requests for replay, as the platform's `relay::replay` gives them.

use std::rc::Rc;

use handslag_platform::messaging::relay::answer::{Answer, Page, Wanted};

use super::link::Link;
use super::{DECLARE_EVERY, Failure};
use crate::event::Event;
use crate::model::broker::{Body, Exchange, QueueId, REQUESTS};
use crate::schedule::ProcessId;
use crate::sim::{Look, Sim};
use crate::totals::Count;

/// Answers requests until the first failure, which closes the connection for the leader too.
pub(super) async fn serve(sim: Sim, process: ProcessId, link: Rc<Link>) {
    if let Err(failure) = requests(&sim, process, &link).await {
        sim.tell(process, || format!("answers no more: {failure:?}"));
    }
    link.close();
}

async fn requests(sim: &Sim, process: ProcessId, link: &Link) -> Result<(), Failure> {
    // One at a time.
    link.subscribe(REQUESTS, 1).await?;
    let mut declare_at = sim.now() + DECLARE_EVERY;
    loop {
        let delivery = sim
            .look(link.topic(), |world| match link.arrived(world) {
                Some(delivery) => Look::Seen(Some(delivery)),
                None if world.now() >= declare_at => Look::Seen(None),
                None => Look::Until(declare_at),
            })
            .await;
        let Some(delivery) = delivery else {
            declare_at = sim.now() + DECLARE_EVERY;
            link.declare_again(REQUESTS).await?;
            continue;
        };
        let delivery = delivery?;
        if let Body::Request(queue, wanted) = delivery.message.body {
            sim.tell(process, || format!("answers {wanted:?} into queue {queue}"));
            match answer(sim, link, queue, &wanted).await {
                // The queue that asked is gone.
                Ok(()) | Err(Failure::Returned) => {}
                Err(failure) => return Err(failure),
            }
        }
        link.acknowledge(delivery.tag, false)?;
    }
}

async fn answer(sim: &Sim, link: &Link, queue: QueueId, wanted: &Wanted) -> Result<(), Failure> {
    let mut answer = Answer::to(wanted);
    while let Some(page) = answer.page() {
        let rows = read(sim, page).await?;
        answer.turn(rows.last().map(|row| row.seq));
        let mut under_way = Vec::new();
        for row in rows {
            sim.with(|world| world.run.count(Count::EventsReplayed));
            under_way.push(link.publish(Exchange::Direct(queue), Body::Event(row), true));
        }
        for sent in under_way {
            link.confirmed(sent).await?;
        }
    }
    if answer.ends_with_word() {
        let sent = link.publish(Exchange::Direct(queue), Body::Replayed, true);
        link.confirmed(sent).await?;
    }
    Ok(())
}

/// Reads over the pool, not over the leader's session.
async fn read(sim: &Sim, page: Page<'_>) -> Result<Vec<Event>, Failure> {
    sim.hop().await;
    let rows = sim.with(|world| {
        if !world.producer.is_up(world.now()) {
            return Err(Failure::Database);
        }
        let batch = world.plan.batch;
        Ok(match page {
            Page::Range { after, last } => world.producer.range(after, last, batch),
            Page::Versions {
                aggregate_id,
                first,
                last,
                ..
            } => {
                let aggregate = aggregate_id.parse().unwrap_or(usize::MAX);
                let producer = &world.producer;
                producer.some_versions(aggregate, first, last, batch)
            }
        })
    });
    sim.hop().await;
    rows
}
