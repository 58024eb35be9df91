//! The contracts' enumerations in Swedish. Each has a code that stands in addresses and class
//! names.

use handslag_proto::{commitments, registry, reporting};

/// One value of an enumeration.
#[derive(Debug)]
pub(crate) struct Label {
    /// In addresses and class names.
    pub(crate) code: &'static str,
    /// On the wire.
    pub(crate) value: i32,
    /// On the page.
    pub(crate) swedish: &'static str,
}

const fn label(code: &'static str, value: i32, swedish: &'static str) -> Label {
    Label {
        code,
        value,
        swedish,
    }
}

/// A value that this front does not know: a newer service may send one.
const UNKNOWN: Label = label("okant", 0, "Okänt");

/// Finds a value in its list.
pub(crate) fn of(list: &'static [Label], value: i32) -> &'static Label {
    list.iter()
        .find(|label| label.value == value)
        .unwrap_or(&UNKNOWN)
}

/// Legal forms.
pub(crate) const KINDS: &[Label] = {
    use registry::v1::OrganisationKind as V;
    &[
        label("forening", V::Association as i32, "Ideell förening"),
        label("stiftelse", V::Foundation as i32, "Stiftelse"),
        label(
            "kooperativ",
            V::Cooperative as i32,
            "Ekonomisk förening, kooperativ",
        ),
        label(
            "trossamfund",
            V::FaithCommunity as i32,
            "Registrerat trossamfund",
        ),
        label(
            "socialt-foretag",
            V::SocialEnterprise as i32,
            "Socialt företag",
        ),
        label("annan", V::Other as i32, "Annan eller okänd form"),
    ]
};

/// Units of an organisation.
pub(crate) const LEVELS: &[Label] = {
    use registry::v1::OrganisationLevel as V;
    &[
        label("riks", V::National as i32, "Riksorganisation"),
        label("distrikt", V::District as i32, "Distrikt"),
        label("lokal", V::Local as i32, "Lokalförening"),
        label("okand", V::Unknown as i32, "Framgår inte av källan"),
    ]
};

/// Roles of an organisation.
pub(crate) const ROLES: &[Label] = {
    use registry::v1::Role as V;
    &[
        label("rostbarare", V::VoiceBearer as i32, "Röstbärare"),
        label("utforare", V::Provider as i32, "Utförare"),
    ]
};

/// Where an organisation stands towards the agreement.
pub(crate) const RELATIONS: &[Label] = {
    use registry::v1::SignatoryState as V;
    &[
        label("inbjuden", V::Invited as i32, "Inbjuden"),
        label("i-dialog", V::InDialogue as i32, "I dialog"),
        label("avvaktar", V::Undecided as i32, "Avvaktar"),
        label("avstar", V::Declined as i32, "Avstår"),
        label("beslutat", V::Decided as i32, "Har beslutat ansluta sig"),
        label("ansluten", V::Signed as i32, "Ansluten"),
        label("uttradd", V::Withdrawn as i32, "Utträdd"),
    ]
};

/// Where an agreement stands.
pub(crate) const AGREEMENTS: &[Label] = {
    use registry::v1::AgreementState as V;
    &[
        label("bereds", V::InPreparation as i32, "Bereds"),
        label("galler", V::InForce as i32, "Gäller"),
        label("utvarderas", V::Evaluation as i32, "Gäller, utvärderingsår"),
        label("lopt-ut", V::Expired as i32, "Avtalsperioden har löpt ut"),
    ]
};

/// Kinds of agreement.
pub(crate) const AGREEMENT_KINDS: &[Label] = {
    use registry::v1::AgreementKind as V;
    &[
        label(
            "ram",
            V::Framework as i32,
            "Överenskommelse för hela staden",
        ),
        label("lokal", V::Local as i32, "Lokal överenskommelse"),
        label("policy", V::Policy as i32, "Policy"),
    ]
};

/// Steps by which an agreement comes to be.
pub(crate) const PROCEEDINGS: &[Label] = {
    use registry::v1::ProceedingKind as V;
    &[
        label("dialog", V::Dialogue as i32, "Dialog"),
        label("seminarium", V::Seminar as i32, "Dialogseminarium"),
        label("konferens", V::Conference as i32, "Konferens"),
        label("arbetsgrupp", V::WorkingGroup as i32, "Arbetsgrupp"),
        label("utkast", V::Draft as i32, "Utkast"),
        label("remiss", V::Referral as i32, "Remiss"),
        label("yttrande", V::Statement as i32, "Yttrande"),
        label("tjansteutlatande", V::Report as i32, "Tjänsteutlåtande"),
        label("information", V::Information as i32, "Information"),
        label("beslut", V::Decision as i32, "Beslut"),
        label("reservation", V::Reservation as i32, "Reservation"),
        label(
            "uttalande",
            V::SpecialStatement as i32,
            "Särskilt uttalande",
        ),
        label("ceremoni", V::Ceremony as i32, "Ceremoni"),
        label("mote", V::Meeting as i32, "Möte"),
    ]
};

/// What a decision or statement amounts to.
pub(crate) const OUTCOMES: &[Label] = {
    use registry::v1::Outcome as V;
    &[
        label("tillstyrker", V::Approves as i32, "Godkänner"),
        label("delvis", V::ApprovesInPart as i32, "Godkänner delvis"),
        label(
            "med-tillagg",
            V::ApprovesWithAdditions as i32,
            "Godkänner med tillägg",
        ),
        label("stoder", V::Supports as i32, "Stödjer"),
        label("overlamnar", V::PassesOn as i32, "Lämnar vidare"),
        label("avstar", V::Abstains as i32, "Avstår från att yttra sig"),
        label("aterremiss", V::RefersBack as i32, "Återremitterar"),
        label(
            "laggs-till-handlingarna",
            V::Files as i32,
            "Lägger till handlingarna",
        ),
        label("avvaktar", V::Undecided as i32, "Avvaktar"),
    ]
};

/// How a statement came to be made.
pub(crate) const INVITATIONS: &[Label] = {
    use registry::v1::StatementInvitation as V;
    &[
        label("inbjuden", V::Invited as i32, "Fanns på sändlistan"),
        label(
            "ej-pa-listan",
            V::Unlisted as i32,
            "Finns inte på sändlistan, men uppger sig vara inbjuden",
        ),
        label("eget", V::Uninvited as i32, "På eget initiativ"),
    ]
};

/// Where a proposal stands.
pub(crate) const PROPOSALS: &[Label] = {
    use registry::v1::ProposalState as V;
    &[
        label("oppet", V::Open as i32, "Följs, ännu inte avgjort"),
        label("antaget", V::Adopted as i32, "Antaget"),
        label("avslaget", V::Rejected as i32, "Avslaget"),
    ]
};

/// What a reported figure counts.
pub(crate) const MEASURES: &[Label] = {
    use registry::v1::Measure as V;
    &[
        label("took_part", V::TookPart as i32, "Deltog i dialogen"),
        label(
            "signed_at_ceremony",
            V::SignedAtCeremony as i32,
            "Undertecknade vid ceremonin",
        ),
        label(
            "decided_to_join",
            V::DecidedToJoin as i32,
            "Har beslutat ansluta sig",
        ),
    ]
};

/// Where a commitment stands.
pub(crate) const COMMITMENTS: &[Label] = {
    use commitments::v1::CommitmentState as V;
    &[
        label(
            "foreslaget",
            V::Proposed as i32,
            "Föreslaget, väntar på svar",
        ),
        label("bindande", V::Binding as i32, "Bindande"),
        label("avbojt", V::Declined as i32, "Avböjt"),
    ]
};

/// A bearer's answer.
pub(crate) const ANSWERS: &[Label] = {
    use commitments::v1::Answer as V;
    &[
        label("vantar", V::Pending as i32, "Har ännu inte svarat"),
        label("antagit", V::Accepted as i32, "Har antagit"),
        label("avbojt", V::Declined as i32, "Har avböjt"),
    ]
};

/// Law that a commitment rests on.
pub(crate) const LAWS: &[Label] = {
    use commitments::v1::LegalBasis as V;
    &[
        label("sol", V::Sol as i32, "Socialtjänstlagen (SoL)"),
        label(
            "lss",
            V::Lss as i32,
            "Lagen om stöd och service till vissa funktionshindrade (LSS)",
        ),
    ]
};

/// Which sense of diversity a commitment means.
pub(crate) const DIVERSITY: &[Label] = {
    use commitments::v1::Diversity as V;
    &[
        label("utforare", V::Providers as i32, "Mångfald av utförare"),
        label("manniskor", V::People as i32, "Mångfald bland människor"),
    ]
};

/// Where a plan stands.
pub(crate) const PLANS: &[Label] = {
    use commitments::v1::ActionPlanState as V;
    &[
        label(
            "utkast",
            V::Draft as i32,
            "Utkast, väntar på parternas godkännande",
        ),
        label("antagen", V::Adopted as i32, "Antagen av alla parter"),
    ]
};

/// Where an action stands.
pub(crate) const ACTIONS: &[Label] = {
    use commitments::v1::ActionState as V;
    &[
        label("planerad", V::Planned as i32, "Planerad"),
        label("pagar", V::InProgress as i32, "Pågår"),
        label("klar", V::Done as i32, "Klar"),
        label("avbruten", V::Cancelled as i32, "Avbruten"),
    ]
};

/// Where a follow-up round stands.
pub(crate) const ROUNDS: &[Label] = {
    use commitments::v1::FollowUpState as V;
    &[
        label("oppen", V::Open as i32, "Öppen, redovisningar tas emot"),
        label("publicerad", V::Published as i32, "Publicerad"),
    ]
};

/// Whether a board has discussed the principles.
pub(crate) const DELIBERATIONS: &[Label] = {
    use commitments::v1::DeliberationState as V;
    &[
        label("inte-an", V::NotYet as i32, "Ännu inte"),
        label("diskuterat", V::Discussed as i32, "Har diskuterat"),
        label(
            "foregangare",
            V::DiscussedByPredecessor as i32,
            "Diskuterat av en föregångare",
        ),
    ]
};

/// Formats of a report.
pub(crate) const FORMATS: &[Label] = {
    use reporting::v1::ReportFormat as V;
    &[
        label("pdf", V::Pdf as i32, "PDF (tillgänglig, taggad)"),
        label("html", V::Html as i32, "Webbsida (HTML)"),
    ]
};

/// Where a report stands.
pub(crate) const REPORTS: &[Label] = {
    use reporting::v1::ReportState as V;
    &[
        label("framstalls", V::Running as i32, "Framställs"),
        label("klar", V::Ready as i32, "Klar"),
        label("misslyckades", V::Failed as i32, "Kunde inte framställas"),
    ]
};

#[cfg(test)]
mod tests {
    use super::{OUTCOMES, PROCEEDINGS, of};

    #[test]
    fn every_value_of_the_longest_enumerations_has_a_label() {
        assert_eq!((PROCEEDINGS.len(), OUTCOMES.len()), (14, 9));
        assert!((1..=14).all(|value| of(PROCEEDINGS, value).code != "okant"));
    }

    #[test]
    fn a_value_of_a_newer_service_is_shown_as_unknown() {
        assert_eq!(of(OUTCOMES, 999).swedish, "Okänt");
    }
}
