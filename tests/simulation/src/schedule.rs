//! Virtual time, and which task may take the next step.

use crate::chance::Chance;

/// Microseconds since the world began.
pub(crate) type Time = u64;

/// A millisecond.
pub(crate) const MILLISECOND: Time = 1_000;
/// A second.
pub(crate) const SECOND: Time = 1_000_000;
/// What one step takes: about a statement's share of a round trip, so that tens of steps fit into
/// the relay's shortest pause.
const STEP: Time = 50;
/// No time at all: a task that only something else can wake.
pub(crate) const NEVER: Time = Time::MAX;

/// Number of a task.
pub(crate) type TaskId = usize;
/// Number of a process.
pub(crate) type ProcessId = usize;

/// What a task waits for beside the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Something arrived over a connection to the broker, or it closed.
    Connection(usize),
    /// A transaction of the producer's database has ended.
    ProducerLocks,
    /// A transaction of a service's database has ended.
    ServiceLocks(usize),
    /// A client has sent something to the broker.
    Frames,
    /// A process has died of what it did.
    Deaths,
}

#[derive(Clone, Copy, Debug)]
struct Task {
    process: ProcessId,
    due: Time,
    topic: Option<Topic>,
    over: bool,
}

/// The tasks and when they may go on.
#[derive(Debug)]
pub(crate) struct Schedule {
    now: Time,
    current: TaskId,
    tasks: Vec<Task>,
    /// Until when each process stands still.
    frozen_until: Vec<Time>,
    enabled: Vec<TaskId>,
}

impl Schedule {
    pub(crate) fn new(processes: usize) -> Self {
        Self {
            now: 0,
            current: 0,
            tasks: Vec::new(),
            frozen_until: vec![0; processes],
            enabled: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// A place for a new task, which may begin at once.
    pub(crate) fn begin(&mut self, process: ProcessId) -> TaskId {
        let task = Task {
            process,
            due: self.now,
            topic: None,
            over: false,
        };
        if let Some(free) = self.tasks.iter().position(|task| task.over) {
            self.tasks[free] = task;
            free
        } else {
            self.tasks.push(task);
            self.tasks.len() - 1
        }
    }

    pub(crate) fn end(&mut self, task: TaskId) {
        self.tasks[task].over = true;
    }

    /// The process whose task takes the step under way.
    pub(crate) fn current_process(&self) -> ProcessId {
        self.tasks[self.current].process
    }

    pub(crate) fn tasks_of(&self, process: ProcessId) -> Vec<TaskId> {
        let of_process = |task: &TaskId| {
            let task = &self.tasks[*task];
            task.process == process && !task.over
        };
        (0..self.tasks.len()).filter(of_process).collect()
    }

    /// The running task goes on at this time, or when `topic` has news.
    pub(crate) fn wait(&mut self, topic: Option<Topic>, due: Time) {
        let task = &mut self.tasks[self.current];
        task.topic = topic;
        task.due = due;
    }

    /// Wakes who waits for `topic`.
    pub(crate) fn notify(&mut self, topic: Topic) {
        for task in &mut self.tasks {
            if task.topic == Some(topic) {
                task.due = task.due.min(self.now);
            }
        }
    }

    /// A process stands still for a while, as under a debugger.
    pub(crate) fn freeze(&mut self, process: ProcessId, until: Time) {
        self.frozen_until[process] = until;
    }

    /// Picks one of the tasks that may take a step, letting the time pass until there is one; none
    /// when nothing will ever happen again.
    pub(crate) fn pick(&mut self, chance: &mut Chance) -> Option<TaskId> {
        self.now += STEP;
        loop {
            let mut earliest = NEVER;
            self.enabled.clear();
            for (id, task) in self.tasks.iter().enumerate() {
                if task.over {
                    continue;
                }
                let due = task.due.max(self.frozen_until[task.process]);
                if due <= self.now {
                    self.enabled.push(id);
                } else {
                    earliest = earliest.min(due);
                }
            }
            if !self.enabled.is_empty() {
                self.current = self.enabled[chance.below(self.enabled.len())];
                return Some(self.current);
            }
            if earliest == NEVER {
                return None;
            }
            self.now = earliest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NEVER, SECOND, Schedule, Topic};
    use crate::chance::Chance;

    #[test]
    fn time_jumps_to_the_next_task_and_a_topic_wakes_who_waits_for_it() {
        let mut chance = Chance::new(1);
        let mut schedule = Schedule::new(1);
        let [sleeper, waiter] = [schedule.begin(0), schedule.begin(0)];
        for _ in 0..2 {
            let task = schedule.pick(&mut chance).unwrap();
            if task == sleeper {
                schedule.wait(None, SECOND);
            } else {
                schedule.wait(Some(Topic::Frames), NEVER);
            }
        }
        // Both have taken their first step, in whatever order.
        while schedule.now() < SECOND {
            let task = schedule.pick(&mut chance).unwrap();
            if task == sleeper && schedule.now() < SECOND {
                schedule.wait(None, SECOND);
            } else if task == waiter {
                schedule.wait(Some(Topic::Frames), NEVER);
            }
        }
        schedule.end(sleeper);
        assert_eq!(schedule.pick(&mut chance), None);
        schedule.notify(Topic::ProducerLocks);
        assert_eq!(schedule.pick(&mut chance), None);
        schedule.notify(Topic::Frames);
        assert_eq!(schedule.pick(&mut chance), Some(waiter));
    }

    #[test]
    fn a_frozen_process_takes_no_step() {
        let mut chance = Chance::new(1);
        let mut schedule = Schedule::new(2);
        schedule.begin(0);
        let other = schedule.begin(1);
        schedule.freeze(0, SECOND);
        for _ in 0..10 {
            assert_eq!(schedule.pick(&mut chance), Some(other));
        }
        schedule.end(other);
        schedule.pick(&mut chance).unwrap();
        assert!(schedule.now() >= SECOND);
    }
}
