//! How organisations join, wait, decline, sign, withdraw and come back.

use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::SignatoryState;
use tonic::Code;

use crate::requests::{
    adoption, city, day, decision, invitation, member, partial, signing, stance, withdrawal,
};
use crate::town::Town;

async fn state(town: &Town, name: &str, as_of: (i32, i32, i32)) -> Option<proto::Signatory> {
    let as_of = day(as_of.0, as_of.1, as_of.2);
    let request = proto::GetSignatoryRequest {
        name: name.to_owned(),
        as_of,
    };
    match town.ask(&city(), request).await {
        Ok(answer) => answer.signatory,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound);
            None
        }
    }
}

#[tokio::test]
async fn joining_is_a_decision_and_a_signing_and_each_day_can_be_asked_about() {
    let town = Town::start("joining").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", "").await;
    let own = member(&one);
    town.done(&city(), invitation(&agreement, &one, partial(2011, 0, 0)))
        .await;
    let talks = proto::RecordStanceRequest {
        state: SignatoryState::InDialogue.into(),
        ..stance(&agreement, &one, partial(2011, 10, 0))
    };
    town.done(&own, talks).await;
    town.forbidden(
        signing(&agreement, &one, partial(2012, 9, 0)),
        "SIGNATORY_NOT_DECIDED",
    )
    .await;
    town.done(&own, decision(&agreement, &one, partial(2012, 6, 20)))
        .await;
    let signed = town
        .done(&own, signing(&agreement, &one, partial(2012, 9, 0)))
        .await;
    let signed = signed.signatory.unwrap();
    assert_eq!(
        (signed.state(), signed.edition),
        (SignatoryState::Signed, 1)
    );
    town.done(&own, withdrawal(&agreement, &one, partial(2014, 1, 31)))
        .await;
    let again = signing(&agreement, &one, partial(2014, 2, 0));
    town.forbidden(again, "SIGNATORY_NOT_DECIDED").await;
    town.done(&own, decision(&agreement, &one, partial(2015, 1, 1)))
        .await;
    town.done(&own, signing(&agreement, &one, partial(2015, 1, 1)))
        .await;
    for (as_of, expected) in [
        ((2010, 12, 31), None),
        ((2011, 1, 1), Some(SignatoryState::Invited)),
        ((2011, 10, 1), Some(SignatoryState::InDialogue)),
        ((2012, 6, 20), Some(SignatoryState::Decided)),
        ((2012, 8, 31), Some(SignatoryState::Decided)),
        ((2012, 9, 1), Some(SignatoryState::Signed)),
        ((2014, 1, 31), Some(SignatoryState::Withdrawn)),
        ((2199, 1, 1), Some(SignatoryState::Signed)),
    ] {
        let stood = state(&town, &signed.name, as_of).await;
        assert_eq!(
            stood.map(|signatory| signatory.state()),
            expected,
            "{as_of:?}"
        );
    }
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn one_helped_to_draft_refused_and_waits() {
    let town = Town::start("waiting").await;
    let agreement = town.agreement().await;
    let one = town.organisation("RSMH Exempel", "").await;
    for state in [
        SignatoryState::InDialogue,
        SignatoryState::Declined,
        SignatoryState::Undecided,
    ] {
        let request = proto::RecordStanceRequest {
            state: state.into(),
            ..stance(&agreement, &one, partial(2012, 2, 15))
        };
        let signatory = town.done(&city(), request).await.signatory.unwrap();
        assert_eq!((signatory.state(), signatory.edition), (state, 0));
    }
    town.bed.end().await;
}

#[tokio::test]
async fn a_signatory_is_tied_to_its_edition_until_it_signs_a_newer_one() {
    let town = Town::start("editions").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", "").await;
    town.signatory(&agreement, &one).await;
    town.done(&city(), adoption(&agreement, partial(2014, 3, 10)))
        .await;
    let name = format!(
        "{agreement}/signatories/{}",
        one.trim_start_matches("organisations/")
    );
    let tied = state(&town, &name, (2014, 12, 31)).await.unwrap();
    assert_eq!(tied.edition, 1);
    let newer = town
        .done(&city(), signing(&agreement, &one, partial(2015, 0, 0)))
        .await;
    assert_eq!(newer.signatory.unwrap().edition, 2);
    town.forbidden(
        signing(&agreement, &one, partial(2016, 0, 0)),
        "SIGNATORY_STEP_REFUSED",
    )
    .await;
    town.bed.end().await;
}

#[tokio::test]
async fn an_organisation_acts_for_itself_only() {
    let town = Town::start("own").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", "").await;
    let two = town.organisation("Exempelföreningen Två", "").await;
    let others = decision(&agreement, &two, partial(2012, 8, 0));
    town.refuses(
        &member(&one),
        others,
        Code::PermissionDenied,
        "NOT_YOUR_OWN",
        &[],
    )
    .await;
    town.bed.end().await;
}

#[tokio::test]
async fn first_steps_at_the_same_time_are_one_after_the_other() {
    let town = Town::start("race").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", "").await;
    let request = || invitation(&agreement, &one, partial(2012, 1, 0));
    let who = city();
    let (first, second) = tokio::join!(town.ask(&who, request()), town.ask(&who, request()));
    let refused: Vec<_> = [first.err(), second.err()].into_iter().flatten().collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].code(), Code::FailedPrecondition);
    town.counts_its_events().await;
    town.bed.end().await;
}
