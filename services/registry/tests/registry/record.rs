//! Agreements, how they came to be, and what is reported of them.

use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::{AgreementState, Outcome, ProceedingKind};

use crate::requests::{
    adoption, city, day, figure, partial, proceeding, statement, succession, texts, title,
};
use crate::town::Town;

async fn read(town: &Town, name: &str, as_of: (i32, i32, i32)) -> proto::Agreement {
    let as_of = day(as_of.0, as_of.1, as_of.2);
    let request = proto::GetAgreementRequest {
        name: name.to_owned(),
        as_of,
    };
    town.done(&city(), request).await.agreement.unwrap()
}

#[tokio::test]
async fn the_clock_starts_with_the_decision_and_the_term_extends_once() {
    let town = Town::start("term").await;
    let name = town.agreement().await;
    let before = read(&town, &name, (2012, 5, 31)).await;
    assert_eq!(
        (before.state(), before.term),
        (AgreementState::InPreparation, None)
    );
    for (as_of, state, ends, evaluation, extensions) in [
        (
            (2012, 6, 1),
            AgreementState::InForce,
            day(2016, 5, 31),
            day(2015, 6, 1),
            0,
        ),
        (
            (2015, 6, 1),
            AgreementState::Evaluation,
            day(2016, 5, 31),
            day(2015, 6, 1),
            0,
        ),
        (
            (2016, 5, 31),
            AgreementState::Evaluation,
            day(2016, 5, 31),
            day(2015, 6, 1),
            0,
        ),
        (
            (2016, 6, 1),
            AgreementState::InForce,
            day(2020, 5, 31),
            day(2019, 6, 1),
            1,
        ),
        (
            (2020, 6, 1),
            AgreementState::Expired,
            day(2020, 5, 31),
            day(2019, 6, 1),
            1,
        ),
        (
            (2199, 12, 31),
            AgreementState::Expired,
            day(2020, 5, 31),
            day(2019, 6, 1),
            1,
        ),
    ] {
        let agreement = read(&town, &name, as_of).await;
        let term = agreement.term.unwrap();
        assert_eq!(agreement.state, i32::from(state), "{as_of:?}");
        assert_eq!(
            (term.ends_on, term.evaluation_starts_on),
            (ends, evaluation),
            "{as_of:?}"
        );
        assert_eq!(term.extensions, extensions, "{as_of:?}");
        assert_eq!(term.starts_on, day(2012, 6, 1));
        assert_eq!(term.starts_on_as_recorded, partial(2012, 6, 0));
    }
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn a_revision_in_mid_term_adds_an_area_and_keeps_the_term() {
    let town = Town::start("revision").await;
    let name = town.agreement().await;
    town.done(&city(), crate::requests::area("kultur")).await;
    let wider = proto::AdoptAgreementRequest {
        areas: texts(&["areas/social", "areas/aldre", "areas/kultur"]),
        ..adoption(&name, partial(2014, 3, 10))
    };
    let revised = town.done(&city(), wider).await.agreement.unwrap();
    assert_eq!(revised.editions.len(), 2);
    assert_eq!(revised.areas.len(), 3);
    let earlier = read(&town, &name, (2014, 3, 9)).await;
    let later = read(&town, &name, (2014, 3, 10)).await;
    assert_eq!((earlier.areas.len(), later.areas.len()), (2, 3));
    assert_eq!(earlier.term, later.term);
    assert_eq!(later.principles, earlier.principles);
    // On the last day of the extension a decision is in time, on the day after it is not.
    town.forbidden(adoption(&name, partial(2020, 6, 1)), "AGREEMENT_TERM_OVER")
        .await;
    town.done(&city(), adoption(&name, partial(2020, 5, 31)))
        .await;
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn one_case_went_through_two_boards_on_two_days() {
    let town = Town::start("proceedings").await;
    let name = town.draft().await;
    let referral = proceeding(&name, ProceedingKind::Referral, partial(2011, 12, 20));
    let referral = town.proceeding(referral).await.name;
    let decided = |board: &str, on| proto::RecordProceedingRequest {
        actors: texts(&[board]),
        outcomes: vec![Outcome::Approves.into(), Outcome::PassesOn.into()],
        diary_numbers: texts(&["3.1-635/2012", "2011-638-1.2.1."]),
        ..proceeding(&name, ProceedingKind::Decision, on)
    };
    let social = town
        .proceeding(decided("Socialnämnden", partial(2011, 12, 15)))
        .await;
    let aldre = town
        .proceeding(decided("Äldrenämnden", partial(2011, 12, 13)))
        .await;
    let reserved = |responds_to: &str, refers_to: &str| proto::RecordProceedingRequest {
        actors: texts(&["Miljöpartiet"]),
        outcomes: vec![Outcome::ApprovesWithAdditions.into()],
        responds_to: responds_to.to_owned(),
        refers_to: refers_to.to_owned(),
        ..proceeding(&name, ProceedingKind::Reservation, partial(2011, 12, 15))
    };
    let first = town.proceeding(reserved(&aldre.name, "")).await;
    let second = town.proceeding(reserved(&social.name, &first.name)).await;
    assert_eq!((first.position, second.position), (2, 3));
    let joint = proto::RecordProceedingRequest {
        actors: texts(&[
            "Moderaterna",
            "Folkpartiet",
            "Centerpartiet",
            "Kristdemokraterna",
        ]),
        responds_to: social.name.clone(),
        ..proceeding(
            &name,
            ProceedingKind::SpecialStatement,
            partial(2011, 12, 15),
        )
    };
    town.proceeding(joint).await;
    let late = proto::RecordProceedingRequest {
        responds_to: referral,
        ..statement(&name)
    };
    let late = town.proceeding(late).await;
    assert!(
        late.statement
            .is_some_and(|statement| statement.late && statement.on_older_draft)
    );
    let request = proto::ListProceedingsRequest {
        agreement: name,
        ..Default::default()
    };
    let listed = town.done(&city(), request).await.proceedings;
    let days: Vec<_> = listed.iter().map(|one| one.held_on.unwrap()).collect();
    let on = |year, month, day| partial(year, month, day).unwrap();
    let fifteenth = on(2011, 12, 15);
    let ordered = [
        on(2011, 12, 13),
        fifteenth,
        fifteenth,
        fifteenth,
        fifteenth,
        on(2011, 12, 20),
        on(2012, 2, 15),
    ];
    assert_eq!(days, ordered);
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn a_statement_is_answered_and_a_proposal_is_followed() {
    let town = Town::start("proposals").await;
    let name = town.agreement().await;
    let statement = town.proceeding(statement(&name)).await;
    let answer = proto::AnswerStatementRequest {
        proceeding: statement.name.clone(),
        taken_up: true,
        reason: title("Utkastet har ändrats."),
        ..Default::default()
    };
    let answered = town.done(&city(), answer.clone()).await.proceeding.unwrap();
    assert!(
        answered
            .statement
            .and_then(|one| one.answer)
            .is_some_and(|one| one.taken_up)
    );
    town.forbidden(answer, "STATEMENT_ALREADY_ANSWERED").await;

    let reservation = proceeding(&name, ProceedingKind::Reservation, partial(2012, 5, 30));
    let reservation = town.proceeding(reservation).await.name;
    let raise = proto::RaiseProposalRequest {
        agreement: name.clone(),
        title: title("Utvidga till kultur och idrott"),
        raised_in: vec![reservation.clone()],
        ..Default::default()
    };
    let proposal = town.done(&city(), raise).await.proposal.unwrap();
    let request = proto::ListProceedingsRequest {
        agreement: name.clone(),
        kinds: vec![ProceedingKind::Reservation.into()],
        ..Default::default()
    };
    let listed = town.done(&city(), request).await.proceedings;
    assert_eq!(listed[0].proposals.len(), 1);
    assert_eq!(listed[0].proposals[0], proposal.name);
    let resolve = proto::ResolveProposalRequest {
        proposal: proposal.name.clone(),
        etag: proposal.etag,
        adopted: true,
        resolution: title("Två områden lades till."),
        resolved_on: partial(2014, 0, 0),
        ..Default::default()
    };
    let resolved = town.done(&city(), resolve).await.proposal.unwrap();
    assert_eq!(resolved.state(), proto::ProposalState::Adopted);
    let open = proto::ListProposalsRequest {
        agreement: name,
        state: proto::ProposalState::Open.into(),
        ..Default::default()
    };
    assert!(town.done(&city(), open).await.proposals.is_empty());
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn figures_that_contradict_each_other_stand_side_by_side_and_count_nobody() {
    let town = Town::start("figures").await;
    let name = town.agreement().await;
    for (measure, value) in [
        (proto::Measure::TookPart, 100),
        (proto::Measure::SignedAtCeremony, 60),
        (proto::Measure::DecidedToJoin, 70),
        (proto::Measure::DecidedToJoin, 72),
    ] {
        town.done(&city(), figure(&name, measure, value)).await;
    }
    let request = proto::ListFiguresRequest {
        agreement: name.clone(),
        ..Default::default()
    };
    let figures = town.done(&city(), request).await.figures;
    let values: Vec<i32> = figures.iter().map(|figure| figure.value).collect();
    assert_eq!(values, [100, 60, 70, 72]);
    let request = proto::ListSignatoriesRequest {
        agreement: name,
        ..Default::default()
    };
    assert_eq!(town.done(&city(), request).await.total_size, 0);
    town.bed.end().await;
}

#[tokio::test]
async fn a_merger_keeps_the_predecessors_and_their_days() {
    let town = Town::start("merger").await;
    town.district("hagersten-liljeholmen", None).await;
    town.district("alvsjo", None).await;
    town.district("hagersten-alvsjo", day(2020, 7, 1)).await;
    for code in ["alvsjo", "hagersten-liljeholmen"] {
        town.done(
            &city(),
            succession(code, "hagersten-alvsjo", day(2020, 7, 1)),
        )
        .await;
    }
    let on = |as_of, include_succeeded| proto::ListDistrictBoardsRequest {
        as_of,
        include_succeeded,
        ..Default::default()
    };
    let before = town
        .done(&city(), on(day(2020, 6, 30), false))
        .await
        .district_boards;
    assert_eq!(before.len(), 2);
    let after = town.done(&city(), on(None, false)).await.district_boards;
    let predecessors = texts(&[
        "districtBoards/alvsjo",
        "districtBoards/hagersten-liljeholmen",
    ]);
    assert_eq!((after.len(), &after[0].predecessors), (1, &predecessors));
    let all = town.done(&city(), on(None, true)).await.district_boards;
    assert_eq!(all.len(), 3);
    town.forbidden(
        succession("alvsjo", "hagersten-alvsjo", day(2021, 7, 1)),
        "DISTRICT_BOARD_ALREADY_SUCCEEDED",
    )
    .await;
    town.counts_its_events().await;
    town.bed.end().await;
}
