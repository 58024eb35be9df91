//! Harness of the stories: a whole city on real servers, reached through its public interfaces only.

mod town;

pub use town::{Town, eventually, message};
