//! Whether this process should be sent work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The conditions under which this process is ready; all must hold.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    flags: Arc<Mutex<Vec<Flag>>>,
}

/// One condition.
#[derive(Clone, Debug)]
pub struct Flag {
    name: &'static str,
    holds: Arc<AtomicBool>,
}

impl Readiness {
    /// No conditions yet, therefore ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new condition; it does not hold until it is said to.
    #[must_use]
    pub fn flag(&self, name: &'static str) -> Flag {
        let flag = Flag {
            name,
            holds: Arc::new(AtomicBool::new(false)),
        };
        self.flags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(flag.clone());
        flag
    }

    /// The conditions that do not hold.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        flags
            .iter()
            .filter(|flag| !flag.holds())
            .map(|flag| flag.name)
            .collect()
    }
}

impl Flag {
    /// Says whether the condition holds.
    pub fn set(&self, holds: bool) {
        if self.holds.swap(holds, Ordering::AcqRel) != holds {
            tracing::info!(
                condition = self.name,
                holds,
                "a condition of readiness changed"
            );
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::Acquire)
    }
}
