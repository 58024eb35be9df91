//! Builds with a refused design in them, each of which the judge must catch.
//!
//! # Design notes
//! A judge that is never contradicted may be asleep. Each design that was refused is run under the
//! load and the fault that make it show, and counts as caught when an invariant is breached that
//! the design breaks: a breach of another kind would be luck.

use handslag_checker::Invariant;

use crate::matrix::Fault;

/// A defective build and how it shows.
pub(crate) struct Defect {
    pub(crate) name: &'static str,
    /// What is wrong.
    pub(crate) what: &'static str,
    /// The fault under which it shows.
    pub(crate) under: &'static str,
    /// Failpoints of each service, from the start.
    pub(crate) failpoints: &'static [(&'static str, &'static str)],
    /// One of these must be found breached.
    pub(crate) breaks: &'static [Invariant],
}

/// The seven of them.
pub(crate) const DEFECTS: [Defect; 7] = [
    Defect {
        name: "cursor-on-seq",
        what: "the relay reads on behind the highest number and never looks back",
        under: "crowded-writes",
        failpoints: &[
            ("registry", "cursor-on-seq=return"),
            ("commitments", "cursor-on-seq=return"),
        ],
        breaks: &[Invariant::I5],
    },
    Defect {
        name: "xmin-order",
        what: "the relay publishes in the order of transactions",
        under: "crowd",
        failpoints: &[
            ("registry", "xmin-order=return"),
            ("commitments", "xmin-order=return"),
        ],
        breaks: &[Invariant::I7],
    },
    Defect {
        name: "ack-before-commit",
        what: "a delivery is acknowledged before its effect is committed",
        under: "kill-in-effect",
        failpoints: &[
            (
                "notifications",
                "ack-before-commit=return;consumer-applied=2%return",
            ),
            (
                "reporting",
                "ack-before-commit=return;consumer-applied=2%return",
            ),
        ],
        breaks: &[Invariant::I10],
    },
    Defect {
        name: "publish-before-commit",
        what: "an event is said while its transaction is open",
        under: "kill-in-effect",
        failpoints: &[
            (
                "registry",
                "publish-before-commit=return;command-appended=2%return",
            ),
            (
                "commitments",
                "publish-before-commit=return;command-appended=2%return",
            ),
        ],
        breaks: &[Invariant::I4],
    },
    Defect {
        name: "inbox-apart",
        what: "the mark of the inbox has a transaction of its own",
        under: "kill-in-effect",
        // What is lost before the load begins would never let it begin.
        failpoints: &[
            (
                "notifications",
                "inbox-apart=return;consumer-applied=100*off->2%return",
            ),
            (
                "reporting",
                "inbox-apart=return;consumer-applied=100*off->2%return",
            ),
        ],
        breaks: &[Invariant::I6, Invariant::I8],
    },
    Defect {
        name: "binding-missing",
        what: "a consumer's queue is not bound to the events",
        under: "nothing",
        failpoints: &[("reporting", "binding-missing=return")],
        breaks: &[Invariant::I10],
    },
    Defect {
        name: "same-incarnation",
        what: "a restored database goes on as if nothing had been lost",
        under: "restore-broker-ahead",
        failpoints: &[
            ("registry", "same-incarnation=return"),
            ("commitments", "same-incarnation=return"),
            ("notifications", "same-incarnation=return"),
            ("reporting", "same-incarnation=return"),
        ],
        breaks: &[Invariant::I6, Invariant::I8],
    },
];

impl Defect {
    /// The fault under which it shows. Two are mere load: that of failpoints that are set from the
    /// start, and that of many writers at once.
    pub(crate) fn fault(&self) -> Option<Fault> {
        crate::matrix::for_defects()
            .into_iter()
            .find(|fault| fault.name == self.under)
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::failpoint;

    use super::DEFECTS;

    #[test]
    fn every_defect_of_the_platform_is_tried_under_a_fault_that_exists() {
        let names: Vec<&str> = DEFECTS.iter().map(|defect| defect.name).collect();
        assert_eq!(names, failpoint::DEFECTS);
        for defect in &DEFECTS {
            assert!(defect.fault().is_some(), "{}", defect.under);
            let named = |(_, value): &(&str, &str)| value.starts_with(defect.name);
            assert!(defect.failpoints.iter().all(named), "{}", defect.name);
        }
    }
}
