//! What the platform is measured against: the same work, by the shortest way.

pub(crate) mod broker;
pub(crate) mod echo;
pub(crate) mod pgbench;
