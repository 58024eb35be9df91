//! Models of what the platform runs on: what a server would answer, and nothing of what is done
//! with it.

pub(crate) mod broker;
pub(crate) mod locks;
pub(crate) mod producer;
pub(crate) mod tables;
