//! One leadership, as the platform's `relay::term` has it: the course decides.

use std::collections::VecDeque;
use std::rc::Rc;

use handslag_platform::messaging::comparison::Digest;
use handslag_platform::messaging::relay::course::{Course, Limits, Receipt};

use super::Failure;
use super::link::{Link, Sent};
use super::session::Session;
use crate::defect::Defect;
use crate::event::Event;
use crate::model::broker::{Body, Exchange};
use crate::schedule::{NEVER, ProcessId, Time};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::World;

/// Name of the producing service.
const PRODUCER: &str = "producer";

/// What the leader does next.
enum Next {
    Stop,
    Save,
    Digest,
    Settle,
    Read,
    Fail(Failure),
}

struct Term<'a> {
    sim: &'a Sim,
    process: ProcessId,
    link: &'a Rc<Link>,
    session: Session,
    course: Course<Event>,
    /// Confirmations are taken in the order of sending. Nothing to settle when it is settled.
    under_way: VecDeque<(Sent, Option<Receipt>)>,
    save_at: Time,
    digest_at: Time,
    read_at: Time,
}

/// Leads until the process is asked to stop or to the first failure.
pub(super) async fn run(
    sim: &Sim,
    process: ProcessId,
    link: &Rc<Link>,
    session: Session,
) -> Result<(), Failure> {
    let mark = session.ask(|world| world.producer.mark).await?;
    let plan = sim.with(|world| world.plan);
    let limits = Limits {
        batch: plan.batch,
        window: plan.window,
    };
    let now = sim.now();
    let mut term = Term {
        sim,
        process,
        link,
        session,
        course: Course::new(mark, limits),
        under_way: VecDeque::new(),
        save_at: now,
        digest_at: now,
        read_at: now,
    };
    term.tell(|| format!("begins after {}", mark.seq));
    term.lead().await?;
    term.finish().await
}

impl Term<'_> {
    fn tell(&self, what: impl FnOnce() -> String) {
        self.sim.tell(self.process, what);
    }

    async fn lead(&mut self) -> Result<(), Failure> {
        let plan = self.sim.with(|world| world.plan);
        loop {
            if self.course.must_read() {
                self.read().await?;
            }
            self.fill();
            let next = self
                .sim
                .look(self.link.topic(), |world| self.next(world))
                .await;
            match next {
                Next::Stop => return Ok(()),
                Next::Save => {
                    self.save_at = self.sim.now() + plan.mark_every;
                    self.save().await?;
                }
                Next::Digest => {
                    self.digest_at = self.sim.now() + plan.digest_every;
                    self.digest();
                }
                Next::Settle => self.settle(),
                Next::Read => self.read().await?,
                Next::Fail(failure) => return Err(failure),
            }
        }
    }

    fn next(&self, world: &World) -> Look<Next> {
        let now = world.now();
        if world.processes[self.process].stopping {
            return Look::Seen(Next::Stop);
        }
        if !self.link.is_open(world) {
            return Look::Seen(Next::Fail(Failure::Closed));
        }
        if now >= self.save_at {
            return Look::Seen(Next::Save);
        }
        if now >= self.digest_at {
            return Look::Seen(Next::Digest);
        }
        let confirmation = match self.under_way.front() {
            Some((sent, _)) => match self.link.look(world, *sent) {
                Look::Seen(Ok(())) => return Look::Seen(Next::Settle),
                Look::Seen(Err(failure)) => return Look::Seen(Next::Fail(failure)),
                Look::Until(due) => due,
            },
            None => NEVER,
        };
        let read = if self.course.may_read() {
            self.read_at
        } else {
            NEVER
        };
        if now >= read {
            return Look::Seen(Next::Read);
        }
        Look::Until(confirmation.min(read).min(self.save_at).min(self.digest_at))
    }

    /// One read; what it found waits in the course.
    async fn read(&mut self) -> Result<(), Failure> {
        let (newest, holes) = (self.course.newest(), self.course.holes());
        let holes_ignored = self.has(Defect::CursorOnNumber);
        let read = self
            .session
            .ask(|world| {
                let asked = if holes_ignored {
                    (Vec::new(), Vec::new())
                } else {
                    holes.clone()
                };
                let uncommitted_too = world.run.has(Defect::PublishBeforeCommit);
                let batch = world.plan.batch;
                world.producer.read(newest, &asked, batch, uncommitted_too)
            })
            .await?;
        self.tell_read(newest, &holes, &read.rows, read.oldest_running);
        let late = read.rows.iter().filter(|row| row.seq <= newest).count();
        self.count(Count::EventsFoundLate, late);
        if holes_ignored {
            self.course.take(read.rows, i64::MAX);
            self.course.bind(i64::MIN);
        } else if self.course.take(read.rows, read.oldest_running) {
            self.count(Count::HolesFound, 1);
            let fresh = self.session.ask(|world| world.producer.fresh_xid()).await?;
            let bound = if self.has(Defect::BoundOfTheSnapshot) {
                read.end
            } else {
                fresh
            };
            self.tell(|| format!("bounds its holes by transaction {bound}"));
            self.course.bind(bound);
        }
        let pause = Time::try_from(self.course.pause().as_micros()).unwrap_or(NEVER);
        self.read_at = self.sim.now() + pause;
        Ok(())
    }

    fn tell_read(
        &self,
        newest: i64,
        holes: &(Vec<i64>, Vec<i64>),
        rows: &[Event],
        oldest_running: i64,
    ) {
        if rows.is_empty() {
            return;
        }
        self.tell(|| {
            let found: Vec<String> = rows.iter().map(|row| row.seq.to_string()).collect();
            let holes: Vec<String> = holes
                .0
                .iter()
                .zip(&holes.1)
                .map(|(first, last)| format!("{first}–{last}"))
                .collect();
            format!(
                "reads after {newest} and in holes [{}]: finds {}; the oldest transaction that runs \
                 is {oldest_running}",
                holes.join(", "),
                found.join(", ")
            )
        });
    }

    /// Publishes as long as the window has room.
    fn fill(&mut self) {
        while let Some((event, receipt)) = self.course.publish() {
            self.tell(|| format!("publishes {event}"));
            let sent = self
                .link
                .publish(Exchange::Events, Body::Event(event), true);
            let receipt = if self.has(Defect::MarkPastUnconfirmed) {
                self.course.settle(receipt);
                None
            } else {
                Some(receipt)
            };
            self.under_way.push_back((sent, receipt));
        }
    }

    /// The first message under way is confirmed.
    fn settle(&mut self) {
        if let Some((_, Some(receipt))) = self.under_way.pop_front() {
            self.count(Count::EventsPublished, usize::from(receipt.is_of_event()));
            self.course.settle(receipt);
        }
    }

    fn digest(&mut self) {
        let (mark, receipt) = self.course.say();
        let digest = Rc::new(Digest::new(PRODUCER, mark));
        self.sim.with(|world| world.say_digest(mark));
        self.tell(|| format!("says: {} events up to {}", mark.count, mark.seq));
        let sent = self
            .link
            .publish(Exchange::Digests, Body::Digest(digest), false);
        self.under_way.push_back((sent, Some(receipt)));
    }

    async fn save(&mut self) -> Result<(), Failure> {
        if !self.sim.with(|world| self.link.is_open(world)) {
            return Err(Failure::Closed);
        }
        if let Some(mark) = self.course.unsaved() {
            self.session.ask(|world| world.save_mark(mark)).await?;
            self.tell(|| format!("saves the mark {}", mark.seq));
            self.course.saved(mark);
        }
        Ok(())
    }

    /// The end in order: a last read, what is under way is confirmed, the mark is written.
    async fn finish(mut self) -> Result<(), Failure> {
        self.read().await?;
        loop {
            self.fill();
            let Some((sent, _)) = self.under_way.front() else {
                break;
            };
            self.link.confirmed(*sent).await?;
            self.settle();
        }
        self.save().await?;
        self.tell(|| "resigns".to_owned());
        Ok(())
    }

    fn has(&self, defect: Defect) -> bool {
        self.sim.with(|world| world.run.has(defect))
    }

    fn count(&self, count: Count, n: usize) {
        let n = u64::try_from(n).unwrap_or(0);
        self.sim.with(|world| world.run.totals.add(count, n));
    }
}
