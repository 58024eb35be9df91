//! Protobuf to domain and back, by plain functions.

pub mod events;
pub mod fields;
pub mod resources;
