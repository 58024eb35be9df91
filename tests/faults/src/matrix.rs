//! The faults, one entry each.

mod broker;
mod clients;
mod confirms;
mod database;
pub(crate) mod messages;
mod network;
mod processes;
mod random;
mod restore;
mod tampering;

use anyhow::Result;
use futures_util::future::BoxFuture;
use handslag_checker::Invariant;

use crate::load::Manner;
use crate::scene::Scene;

/// Makes a fault for the scene's time, and takes it back as far as it does not go away by itself.
pub(crate) type Strike = for<'a> fn(&'a mut Scene) -> BoxFuture<'a, Result<()>>;

/// What a fault may lead to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allows {
    /// The broker loses messages that it had taken over, so that replays are needed.
    pub(crate) broker_loses: bool,
    /// The tap's own queue loses messages as well.
    pub(crate) tap_loses: bool,
}

/// A fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// What happens, for the table and the help.
    pub(crate) what: &'static str,
    pub(crate) manner: Manner,
    pub(crate) allows: Allows,
    /// Whether the run's servers stand on a small disk of their own.
    pub(crate) small_disk: bool,
    /// Whether it is among those of the build server's short run.
    pub(crate) short: bool,
    /// The invariant that must be found breached: the fault is one that cannot be withstood, and
    /// what is promised is that it is found.
    pub(crate) found_as: Option<Invariant>,
    pub(crate) strike: Strike,
}

impl Fault {
    const fn new(name: &'static str, what: &'static str, strike: Strike) -> Self {
        Self {
            name,
            what,
            manner: Manner::ORDINARY,
            allows: Allows {
                broker_loses: false,
                tap_loses: false,
            },
            small_disk: false,
            short: false,
            found_as: None,
            strike,
        }
    }

    const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    const fn on_small_disk(mut self) -> Self {
        self.small_disk = true;
        self
    }

    const fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    const fn allows(mut self, allows: Allows) -> Self {
        self.allows = allows;
        self
    }

    const fn found_as(mut self, invariant: Invariant) -> Self {
        self.found_as = Some(invariant);
        self
    }
}

/// Every fault, in the order of the table.
pub(crate) fn all() -> Vec<Fault> {
    [
        processes::faults(),
        clients::faults(),
        database::faults(),
        broker::faults(),
        confirms::faults(),
        messages::faults(),
        network::faults(),
        tampering::faults(),
        restore::faults(),
        random::faults(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The faults under which defective builds are run: those of the table, and mere load.
pub(crate) fn for_defects() -> Vec<Fault> {
    let mut faults = all();
    faults.extend(clients::for_defects());
    faults
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn every_fault_has_a_name_of_its_own_that_a_shell_takes() {
        let names: BTreeSet<&str> = all().iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), all().len());
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(|name| plain(name)), "{names:?}");
    }
}
