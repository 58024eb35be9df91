//! The bodies of events.

use handslag_proto::EventMessage;
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1 as events;
use prost::Message as _;

/// Reads the encoded body of an event.
pub(crate) type Decode = fn(&[u8]) -> Result<Body, prost::DecodeError>;

macro_rules! bodies {
    ($($name:ident),+ $(,)?) => {
        /// What happened, decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Body {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name(events::$name),
            )+
        }

        impl Body {
            /// How the bodies of events of this type are decoded; `None` for a type that the
            /// contracts do not know.
            pub(crate) fn decoder(r#type: &str) -> Option<Decode> {
                match r#type {
                    $(<events::$name as EventMessage>::TYPE => {
                        Some(|payload| events::$name::decode(payload).map(Self::$name))
                    })+
                    _ => None,
                }
            }

            /// What it concerns.
            pub(crate) fn scope(&self) -> Option<&EventScope> {
                match self {
                    $(Self::$name(body) => body.scope.as_ref(),)+
                }
            }

            /// Its type.
            pub(crate) fn r#type(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <events::$name as EventMessage>::TYPE,)+
                }
            }

            /// Encoded, as the log holds it.
            pub(crate) fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(body) => body.encode_to_vec(),)+
                }
            }
        }

        #[cfg(test)]
        const TYPES: &[&str] = &[$(<events::$name as EventMessage>::TYPE),+];
    };
}

bodies! {
    AreaCreated,
    PartyCreated,
    BoardCreated,
    DistrictBoardCreated,
    DistrictBoardSucceeded,
    AgreementDrafted,
    AgreementAdopted,
    AgreementProceedingRecorded,
    AgreementStatementAnswered,
    ProposalRaised,
    ProposalResolved,
    FigureReported,
    OrganisationRegistered,
    OrganisationUpdated,
    OrganisationNumberChanged,
    SignatoryStateChanged,
    CommitmentProposed,
    CommitmentAccepted,
    CommitmentDeclined,
    ActionPlanDrafted,
    ActionPlanApproved,
    ActionAdded,
    ActionProgressed,
    ActionDeadlineMoved,
    FollowUpOpened,
    FollowUpAccountSubmitted,
    FollowUpDeadlineMoved,
    FollowUpPublished,
    DeliberationRecorded,
    SubscriberRegistered,
    SubscriberSubscriptionChanged,
    ReportRequested,
    ReportCompleted,
}

#[cfg(test)]
mod tests {
    use super::{Body, TYPES};

    #[test]
    fn every_event_of_the_contracts_has_a_body() {
        for event in handslag_proto::event_types() {
            assert!(TYPES.contains(&event.r#type), "{}", event.r#type);
            let decode = Body::decoder(event.r#type).expect("known");
            let empty = decode(&[]).expect("empty");
            assert_eq!(empty.r#type(), event.r#type);
            assert!(empty.scope().is_none() && empty.encode().is_empty());
        }
        assert!(Body::decoder("se.handslag.registry.area.abolished.v1").is_none());
    }
}
