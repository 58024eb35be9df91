//! The rules of who is told of what: pure, without a clock, a database or a network.

pub mod filter;
pub mod link;
pub mod names;
pub mod notification;
pub mod place;
pub mod subscriber;
pub mod subscription;
pub mod title;
