//! Events as they are on the wire.

use crate::{common, events};

/// An event as it is on the wire. Implemented for every message of `handslag.events.v1` from its `event` option.
pub trait EventMessage: prost::Message + Default + Clone + Send + Sync + 'static {
    /// The producing service.
    const SERVICE: &'static str;
    /// The aggregate whose version the event carries.
    const AGGREGATE: &'static str;
    /// What happened.
    const NAME: &'static str;
    /// CloudEvents type, `se.handslag.<service>.<aggregate>.<name>.v1`.
    const TYPE: &'static str;
    /// How much it matters: a number of [`common::v1::Severity`].
    const SEVERITY: i32;
    /// What it concerns.
    fn scope(&self) -> Option<&common::v1::EventScope>;
}

/// What is known of an event type without its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDescriptor {
    /// CloudEvents type.
    pub r#type: &'static str,
    /// The producing service.
    pub service: &'static str,
    /// The aggregate whose version the event carries.
    pub aggregate: &'static str,
    /// What happened.
    pub name: &'static str,
    /// How much it matters: a number of [`common::v1::Severity`].
    pub severity: i32,
}

/// Every event type of the contracts.
pub fn event_types() -> &'static [EventDescriptor] {
    EVENT_TYPES
}

/// The first field of any event: what it concerns. Decodes every event message and ignores the rest.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Scoped {
    /// What the event concerns.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<common::v1::EventScope>,
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
