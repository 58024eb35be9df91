//! Relay, inbox and repair against models of the database and the broker, by seed.
//!
//! # Design notes
//! A seed draws a world: clients that write, one or two relays that compete, one or two consuming
//! services of one or two replicas, how slow and how unreliable everything is, and which faults
//! strike when. Time is virtual, one step is taken after the other, and chance picks the next among
//! all that could be taken, so a seed is a history that can be had again. When the faults end, the
//! world must become quiet, and is judged; some promises are judged at every step.
//!
//! What decides is the platform's own code: [`Course`] and its ledger, [`Answer`], [`Comparison`],
//! [`Claim`] and what [`judgement`] rules. The drivers carry it out against the models as the
//! platform does against servers, statement by statement in the same order, since it is between two
//! statements that processes die; where the platform's code is a straight line they repeat it.
//!
//! The models of the tables mean what the platform's SQL says. A statement is one step and sees what
//! was committed when it began, rows are locked until the end of their transaction, and who meets a
//! lock waits and looks again, as at PostgreSQL's level "read committed". The numbers of the log and
//! those of transactions are drawn as PostgreSQL draws them, the jump of a sequence after a crash
//! and the end of a snapshot at the newest *completed* transaction included: two of the designs that
//! were refused are wrong just there.
//!
//! Deliberately absent: messages that are no events, several producers, the retention of the log, a
//! database restored from yesterday, and the signal that spares the relay a poll.
//!
//! [`Course`]: handslag_platform::messaging::relay::course::Course
//! [`Answer`]: handslag_platform::messaging::relay::answer::Answer
//! [`Comparison`]: handslag_platform::messaging::comparison::Comparison
//! [`Claim`]: handslag_platform::messaging::inbox::Claim
//! [`judgement`]: handslag_platform::messaging::consumer::judgement

// What a run keeps beside the models.
mod chance;
mod defect;
mod event;
mod history;
mod run;
mod schedule;
mod totals;

// The world.
mod judge;
mod model;
mod world;

// What happens in it.
mod driver;
mod faults;
mod sim;

// One seed, many seeds.
mod campaign;
pub mod cli;
mod simulation;

pub use campaign::{Campaign, Report};
pub use defect::Defect;
pub use simulation::{Options, Outcome, simulate};
pub use totals::{Count, Totals};
