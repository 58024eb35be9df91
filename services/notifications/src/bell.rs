//! Wakes the streams of this process when something was put into an inbox.
//!
//! # Design notes
//! The fan-out pulls the rope while its transaction is open, and the bell rings once that has
//! committed: a stream that looks earlier sees nothing. Each consumer has a rope of its own, since
//! another one's commit says nothing about its transaction. A ring that is lost costs the streams
//! their poll of a second. `NOTIFY` is not used: it serialises the commits of a whole database.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

/// The bell. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Bell {
    rung: watch::Sender<()>,
}

impl Bell {
    /// Hears every ring from now on.
    pub fn hear(&self) -> watch::Receiver<()> {
        self.rung.subscribe()
    }

    /// A new rope to this bell.
    pub fn rope(&self) -> Rope {
        Rope {
            pulled: Arc::default(),
            bell: self.clone(),
        }
    }
}

/// One consumer's rope. Clones share it.
#[derive(Debug, Clone)]
pub struct Rope {
    pulled: Arc<AtomicBool>,
    bell: Bell,
}

impl Rope {
    /// Something is about to be committed to an inbox.
    pub fn pull(&self) {
        self.pulled.store(true, Ordering::Relaxed);
    }

    /// It is committed: rings, if somebody has pulled since the last time.
    pub fn let_go(&self) {
        if self.pulled.swap(false, Ordering::Relaxed) {
            self.bell.rung.send_replace(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bell;

    #[test]
    fn rings_for_its_own_pull_once_and_for_no_other_ropes() {
        let bell = Bell::default();
        let (mine, other) = (bell.rope(), bell.rope());
        let mut heard = bell.hear();
        let mut rung = || {
            let rung = heard.has_changed().unwrap_or(false);
            heard.mark_unchanged();
            rung
        };
        mine.pull();
        other.let_go();
        assert!(!rung());
        mine.let_go();
        assert!(rung());
        mine.let_go();
        assert!(!rung());
    }
}
