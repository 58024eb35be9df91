//! The rules: synchronous and pure. Time and new ids are arguments.

pub mod action;
pub mod action_plan;
pub mod agreement;
pub mod commitment;
pub mod deliberation;
pub mod follow_up;
pub mod names;
pub mod title;
