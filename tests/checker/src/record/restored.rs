//! What a restore of the databases takes back, and not more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All databases were lost and restored to one instant, the point: what was committed after it is
/// lost by definition, and named here so narrowly that nothing else may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When the point was about to be set, in milliseconds since the run began: what was answered
    /// before is kept.
    pub kept_until_ms: u64,
    /// When the point had been set: what was sent after it is lost …
    pub lost_from_ms: u64,
    /// … unless it was sent after this as well: when the databases were about to be killed.
    pub lost_until_ms: u64,
    /// When the databases were restored and no service ran on them yet: what was answered after it
    /// is there, and nothing that was lost is seen or told any more.
    pub back_at_ms: u64,
    /// By service, the newest number of its log in the restored database.
    pub newest: BTreeMap<String, i64>,
    /// By resource name of the subscriber, the last position of its inbox there.
    pub positions: BTreeMap<String, i64>,
}

impl Restored {
    /// Whether what was answered then may be missing.
    pub(crate) fn may_lose(&self, answered_ms: u64) -> bool {
        (self.kept_until_ms..self.back_at_ms).contains(&answered_ms)
    }

    /// Whether what was sent then, the first time and the last, must be missing.
    pub(crate) fn must_lose(&self, first_ms: u64, last_ms: u64) -> bool {
        first_ms > self.lost_from_ms && last_ms < self.lost_until_ms
    }

    /// Whether what was seen then may be of the lost end of a log. A hole below the newest that was
    /// kept may be of it too: its transaction took the number earlier and committed after the point,
    /// and nobody can have seen that before.
    pub(crate) fn took_from_log(&self, at_ms: u64, service: &str, seq: i64, hole: bool) -> bool {
        let newest = self.newest.get(service);
        let late = hole && at_ms >= self.kept_until_ms;
        at_ms < self.back_at_ms && newest.is_some_and(|newest| seq > *newest || late)
    }

    /// Whether what was told then was taken back: the last position that was not, if so.
    pub(crate) fn took_from_inbox(
        &self,
        at_ms: u64,
        subscriber: &str,
        position: i64,
    ) -> Option<i64> {
        let kept = *self.positions.get(subscriber)?;
        (at_ms < self.back_at_ms && position > kept).then_some(kept)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Restored;

    #[test]
    fn a_number_below_the_newest_is_lost_only_as_a_hole_that_was_seen_after_the_point() {
        let restored = Restored {
            kept_until_ms: 100,
            back_at_ms: 500,
            newest: BTreeMap::from([("registry".to_owned(), 448)]),
            ..Restored::default()
        };
        let cases = [
            (99, 447, true, false),
            (100, 447, true, true),
            (100, 447, false, false),
            (499, 447, true, true),
            (500, 447, true, false),
            (99, 449, true, true),
            (500, 449, true, false),
        ];
        for (at_ms, seq, hole, lost) in cases {
            let took = restored.took_from_log(at_ms, "registry", seq, hole);
            assert_eq!(took, lost, "{seq} seen at {at_ms}");
        }
    }
}
