//! A district board touches its own only.
//!
//! # Design notes
//! The rule beside each method in the contract lets district boards in; whose subscriber a name
//! means stands in the database, so the rest of the decision is made here, after the row was read.
//! Who also has another role that the method grants is not bound by this one.

use handslag_platform::auth::{Principal, Role};

use crate::{domain::subscriber::Subscriber, error::Error};

/// Who reads every inbox.
const READERS: [Role; 4] = [
    Role::CityOfficer,
    Role::SystemReader,
    Role::Operator,
    Role::Auditor,
];
/// Who changes every subscriber.
const WRITERS: [Role; 2] = [Role::CityOfficer, Role::Operator];

/// Whether the caller may read what is this subscriber's.
///
/// # Errors
/// [`Error::NotYourOwn`].
pub fn may_read(caller: &Principal, subscriber: &Subscriber) -> Result<(), Error> {
    own_or(caller, subscriber, &READERS)
}

/// Whether the caller may change what is this subscriber's.
///
/// # Errors
/// [`Error::NotYourOwn`].
pub fn may_change(caller: &Principal, subscriber: &Subscriber) -> Result<(), Error> {
    own_or(caller, subscriber, &WRITERS)
}

/// The district board that the caller is bound to when reading; `None` when it reads everything.
///
/// # Errors
/// [`Error::NotYourOwn`] when it is bound and its token names no board.
pub fn bound_to(caller: &Principal) -> Result<Option<&str>, Error> {
    if has_one_of(caller, &READERS) {
        return Ok(None);
    }
    caller
        .district
        .as_deref()
        .map(Some)
        .ok_or(Error::NotYourOwn)
}

fn own_or(caller: &Principal, subscriber: &Subscriber, roles: &[Role]) -> Result<(), Error> {
    let own = match (&caller.district, &subscriber.district_board) {
        (Some(district), Some(board)) => district == board.0.as_str(),
        (None, _) | (_, None) => false,
    };
    let as_board = own && caller.roles.contains(&Role::DistrictBoard);
    if as_board || has_one_of(caller, roles) {
        Ok(())
    } else {
        Err(Error::NotYourOwn)
    }
}

fn has_one_of(caller: &Principal, roles: &[Role]) -> bool {
    roles.iter().any(|role| caller.roles.contains(role))
}

#[cfg(test)]
mod tests {
    use handslag_platform::{
        auth::{Principal, Role},
        text::{Code, ShortText},
    };
    use uuid::Uuid;

    use super::{bound_to, may_change, may_read};
    use crate::domain::{
        names::DistrictCode,
        subscriber::{Subscriber, SubscriberId},
    };

    fn subscriber(district: Option<&str>) -> Subscriber {
        Subscriber::register(
            SubscriberId(Uuid::nil()),
            ShortText::parse("Någon").expect("a name"),
            district.map(|code| DistrictCode(Code::parse(code).expect("a code"))),
        )
    }

    fn board(district: Option<&str>) -> Principal {
        let mut board = Principal::of("a board").with_role(Role::DistrictBoard);
        board.district = district.map(str::to_owned);
        board
    }

    #[test]
    fn a_board_touches_its_own_and_nobody_elses() {
        let farsta = board(Some("farsta"));
        assert!(may_change(&farsta, &subscriber(Some("farsta"))).is_ok());
        assert!(may_read(&farsta, &subscriber(Some("bromma"))).is_err());
        assert!(may_read(&farsta, &subscriber(None)).is_err());
        assert!(may_read(&board(None), &subscriber(None)).is_err());
        assert_eq!(bound_to(&farsta).expect("bound"), Some("farsta"));
        assert!(bound_to(&board(None)).is_err());
    }

    #[test]
    fn an_auditor_reads_everything_and_changes_nothing() {
        let auditor = Principal::of("an auditor").with_role(Role::Auditor);
        assert!(may_read(&auditor, &subscriber(Some("farsta"))).is_ok());
        assert!(may_change(&auditor, &subscriber(Some("farsta"))).is_err());
        assert_eq!(bound_to(&auditor).expect("free"), None);
    }
}
