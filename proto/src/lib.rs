//! The contracts of Handslag: messages, services and events as Rust types, and what their options say.
//!
//! # Design notes
//! The `.proto` files are the truth and the documentation of every field; this crate holds nothing else. Options that
//! are extensions (who may call a method, what an event is on the wire) are read by reflection, since prost drops
//! them from its own descriptor types.

use std::sync::OnceLock;

use prost_reflect::DescriptorPool;

macro_rules! package {
    ($($(#[$doc:meta])* $name:ident = $package:literal;)*) => {$(
        $(#[$doc])*
        pub mod $name {
            /// Version 1 of the package.
            pub mod v1 {
                tonic::include_proto!($package);
            }
        }
    )*};
}

package! {
    /// Types and options that several packages share.
    common = "handslag.common.v1";
    /// The events by which the services talk to each other.
    events = "handslag.events.v1";
    /// Who and what was agreed.
    registry = "handslag.registry.v1";
    /// What was promised and what is done.
    commitments = "handslag.commitments.v1";
    /// Who must know.
    notifications = "handslag.notifications.v1";
    /// How it went.
    reporting = "handslag.reporting.v1";
}

mod event;

pub use event::{EventDescriptor, EventMessage, Scoped, event_types};

/// All contracts as an encoded `google.protobuf.FileDescriptorSet`, extensions and comments included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// All contracts, for reflection and for reading options.
///
/// # Panics
/// Never: the set was written by the same compiler that built this crate, and a test reads it.
#[expect(
    clippy::expect_used,
    reason = "the set is a constant of this crate, read by a test"
)]
pub fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| {
        DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("own descriptors decode")
    })
}

/// The text fields of a request by their names in the contract, for rules that compare them with a caller's claims.
pub trait RequestFields {
    /// The field's text; `None` when the request has no such text field.
    fn text_field(&self, name: &str) -> Option<&str>;
}

include!(concat!(env!("OUT_DIR"), "/requests.rs"));

#[cfg(test)]
mod tests {
    use super::{EventMessage, event_types, events, pool};

    #[test]
    fn every_method_says_who_may_call_it() {
        let access = pool()
            .get_extension_by_name("handslag.common.v1.access")
            .expect("option");
        for service in pool()
            .services()
            .filter(|s| s.package_name().starts_with("handslag."))
        {
            for method in service.methods() {
                assert!(
                    method.options().has_extension(&access),
                    "{}",
                    method.full_name()
                );
            }
        }
    }

    #[test]
    fn every_event_says_what_it_is_and_what_it_concerns() {
        let events = pool()
            .all_messages()
            .filter(|m| {
                m.package_name() == "handslag.events.v1" && m.name() != "AgreementPrinciple"
            })
            .inspect(|m| {
                let scope = m.get_field(1).expect("a first field");
                assert_eq!(scope.name(), "scope", "{}", m.full_name());
            })
            .count();
        assert_eq!(events, event_types().len());
    }

    #[test]
    fn a_type_names_its_service_aggregate_and_event() {
        assert_eq!(
            events::v1::AreaCreated::TYPE,
            "se.handslag.registry.area.created.v1"
        );
    }
}
