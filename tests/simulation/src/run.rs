//! What a run keeps beside the models: time, chance, totals, history.

use crate::chance::Chance;
use crate::defect::Defect;
use crate::history::History;
use crate::schedule::{Schedule, Time, Topic};
use crate::totals::{Count, Totals};

/// See the module.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) schedule: Schedule,
    pub(crate) chance: Chance,
    pub(crate) totals: Totals,
    pub(crate) history: History,
    pub(crate) defect: Option<Defect>,
    /// No fault happens any more.
    pub(crate) calm: bool,
    ids: u64,
}

impl Run {
    pub(crate) fn new(
        schedule: Schedule,
        chance: Chance,
        history: History,
        defect: Option<Defect>,
    ) -> Self {
        Self {
            schedule,
            chance,
            totals: Totals::default(),
            history,
            defect,
            calm: false,
            ids: 0,
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.schedule.now()
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(crate) fn count(&mut self, count: Count) {
        self.totals.add(count, 1);
    }

    pub(crate) fn notify(&mut self, topic: Topic) {
        self.schedule.notify(topic);
    }

    pub(crate) fn tell(&mut self, who: &str, what: impl FnOnce() -> String) {
        self.history.tell(self.schedule.now(), who, what);
    }

    /// A number that no other transaction has.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }
}
