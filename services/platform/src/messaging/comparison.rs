//! What a difference between digests means. Pure.
//!
//! # Design notes
//! The tables hold what was heard; this holds what a running consumer makes of it: that one
//! difference may be a rejected delivery on its way back, that a replay is under way, that replays
//! have not helped. The time is an argument, so that tests and the simulation (`tests/simulation`,
//! for which this is public) move it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::relay::answer::Wanted;
use super::relay::holes::Mark;

/// Differences before a replay is asked for.
const DIFFERENCES: u32 = 2;
/// Replays without agreement before everything is counted again.
const REPLAYS: u32 = 3;
/// How long a replay may be silent before it is taken for lost.
const REPLAY_SILENCE: Duration = Duration::from_secs(30);

/// What a producer has said so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The producing service.
    pub producer: String,
    /// Number in its log up to which this counts.
    pub seq: i64,
    /// Events up to it.
    pub count: i64,
    /// Wrapping sum of their hashes.
    pub hash: i64,
}

impl Digest {
    /// What `producer` may say at this mark.
    #[must_use]
    pub fn new(producer: &str, mark: Mark) -> Self {
        Self {
            producer: producer.to_owned(),
            seq: mark.seq,
            count: mark.count,
            hash: mark.hash,
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            seq: self.seq,
            count: self.count,
            hash: self.hash,
        }
    }
}

/// What a comparison says to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is too early to say.
    Wait,
    /// Both have the same: the digest replaces what it sums up.
    Agree,
    /// Ask the producer for this.
    Ask(Wanted),
    /// Forget the sums and count the whole log again.
    Recount,
}

/// What a consumer remembers of its comparisons while it runs. Losing it costs a few seconds.
#[derive(Debug, Default)]
pub struct Comparison {
    differences: u32,
    replays: u32,
    replaying_since: Option<Instant>,
}

impl Comparison {
    /// Something of a replay has arrived.
    pub fn progress(&mut self, now: Instant) {
        if let Some(since) = &mut self.replaying_since {
            *since = now;
        }
    }

    /// A replay was asked for.
    pub fn replaying(&mut self, now: Instant) {
        self.replaying_since = Some(now);
    }

    /// The replay has come to its end.
    pub fn replayed(&mut self) {
        self.replaying_since = None;
        self.differences = DIFFERENCES - 1;
    }

    /// Judges a digest, when both `agreed` on that much before and `since` then, up to the digest's
    /// number, so many events were heard with that sum of hashes.
    pub fn judge(
        &mut self,
        digest: &Digest,
        agreed: Mark,
        since: (i64, i64),
        now: Instant,
    ) -> Verdict {
        if digest.seq < agreed.seq {
            // Of a leader that began again at its durable mark: it will come back to where it was
            // within a second.
            return Verdict::Wait;
        }
        let heard = Mark {
            seq: digest.seq,
            count: agreed.count + since.0,
            hash: agreed.hash.wrapping_add(since.1),
        };
        if heard == digest.mark() {
            *self = Self::default();
            return Verdict::Agree;
        }
        if self
            .replaying_since
            .is_some_and(|since| now.saturating_duration_since(since) < REPLAY_SILENCE)
        {
            return Verdict::Wait;
        }
        self.differences += 1;
        if self.differences < DIFFERENCES {
            return Verdict::Wait;
        }
        self.differences = 0;
        self.replays += 1;
        self.replaying(now);
        if self.replays > REPLAYS {
            self.replays = 0;
            return Verdict::Recount;
        }
        Verdict::Ask(Wanted::Range {
            after: agreed.seq,
            last: Some(digest.seq),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Comparison, Digest, Mark, REPLAY_SILENCE, Verdict, Wanted};

    /// Agreed on four events up to number 4.
    const AGREED: Mark = Mark {
        seq: 4,
        count: 4,
        hash: 4,
    };

    fn digest(seq: i64) -> Digest {
        let mark = Mark {
            seq,
            count: seq,
            hash: seq,
        };
        Digest::new("registry", mark)
    }

    #[test]
    fn asks_after_the_second_difference_and_not_while_a_replay_runs() {
        let mut comparison = Comparison::default();
        let mut judge = |now| comparison.judge(&digest(9), AGREED, (4, 4), now);
        let begun = Instant::now();
        assert_eq!(judge(begun), Verdict::Wait);
        let range = Wanted::Range {
            after: 4,
            last: Some(9),
        };
        assert_eq!(judge(begun), Verdict::Ask(range));
        for _ in 0..5 {
            assert_eq!(judge(begun), Verdict::Wait);
        }
        let later = begun + REPLAY_SILENCE;
        assert_eq!(judge(later), Verdict::Wait);
        assert!(matches!(judge(later), Verdict::Ask(_)));
    }

    #[test]
    fn a_replay_that_progresses_is_waited_for() {
        let mut comparison = Comparison::default();
        let begun = Instant::now();
        comparison.replaying(begun);
        comparison.progress(begun + REPLAY_SILENCE / 2);
        for _ in 0..3 {
            let verdict = comparison.judge(&digest(9), AGREED, (4, 4), begun + REPLAY_SILENCE);
            assert_eq!(verdict, Verdict::Wait);
        }
    }

    #[test]
    fn counts_again_when_replays_bring_no_agreement() {
        let mut comparison = Comparison::default();
        let mut verdicts = Vec::new();
        for _ in 0..5 {
            verdicts.push(comparison.judge(&digest(9), AGREED, (6, 6), Instant::now()));
            comparison.replayed();
        }
        let asked = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Ask(_)))
            .count();
        assert_eq!((asked, verdicts.last()), (3, Some(&Verdict::Recount)));
    }

    #[test]
    fn an_agreement_forgets_earlier_differences() {
        let mut comparison = Comparison::default();
        let mut judge = |digest, since| comparison.judge(&digest, AGREED, since, Instant::now());
        assert_eq!(judge(digest(9), (4, 4)), Verdict::Wait);
        assert_eq!(judge(digest(9), (5, 5)), Verdict::Agree);
        assert_eq!(judge(digest(10), (5, 5)), Verdict::Wait);
    }

    #[test]
    fn a_digest_from_before_the_agreement_says_nothing() {
        let mut comparison = Comparison::default();
        for _ in 0..5 {
            let verdict = comparison.judge(&digest(3), AGREED, (0, 0), Instant::now());
            assert_eq!(verdict, Verdict::Wait);
        }
    }
}
