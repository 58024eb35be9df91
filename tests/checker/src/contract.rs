//! What the judge takes for granted of the platform: who says what, who hears whom, and which table
//! holds which aggregate.
//!
//! # Design notes
//! Written down here and not asked of the services, which would be asking the accused. What the
//! contracts say is taken from the contracts.

pub(crate) mod body;

use std::collections::HashMap;
use std::sync::OnceLock;

use handslag_proto::EventDescriptor;

/// The services.
pub(crate) const REGISTRY: &str = "registry";
/// The services.
pub(crate) const COMMITMENTS: &str = "commitments";
/// The services.
pub(crate) const NOTIFICATIONS: &str = "notifications";
/// The services.
pub(crate) const REPORTING: &str = "reporting";

/// Who hears whom: consumer and producer.
pub(crate) const HEARS: [(&str, &str); 5] = [
    (COMMITMENTS, REGISTRY),
    (NOTIFICATIONS, REGISTRY),
    (NOTIFICATIONS, COMMITMENTS),
    (REPORTING, REGISTRY),
    (REPORTING, COMMITMENTS),
];

/// The tables whose rows are aggregates with a version: service and table, which is called as
/// events call the aggregate.
pub(crate) const AGGREGATES: [(&str, &str); 16] = [
    (REGISTRY, "area"),
    (REGISTRY, "party"),
    (REGISTRY, "board"),
    (REGISTRY, "district_board"),
    (REGISTRY, "agreement"),
    (REGISTRY, "proposal"),
    (REGISTRY, "figure"),
    (REGISTRY, "organisation"),
    (REGISTRY, "signatory"),
    (COMMITMENTS, "commitment"),
    (COMMITMENTS, "action_plan"),
    (COMMITMENTS, "action"),
    (COMMITMENTS, "follow_up"),
    (COMMITMENTS, "deliberation"),
    (NOTIFICATIONS, "subscriber"),
    (REPORTING, "report"),
];

/// Events that no command causes. A report is made by a task after its order was answered, so the
/// order's id is not its cause.
pub(crate) const UNASKED: [&str; 1] = ["se.handslag.reporting.report.completed.v1"];

/// Commands that say nothing. An acknowledgement moves a cursor that concerns nobody else.
pub(crate) const SILENT: [&str; 1] = ["AckNotifications"];

/// The event that a command says, by the last part of the method's name. Every command changes one
/// aggregate and says so once; there is none that says more.
const SAYS: [(&str, &str); 37] = [
    ("CreateArea", "registry.area.created"),
    ("CreateParty", "registry.party.created"),
    ("CreateBoard", "registry.board.created"),
    ("CreateDistrictBoard", "registry.district_board.created"),
    ("SucceedDistrictBoard", "registry.district_board.succeeded"),
    ("DraftAgreement", "registry.agreement.drafted"),
    ("AdoptAgreement", "registry.agreement.adopted"),
    ("RecordProceeding", "registry.agreement.proceeding_recorded"),
    ("AnswerStatement", "registry.agreement.statement_answered"),
    ("RaiseProposal", "registry.proposal.raised"),
    ("ResolveProposal", "registry.proposal.resolved"),
    ("ReportFigure", "registry.figure.reported"),
    ("RegisterOrganisation", "registry.organisation.registered"),
    ("UpdateOrganisation", "registry.organisation.updated"),
    (
        "ChangeOrganisationNumber",
        "registry.organisation.number_changed",
    ),
    ("InviteOrganisation", "registry.signatory.state_changed"),
    ("RecordStance", "registry.signatory.state_changed"),
    ("DecideToJoin", "registry.signatory.state_changed"),
    ("SignAgreement", "registry.signatory.state_changed"),
    ("WithdrawSignatory", "registry.signatory.state_changed"),
    ("ProposeCommitment", "commitments.commitment.proposed"),
    ("AcceptCommitment", "commitments.commitment.accepted"),
    ("DeclineCommitment", "commitments.commitment.declined"),
    ("DraftActionPlan", "commitments.action_plan.drafted"),
    ("ApproveActionPlan", "commitments.action_plan.approved"),
    ("AddAction", "commitments.action.added"),
    ("ReportProgress", "commitments.action.progressed"),
    ("MoveActionDeadline", "commitments.action.deadline_moved"),
    ("OpenFollowUp", "commitments.follow_up.opened"),
    ("SubmitAccount", "commitments.follow_up.account_submitted"),
    (
        "MoveAccountDeadline",
        "commitments.follow_up.deadline_moved",
    ),
    ("PublishFollowUp", "commitments.follow_up.published"),
    ("RecordDeliberation", "commitments.deliberation.recorded"),
    ("RegisterSubscriber", "notifications.subscriber.registered"),
    ("Subscribe", "notifications.subscriber.subscription_changed"),
    (
        "Unsubscribe",
        "notifications.subscriber.subscription_changed",
    ),
    ("CreateReport", "reporting.report.requested"),
];

/// What a command says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// One event of this type.
    One(&'static str),
    /// Nothing.
    Nothing,
}

/// What the command of a method says; `None` when the judge knows no such command. The method may
/// stand with its package and service.
pub(crate) fn says(method: &str) -> Option<Says> {
    static TYPES: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let known = handslag_proto::event_types();
        let whole = |short: &str| {
            let of = |event: &&EventDescriptor| middle(event.r#type) == Some(short);
            known.iter().find(of).map(|event| event.r#type)
        };
        SAYS.iter()
            .filter_map(|(method, short)| Some((*method, whole(short)?)))
            .collect()
    });
    let name = method.rsplit('/').next().unwrap_or(method);
    if SILENT.contains(&name) {
        return Some(Says::Nothing);
    }
    types.get(name).map(|r#type| Says::One(r#type))
}

/// `registry.area.created` of `se.handslag.registry.area.created.v1`.
fn middle(r#type: &str) -> Option<&str> {
    r#type.strip_prefix("se.handslag.")?.strip_suffix(".v1")
}

/// The key under which an event is published.
pub(crate) fn routing_key(r#type: &str, district: &str) -> String {
    let short = r#type.strip_prefix("se.handslag.").unwrap_or(r#type);
    format!("{short}.{district}")
}

/// The event type of the contract, if it is one.
pub(crate) fn descriptor(r#type: &str) -> Option<&'static EventDescriptor> {
    static TYPES: OnceLock<HashMap<&str, &EventDescriptor>> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let known = handslag_proto::event_types();
        known.iter().map(|event| (event.r#type, event)).collect()
    });
    types.get(r#type).copied()
}

/// The hash of an event in digests: a wrapping sum of these does not depend on the order.
pub(crate) fn event_hash(seq: i64, id: uuid::Uuid) -> i64 {
    let (high, low) = id.as_u64_pair();
    mix(mix(mix(seq.cast_unsigned()) ^ high) ^ low).cast_signed()
}

/// The finaliser of `SplitMix64`.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use handslag_proto::{event_types, pool};

    use super::{AGGREGATES, SAYS, SILENT, Says, UNASKED, event_hash, middle, says};

    #[test]
    fn every_command_of_the_contracts_says_something_or_is_known_to_be_silent() {
        for service in pool()
            .services()
            .filter(|s| s.package_name().starts_with("handslag."))
        {
            for method in service.methods() {
                let is_command = method.input().get_field_by_name("request_id").is_some();
                let silent = SILENT.contains(&method.name());
                assert_eq!(
                    says(method.name()).is_some(),
                    is_command || silent,
                    "{}",
                    method.full_name()
                );
            }
        }
    }

    #[test]
    fn every_event_is_said_by_somebody() {
        for event in event_types() {
            let said = SAYS
                .iter()
                .any(|(_, short)| middle(event.r#type) == Some(*short));
            assert_eq!(said, !UNASKED.contains(&event.r#type), "{}", event.r#type);
        }
    }

    #[test]
    fn every_aggregate_of_the_contracts_has_a_table() {
        for event in event_types() {
            let table = (event.service, event.aggregate);
            assert!(AGGREGATES.contains(&table), "{}", event.r#type);
        }
    }

    #[test]
    fn the_hash_of_an_event_comes_out_as_the_definition_says() {
        // Computed with another implementation, in another language, from the definition.
        let id = uuid::Uuid::from_u64_pair(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        assert_eq!(event_hash(5, id), -8_439_075_144_360_801_243);
    }

    #[test]
    fn a_method_is_known_with_and_without_its_path() {
        let area = Some(Says::One("se.handslag.registry.area.created.v1"));
        assert_eq!(says("CreateArea"), area);
        assert_eq!(
            says("/handslag.registry.v1.RegistryService/CreateArea"),
            area
        );
        assert_eq!(says("GetArea"), None);
    }
}
