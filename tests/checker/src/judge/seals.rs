//! I13: the audit chain reproduces, and what does not is located.
//!
//! **I13** Computed anew from the events of the log, every seal of the chain comes out as it was
//! stored, over as many events; and after the quiet the seals reach to the end of the log. When one
//! does not come out, the tap's memory says which of its events was changed, taken away or put in.
//!
//! # Design notes
//! A seal that does not come out is followed by the one that was stored, so that one change is one
//! breach and not one for every seal after it. When the next seal only comes out after the computed
//! one, it is the stored seal that was changed and no event.

use std::ops::RangeInclusive;

use crate::chain;
use crate::findings::{Concerns, Findings};
use crate::ids::Hash;
use crate::judge::tap::Witness;
use crate::log::{EventRef, Log};
use crate::run::Run;
use crate::state::{Seal, State};
use crate::verdict::Invariant;

/// Judges I13 with what the tap remembers.
pub(crate) fn judge(run: &Run, witness: &Witness, findings: &mut Findings) {
    for (number, (log, state)) in (0_u8..).zip(run.services()) {
        let chain = Chain {
            run,
            number,
            log,
            state,
            witness,
        };
        chain.judge(findings);
    }
}

struct Chain<'a> {
    run: &'a Run,
    number: u8,
    log: &'a Log,
    state: &'a State,
    witness: &'a Witness,
}

impl Chain<'_> {
    fn judge(&self, findings: &mut Findings) {
        let mut previous = Hash::default();
        // What was computed for the seal before, when it was stored as something else.
        let mut computed = None;
        let mut after = 0;
        for seal in &self.state.seals {
            let (events, count) = self.over(after, seal, &previous);
            let honest = events == seal.digest && count == seal.count;
            let by_computed = computed.take().is_some_and(|right: Hash| {
                self.over(after, seal, &right).0 == seal.digest && count == seal.count
            });
            if by_computed {
                // The breach of the seal before stands; this one is innocent.
            } else if !honest {
                self.broken(after + 1..=seal.last_seq, seal, count, findings);
                computed = Some(events);
            }
            previous = seal.digest;
            after = seal.last_seq;
        }
        let newest = self.log.newest();
        if self.run.manifest.quiet_seconds.is_some() && after < newest {
            findings.plain(Invariant::I13, || {
                let service = &self.log.service;
                format!("the log of {service} is sealed up to {after}, and goes to {newest}")
            });
        }
    }

    /// The seal computed over the events after a number, and how many they are.
    fn over(&self, after: i64, seal: &Seal, previous: &Hash) -> (Hash, i64) {
        let events = &self.log.events;
        let first = events.partition_point(|event| event.seq <= after);
        let last = events.partition_point(|event| event.seq <= seal.last_seq);
        let covered = events.get(first..last).unwrap_or_default();
        let digest = chain::seal(previous, covered.iter().map(|event| &event.digest));
        (digest, i64::try_from(covered.len()).unwrap_or(i64::MAX))
    }

    fn broken(&self, range: RangeInclusive<i64>, seal: &Seal, count: i64, findings: &mut Findings) {
        let place = format!(
            "the seal of {} over {} to {}",
            self.log.service,
            range.start(),
            range.end()
        );
        let suspects = self.suspects(&range, count > seal.count);
        if suspects.is_empty() {
            findings.plain(Invariant::I13, || {
                let counted = match count - seal.count {
                    0 => "as many events as it says".to_owned(),
                    more @ 1.. => format!("{more} events more than it says"),
                    fewer => format!("{} events fewer than it says", -fewer),
                };
                format!(
                    "{place} does not come out, over {counted}; the tap does not say by what: an \
                     event's request id, or the seal itself"
                )
            });
        }
        for (concerns, what) in suspects {
            findings.add(Invariant::I13, || {
                (concerns, format!("{place} does not come out: {what}"))
            });
        }
    }

    /// The events in a range of the log that were changed, taken away or put in.
    fn suspects(&self, range: &RangeInclusive<i64>, too_many: bool) -> Vec<(Concerns, String)> {
        let mut suspects = Vec::new();
        for (at, what) in &self.witness.changed {
            if at.log == self.number && range.contains(&self.run.logs.at(*at).1.seq) {
                let what = format!("its {what} is not the one that was published");
                suspects.push((self.run.logs.concerns(*at), what));
            }
        }
        for unknown in &self.witness.unknown {
            if unknown.aggregate.service == self.log.service && range.contains(&unknown.seq) {
                let concerns = Concerns {
                    aggregate: Some(unknown.aggregate.clone()),
                    event: Some(unknown.event),
                };
                suspects.push((
                    concerns,
                    "it was published and is in the log no more".to_owned(),
                ));
            }
        }
        if too_many {
            let seen = &self.witness.seen[usize::from(self.number)];
            for (index, event) in (0_u32..).zip(&self.log.events) {
                if range.contains(&event.seq) && !seen[index as usize] {
                    let at = EventRef {
                        log: self.number,
                        index,
                    };
                    let what = "it is in the log and was never published".to_owned();
                    suspects.push((self.run.logs.concerns(at), what));
                }
            }
        }
        suspects
    }
}
