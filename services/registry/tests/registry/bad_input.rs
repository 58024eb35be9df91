//! Requests that are refused: with which code, reason and field, and that nothing is written.

use std::collections::BTreeSet;

use handslag_platform::id;
use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::{Outcome, ProceedingKind};
use prost_types::FieldMask;
use tonic::Code;

use crate::requests::{
    adoption, area, city, day, decision, draft, figure, invitation, nothing, organisation, partial,
    proceeding, signing, stance, statement, succession, texts, title, withdrawal,
};
use crate::town::{NUMBERS, Town};

/// Where the registry names its reasons.
const SOURCES: [&str; 9] = [
    include_str!("../../src/error.rs"),
    include_str!("../../src/form.rs"),
    include_str!("../../src/convert/enums.rs"),
    include_str!("../../src/domain/name.rs"),
    include_str!("../../src/domain/term.rs"),
    include_str!("../../src/domain/organisation_number.rs"),
    include_str!("../../src/rpc/record_proceeding.rs"),
    include_str!("../../src/rpc/raise_proposal.rs"),
    include_str!("../../src/rpc/update_organisation.rs"),
];

fn reasons() -> BTreeSet<String> {
    let quoted = SOURCES.iter().flat_map(|source| {
        let production = source.split("#[cfg(test)]").next().unwrap_or_default();
        production.split('"').skip(1).step_by(2).collect::<Vec<_>>()
    });
    let is_reason = |text: &&str| {
        text.contains('_')
            && text
                .bytes()
                .all(|one| one.is_ascii_uppercase() || one == b'_')
    };
    quoted.filter(is_reason).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_refusal_names_its_reason_and_writes_nothing() {
    let town = Town::start("bad-input").await;
    let agreement = town.agreement().await;
    reference_data(&town).await;
    agreements(&town, &agreement).await;
    proceedings(&town, &agreement).await;
    proposals_and_figures(&town, &agreement).await;
    organisations(&town).await;
    relations(&town, &agreement).await;
    questions(&town, &agreement).await;
    commands_in_general(&town, &agreement).await;
    let seen = town.seen();
    let unseen: Vec<_> = reasons()
        .into_iter()
        .filter(|reason| !seen.contains(reason))
        .collect();
    assert!(unseen.is_empty(), "no case for {unseen:?}");
    town.counts_its_events().await;
    town.bed.end().await;
}

async fn reference_data(town: &Town) {
    town.refuses(
        &city(),
        area("social"),
        Code::AlreadyExists,
        "CODE_TAKEN",
        &[],
    )
    .await;
    town.invalid(area("Social"), &[("area_id", "CODE_INVALID")])
        .await;
    let untitled = proto::CreateAreaRequest {
        title: None,
        ..area("")
    };
    town.invalid(
        untitled,
        &[("area_id", "FIELD_REQUIRED"), ("title", "FIELD_REQUIRED")],
    )
    .await;
    let board = proto::CreateBoardRequest {
        board_id: "å".to_owned(),
        title: title("a\u{7}b"),
        areas: texts(&["areas/social", "areas/rymd", "areas/social", "parties/city"]),
        ..Default::default()
    };
    let fields = [
        ("board_id", "CODE_INVALID"),
        ("title.sv", "TEXT_CHARACTER_REFUSED"),
        ("areas[2]", "REPEATED"),
        ("areas[3]", "NAME_INVALID"),
        ("areas[1]", "UNKNOWN_AREA"),
    ];
    town.invalid(board, &fields).await;
    town.district("farsta", None).await;
    town.district("ny", day(2020, 7, 1)).await;
    let unknown = succession("farsta", "ingen", day(2020, 7, 1));
    town.invalid(unknown, &[("successor", "UNKNOWN_DISTRICT_BOARD")])
        .await;
    town.missing(succession("ingen", "farsta", day(2020, 7, 1)))
        .await;
    let impossible = succession("farsta", "ny", day(2021, 2, 29));
    town.invalid(impossible, &[("succeeded_on", "DATE_INVALID")])
        .await;
    let early = succession("farsta", "ny", day(2020, 6, 30));
    town.forbidden(early, "SUCCESSOR_DOES_NOT_EXIST").await;
    town.forbidden(
        succession("ny", "farsta", day(2020, 7, 1)),
        "DISTRICT_BOARD_NOT_BEGUN",
    )
    .await;
    town.done(&city(), succession("farsta", "ny", day(2020, 7, 1)))
        .await;
    let again = succession("farsta", "ny", day(2021, 7, 1));
    town.forbidden(again, "DISTRICT_BOARD_ALREADY_SUCCEEDED")
        .await;
}

async fn agreements(town: &Town, agreement: &str) {
    let wrong = proto::DraftAgreementRequest {
        kind: 9,
        title: title(&"å".repeat(1_000_000)),
        parties: texts(&["parties/marsianer"]),
        principles: vec![draft().principles[0].clone(); 2],
        areas: Vec::new(),
        term_years: 21,
        max_extensions: 11,
        ..draft()
    };
    let fields = [
        ("kind", "ENUM_INVALID"),
        ("title.sv", "TEXT_TOO_LONG"),
        ("parties", "TOO_FEW"),
        ("principles[1].code", "REPEATED"),
        ("areas", "FIELD_REQUIRED"),
        ("term_years", "TERM_YEARS_OUT_OF_RANGE"),
        ("max_extensions", "EXTENSIONS_OUT_OF_RANGE"),
        ("parties[0]", "UNKNOWN_PARTY"),
    ];
    town.invalid(wrong, &fields).await;
    town.missing(adoption(&nothing("agreements"), partial(2012, 6, 0)))
        .await;
    let future = adoption(agreement, partial(2027, 0, 0));
    town.invalid(future, &[("decided_on", "IN_THE_FUTURE")])
        .await;
    let impossible = adoption(agreement, partial(2012, 13, 0));
    town.invalid(impossible, &[("decided_on", "DATE_INVALID")])
        .await;
    town.forbidden(
        adoption(agreement, partial(2012, 5, 31)),
        "EDITION_OUT_OF_ORDER",
    )
    .await;
    town.forbidden(
        adoption(agreement, partial(2020, 6, 1)),
        "AGREEMENT_TERM_OVER",
    )
    .await;
    let wider = proto::AdoptAgreementRequest {
        areas: texts(&["areas/rymd"]),
        ..adoption(agreement, partial(2014, 0, 0))
    };
    town.invalid(wider, &[("areas[0]", "UNKNOWN_AREA")]).await;
    let stale = proto::AdoptAgreementRequest {
        etag: "\"1\"".to_owned(),
        ..adoption(agreement, partial(2014, 0, 0))
    };
    town.refuses(&city(), stale, Code::Aborted, "STALE_ETAG", &[])
        .await;
}

async fn proceedings(town: &Town, agreement: &str) {
    let seminar = || proceeding(agreement, ProceedingKind::Seminar, partial(2010, 10, 0));
    let with = |change: &dyn Fn(&mut proto::RecordProceedingRequest)| {
        let mut request = seminar();
        change(&mut request);
        request
    };
    let wrong = with(&|one| {
        one.outcomes = vec![Outcome::Supports.into()];
        one.ended_on = partial(2010, 9, 0);
        one.statement = statement(agreement).statement;
        one.refers_to = format!("{agreement}/{}", nothing("proceedings"));
    });
    let fields = [
        ("outcomes[0]", "OUTCOME_NOT_APPLICABLE"),
        ("statement", "FIELD_NOT_APPLICABLE"),
        ("refers_to", "FIELD_NOT_APPLICABLE"),
        ("ended_on", "ENDS_BEFORE_START"),
    ];
    town.invalid(wrong, &fields).await;
    let bare = with(&|one| {
        one.kind = ProceedingKind::Decision.into();
        one.actors.clear();
    });
    town.invalid(
        bare,
        &[("outcomes", "FIELD_REQUIRED"), ("actors", "FIELD_REQUIRED")],
    )
    .await;
    let silent = with(&|one| one.kind = ProceedingKind::Statement.into());
    town.invalid(silent, &[("statement", "FIELD_REQUIRED")])
        .await;
    let mut answered = statement(agreement);
    answered.statement = answered.statement.map(|one| proto::Statement {
        answer: Some(proto::StatementAnswer::default()),
        ..one
    });
    town.invalid(answered, &[("statement.answer", "FIELD_NOT_APPLICABLE")])
        .await;
    let stranger = with(&|one| one.responds_to = format!("{agreement}/{}", nothing("proceedings")));
    town.invalid(stranger, &[("responds_to", "UNKNOWN_PROCEEDING")])
        .await;
    let step = town.proceeding(seminar()).await.name;
    let misplaced = proto::RecordProceedingRequest {
        responds_to: step.clone(),
        ..statement(agreement)
    };
    town.invalid(misplaced, &[("responds_to", "PROCEEDING_KIND_MISMATCH")])
        .await;
    let crowded = with(&|one| one.actors = vec!["Nämnden".to_owned(); 101]);
    town.invalid(crowded, &[("actors", "TOO_MANY")]).await;
    let future = with(&|one| one.held_on = partial(2026, 9, 2));
    town.invalid(future, &[("held_on", "IN_THE_FUTURE")]).await;
    let lost = with(&|one| one.agreement = nothing("agreements"));
    town.missing(lost).await;
    let answer = |proceeding: String| proto::AnswerStatementRequest {
        proceeding,
        reason: title("Därför."),
        ..Default::default()
    };
    town.forbidden(answer(step), "NOT_A_STATEMENT").await;
    town.missing(answer(format!("{agreement}/{}", nothing("proceedings"))))
        .await;
    let stated = town.proceeding(statement(agreement)).await.name;
    town.done(&city(), answer(stated.clone())).await;
    town.forbidden(answer(stated), "STATEMENT_ALREADY_ANSWERED")
        .await;
}

async fn proposals_and_figures(town: &Town, agreement: &str) {
    let raise = |agreement: &str, raised_in: Vec<String>| proto::RaiseProposalRequest {
        agreement: agreement.to_owned(),
        title: title("En policy för den sociala ekonomin"),
        raised_in,
        ..Default::default()
    };
    town.invalid(
        raise(agreement, Vec::new()),
        &[("raised_in", "FIELD_REQUIRED")],
    )
    .await;
    let seminar = proceeding(agreement, ProceedingKind::Seminar, partial(2010, 10, 0));
    let seminar = town.proceeding(seminar).await.name;
    let unknown = format!("{agreement}/{}", nothing("proceedings"));
    let fields = [
        ("raised_in[0]", "PROCEEDING_KIND_MISMATCH"),
        ("raised_in[1]", "UNKNOWN_PROCEEDING"),
    ];
    town.invalid(raise(agreement, vec![seminar.clone(), unknown]), &fields)
        .await;
    let lost = raise(&nothing("agreements"), vec![seminar]);
    let fields = [
        ("agreement", "UNKNOWN_AGREEMENT"),
        ("raised_in[0]", "UNKNOWN_PROCEEDING"),
    ];
    town.invalid(lost, &fields).await;
    let reservation = proceeding(agreement, ProceedingKind::Reservation, partial(2012, 5, 30));
    let reservation = town.proceeding(reservation).await.name;
    let proposal = town
        .done(&city(), raise(agreement, vec![reservation]))
        .await
        .proposal
        .unwrap();
    let resolve = |proposal: &str| proto::ResolveProposalRequest {
        proposal: proposal.to_owned(),
        resolution: title("Avslogs."),
        resolved_on: partial(2013, 0, 0),
        ..Default::default()
    };
    town.missing(resolve(&nothing("proposals"))).await;
    let unresolved = proto::ResolveProposalRequest {
        resolution: None,
        ..resolve(&proposal.name)
    };
    town.invalid(unresolved, &[("resolution", "FIELD_REQUIRED")])
        .await;
    town.done(&city(), resolve(&proposal.name)).await;
    town.forbidden(resolve(&proposal.name), "PROPOSAL_ALREADY_RESOLVED")
        .await;
    let wrong = proto::ReportFigureRequest {
        source: None,
        reported_on: None,
        ..figure(agreement, proto::Measure::Unspecified, 100_001)
    };
    let fields = [
        ("measure", "FIELD_REQUIRED"),
        ("value", "VALUE_OUT_OF_RANGE"),
        ("reported_on", "FIELD_REQUIRED"),
        ("source", "FIELD_REQUIRED"),
    ];
    town.invalid(wrong, &fields).await;
}

async fn organisations(town: &Town) {
    for name in [
        "Föreningen Åäö",
        "👩‍👩‍👧 Familjen",
        "جمعية الصداقة",
        "עמותה",
        "A\u{30A}ngström",
    ] {
        town.organisation(name, "").await;
    }
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("a\u{202E}b", "TEXT_CHARACTER_REFUSED"),
        ("a\u{0}b", "TEXT_CHARACTER_REFUSED"),
        ("rad\nrad", "TEXT_CHARACTER_REFUSED"),
    ] {
        town.invalid(organisation(name, ""), &[("display_name", reason)])
            .await;
    }
    let huge = organisation(&"x".repeat(1_000_000), &"8".repeat(1_000_000));
    let fields = [
        ("display_name", "TEXT_TOO_LONG"),
        ("number", "ORGANISATION_NUMBER_INVALID"),
    ];
    town.invalid(huge, &fields).await;
    for number in [
        "802411-8311",
        "252002-0000",
        "DE123456789",
        "8024118",
        "178024118310",
    ] {
        let fields = [("number", "ORGANISATION_NUMBER_INVALID")];
        town.invalid(organisation("Exempel", number), &fields).await;
    }
    for number in [
        "121212-1212",
        "19121212-1212",
        "201212121212",
        "121212+1212",
    ] {
        let fields = [("number", "PERSONAL_NUMBER_REFUSED")];
        town.invalid(organisation("Exempel", number), &fields).await;
    }
    let wrong = proto::RegisterOrganisationRequest {
        kind: 0,
        level: 77,
        roles: vec![1, 1],
        areas: texts(&["areas/rymd"]),
        notes: vec![proto::RecordNote {
            text: title("Sägs."),
            source: None,
        }],
        ..organisation("Exempel", "121212-1212")
    };
    let fields = [
        ("number", "PERSONAL_NUMBER_REFUSED"),
        ("kind", "FIELD_REQUIRED"),
        ("level", "ENUM_INVALID"),
        ("roles[1]", "REPEATED"),
        ("notes[0].source", "FIELD_REQUIRED"),
        ("areas[0]", "UNKNOWN_AREA"),
    ];
    town.invalid(wrong, &fields).await;

    let one = town.organisation("Exempelföreningen Ett", NUMBERS[1]).await;
    let update = |name: &str, paths: &[&str]| proto::UpdateOrganisationRequest {
        name: name.to_owned(),
        update_mask: Some(FieldMask {
            paths: texts(paths),
        }),
        ..Default::default()
    };
    town.invalid(update(&one, &[]), &[("update_mask", "FIELD_REQUIRED")])
        .await;
    town.invalid(
        update(&one, &["number"]),
        &[("update_mask", "UPDATE_MASK_INVALID")],
    )
    .await;
    let fields = [
        ("display_name", "FIELD_REQUIRED"),
        ("kind", "FIELD_REQUIRED"),
    ];
    town.invalid(update(&one, &["display_name", "kind"]), &fields)
        .await;
    town.missing(update(&nothing("organisations"), &["roles"]))
        .await;
    town.done(&city(), update(&one, &["roles"])).await;
    let stale = proto::UpdateOrganisationRequest {
        etag: "\"1\"".to_owned(),
        ..update(&one, &["areas"])
    };
    town.refuses(&city(), stale, Code::Aborted, "STALE_ETAG", &[])
        .await;
    let change = |number: &str, valid_from| proto::ChangeOrganisationNumberRequest {
        organisation: one.clone(),
        number: number.to_owned(),
        valid_from,
        ..Default::default()
    };
    let same = change(NUMBERS[1], day(2013, 1, 1));
    town.forbidden(same, "ORGANISATION_NUMBER_UNCHANGED").await;
    town.done(&city(), change(NUMBERS[2], day(2013, 1, 1)))
        .await;
    let early = change(NUMBERS[3], day(2013, 1, 1));
    town.forbidden(early, "ORGANISATION_NUMBER_OUT_OF_ORDER")
        .await;
    let future = change(NUMBERS[3], day(2026, 9, 2));
    town.invalid(future, &[("valid_from", "IN_THE_FUTURE")])
        .await;
    let other = organisation("En annan", NUMBERS[2]);
    let taken = "ORGANISATION_NUMBER_TAKEN";
    town.refuses(&city(), other, Code::AlreadyExists, taken, &[])
        .await;
}

async fn relations(town: &Town, agreement: &str) {
    let one = town.organisation("Exempelföreningen Relation", "").await;
    let lost = invitation(
        &nothing("agreements"),
        &nothing("organisations"),
        partial(2012, 1, 0),
    );
    let fields = [
        ("agreement", "UNKNOWN_AGREEMENT"),
        ("organisation", "UNKNOWN_ORGANISATION"),
    ];
    town.invalid(lost, &fields).await;
    let fields = [
        ("organisation", "FIELD_REQUIRED"),
        ("effective_on", "IN_THE_FUTURE"),
    ];
    town.invalid(decision(agreement, "", partial(2026, 10, 0)), &fields)
        .await;
    for state in [1, 5, 6, 7] {
        let request = proto::RecordStanceRequest {
            state,
            ..stance(agreement, &one, partial(2012, 1, 0))
        };
        town.invalid(request, &[("state", "STATE_NOT_A_STANCE")])
            .await;
    }
    let early = withdrawal(agreement, &one, partial(2012, 9, 0));
    town.forbidden(early, "SIGNATORY_STEP_REFUSED").await;
    town.forbidden(
        signing(agreement, &one, partial(2012, 9, 0)),
        "SIGNATORY_NOT_DECIDED",
    )
    .await;
    town.done(&city(), decision(agreement, &one, partial(2012, 5, 0)))
        .await;
    town.forbidden(
        signing(agreement, &one, partial(2012, 5, 31)),
        "AGREEMENT_NOT_IN_FORCE",
    )
    .await;
    town.forbidden(
        signing(agreement, &one, partial(2020, 6, 1)),
        "AGREEMENT_NOT_IN_FORCE",
    )
    .await;
    town.done(&city(), signing(agreement, &one, partial(2012, 9, 0)))
        .await;
    let before = withdrawal(agreement, &one, partial(2012, 8, 0));
    town.forbidden(before, "SIGNATORY_STEP_OUT_OF_ORDER").await;
    town.done(&city(), withdrawal(agreement, &one, partial(2013, 0, 0)))
        .await;
    town.forbidden(
        signing(agreement, &one, partial(2014, 0, 0)),
        "SIGNATORY_NOT_DECIDED",
    )
    .await;
    let noted = proto::WithdrawSignatoryRequest {
        note: "a\u{2066}b".to_owned(),
        ..withdrawal(agreement, &one, partial(2014, 0, 0))
    };
    town.invalid(noted, &[("note", "TEXT_CHARACTER_REFUSED")])
        .await;
}

async fn questions(town: &Town, agreement: &str) {
    let as_of = day(2200, 1, 1);
    let request = proto::GetAgreementRequest {
        name: agreement.to_owned(),
        as_of,
    };
    town.invalid(request, &[("as_of", "DATE_INVALID")]).await;
    for name in [
        "",
        "agreements/",
        "agreements/1",
        "organisations/aaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let reason = if name.is_empty() {
            "FIELD_REQUIRED"
        } else {
            "NAME_INVALID"
        };
        let request = proto::GetAgreementRequest {
            name: name.to_owned(),
            as_of: None,
        };
        town.invalid(request, &[("name", reason)]).await;
    }
    let name = nothing("agreements");
    town.missing(proto::GetAgreementRequest {
        name: name.clone(),
        as_of: None,
    })
    .await;
    let lost = proto::ListProceedingsRequest {
        agreement: name.clone(),
        ..Default::default()
    };
    town.missing(lost).await;
    let lost = proto::ListFiguresRequest {
        agreement: name.clone(),
        ..Default::default()
    };
    town.missing(lost).await;
    let lost = proto::ListProposalsRequest {
        agreement: name.clone(),
        ..Default::default()
    };
    town.missing(lost).await;
    let lost = proto::ListSignatoriesRequest {
        agreement: name.clone(),
        ..Default::default()
    };
    town.missing(lost).await;
    let lost = nothing("organisations");
    town.missing(proto::GetOrganisationRequest {
        name: lost,
        as_of: None,
    })
    .await;
    let lost = format!("{agreement}/{}", nothing("signatories"));
    town.missing(proto::GetSignatoryRequest {
        name: lost,
        as_of: None,
    })
    .await;
    let look_up = proto::LookUpOrganisationRequest {
        number: "121212-1212".to_owned(),
        agreement: name,
        as_of,
    };
    let fields = [
        ("number", "PERSONAL_NUMBER_REFUSED"),
        ("as_of", "DATE_INVALID"),
        ("agreement", "UNKNOWN_AGREEMENT"),
    ];
    town.invalid(look_up, &fields).await;
    let listed = |filter| proto::ListOrganisationsRequest {
        filter: Some(filter),
        page_size: 1,
        ..Default::default()
    };
    let wrong = proto::OrganisationFilter {
        kind: 99,
        area: "areas/rymd".to_owned(),
        states: vec![0],
        ..Default::default()
    };
    let fields = [
        ("filter.kind", "ENUM_INVALID"),
        ("filter.states[0]", "FIELD_REQUIRED"),
        ("filter.agreement", "FIELD_REQUIRED"),
        ("filter.area", "UNKNOWN_AREA"),
    ];
    town.invalid(listed(wrong), &fields).await;
    pages(town, listed(proto::OrganisationFilter::default())).await;
}

async fn pages(town: &Town, first: proto::ListOrganisationsRequest) {
    let token = town.done(&city(), first.clone()).await.next_page_token;
    assert!(!token.is_empty());
    let negative = proto::ListOrganisationsRequest {
        page_size: -1,
        ..first.clone()
    };
    town.invalid(negative, &[("page_size", "PAGE_SIZE_NEGATIVE")])
        .await;
    let fields = [("page_token", "PAGE_TOKEN_INVALID")];
    let filter = Some(proto::OrganisationFilter {
        kind: 1,
        ..Default::default()
    });
    for other in [
        proto::ListOrganisationsRequest {
            filter,
            page_token: token.clone(),
            ..first.clone()
        },
        proto::ListOrganisationsRequest {
            order: 2,
            page_token: token.clone(),
            ..first.clone()
        },
        proto::ListOrganisationsRequest {
            page_token: format!("{token}A"),
            ..first.clone()
        },
        proto::ListOrganisationsRequest {
            page_token: "hej".to_owned(),
            ..first
        },
    ] {
        town.invalid(other, &fields).await;
    }
    let other = proto::ListAreasRequest {
        page_token: token,
        ..Default::default()
    };
    town.invalid(other, &fields).await;
}

async fn commands_in_general(town: &Town, agreement: &str) {
    let request_id = id::new().to_string();
    let request = proto::CreateAreaRequest {
        request_id: request_id.clone(),
        ..area("kultur")
    };
    let first = town.done(&city(), request.clone()).await;
    assert_eq!(town.done(&city(), request).await, first);
    let other = proto::CreateAreaRequest {
        request_id,
        ..area("idrott")
    };
    let reason = "REQUEST_ID_REUSED";
    town.refuses(&city(), other, Code::FailedPrecondition, reason, &[])
        .await;
    let unnamed = proto::CreateAreaRequest {
        request_id: "1".to_owned(),
        ..area("idrott")
    };
    town.invalid(unnamed, &[("request_id", "REQUEST_ID_INVALID")])
        .await;
    // A refused command leaves its identity free: the corrected one may use it.
    let request_id = id::new().to_string();
    let early = adoption(agreement, partial(2012, 1, 0));
    let early = proto::AdoptAgreementRequest {
        request_id: request_id.clone(),
        ..early
    };
    town.forbidden(early.clone(), "EDITION_OUT_OF_ORDER").await;
    let right = proto::AdoptAgreementRequest {
        decided_on: partial(2014, 0, 0),
        ..early
    };
    town.done(&city(), right).await;
}
