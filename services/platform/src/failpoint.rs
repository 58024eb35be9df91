//! Named points at which a fault run ends, delays or misleads this process.
//!
//! # Design notes
//! They exist in builds with the feature `failpoints` alone, which no service asks for: without it
//! [`at`] and [`defect`] are empty and cost nothing. A run names them in the variable `FAILPOINTS`
//! in the notation of the crate `fail`: `relay-published=1%return` ends the process at one event in
//! a hundred, `cursor-on-seq=return` makes the build defective in the way of that name.
//!
//! A defect is a design that was considered and refused, kept so that the judge of the fault runs
//! can be shown to notice it.

/// Where a process can be made to end as by `kill -9`. Kept in one list, so that a run can say of
/// each whether it was reached.
pub const POINTS: [&str; 8] = [
    "command-appended",
    "command-committed",
    "relay-read",
    "relay-published",
    "relay-confirmed",
    "relay-saved",
    "consumer-applied",
    "consumer-committed",
];

/// The designs that were refused.
pub const DEFECTS: [&str; 7] = [
    "cursor-on-seq",
    "xmin-order",
    "ack-before-commit",
    "publish-before-commit",
    "inbox-apart",
    "binding-missing",
    "same-incarnation",
];

/// Ends the process here, without any tidying, if the run says so.
#[cfg(feature = "failpoints")]
pub(crate) fn at(name: &'static str) {
    debug_assert!(POINTS.contains(&name));
    fail::fail_point!(name, |_| std::process::abort());
}

/// Nothing.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn at(_: &'static str) {}

/// Whether this process shall have the defect of that name.
#[cfg(feature = "failpoints")]
pub(crate) fn defect(name: &'static str) -> bool {
    debug_assert!(DEFECTS.contains(&name));
    fail::fail_point!(name, |_| true);
    false
}

/// Reads the variable `FAILPOINTS`; what it names holds until the process ends.
#[cfg(feature = "failpoints")]
pub fn listen() {
    // The scenario ends with the value, so it is kept for good.
    std::mem::forget(fail::FailScenario::setup());
}
