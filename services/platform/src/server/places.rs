//! Places for calls: a bound of the process, and the lower one that a slow database sets.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::database::Pace;

/// The places of a process for calls.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    pace: Pace,
}

impl Places {
    pub(super) fn new(most: usize, pace: Pace) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            most,
            pace,
        }
    }

    /// Whether a call that came now would get one.
    pub(super) fn are_free(&self) -> bool {
        let free = self.free.available_permits();
        free > 0 && self.most - free < self.pace.bound()
    }

    /// One place, if one is free.
    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        if !self.are_free() {
            return None;
        }
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Places;
    use crate::database::Pace;

    #[tokio::test(start_paused = true)]
    async fn who_has_a_place_keeps_it_when_there_are_fewer() {
        let pace = Pace::new(2);
        let places = Places::new(10, pace.clone());
        let mut held: Vec<_> = (0..8).filter_map(|_| places.take()).collect();
        assert_eq!(held.len(), 8);
        tokio::time::advance(Duration::from_secs(1)).await;
        // Two connections that serve hardly anybody: four places.
        pace.waited(Duration::from_secs(1));
        assert!(places.take().is_none());
        held.truncate(4);
        assert!(places.take().is_none());
        held.truncate(3);
        assert!(places.take().is_some());
    }

    #[tokio::test]
    async fn there_are_no_more_than_so_many() {
        let places = Places::new(2, Pace::new(8));
        let held: Vec<_> = (0..3).map(|_| places.take()).collect();
        assert_eq!(held.iter().flatten().count(), 2);
        assert!(!places.are_free());
    }
}
