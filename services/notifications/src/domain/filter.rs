//! Which occurrences a subscription asks for.
//!
//! # Design notes
//! Matching is a pure function and runs in the program, not in SQL: the preview and the fan-out
//! then cannot disagree, and a property of it is a unit test. There are some dozen subscriptions,
//! so looking at all of them per event costs less than the row that is written for one of them.

use super::{
    names::{AgreementId, AreaCode, DistrictCode},
    notification::{Occurrence, Severity},
};

/// The services whose events can be subscribed to: those whose events this service consumes.
pub const PRODUCERS: [&str; 2] = ["registry", "commitments"];

/// A whole event type, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePrefix(String);

impl TypePrefix {
    /// Accepts the beginning of at least one of the types that are `told` of; anything else would
    /// be a subscription that is silent by a slip of the pen.
    pub fn parse<'a>(text: &str, mut told: impl Iterator<Item = &'a str>) -> Option<Self> {
        let known = !text.is_empty() && told.any(|whole| whole.starts_with(text));
        known.then(|| Self(text.to_owned()))
    }

    /// A prefix that was accepted before; a type may have gone out of use since.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All that is set must hold; an empty filter matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these types.
    pub event_types: Vec<TypePrefix>,
    /// One of these areas, or an event that concerns all.
    pub areas: Vec<AreaCode>,
    /// One of these agreements; an event of no agreement is none of them.
    pub agreements: Vec<AgreementId>,
    /// One of these district boards, or an event that concerns all.
    pub district_boards: Vec<DistrictCode>,
    /// At least so much.
    pub minimum_severity: Option<Severity>,
}

impl Filter {
    /// Whether a reader with this filter is told. A district board is never told of another's
    /// affairs, whatever its filter says.
    pub fn matches(&self, reader: Option<&DistrictCode>, occurrence: &Occurrence) -> bool {
        let scope = &occurrence.scope;
        let concerns_reader = match (reader, &scope.district_board) {
            (Some(reader), Some(concerned)) => reader == concerned,
            (None, _) | (_, None) => true,
        };
        let of_type = self.event_types.is_empty()
            || self
                .event_types
                .iter()
                .any(|t| occurrence.event_type.starts_with(t.as_str()));
        let of_area = self.areas.is_empty()
            || scope.areas.is_empty()
            || self.areas.iter().any(|area| scope.areas.contains(area));
        let of_agreement = self.agreements.is_empty()
            || scope
                .agreement
                .is_some_and(|agreement| self.agreements.contains(&agreement));
        let of_district = self.district_boards.is_empty()
            || scope
                .district_board
                .as_ref()
                .is_none_or(|one| self.district_boards.contains(one));
        let matters = self
            .minimum_severity
            .is_none_or(|least| occurrence.severity >= least);
        concerns_reader && of_type && of_area && of_agreement && of_district && matters
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::text::Code;
    use proptest::prelude::*;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::{Filter, TypePrefix};
    use crate::domain::{
        names::{AgreementId, AreaCode, DistrictCode},
        notification::{Occurrence, Scope, Severity},
        title::Title,
    };

    fn code(text: &str) -> Code {
        Code::parse(text).expect("a code")
    }
    fn area(text: &str) -> AreaCode {
        AreaCode(code(text))
    }
    fn district(text: &str) -> DistrictCode {
        DistrictCode(code(text))
    }
    fn known(text: &str) -> Option<TypePrefix> {
        let told = [
            "se.handslag.registry.area.created.v1",
            "se.handslag.commitments.follow_up.opened.v1",
        ];
        TypePrefix::parse(text, told.into_iter())
    }
    fn prefix(text: &str) -> TypePrefix {
        known(text).expect("a known prefix")
    }

    fn occurrence() -> Occurrence {
        Occurrence {
            id: Uuid::nil(),
            event_type: "se.handslag.commitments.follow_up.opened.v1".into(),
            subject: "followUps/x".into(),
            subject_version: 1,
            occurred_at: OffsetDateTime::UNIX_EPOCH,
            scope: Scope::default(),
            severity: Severity::Notice,
            title: Title::default(),
            link: "/".into(),
        }
    }

    #[test]
    fn an_empty_filter_matches_everything() {
        assert!(Filter::default().matches(None, &occurrence()));
    }

    #[test]
    fn a_type_matches_by_its_beginning() {
        let of = |text| Filter {
            event_types: vec![prefix(text)],
            ..Filter::default()
        };
        assert!(of("se.handslag.commitments.").matches(None, &occurrence()));
        assert!(of("se.handslag.commitments.follow_up.opened.v1").matches(None, &occurrence()));
        assert!(!of("se.handslag.registry.").matches(None, &occurrence()));
    }

    #[test]
    fn a_prefix_of_no_told_type_is_refused() {
        for text in [
            "",
            "se.handslag.notifications.",
            "se.handslag.registry.aera",
            "SE.",
            "x",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
    }

    #[test]
    fn one_of_the_areas_is_enough_and_what_concerns_all_matches() {
        let social = Filter {
            areas: vec![area("social"), area("kultur")],
            ..Filter::default()
        };
        let concerning = |areas: Vec<AreaCode>| Occurrence {
            scope: Scope {
                areas,
                ..Scope::default()
            },
            ..occurrence()
        };
        assert!(social.matches(None, &concerning(vec![area("aldre"), area("social")])));
        assert!(social.matches(None, &concerning(vec![])));
        assert!(!social.matches(None, &concerning(vec![area("aldre")])));
    }

    #[test]
    fn an_event_of_no_agreement_is_not_one_of_the_agreements() {
        let one = AgreementId(Uuid::from_u128(1));
        let filter = Filter {
            agreements: vec![one],
            ..Filter::default()
        };
        let of = |agreement| Occurrence {
            scope: Scope {
                agreement,
                ..Scope::default()
            },
            ..occurrence()
        };
        assert!(filter.matches(None, &of(Some(one))));
        assert!(!filter.matches(None, &of(Some(AgreementId(Uuid::from_u128(2))))));
        assert!(!filter.matches(None, &of(None)));
    }

    #[test]
    fn a_district_board_is_told_of_itself_and_of_what_concerns_all() {
        let farsta = district("farsta");
        let of = |district_board| Occurrence {
            scope: Scope {
                district_board,
                ..Scope::default()
            },
            ..occurrence()
        };
        let all = Filter::default();
        assert!(all.matches(Some(&farsta), &of(None)));
        assert!(all.matches(Some(&farsta), &of(Some(farsta.clone()))));
        assert!(!all.matches(Some(&farsta), &of(Some(district("bromma")))));
        assert!(all.matches(None, &of(Some(district("bromma")))));
        let asks_for_another = Filter {
            district_boards: vec![district("bromma")],
            ..Filter::default()
        };
        assert!(!asks_for_another.matches(Some(&farsta), &of(Some(district("bromma")))));
    }

    #[test]
    fn the_least_severity_is_included() {
        let at_least = |severity| Filter {
            minimum_severity: Some(severity),
            ..Filter::default()
        };
        assert!(at_least(Severity::Notice).matches(None, &occurrence()));
        assert!(!at_least(Severity::Important).matches(None, &occurrence()));
    }

    #[test]
    fn every_condition_must_hold() {
        let filter = Filter {
            event_types: vec![prefix("se.handslag.commitments.")],
            minimum_severity: Some(Severity::Important),
            ..Filter::default()
        };
        assert!(!filter.matches(None, &occurrence()));
    }

    const CODES: [&str; 4] = ["aa", "bb", "cc", "dd"];

    proptest! {
        #[test]
        fn no_filter_lets_a_board_see_anothers_affairs(
            own in 0..4usize,
            other in 0..4usize,
            asked in proptest::collection::vec(0..4usize, 0..4),
        ) {
            prop_assume!(own != other);
            let filter = Filter {
                district_boards: asked.iter().map(|&i| district(CODES[i])).collect(),
                ..Filter::default()
            };
            let scope = Scope { district_board: Some(district(CODES[other])), ..Scope::default() };
            let of_other = Occurrence { scope, ..occurrence() };
            prop_assert!(!filter.matches(Some(&district(CODES[own])), &of_other));
        }

        #[test]
        fn a_further_condition_never_adds_a_match(least in 1..4i32, severity in 1..4i32) {
            let occurrence = Occurrence {
                severity: Severity::from_number(severity).expect("known"), ..occurrence()
            };
            let typed = Filter { event_types: vec![prefix("se.")], ..Filter::default() };
            let both = Filter { minimum_severity: Severity::from_number(least), ..typed.clone() };
            prop_assert!(!both.matches(None, &occurrence) || typed.matches(None, &occurrence));
        }
    }
}
