//! Requests that are refused: with which code, reason and field, and that nothing is written.

use handslag_commitments::error::{FIELD_REASONS, REASONS};
use handslag_platform::id;
use handslag_proto::commitments::v1 as proto;
use handslag_proto::commitments::v1::ActionState;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::town::{
    Town, acceptance, account, action, agreement, approval, city, day, discussion, extension,
    later, nobody, partial, plan, proposal, publication, refusal, report, round, sector, texts,
};

#[tokio::test]
async fn every_refusal_names_its_reason_and_writes_nothing() {
    let town = Town::start("bad-input").await;
    commitments(&town).await;
    plans_and_actions(&town).await;
    follow_ups(&town).await;
    deliberations(&town).await;
    let seen = town.seen();
    let all = REASONS.iter().chain(&FIELD_REASONS);
    let unseen: Vec<_> = all.filter(|reason| !seen.contains(**reason)).collect();
    assert!(unseen.is_empty(), "no case for {unseen:?}");
    town.bed.end().await;
}

async fn commitments(town: &Town) {
    let good = || proposal(&["parties/sector"]);
    let with = |change: fn(&mut proto::ProposeCommitmentRequest)| {
        let mut request = good();
        change(&mut request);
        request
    };
    let cases: [(proto::ProposeCommitmentRequest, &[(&str, &str)]); 14] = [
        (
            with(|one| one.text = "å".repeat(1_000_000)),
            &[("text", "TEXT_TOO_LONG")],
        ),
        (
            with(|one| one.text = "a\u{7}b".into()),
            &[("text", "TEXT_CHARACTER_REFUSED")],
        ),
        (
            with(|one| one.text = "a\u{202E}b".into()),
            &[("text", "TEXT_CHARACTER_REFUSED")],
        ),
        (with(|one| one.text.clear()), &[("text", "FIELD_REQUIRED")]),
        (
            with(|one| one.bearers.clear()),
            &[("bearers", "FIELD_REQUIRED")],
        ),
        (
            with(|one| one.bearers.push("parties/sector".into())),
            &[("bearers[1]", "REPEATED")],
        ),
        (
            with(|one| one.principles = vec!["dialog".into(); 51]),
            &[("principles", "TOO_MANY")],
        ),
        (
            with(|one| {
                one.area = "social".into();
                one.bearers[0] = "sector".into();
            }),
            &[("area", "NAME_INVALID"), ("bearers[0]", "NAME_INVALID")],
        ),
        (
            with(|one| one.legal_basis = 9),
            &[("legal_basis", "ENUM_INVALID")],
        ),
        (
            with(|one| one.diversity_ground = "Ålder".into()),
            &[("diversity_ground", "GROUND_WITHOUT_PEOPLE")],
        ),
        (
            with(|one| one.principles[0] = "mod".into()),
            &[("principles[0]", "UNKNOWN_PRINCIPLE")],
        ),
        (
            with(|one| one.area = "areas/kultur".into()),
            &[("area", "UNKNOWN_AREA")],
        ),
        (
            with(|one| one.bearers[0] = "parties/region".into()),
            &[("bearers[0]", "UNKNOWN_PARTY")],
        ),
        (
            with(|one| one.request_id = "7".into()),
            &[("request_id", "REQUEST_ID_INVALID")],
        ),
    ];
    for (request, fields) in cases {
        town.invalid(&city(), request, fields).await;
    }
    // Unknown altogether: it may be on its way.
    let early = with(|one| one.agreement = agreement(99));
    let fields = [("agreement", "UNKNOWN_AGREEMENT")];
    let status = town
        .refuses(
            &city(),
            early,
            Code::InvalidArgument,
            "INVALID_REQUEST",
            &fields,
        )
        .await;
    assert!(
        status.get_details_retry_info().is_some(),
        "told to try again"
    );

    let joint = town.propose(&["parties/city", "parties/sector"]).await;
    let mine = town.propose(&["parties/sector"]).await;
    town.forbidden(&city(), acceptance(&city(), &mine), "NOT_A_BEARER")
        .await;
    let mut stale = acceptance(&city(), &joint);
    stale.etag = "\"7\"".to_owned();
    town.refuses(&city(), stale, Code::Aborted, "STALE_ETAG", &[])
        .await;
    let mut first = acceptance(&city(), &joint);
    first.request_id = id::new().to_string();
    let answer = town.done(&city(), first.clone()).await;
    assert_eq!(
        town.done(&city(), first.clone()).await,
        answer,
        "the first answer again"
    );
    first.etag = "\"1\"".to_owned();
    town.forbidden(&city(), first, "REQUEST_ID_REUSED").await;
    town.forbidden(&city(), refusal(&city(), &joint), "ALREADY_ANSWERED")
        .await;
    town.accept(&sector(), &joint).await;
    town.forbidden(&city(), acceptance(&city(), &joint), "ALREADY_SETTLED")
        .await;
    let gone = acceptance(&city(), &agreement(5).replace("agreements", "commitments"));
    town.refuses(&city(), gone, Code::NotFound, "RESOURCE_NOT_FOUND", &[])
        .await;
    let get = proto::GetCommitmentRequest {
        name: "commitments/1".to_owned(),
    };
    town.invalid(&nobody(), get, &[("name", "NAME_INVALID")])
        .await;
}

async fn plans_and_actions(town: &Town) {
    let mut backwards = plan();
    backwards.ends_on = day(2025, 12, 31);
    town.invalid(&city(), backwards, &[("ends_on", "ENDS_BEFORE_START")])
        .await;
    let mut impossible = plan();
    impossible.ends_on = day(2026, 2, 29);
    town.invalid(&city(), impossible, &[("ends_on", "DATE_INVALID")])
        .await;

    let (binding, waiting) = (
        town.binding().await,
        town.propose(&["parties/sector"]).await,
    );
    let mut other = proposal(&["parties/sector"]);
    other.agreement = agreement(2);
    let other = town.done(&city(), other).await.commitment.unwrap().name;
    let plan = town.plan().await;
    town.forbidden(&city(), approval(&city(), &plan), "PLAN_WITHOUT_ACTIONS")
        .await;

    let mut rootless = action(&plan, &binding);
    rootless.commitments.clear();
    town.invalid(&city(), rootless, &[("commitments", "FIELD_REQUIRED")])
        .await;
    let mut strange = action(&plan, &binding);
    strange.commitments = texts(&[
        &binding,
        &other,
        &agreement(5).replace("agreements", "commitments"),
    ]);
    let fields = [
        ("commitments[1]", "COMMITMENT_OF_OTHER_AGREEMENT"),
        ("commitments[2]", "UNKNOWN_COMMITMENT"),
    ];
    town.invalid(&city(), strange, &fields).await;
    town.forbidden(&city(), action(&plan, &waiting), "COMMITMENT_NOT_BINDING")
        .await;
    let mut outside = action(&plan, &binding);
    outside.due_on = day(2027, 1, 1);
    town.invalid(&city(), outside, &[("due_on", "OUTSIDE_PLAN")])
        .await;
    let mut foreign = action(&plan, &binding);
    foreign.owner = "parties/region".to_owned();
    town.invalid(&city(), foreign, &[("owner", "UNKNOWN_PARTY")])
        .await;

    actions(town, &plan, &binding).await;
    town.approve(&city(), &plan).await;
    town.forbidden(&city(), approval(&city(), &plan), "ALREADY_APPROVED")
        .await;
    town.approve(&sector(), &plan).await;
    town.forbidden(&city(), action(&plan, &binding), "PLAN_ADOPTED")
        .await;
    let region = city().with_party("region");
    town.forbidden(&region, approval(&region, &plan), "NOT_A_PARTY")
        .await;
}

async fn actions(town: &Town, plan: &str, binding: &str) {
    let made = town.action(plan, binding).await;
    let half = |state| report(&made, state, 50);
    town.invalid(
        &sector(),
        half(ActionState::Done),
        &[("percent", "DONE_IN_PART")],
    )
    .await;
    town.invalid(
        &sector(),
        half(ActionState::Planned),
        &[("percent", "PLANNED_IN_PART")],
    )
    .await;
    town.invalid(
        &sector(),
        half(ActionState::Cancelled),
        &[("note", "FIELD_REQUIRED")],
    )
    .await;
    let fields = [
        ("state", "FIELD_REQUIRED"),
        ("percent", "PERCENT_OUT_OF_RANGE"),
    ];
    town.invalid(
        &sector(),
        report(&made, ActionState::Unspecified, 101),
        &fields,
    )
    .await;
    let mut others = report(&made, ActionState::InProgress, 5);
    others.party = "parties/city".to_owned();
    town.forbidden(&city(), others, "NOT_THE_OWNER").await;
    let same = later(&made, day(2026, 10, 31));
    town.invalid(&sector(), same, &[("due_on", "SAME_DAY")])
        .await;
    let beyond = later(&made, day(2027, 2, 1));
    town.invalid(&sector(), beyond, &[("due_on", "OUTSIDE_PLAN")])
        .await;
    town.done(&sector(), report(&made, ActionState::Done, 100))
        .await;
    town.forbidden(&sector(), later(&made, day(2026, 11, 30)), "ACTION_CLOSED")
        .await;
}

async fn follow_ups(town: &Town) {
    town.invalid(&city(), round(1899), &[("year", "YEAR_OUT_OF_RANGE")])
        .await;
    town.invalid(
        &city(),
        round(2027),
        &[("accounts_due_on", "DUE_BEFORE_YEAR")],
    )
    .await;
    let open = town.round(2025).await;
    let exists = Code::AlreadyExists;
    town.refuses(&city(), round(2025), exists, "FOLLOW_UP_EXISTS", &[])
        .await;
    town.forbidden(&city(), publication(&open), "NOTHING_TO_PUBLISH")
        .await;
    let earlier = extension(&open, day(2026, 9, 30));
    town.invalid(&city(), earlier, &[("accounts_due_on", "NOT_LATER")])
        .await;
    let mut silent = account(&city(), &open);
    silent.summary = " \n ".to_owned();
    town.invalid(&city(), silent, &[("summary", "FIELD_REQUIRED")])
        .await;
    town.done(&city(), account(&city(), &open)).await;
    town.forbidden(&city(), account(&city(), &open), "ALREADY_SUBMITTED")
        .await;
    town.done(&city(), publication(&open)).await;
    town.forbidden(&city(), publication(&open), "ALREADY_PUBLISHED")
        .await;
    town.forbidden(
        &city(),
        extension(&open, day(2026, 12, 1)),
        "ALREADY_PUBLISHED",
    )
    .await;
}

async fn deliberations(town: &Town) {
    let unknown = discussion("jarva", partial(2013, 4, 0));
    let fields = [("district_board", "UNKNOWN_DISTRICT_BOARD")];
    town.invalid(&city(), unknown, &fields).await;
    let future = discussion("farsta", partial(2026, 9, 2));
    town.invalid(&city(), future, &[("held_on", "IN_THE_FUTURE")])
        .await;
    let nowhere = discussion("farsta", partial(2013, 13, 0));
    town.invalid(&city(), nowhere, &[("held_on", "DATE_INVALID")])
        .await;
    town.done(&city(), discussion("farsta", partial(2013, 4, 18)))
        .await;
    let twice = discussion("farsta", partial(2013, 4, 18));
    town.refuses(
        &city(),
        twice,
        Code::AlreadyExists,
        "DELIBERATION_EXISTS",
        &[],
    )
    .await;

    town.succeeded("alvsjo", "hagersten-alvsjo", day(2020, 7, 1))
        .await;
    town.board("hagersten-alvsjo", day(2020, 7, 1)).await;
    let merged = || async {
        town.number("SELECT count(*) + count(succeeded_on) FROM district_board")
            .await
            == 5
    };
    town.bed.eventually(merged).await;
    let after = discussion("alvsjo", partial(2020, 7, 1));
    town.invalid(&city(), after, &[("held_on", "AFTER_BOARD")])
        .await;
    let before = discussion("hagersten-alvsjo", partial(2019, 0, 0));
    town.invalid(&city(), before, &[("held_on", "BEFORE_BOARD")])
        .await;
}
