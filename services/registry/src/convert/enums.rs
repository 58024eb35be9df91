//! Enums of the contract from and to those of the domain; the compiler sees that none is forgotten.

use handslag_platform::violations::FieldError;
use handslag_proto::registry::v1 as proto;

use crate::domain::{agreement, figure, organisation, proceeding, proposal, signatory};

macro_rules! to_proto {
    ($name:ident: $domain:ty => $proto:ty { $($variant:ident)* }) => {
        pub(crate) fn $name(value: $domain) -> $proto {
            match value { $(<$domain>::$variant => <$proto>::$variant,)* }
        }
    };
}

macro_rules! from_proto {
    ($name:ident: $proto:ty => $domain:ty { $($variant:ident)* }) => {
        pub(crate) fn $name(number: i32) -> Result<$domain, FieldError> {
            match <$proto>::try_from(number) {
                Ok(<$proto>::Unspecified) => Err(FieldError::required()),
                $(Ok(<$proto>::$variant) => Ok(<$domain>::$variant),)*
                Err(_) => Err(unknown()),
            }
        }
    };
}

to_proto!(agreement_kind_to_proto: agreement::AgreementKind => proto::AgreementKind {
    Framework Local Policy
});
from_proto!(agreement_kind: proto::AgreementKind => agreement::AgreementKind {
    Framework Local Policy
});

to_proto!(agreement_state_to_proto: agreement::AgreementState => proto::AgreementState {
    InPreparation InForce Evaluation Expired
});

to_proto!(proceeding_kind_to_proto: proceeding::ProceedingKind => proto::ProceedingKind {
    Dialogue Seminar Conference WorkingGroup Draft Referral Statement Report Information
    Decision Reservation SpecialStatement Ceremony Meeting
});
from_proto!(proceeding_kind: proto::ProceedingKind => proceeding::ProceedingKind {
    Dialogue Seminar Conference WorkingGroup Draft Referral Statement Report Information
    Decision Reservation SpecialStatement Ceremony Meeting
});

to_proto!(outcome_to_proto: proceeding::Outcome => proto::Outcome {
    Approves ApprovesInPart ApprovesWithAdditions Supports PassesOn Abstains RefersBack Files
    Undecided
});
from_proto!(outcome: proto::Outcome => proceeding::Outcome {
    Approves ApprovesInPart ApprovesWithAdditions Supports PassesOn Abstains RefersBack Files
    Undecided
});

to_proto!(invitation_to_proto: proceeding::Invitation => proto::StatementInvitation {
    Invited Unlisted Uninvited
});
from_proto!(invitation: proto::StatementInvitation => proceeding::Invitation {
    Invited Unlisted Uninvited
});

to_proto!(proposal_state_to_proto: proposal::ProposalState => proto::ProposalState {
    Open Adopted Rejected
});
from_proto!(proposal_state: proto::ProposalState => proposal::ProposalState {
    Open Adopted Rejected
});

to_proto!(measure_to_proto: figure::Measure => proto::Measure {
    TookPart SignedAtCeremony DecidedToJoin
});
from_proto!(measure: proto::Measure => figure::Measure { TookPart SignedAtCeremony DecidedToJoin });

to_proto!(organisation_kind_to_proto: organisation::OrganisationKind => proto::OrganisationKind {
    Association Foundation Cooperative FaithCommunity SocialEnterprise Other
});
from_proto!(organisation_kind: proto::OrganisationKind => organisation::OrganisationKind {
    Association Foundation Cooperative FaithCommunity SocialEnterprise Other
});

to_proto!(organisation_level_to_proto: organisation::OrganisationLevel => proto::OrganisationLevel {
    National District Local Unknown
});
from_proto!(organisation_level: proto::OrganisationLevel => organisation::OrganisationLevel {
    National District Local Unknown
});

to_proto!(role_to_proto: organisation::Role => proto::Role { VoiceBearer Provider });
from_proto!(role: proto::Role => organisation::Role { VoiceBearer Provider });

pub(crate) fn signatory_state_to_proto(state: signatory::State) -> proto::SignatoryState {
    use proto::SignatoryState as S;
    use signatory::State;
    match state {
        State::Invited => S::Invited,
        State::InDialogue => S::InDialogue,
        State::Undecided => S::Undecided,
        State::Declined => S::Declined,
        State::Decided => S::Decided,
        State::Signed { .. } => S::Signed,
        State::Withdrawn => S::Withdrawn,
    }
}

/// One of the states that a stance can be; joining and leaving have acts of their own.
pub(crate) fn stance(number: i32) -> Result<signatory::Stance, FieldError> {
    use proto::SignatoryState as S;
    use signatory::Stance;
    match S::try_from(number) {
        Ok(S::Unspecified) => Err(FieldError::required()),
        Ok(S::InDialogue) => Ok(Stance::InDialogue),
        Ok(S::Undecided) => Ok(Stance::Undecided),
        Ok(S::Declined) => Ok(Stance::Declined),
        Ok(S::Invited | S::Decided | S::Signed | S::Withdrawn) => Err(FieldError::new(
            "STATE_NOT_A_STANCE",
            "must be IN_DIALOGUE, UNDECIDED or DECLINED",
            "Måste vara i dialog, avvaktar eller avböjt.",
        )),
        Err(_) => Err(unknown()),
    }
}

/// The word that the database writes for a state that a list is restricted to.
pub(crate) fn signatory_state_word(number: i32) -> Result<&'static str, FieldError> {
    use proto::SignatoryState as S;
    match S::try_from(number) {
        Ok(S::Unspecified) => Err(FieldError::required()),
        Ok(S::Invited) => Ok("invited"),
        Ok(S::InDialogue) => Ok("in_dialogue"),
        Ok(S::Undecided) => Ok("undecided"),
        Ok(S::Declined) => Ok("declined"),
        Ok(S::Decided) => Ok("decided"),
        Ok(S::Signed) => Ok("signed"),
        Ok(S::Withdrawn) => Ok("withdrawn"),
        Err(_) => Err(unknown()),
    }
}

/// The order of a list; by name unless said otherwise.
pub(crate) fn organisation_order(number: i32) -> Result<proto::OrganisationOrder, FieldError> {
    proto::OrganisationOrder::try_from(number).map_err(|_| unknown())
}

/// A restriction of a list that may be missing.
pub(crate) fn optional<T>(
    number: i32,
    read: impl Fn(i32) -> Result<T, FieldError>,
) -> Result<Option<T>, FieldError> {
    if number == 0 {
        Ok(None)
    } else {
        read(number).map(Some)
    }
}

pub(crate) fn unknown() -> FieldError {
    FieldError::new(
        "ENUM_INVALID",
        "is no value of this field",
        "Är inget giltigt val.",
    )
}
