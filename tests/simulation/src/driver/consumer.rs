//! A replica of a consuming service, as the platform's `consumer::session` has it: judgement and
//! comparison decide.

use std::rc::Rc;

use handslag_platform::messaging::comparison::{Comparison, Digest, Verdict};
use handslag_platform::messaging::consumer::judgement::{self, Deferred, Message, Ruling, Trouble};
use handslag_platform::messaging::relay::answer::Wanted;

use super::apply::apply;
use super::link::Link;
use super::transaction::Transaction;
use super::{DECLARE_EVERY, Failure};
use crate::defect::Defect;
use crate::event::Event;
use crate::model::broker::{Body, Delivery, Exchange, events_queue};
use crate::schedule::{MILLISECOND, NEVER, ProcessId, SECOND, Time};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::World;

/// Waits between two sessions, and for a database that is away.
const BACKOFF: (Time, Time) = (50 * MILLISECOND, 5 * SECOND);

/// An event as it was delivered.
type Delivered = (Delivery, Event);

/// What a consumer does next.
enum Next {
    Stop,
    GiveBack,
    Sweep,
    Declare,
    Take(Delivery),
    Fail(Failure),
}

pub(super) struct Session {
    pub(super) sim: Sim,
    pub(super) process: ProcessId,
    pub(super) service: usize,
    pub(super) comparison: Comparison,
    link: Rc<Link>,
    deferred: Deferred<Delivery>,
    sweep_at: Time,
    declare_at: Time,
}

/// Runs sessions until one ends in order.
pub(crate) async fn run(sim: Sim, process: ProcessId, service: usize) {
    while let Err(failure) = session(&sim, process, service).await {
        sim.tell(process, || format!("ends a session: {failure:?}"));
        let wait = sim.with(|world| world.run.chance.pause(BACKOFF.0, BACKOFF.1));
        sim.sleep(wait).await;
    }
}

async fn session(sim: &Sim, process: ProcessId, service: usize) -> Result<(), Failure> {
    let link = Link::connect(sim, process).await?;
    let queue = events_queue(service);
    link.declare(queue).await?;
    let prefetch = sim.with(|world| world.plan.prefetch);
    link.subscribe(queue, prefetch).await?;
    let mut session = Session {
        sim: sim.clone(),
        process,
        service,
        comparison: Comparison::default(),
        link,
        deferred: Deferred::default(),
        sweep_at: sim.now(),
        declare_at: sim.now() + DECLARE_EVERY,
    };
    session.tell(|| "subscribes".to_owned());
    session.consume().await
}

impl Session {
    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        self.sim.tell(self.process, what);
    }

    fn has(&self, defect: Defect) -> bool {
        self.sim.with(|world| world.run.has(defect))
    }

    pub(super) fn count(&self, count: Count) {
        self.sim.with(|world| world.run.count(count));
    }

    async fn consume(&mut self) -> Result<(), Failure> {
        let plan = self.sim.with(|world| world.plan);
        loop {
            let give_back = self.deferred.next().map(|due| self.sim.time_of(due));
            let next = self
                .sim
                .look(self.link.topic(), |world| {
                    self.next(world, give_back.unwrap_or(NEVER))
                })
                .await;
            match next {
                Next::Stop => return Ok(()),
                Next::Fail(failure) => return Err(failure),
                Next::GiveBack => self.give_back()?,
                Next::Sweep => {
                    self.sweep_at = self.sim.now() + plan.sweep_every;
                    self.sweep().await?;
                }
                Next::Declare => {
                    self.declare_at = self.sim.now() + DECLARE_EVERY;
                    self.link.declare_again(events_queue(self.service)).await?;
                }
                Next::Take(first) => {
                    let mut batch = vec![first];
                    while batch.len() < plan.together
                        && let Some(Ok(next)) = self.sim.with(|world| self.link.arrived(world))
                    {
                        batch.push(next);
                    }
                    self.take(batch).await?;
                }
            }
        }
    }

    fn next(&self, world: &mut World, give_back: Time) -> Look<Next> {
        let now = world.now();
        if world.processes[self.process].stopping {
            return Look::Seen(Next::Stop);
        }
        if now >= give_back {
            return Look::Seen(Next::GiveBack);
        }
        if now >= self.sweep_at {
            return Look::Seen(Next::Sweep);
        }
        if now >= self.declare_at {
            return Look::Seen(Next::Declare);
        }
        match self.link.arrived(world) {
            Some(Ok(delivery)) => Look::Seen(Next::Take(delivery)),
            Some(Err(failure)) => Look::Seen(Next::Fail(failure)),
            None => Look::Until(give_back.min(self.sweep_at).min(self.declare_at)),
        }
    }

    /// Takes deliveries in order.
    async fn take(&mut self, batch: Vec<Delivery>) -> Result<(), Failure> {
        let messages = batch.into_iter().map(|delivery| self.read(delivery));
        for run in judgement::runs(messages.collect()) {
            match run {
                Message::Event(events) => self.settle(events).await?,
                Message::Other(delivery) => {
                    match &delivery.message.body {
                        Body::Replayed => self.comparison.replayed(),
                        Body::Digest(digest) => self.compare(digest).await?,
                        Body::Event(_) | Body::Request(..) => {}
                    }
                    self.link.acknowledge(delivery.tag, false)?;
                }
            }
        }
        Ok(())
    }

    /// What a delivery is.
    fn read(&mut self, delivery: Delivery) -> Message<Delivered, Delivery> {
        let Body::Event(event) = delivery.message.body else {
            return Message::Other(delivery);
        };
        if delivery.message.direct {
            self.comparison.progress(self.sim.instant());
        }
        Message::Event((delivery, event))
    }

    /// Applies deliveries together, or one by one if they do not go together.
    async fn settle(&mut self, run: Vec<Delivered>) -> Result<(), Failure> {
        if self.has(Defect::AcknowledgeBeforeCommit) {
            self.acknowledge_all(&run)?;
        }
        if run.len() > 1 {
            let events: Vec<Event> = run.iter().map(|(_, event)| *event).collect();
            if apply(&self.sim, self.service, &events).await.is_ok() {
                return self.acknowledge_all(&run);
            }
        }
        for delivered in run {
            self.settle_one(delivered).await?;
        }
        Ok(())
    }

    async fn settle_one(&mut self, (delivery, event): Delivered) -> Result<(), Failure> {
        loop {
            let Err(trouble) = apply(&self.sim, self.service, &[event]).await else {
                return self.link.acknowledge(delivery.tag, false);
            };
            match judgement::of_delivery(trouble, delivery.message.tries) {
                Ruling::Hold => self.wait_for_database().await,
                Ruling::Bury { reason } => return self.bury(&delivery, &event, reason).await,
                Ruling::Defer { tries, wait } => {
                    self.tell(|| format!("defers {event} after {tries} tries"));
                    self.count(Count::Deferred);
                    let until = self.sim.instant() + wait;
                    self.deferred.keep(delivery, until);
                    return Ok(());
                }
            }
        }
    }

    fn give_back(&mut self) -> Result<(), Failure> {
        for delivery in self.deferred.due(self.sim.instant()) {
            self.link.reject(delivery.tag, true)?;
        }
        Ok(())
    }

    /// Records a dead letter, then hands the delivery to the dead-letter queue.
    async fn bury(&self, delivery: &Delivery, event: &Event, reason: &str) -> Result<(), Failure> {
        while bury(&self.sim, self.service, event).await.is_err() {
            self.wait_for_database().await;
        }
        self.tell(|| format!("buries {event}: {reason}"));
        self.link.reject(delivery.tag, false)
    }

    async fn wait_for_database(&self) {
        let wait = self
            .sim
            .with(|world| world.run.chance.pause(BACKOFF.0, BACKOFF.1));
        self.sim.sleep(wait).await;
    }

    async fn compare(&mut self, digest: &Digest) -> Result<(), Failure> {
        let verdict = self.judge(digest).await.map_err(|_| Failure::Database)?;
        self.tell(|| {
            let Digest { seq, count, .. } = digest;
            format!("compares with {count} events up to {seq}: {verdict:?}")
        });
        match verdict {
            Verdict::Wait => self.count(Count::Differences),
            Verdict::Agree => self.count(Count::Agreements),
            Verdict::Ask(_) | Verdict::Recount if self.has(Defect::NoRepair) => {}
            Verdict::Ask(wanted) => {
                self.count(Count::ReplaysAsked);
                // A replay brings what was lost with a binding, and not what will be.
                self.link.declare_again(events_queue(self.service)).await?;
                if !self.ask(wanted).await? {
                    // No replay is under way, so the next digest may ask again.
                    self.comparison.replayed();
                }
            }
            Verdict::Recount => {
                self.count(Count::Recounts);
                let recount = async {
                    let tx = Transaction::begin(&self.sim, self.service).await?;
                    tx.recount().await?;
                    tx.commit().await
                };
                recount.await.map_err(|_| Failure::Database)?;
            }
        }
        Ok(())
    }

    async fn judge(&mut self, digest: &Digest) -> Result<Verdict, Trouble> {
        let tx = Transaction::begin(&self.sim, self.service).await?;
        let agreed = tx.account().await?;
        let since = tx.since(digest.seq).await?;
        let verdict = self
            .comparison
            .judge(digest, agreed, since, self.sim.instant());
        if verdict == Verdict::Agree {
            tx.agree(digest).await?;
        }
        tx.commit().await?;
        Ok(verdict)
    }

    /// Asks the producer for a replay into this queue. Answers whether it hears.
    pub(super) async fn ask(&self, wanted: Wanted) -> Result<bool, Failure> {
        let request = Body::Request(events_queue(self.service), Rc::new(wanted));
        let sent = self.link.publish(Exchange::Replay, request, true);
        match self.link.confirmed(sent).await {
            Err(Failure::Returned) => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// Acknowledges several at once where nothing before them is still open.
    fn acknowledge_all(&self, run: &[Delivered]) -> Result<(), Failure> {
        if self.deferred.allow_several_at_once() {
            return match run.last() {
                Some((last, _)) => self.link.acknowledge(last.tag, true),
                None => Ok(()),
            };
        }
        for (delivery, _) in run {
            self.link.acknowledge(delivery.tag, false)?;
        }
        Ok(())
    }
}

/// Records a dead letter.
pub(super) async fn bury(sim: &Sim, service: usize, event: &Event) -> Result<(), Trouble> {
    let tx = Transaction::begin(sim, service).await?;
    tx.bury(event).await?;
    tx.commit().await?;
    sim.with(|world| world.run.count(Count::Buried));
    Ok(())
}
