//! What happened, in lines that a person reads.

use crate::schedule::{SECOND, Time};

/// The lines of one run; none while nobody wants them, since writing them takes most of the time.
#[derive(Debug, Default)]
pub(crate) struct History {
    wanted: bool,
    lines: Vec<String>,
}

impl History {
    pub(crate) fn new(wanted: bool) -> Self {
        Self {
            wanted,
            lines: Vec::new(),
        }
    }

    pub(crate) fn tell(&mut self, now: Time, who: &str, what: impl FnOnce() -> String) {
        if self.wanted {
            let (seconds, micros) = (now / SECOND, now % SECOND);
            let what = what();
            self.lines
                .push(format!("{seconds:>4}.{micros:06} s  {who:<16} {what}"));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
