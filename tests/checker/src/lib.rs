//! The judge of a fault run: given what a run has recorded, it says which promises of the platform
//! were kept and which were not.

pub mod record;
mod verdict;

pub use verdict::{Aggregate, Breach, EventName, Invariant, Verdict};
