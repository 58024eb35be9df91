//! Lists: every row once, in Swedish order, with filters.

use std::collections::BTreeSet;

use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::{OrganisationFilter, OrganisationOrder};

use crate::requests::{city, figure, organisation, partial, proceeding};
use crate::town::{NUMBERS, Town};

fn asked(filter: OrganisationFilter) -> proto::ListOrganisationsRequest {
    proto::ListOrganisationsRequest {
        filter: Some(filter),
        ..Default::default()
    }
}

async fn names(town: &Town, request: proto::ListOrganisationsRequest) -> Vec<String> {
    let mut request = request;
    let mut names = Vec::new();
    loop {
        let answer = town.done(&city(), request.clone()).await;
        assert!(answer.organisations.len() <= 3 || request.page_size == 0);
        names.extend(answer.organisations.into_iter().map(|one| one.display_name));
        if answer.next_page_token.is_empty() {
            assert_eq!(usize::try_from(answer.total_size), Ok(names.len()));
            return names;
        }
        request.page_token = answer.next_page_token;
    }
}

#[tokio::test]
async fn pages_walk_every_organisation_once_in_swedish_order() {
    let town = Town::start("pages").await;
    let ordered = [
        "Abba",
        "Åkern",
        "Ångaren",
        "Ängen",
        "Öarna",
        "Östan",
        "مرحبا",
        "Zebran",
        "👩‍👩‍👧 Familjen",
        "Ångaren",
    ];
    for name in ordered {
        town.organisation(name, "").await;
    }
    let request = proto::ListOrganisationsRequest {
        page_size: 3,
        ..Default::default()
    };
    let walked = names(&town, request.clone()).await;
    let latin: Vec<&str> = walked
        .iter()
        .map(String::as_str)
        .filter(|name| {
            name.chars()
                .next()
                .is_some_and(|first| "AZÅÄÖ".contains(first))
        })
        .collect();
    assert_eq!(
        latin,
        [
            "Abba", "Zebran", "Åkern", "Ångaren", "Ångaren", "Ängen", "Öarna", "Östan"
        ]
    );
    let distinct: BTreeSet<&String> = walked.iter().collect();
    assert_eq!((walked.len(), distinct.len()), (10, 9));
    let newest = proto::ListOrganisationsRequest {
        order: OrganisationOrder::Newest.into(),
        ..request
    };
    let mut newest = names(&town, newest).await;
    newest.reverse();
    assert_eq!(newest, ordered);
    town.bed.end().await;
}

#[tokio::test]
async fn filters_hold_together_and_what_a_person_types_is_no_pattern() {
    let town = Town::start("filters").await;
    let agreement = town.agreement().await;
    let one = town
        .organisation("Exempelföreningen Åsen 100%", NUMBERS[1])
        .await;
    let other = proto::RegisterOrganisationRequest {
        kind: proto::OrganisationKind::Foundation.into(),
        level: proto::OrganisationLevel::National.into(),
        roles: vec![proto::Role::Provider.into()],
        areas: vec!["areas/aldre".to_owned()],
        example: false,
        ..organisation("Stiftelsen Ek", "")
    };
    town.done(&city(), other).await;
    town.signatory(&agreement, &one).await;
    let first = vec!["Exempelföreningen Åsen 100%".to_owned()];
    let second = vec!["Stiftelsen Ek".to_owned()];
    let signed = vec![proto::SignatoryState::Signed.into()];
    let query = |query: &str| OrganisationFilter {
        query: query.to_owned(),
        ..Default::default()
    };
    for (filter, expected) in [
        (query("åSEN"), &first),
        (query("A\u{30A}sen"), &first),
        (query("0%"), &first),
        (query("8024118310"), &first),
        (query("16802411-8310"), &first),
        (query("ek"), &second),
        (
            OrganisationFilter {
                kind: 2,
                ..Default::default()
            },
            &second,
        ),
        (
            OrganisationFilter {
                level: 1,
                ..Default::default()
            },
            &second,
        ),
        (
            OrganisationFilter {
                role: 2,
                ..Default::default()
            },
            &second,
        ),
        (
            OrganisationFilter {
                area: "areas/aldre".to_owned(),
                ..Default::default()
            },
            &second,
        ),
        (
            OrganisationFilter {
                exclude_examples: true,
                ..Default::default()
            },
            &second,
        ),
        (
            OrganisationFilter {
                agreement: agreement.clone(),
                ..Default::default()
            },
            &first,
        ),
        (
            OrganisationFilter {
                agreement: agreement.clone(),
                states: signed,
                ..Default::default()
            },
            &first,
        ),
    ] {
        for order in [OrganisationOrder::Name, OrganisationOrder::Newest] {
            let request = proto::ListOrganisationsRequest {
                order: order.into(),
                ..asked(filter.clone())
            };
            assert_eq!(&names(&town, request).await, expected, "{filter:?}");
        }
    }
    for text in ["%", "_", "\\", "802411-8311", "Åsen Ek"] {
        let found = names(&town, asked(query(text))).await;
        assert_eq!(found.len(), usize::from(text == "%"), "{text}");
    }
    town.bed.end().await;
}

#[tokio::test]
async fn every_other_list_walks_its_rows_once() {
    let town = Town::start("walks").await;
    let agreement = town.agreement().await;
    town.draft().await;
    for name in ["Åsen", "Eken", "Ön"] {
        let organisation = town.organisation(name, "").await;
        town.signatory(&agreement, &organisation).await;
        town.done(
            &city(),
            figure(&agreement, proto::Measure::DecidedToJoin, 70),
        )
        .await;
    }
    let seminar = || {
        proceeding(
            &agreement,
            proto::ProceedingKind::Seminar,
            partial(2010, 0, 0),
        )
    };
    for _ in 0..3 {
        town.proceeding(seminar()).await;
    }
    for code in ["alvsjo", "farsta", "norrmalm"] {
        town.district(code, None).await;
    }
    macro_rules! walk {
        ($request:expr, $items:ident) => {{
            let first = $request;
            let mut request = first;
            request.page_size = 1;
            let mut seen = Vec::new();
            loop {
                let answer = town.done(&city(), request.clone()).await;
                assert_eq!(answer.$items.len(), 1, stringify!($items));
                seen.push(answer.$items[0].name.clone());
                if answer.next_page_token.is_empty() {
                    break;
                }
                request.page_token = answer.next_page_token;
            }
            seen.sort();
            seen.dedup();
            seen.len()
        }};
    }
    let of = agreement.as_str();
    assert_eq!(walk!(proto::ListAreasRequest::default(), areas), 2);
    assert_eq!(walk!(proto::ListPartiesRequest::default(), parties), 2);
    assert_eq!(
        walk!(proto::ListAgreementsRequest::default(), agreements),
        2
    );
    assert_eq!(
        walk!(proto::ListDistrictBoardsRequest::default(), district_boards),
        3
    );
    let request = proto::ListProceedingsRequest {
        agreement: of.to_owned(),
        ..Default::default()
    };
    assert_eq!(walk!(request, proceedings), 3);
    let request = proto::ListFiguresRequest {
        agreement: of.to_owned(),
        ..Default::default()
    };
    assert_eq!(walk!(request, figures), 3);
    let request = proto::ListSignatoriesRequest {
        agreement: of.to_owned(),
        ..Default::default()
    };
    assert_eq!(walk!(request.clone(), signatories), 3);
    let request = proto::ListSignatoriesRequest {
        query: "ö".to_owned(),
        ..request
    };
    let found = town.done(&city(), request).await;
    assert_eq!(
        (found.total_size, found.signatories[0].display_name.as_str()),
        (1, "Ön")
    );
    town.bed.end().await;
}
