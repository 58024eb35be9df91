//! Lists: every row once, and tokens that fit only their own question.

use std::collections::BTreeSet;

use handslag_proto::commitments::v1 as proto;

use crate::town::{Town, action, agreement, city, day, group, nobody, proposal};

#[tokio::test]
async fn a_walk_meets_every_commitment_once() {
    let town = Town::start("paging").await;
    let mut made = BTreeSet::new();
    for _ in 0..7 {
        made.insert(town.propose(&["parties/sector"]).await);
    }
    let mut ask = proto::ListCommitmentsRequest {
        agreement: agreement(1),
        bearer: "parties/sector".to_owned(),
        page_size: 3,
        ..Default::default()
    };
    let mut met = Vec::new();
    loop {
        let page = town.done(&nobody(), ask.clone()).await;
        assert_eq!(page.total_size, 7);
        met.extend(page.commitments.into_iter().map(|one| one.name));
        if page.next_page_token.is_empty() {
            break;
        }
        ask.page_token = page.next_page_token;
        if met.len() == 3 {
            // A row that comes meanwhile moves no other.
            made.insert(town.propose(&["parties/city"]).await);
        }
    }
    assert_eq!(met.len(), 7);
    assert!(met.iter().all(|name| made.contains(name)));
    assert_eq!(met.iter().collect::<BTreeSet<_>>().len(), 7);

    let mut other = ask.clone();
    other.bearer = "parties/city".to_owned();
    town.invalid(&nobody(), other, &[("page_token", "PAGE_TOKEN_INVALID")])
        .await;
    ask.page_size = -1;
    town.invalid(&nobody(), ask, &[("page_size", "PAGE_SIZE_NEGATIVE")])
        .await;
    town.bed.end().await;
}

#[tokio::test]
async fn filters_narrow_a_list_and_examples_can_be_left_out() {
    let town = Town::start("filters").await;
    let binding = town.binding().await;
    let mut real = proposal(&["parties/city", "parties/sector"]);
    (real.example, real.area) = (false, "areas/aldre".to_owned());
    real.principles = vec!["kvalitet".to_owned()];
    let real = town.done(&city(), real).await.commitment.unwrap().name;
    type Change = fn(&mut proto::ListCommitmentsRequest);
    let cases: [(Change, &str); 5] = [
        (|one| one.area = "areas/aldre".to_owned(), &real),
        (|one| one.principle = "kvalitet".to_owned(), &real),
        (|one| one.bearer = "parties/city".to_owned(), &real),
        (|one| one.exclude_examples = true, &real),
        (
            |one| one.state = proto::CommitmentState::Binding.into(),
            &binding,
        ),
    ];
    for (change, expected) in cases {
        let mut ask = proto::ListCommitmentsRequest::default();
        change(&mut ask);
        let page = town.done(&nobody(), ask).await;
        let names: Vec<_> = page
            .commitments
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!((names, page.total_size), (vec![expected], 1));
    }
    town.bed.end().await;
}

#[tokio::test]
async fn actions_come_by_last_day_plans_and_rounds_newest_first() {
    let town = Town::start("orders").await;
    let binding = town.binding().await;
    let (older, newer) = (town.plan().await, town.plan().await);
    for month in [11, 3, 11, 7] {
        let mut request = action(&older, &binding);
        request.due_on = day(2026, month, 1);
        town.done(&group(), request).await;
    }
    let mut ask = proto::ListActionsRequest {
        action_plan: older.clone(),
        commitment: binding,
        page_size: 1,
        ..Default::default()
    };
    let mut months = Vec::new();
    loop {
        let page = town.done(&nobody(), ask.clone()).await;
        months.extend(page.actions.iter().map(|one| one.due_on.unwrap().month));
        if page.next_page_token.is_empty() {
            break;
        }
        ask.page_token = page.next_page_token;
    }
    assert_eq!(months, [3, 7, 11, 11]);

    let mut ask = proto::ListActionPlansRequest {
        page_size: 1,
        ..Default::default()
    };
    let first = town.done(&nobody(), ask.clone()).await;
    ask.page_token = first.next_page_token;
    let second = town.done(&nobody(), ask).await;
    assert_eq!(
        (&first.action_plans[0].name, &second.action_plans[0].name),
        (&newer, &older)
    );

    for year in [2024, 2026, 2025] {
        town.round(year).await;
    }
    let mut ask = proto::ListFollowUpsRequest {
        page_size: 2,
        ..Default::default()
    };
    let first = town.done(&nobody(), ask.clone()).await;
    ask.page_token = first.next_page_token.clone();
    let second = town.done(&nobody(), ask).await;
    let years: Vec<_> = first.follow_ups.iter().chain(&second.follow_ups).collect();
    assert_eq!(
        years.iter().map(|one| one.year).collect::<Vec<_>>(),
        [2026, 2025, 2024]
    );
    town.bed.end().await;
}
