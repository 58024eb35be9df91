//! Misunderstandings between a publisher and its broker, made by a proxy that reads along.
//!
//! # Design notes
//!
//! * Each fault is a [`Rule`]: what is done ([`Fate`]), how often ([`When`]), to messages for which
//!   exchange. Every time that it strikes is counted, so that a test can prove that its fault
//!   happened.
//! * Faults concern publications on channels with confirms only: without them a publisher has been
//!   promised nothing.
//! * A broker confirms many messages with one frame. It is taken apart where a fault concerns one
//!   of them, and a confirm that was withheld is not given by a later one that says "all up to
//!   here". Publisher and broker count each for themselves, so a message that only one of them has
//!   seen shifts the numbers of all that follow; [`Session`] translates them, and a channel lives
//!   on after any of these faults.

mod channel;
mod frames;
mod methods;
mod session;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handslag_platform::messaging::topology::EVENTS;
use rand::RngExt as _;
use rand::rngs::StdRng;

pub(crate) use channel::Output;
pub(crate) use session::Session;

/// What happens to a publication or to its confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The broker has it, and its confirm never arrives.
    SwallowConfirm,
    /// The broker has it, and its confirm arrives so much later; what came after it does not wait.
    DelayConfirm(Duration),
    /// The broker has it, and says that it has not: `basic.nack` in place of `basic.ack`.
    Nack,
    /// The broker never sees it, and the publisher gets it back as unroutable and acknowledged.
    Return,
    /// The broker gets it twice; one confirm arrives.
    Duplicate,
    /// The broker gets it after the next one on its channel, however long that takes.
    Postpone,
}

/// How often a rule strikes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    /// Until it is taken back.
    Always,
    /// So many times, beginning at once.
    Next(u64),
    /// Every k-th time.
    Every(NonZeroU64),
    /// With this probability, by the proxy's seed.
    Chance(f64),
}

/// A fault of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    fate: Fate,
    when: When,
    exchange: Option<String>,
    /// How many messages it has looked at.
    seen: u64,
}

/// How often each fault struck, and what passed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Publications on channels with confirms, whatever became of them.
    pub(crate) published: u64,
    /// Confirms of the broker, each message for itself, whatever became of them.
    pub(crate) confirmed: u64,
    /// See [`Fate::SwallowConfirm`].
    pub(crate) swallowed: u64,
    /// See [`Fate::DelayConfirm`].
    pub(crate) delayed: u64,
    /// See [`Fate::Nack`].
    pub(crate) nacked: u64,
    /// See [`Fate::Return`].
    pub(crate) returned: u64,
    /// See [`Fate::Duplicate`].
    pub(crate) duplicated: u64,
    /// See [`Fate::Postpone`].
    pub(crate) postponed: u64,
}

/// The rules of a proxy and what they did, shared by its connections.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    counts: Counts,
}

/// When a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The publisher begins a publication.
    Publication,
    /// The broker confirms one.
    Confirm,
}

impl Rule {
    /// A fault of the events' exchange.
    pub(crate) fn new(fate: Fate, when: When) -> Self {
        Self {
            fate,
            when,
            exchange: Some(EVENTS.to_owned()),
            seen: 0,
        }
    }

    /// The same for another exchange.
    pub(crate) fn of_exchange(self, exchange: &str) -> Self {
        Self {
            exchange: Some(exchange.to_owned()),
            ..self
        }
    }

    /// The same for whatever exchange.
    pub(crate) fn everywhere(self) -> Self {
        Self {
            exchange: None,
            ..self
        }
    }

    /// Whether it strikes, after one more message that it concerns.
    fn strikes(&mut self, chance: &mut StdRng) -> bool {
        self.seen += 1;
        match self.when {
            When::Always => true,
            When::Next(count) => self.seen <= count,
            When::Every(step) => self.seen.is_multiple_of(step.get()),
            When::Chance(probability) => chance.random::<f64>() < probability,
        }
    }
}

impl Fate {
    fn moment(self) -> Moment {
        match self {
            Self::SwallowConfirm | Self::DelayConfirm(_) | Self::Nack => Moment::Confirm,
            Self::Return | Self::Duplicate | Self::Postpone => Moment::Publication,
        }
    }
}

impl Faults {
    /// Adds a rule. Of several that would strike the same message the first one does.
    pub(crate) fn add(&self, rule: Rule) {
        self.lock().rules.push(rule);
    }

    /// Takes all rules back. What they withheld stays withheld.
    pub(crate) fn clear(&self) {
        self.lock().rules.clear();
    }

    /// How often each fault struck.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// What happens to a message now; nothing most of the time.
    fn decide(
        &self,
        moment: Moment,
        exchange: &str,
        possible: impl Fn(Fate) -> bool,
        chance: &mut StdRng,
    ) -> Option<Fate> {
        let mut state = self.lock();
        let State { rules, counts } = &mut *state;
        match moment {
            Moment::Publication => counts.published += 1,
            Moment::Confirm => counts.confirmed += 1,
        }
        let fate = rules
            .iter_mut()
            .filter(|rule| rule.fate.moment() == moment && possible(rule.fate))
            .filter(|rule| rule.exchange.as_deref().is_none_or(|own| own == exchange))
            .find_map(|rule| rule.strikes(chance).then_some(rule.fate))?;
        *match fate {
            Fate::SwallowConfirm => &mut counts.swallowed,
            Fate::DelayConfirm(_) => &mut counts.delayed,
            Fate::Nack => &mut counts.nacked,
            Fate::Return => &mut counts.returned,
            Fate::Duplicate => &mut counts.duplicated,
            Fate::Postpone => &mut counts.postponed,
        } += 1;
        Some(fate)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Plain data, whole even if a task panicked beside it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
