//! Tasks over the world, and the runtime that lets one of them take a step at a time.
//!
//! # Design notes
//! A driver is an `async fn`, as in the platform: each `await` is a place where others come between
//! and where the process may die, which is what dropping its future means. There are no wakers: a
//! task that waits says until when and for what, and the schedule knows who may go on.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::schedule::{NEVER, ProcessId, Time, Topic};
use crate::world::{Body, Order, World};

/// What comes of looking at the world.
pub(crate) enum Look<T> {
    /// What was waited for.
    Seen(T),
    /// Nothing yet; it is worth another look by then at the latest.
    Until(Time),
}

/// A handle to the world.
#[derive(Clone, Debug)]
pub(crate) struct Sim {
    world: Rc<RefCell<World>>,
    /// What the platform's types take for the beginning of time.
    begun: Instant,
}

impl Sim {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Rc::new(RefCell::new(world)),
            begun: Instant::now(),
        }
    }

    /// Does something in the world, at once.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.borrow_mut())
    }

    pub(crate) fn now(&self) -> Time {
        self.with(|world| world.now())
    }

    /// The virtual time as the platform's types take it.
    pub(crate) fn instant(&self) -> Instant {
        self.begun + Duration::from_micros(self.now())
    }

    /// The virtual time of what the platform's types give back.
    pub(crate) fn time_of(&self, instant: Instant) -> Time {
        let since = instant.saturating_duration_since(self.begun);
        Time::try_from(since.as_micros()).unwrap_or(NEVER)
    }

    /// A line of the history.
    pub(crate) fn tell(&self, process: ProcessId, what: impl FnOnce() -> String) {
        self.with(|world| world.tell(process, what));
    }

    /// Waits until then; others take steps in any case.
    pub(crate) async fn sleep_until(&self, due: Time) {
        let mut yielded = false;
        poll_fn(|_| {
            self.with(|world| {
                if yielded && world.now() >= due {
                    return Poll::Ready(());
                }
                yielded = true;
                world.run.schedule.wait(None, due);
                Poll::Pending
            })
        })
        .await;
    }

    pub(crate) async fn sleep(&self, time: Time) {
        self.sleep_until(self.now().saturating_add(time)).await;
    }

    /// A message goes from one process to another, or back.
    pub(crate) async fn hop(&self) {
        let due = self.with(|world| world.now() + world.run.chance.latency());
        self.sleep_until(due).await;
    }

    /// Looks now, whenever `topic` has news and when the time has come that the last look named,
    /// until there is something to see.
    pub(crate) async fn look<T>(
        &self,
        topic: Topic,
        mut look: impl FnMut(&mut World) -> Look<T>,
    ) -> T {
        poll_fn(|_| {
            self.with(|world| match look(world) {
                Look::Seen(seen) => Poll::Ready(seen),
                Look::Until(due) => {
                    world.run.schedule.wait(Some(topic), due);
                    Poll::Pending
                }
            })
        })
        .await
    }

    /// Begins a task of a process.
    pub(crate) fn begin(&self, process: ProcessId, body: impl Future<Output = ()> + 'static) {
        let order = Order::Begin(process, Box::pin(body));
        self.with(|world| world.orders.push(order));
    }

    /// Ends all tasks of a process where they stand.
    pub(crate) fn kill(&self, process: ProcessId) {
        self.with(|world| world.orders.push(Order::Kill(process)));
    }
}

/// The tasks' bodies, apart from the world that they act upon.
pub(crate) struct Runtime {
    sim: Sim,
    bodies: Vec<Option<Body>>,
}

impl Runtime {
    pub(crate) fn new(sim: Sim) -> Self {
        let mut runtime = Self {
            sim,
            bodies: Vec::new(),
        };
        runtime.obey();
        runtime
    }

    /// One step of one task; false when nothing can ever happen again.
    pub(crate) fn step(&mut self) -> bool {
        let picked = self.sim.with(|world| {
            let run = &mut world.run;
            run.schedule.pick(&mut run.chance)
        });
        let Some(task) = picked else { return false };
        if let Some(body) = &mut self.bodies[task] {
            let mut context = Context::from_waker(Waker::noop());
            if body.as_mut().poll(&mut context).is_ready() {
                self.bodies[task] = None;
                self.sim.with(|world| world.run.schedule.end(task));
            }
        }
        self.obey();
        true
    }

    /// Carries out orders. What a dying task leaves behind may order more.
    fn obey(&mut self) {
        loop {
            let orders = self.sim.with(|world| std::mem::take(&mut world.orders));
            if orders.is_empty() {
                return;
            }
            for order in orders {
                match order {
                    Order::Begin(process, body) => {
                        let task = self.sim.with(|world| world.run.schedule.begin(process));
                        if task == self.bodies.len() {
                            self.bodies.push(None);
                        }
                        self.bodies[task] = Some(body);
                    }
                    Order::Kill(process) => {
                        let tasks = self.sim.with(|world| world.run.schedule.tasks_of(process));
                        for task in tasks {
                            self.bodies[task] = None;
                            self.sim.with(|world| world.run.schedule.end(task));
                        }
                    }
                }
            }
        }
    }
}
