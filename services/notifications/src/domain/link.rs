//! The public page about a resource.
//!
//! # Design notes
//! A path and no address: the same notification is read in test and production, and behind the
//! city's own names.

use super::names::AgreementId;

/// Path of the public page about `subject`. What has no page of its own is found on the page of its
/// agreement, or on that of all agreements when it belongs to none.
pub fn link(subject: &str, agreement: Option<AgreementId>) -> String {
    let parts: Vec<&str> = subject.split('/').collect();
    match parts.as_slice() {
        ["organisations", id] | ["agreements", _, "signatories", id] => {
            format!("/organisationer/{id}")
        }
        ["agreements", id, ..] => format!("/overenskommelsen/{id}"),
        ["commitments", id] => format!("/ataganden/{id}"),
        ["actionPlans", id] => format!("/handlingsplan/{id}"),
        // An action is a row of its plan's page, which an action's event need not name.
        ["actions", id] => format!("/handlingsplan#{id}"),
        ["followUps", id] => format!("/uppfoljning/{id}"),
        ["deliberations" | "districtBoards", ..] => "/stadsdelar".to_owned(),
        _ => agreement.map_or_else(
            || "/overenskommelsen".to_owned(),
            |AgreementId(id)| format!("/overenskommelsen/{}", handslag_platform::id::encode(id)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{AgreementId, link};

    #[test]
    fn every_kind_of_subject_has_a_page() {
        for (subject, page) in [
            ("organisations/a", "/organisationer/a"),
            ("agreements/a/signatories/b", "/organisationer/b"),
            ("agreements/a", "/overenskommelsen/a"),
            ("agreements/a/proceedings/b", "/overenskommelsen/a"),
            ("commitments/a", "/ataganden/a"),
            ("actionPlans/a", "/handlingsplan/a"),
            ("actions/a", "/handlingsplan#a"),
            ("followUps/a", "/uppfoljning/a"),
            ("deliberations/a", "/stadsdelar"),
            ("districtBoards/farsta", "/stadsdelar"),
            ("areas/social", "/overenskommelsen"),
            ("", "/overenskommelsen"),
        ] {
            assert_eq!(link(subject, None), page, "{subject}");
        }
    }

    #[test]
    fn what_has_no_page_is_on_its_agreements_page() {
        let page = link("proposals/a", Some(AgreementId(Uuid::nil())));
        assert_eq!(page, "/overenskommelsen/aaaaaaaaaaaaaaaaaaaaaaaaaa");
    }
}
