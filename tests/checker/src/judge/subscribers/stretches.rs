//! Whether some stretch of each subscription explains an inbox.

use std::ops::Range;

use uuid::Uuid;

use super::filter::Asks;
use super::{Judge, name};
use crate::findings::Findings;
use crate::verdict::Invariant;

/// Choices of stretches that are tried for an inbox with ended subscriptions. Each choice settles
/// at least one subscription, so an inbox with half a dozen of them is searched through; one with
/// more that resists is given up and not called a breach.
const CHOICES_MOST: u32 = 10_000;

/// An inbox and the subscriptions that filled it.
pub(super) struct Inbox<'a> {
    pub(super) judge: &'a Judge<'a>,
    pub(super) subscriber: Uuid,
    pub(super) asks: &'a [Asks],
    /// By rank: whether the inbox holds the event.
    pub(super) told: &'a [bool],
}

impl Inbox<'_> {
    /// Judges the inbox; behind `complete_after`, a number of the kept events, it is complete.
    pub(super) fn judge(&self, complete_after: Option<i64>, findings: &mut Findings) {
        let order = &self.judge.order;
        let complete = match complete_after {
            Some(after) => order.partition_point(|(seq, _)| *seq <= after),
            None => order.len(),
        };
        for rank in complete..order.len() {
            let wanted = self
                .asks
                .iter()
                .any(|one| one.wants(self.judge.class(rank)));
            if wanted && !self.told[rank] {
                self.untold(rank, findings);
            }
            if !wanted && self.told[rank] {
                self.unasked(rank, findings);
            }
        }
        self.before(complete, findings);
    }

    /// What was told up to `end`, where subscriptions may begin at any time.
    fn before(&self, end: usize, findings: &mut Findings) {
        let mut open: Vec<bool> = self.told[..end].to_vec();
        for asks in self.asks.iter().filter(|asks| asks.active) {
            let begins = (0..end).rev().find(|rank| self.lacks(asks, *rank));
            self.explain(asks, begins.map_or(0, |rank| rank + 1)..end, &mut open);
        }
        let ended: Vec<&Asks> = self.asks.iter().filter(|asks| !asks.active).collect();
        let mut choices = CHOICES_MOST;
        if let Some(unexplained) = self.search(&ended, &open, &mut choices) {
            self.blame(unexplained, end, findings);
        }
    }

    /// Takes what a stretch of a subscription explains out of what is open.
    fn explain(&self, asks: &Asks, stretch: Range<usize>, open: &mut [bool]) {
        for rank in stretch {
            if open[rank] && asks.wants(self.judge.class(rank)) {
                open[rank] = false;
            }
        }
    }

    /// The first rank that no choice of stretches explains, `None` when one explains everything or
    /// too many would have to be tried.
    fn search(&self, ended: &[&Asks], open: &[bool], choices: &mut u32) -> Option<usize> {
        let first = open.iter().position(|open| *open)?;
        for (index, asks) in ended.iter().enumerate() {
            if !asks.wants(self.judge.class(first)) {
                continue;
            }
            *choices = choices.checked_sub(1)?;
            let lacking = |rank: &usize| self.lacks(asks, *rank);
            let begins = (0..first).rev().find(lacking).map_or(0, |rank| rank + 1);
            let ends = (first..open.len()).find(lacking).unwrap_or(open.len());
            let mut rest = open.to_vec();
            self.explain(asks, begins..ends, &mut rest);
            let mut others = ended.to_vec();
            others.remove(index);
            // Explained, or given up: either way there is nothing to look for any more.
            self.search(&others, &rest, choices)?;
        }
        Some(first)
    }

    /// Whether the subscription asks for the event and the inbox does not hold it.
    fn lacks(&self, asks: &Asks, rank: usize) -> bool {
        !self.told[rank] && asks.wants(self.judge.class(rank))
    }

    /// Says why the event of a rank cannot be explained: nobody asked for it, or what follows it is
    /// missing.
    fn blame(&self, rank: usize, end: usize, findings: &mut Findings) {
        let class = self.judge.class(rank);
        let mut wanting: Vec<&Asks> = self.asks.iter().filter(|one| one.wants(class)).collect();
        // One in force tells exactly what is missing behind its first event.
        wanting.sort_by_key(|asks| !asks.active);
        let Some(asks) = wanting.first() else {
            self.unasked(rank, findings);
            return;
        };
        let mut missing = (rank + 1..end)
            .filter(|later| self.lacks(asks, *later))
            .peekable();
        if missing.peek().is_none() {
            self.unasked(rank, findings);
        }
        for later in missing {
            self.untold(later, findings);
        }
    }

    fn untold(&self, rank: usize, findings: &mut Findings) {
        let at = self.judge.order[rank].1;
        findings.add(Invariant::I6, || {
            let text = format!(
                "{} asks for it and was not told of it",
                name(self.subscriber)
            );
            (self.judge.run.logs.concerns(at), text)
        });
    }

    fn unasked(&self, rank: usize, findings: &mut Findings) {
        let at = self.judge.order[rank].1;
        findings.add(Invariant::I6, || {
            let text = format!(
                "{} was told of it, and no subscription explains that",
                name(self.subscriber)
            );
            (self.judge.run.logs.concerns(at), text)
        });
    }
}
