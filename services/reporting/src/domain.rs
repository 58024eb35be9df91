//! The rules of reporting, pure: no time but what is passed in, no database, no messages.

pub mod chart;
pub mod curve;
pub mod figures;
pub mod history;
pub mod names;
pub mod report;
pub mod section;
pub mod year;
