//! Rules of the mission, each by its number.

use handslag_proto::commitments::v1 as proto;
use handslag_proto::commitments::v1::{ActionState, CommitmentState, DeliberationState};
use time::macros::datetime;

use crate::town::{
    Town, account, agreement, city, day, discussion, extension, later, nobody, partial, proposal,
    publication, refusal, report, sector, title,
};

async fn state_of(town: &Town, name: &str) -> CommitmentState {
    let request = proto::GetCommitmentRequest {
        name: name.to_owned(),
    };
    town.done(&nobody(), request)
        .await
        .commitment
        .unwrap()
        .state()
}

#[tokio::test]
async fn rule_8_a_joint_commitment_binds_only_when_both_parties_have_accepted() {
    let town = Town::start("rule-8").await;
    let joint = town.propose(&["parties/city", "parties/sector"]).await;
    assert_eq!(
        state_of(&town, &joint).await,
        CommitmentState::Proposed,
        "its proposer too"
    );
    town.accept(&city(), &joint).await;
    assert_eq!(state_of(&town, &joint).await, CommitmentState::Proposed);
    let bound = town.accept(&sector(), &joint).await;
    assert_eq!(bound.state(), CommitmentState::Binding);
    assert!(bound.binding_since.is_some());
    let declined = town.propose(&["parties/sector"]).await;
    town.done(&sector(), refusal(&sector(), &declined)).await;
    assert_eq!(state_of(&town, &declined).await, CommitmentState::Declined);
    let own_only = crate::town::acceptance(&sector(), &joint);
    let status = town.ask(&city(), own_only).await.unwrap_err();
    assert_eq!(
        status.code(),
        tonic::Code::PermissionDenied,
        "nobody answers for the other"
    );
    // One event per change: together the versions count the events.
    let changes = town
        .number("SELECT sum(version)::bigint FROM commitment")
        .await;
    let events = "SELECT count(*) FROM outbox WHERE aggregate = 'commitment'";
    assert_eq!(town.number(events).await, changes);
    town.bed.end().await;
}

#[tokio::test]
async fn rule_9_a_commitment_says_what_it_serves_and_which_diversity_it_means() {
    let town = Town::start("rule-9").await;
    let mut request = proposal(&["parties/sector"]);
    request.text = "Åtagande: välkomna många – 👩‍👩‍👧, مرحبا".to_owned();
    request.principles.push("kvalitet".to_owned());
    request.legal_basis = proto::LegalBasis::Lss.into();
    request.diversity = proto::Diversity::People.into();
    request.diversity_ground = "Ålder".to_owned();
    let made = town
        .done(&city(), request.clone())
        .await
        .commitment
        .unwrap();
    let get = proto::GetCommitmentRequest {
        name: made.name.clone(),
    };
    let read = town.done(&nobody(), get).await.commitment.unwrap();
    assert_eq!(read, made);
    assert_eq!(
        (read.text, read.principles),
        (request.text, request.principles)
    );
    assert_eq!(read.diversity_ground, "Ålder");
    town.bed.end().await;
}

#[tokio::test]
async fn rule_10_expiry_with_open_actions_shows_them() {
    let town = Town::start("rule-10").await;
    let commitment = town.binding().await;
    let plan = town.plan().await;
    let open = town.action(&plan, &commitment).await;
    let done = town.action(&plan, &commitment).await;
    town.done(&sector(), report(&done, ActionState::Done, 100))
        .await;
    // Years after plan and term.
    town.bed.clock().set(datetime!(2031-01-01 12:00 UTC));
    let overdue = proto::ListActionsRequest {
        overdue_only: true,
        ..Default::default()
    };
    let listed = town.done(&nobody(), overdue.clone()).await;
    let shown: Vec<&str> = listed.actions.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((shown, listed.total_size), (vec![open.as_str()], 1));
    assert_eq!(
        listed.actions[0].state(),
        ActionState::Planned,
        "no status changed by itself"
    );
    town.done(&sector(), report(&open, ActionState::Done, 100))
        .await;
    assert_eq!(
        town.done(&nobody(), overdue).await.total_size,
        0,
        "reporting undoes the mark"
    );
    town.bed.end().await;
}

#[tokio::test]
async fn rule_12_a_round_published_with_one_half_missing_says_so() {
    let town = Town::start("rule-12").await;
    let round = town.round(2025).await;
    let mut light = account(&city(), &round);
    light.light = true;
    town.done(&city(), light).await;
    let published = town
        .done(&city(), publication(&round))
        .await
        .follow_up
        .unwrap();
    assert_eq!(published.state(), proto::FollowUpState::Published);
    let states: Vec<_> = published
        .accounts
        .iter()
        .map(proto::Account::state)
        .collect();
    assert_eq!(
        states,
        [proto::AccountState::Submitted, proto::AccountState::Missing]
    );
    assert!(published.accounts[0].light);
    let late = town
        .done(&sector(), account(&sector(), &round))
        .await
        .follow_up
        .unwrap();
    assert_eq!(late.accounts[1].state(), proto::AccountState::Submitted);
    assert!(late.accounts[1].late, "it came after publication");
    town.bed.end().await;
}

#[tokio::test]
async fn rule_13_history_after_a_merger_is_visible_from_the_successor() {
    let town = Town::start("rule-13").await;
    let held = town
        .done(&city(), discussion("alvsjo", partial(2013, 4, 0)))
        .await;
    let held = held.deliberation.unwrap().name;
    let merger = day(2020, 7, 1);
    town.succeeded("alvsjo", "hagersten-alvsjo", merger).await;
    town.succeeded("hagersten", "hagersten-alvsjo", merger)
        .await;
    town.board("hagersten-alvsjo", merger).await;
    let merged = || async {
        town.number("SELECT count(*) + count(succeeded_on) FROM district_board")
            .await
            == 6
    };
    town.bed.eventually(merged).await;
    let told = async |as_of| {
        let request = proto::ListDeliberationsRequest {
            agreement: agreement(1),
            as_of,
        };
        let told = town.done(&nobody(), request).await.districts.into_iter();
        let short = |one: proto::DistrictDeliberation| {
            let held: Vec<_> = one
                .deliberations
                .iter()
                .map(|held| held.name.clone())
                .collect();
            (
                one.district_board["districtBoards/".len()..].to_owned(),
                one.state(),
                held,
            )
        };
        told.map(short).collect::<Vec<_>>()
    };
    let row = |code: &str, state, held: &[&String]| {
        (
            code.to_owned(),
            state,
            held.iter().map(|&one| one.clone()).collect::<Vec<_>>(),
        )
    };
    let not_yet = |code| row(code, DeliberationState::NotYet, &[]);
    let discussed = row("alvsjo", DeliberationState::Discussed, &[&held]);
    assert_eq!(
        told(day(2020, 6, 30)).await,
        [discussed, not_yet("farsta"), not_yet("hagersten")]
    );
    let heir = DeliberationState::DiscussedByPredecessor;
    assert_eq!(
        told(None).await,
        [not_yet("farsta"), row("hagersten-alvsjo", heir, &[&held])]
    );
    town.bed.end().await;
}

#[tokio::test]
async fn rule_14_a_deadline_moves_for_everyone_and_late_undoes_the_mark() {
    let town = Town::start("rule-14").await;
    let round = town.round(2025).await;
    town.bed.clock().set(datetime!(2026-10-02 08:00 UTC));
    let submitted = town
        .done(&city(), account(&city(), &round))
        .await
        .follow_up
        .unwrap();
    assert!(submitted.accounts[0].late);
    assert_eq!(
        submitted.accounts[0].state(),
        proto::AccountState::Submitted
    );
    let moved = extension(&round, day(2026, 10, 15));
    let moved = town.done(&city(), moved).await.follow_up.unwrap();
    assert!(
        !moved.accounts[0].late,
        "in time by the day that now holds for everyone"
    );
    let on_time = town
        .done(&sector(), account(&sector(), &round))
        .await
        .follow_up
        .unwrap();
    assert!(!on_time.accounts[1].late);
    town.bed.end().await;
}

#[tokio::test]
async fn rule_15_marks_are_about_dates_and_carry_the_way_back() {
    let town = Town::start("rule-15").await;
    let commitment = town.binding().await;
    let plan = town.plan().await;
    let action = town.action(&plan, &commitment).await;
    town.bed.clock().set(datetime!(2026-11-01 08:00 UTC));
    let get = proto::GetActionRequest {
        name: action.clone(),
    };
    assert!(
        town.done(&nobody(), get.clone())
            .await
            .action
            .unwrap()
            .overdue
    );
    let moved = town
        .done(&sector(), later(&action, day(2026, 11, 1)))
        .await
        .action
        .unwrap();
    assert!(!moved.overdue, "the last day is still within");
    town.bed.clock().set(datetime!(2026-11-01 23:30 UTC));
    let midnight = town.done(&nobody(), get).await.action.unwrap();
    assert!(
        midnight.overdue,
        "the day ends in Stockholm, not in Greenwich"
    );
    let mut cancelled = report(&action, ActionState::Cancelled, 0);
    cancelled.note = "Konferensen ställdes in".to_owned();
    let closed = town.done(&sector(), cancelled).await.action.unwrap();
    assert!(!closed.overdue);
    let again = report(&action, ActionState::InProgress, 20);
    let again = town.done(&sector(), again).await.action.unwrap();
    assert!(
        again.overdue,
        "a correction counts again, and the reports all stay"
    );
    assert_eq!(again.reports.len(), 2);
    town.bed.end().await;
}

#[tokio::test]
async fn a_plan_is_adopted_by_its_last_party_and_an_etag_covers_its_actions() {
    let town = Town::start("adoption").await;
    let commitment = town.binding().await;
    let plan = town.plan().await;
    town.action(&plan, &commitment).await;
    let get = proto::GetActionPlanRequest { name: plan.clone() };
    let seen = town.done(&nobody(), get).await.action_plan.unwrap().etag;
    town.action(&plan, &commitment).await;
    let mut blind = crate::town::approval(&city(), &plan);
    blind.etag = seen;
    town.refuses(&city(), blind, tonic::Code::Aborted, "STALE_ETAG", &[])
        .await;
    let one = town.approve(&city(), &plan).await;
    assert_eq!(
        (one.state(), one.action_count),
        (proto::ActionPlanState::Draft, 2)
    );
    let both = town.approve(&sector(), &plan).await;
    assert_eq!(both.state(), proto::ActionPlanState::Adopted);
    assert_eq!(both.title, title("Exempelplan 2026"));
    town.bed.end().await;
}
