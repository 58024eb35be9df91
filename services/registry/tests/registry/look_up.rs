//! What the boards ask before they deal with an organisation.

use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::SignatoryState;
use tonic::Code;

use crate::requests::{city, day, organisation, texts};
use crate::town::{NUMBERS, Town};

fn asked(agreement: &str, number: &str) -> proto::LookUpOrganisationRequest {
    proto::LookUpOrganisationRequest {
        number: number.to_owned(),
        agreement: agreement.to_owned(),
        as_of: None,
    }
}

fn changed(
    organisation: &str,
    number: &str,
    on: (i32, i32, i32),
) -> proto::ChangeOrganisationNumberRequest {
    proto::ChangeOrganisationNumberRequest {
        organisation: organisation.to_owned(),
        number: number.to_owned(),
        valid_from: day(on.0, on.1, on.2),
        ..Default::default()
    }
}

#[tokio::test]
async fn membership_gates_nothing() {
    let town = Town::start("gates-nothing").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", NUMBERS[1]).await;
    town.organisation("Exempelföreningen Två", NUMBERS[2]).await;
    town.signatory(&agreement, &one).await;
    for (number, known, signatory) in [
        (NUMBERS[1], true, true),
        (NUMBERS[2], true, false),
        (NUMBERS[3], false, false),
    ] {
        for form in [
            number.to_owned(),
            number.replace('-', ""),
            format!("16{number}"),
        ] {
            let answer = town
                .done(&city(), asked(&agreement, &form))
                .await
                .look_up
                .unwrap();
            assert_eq!(
                (answer.known, answer.signatory),
                (known, signatory),
                "{form}"
            );
            assert!(answer.approach_applies);
            assert_eq!(answer.number, number);
            let text = answer.explanation.unwrap();
            assert!(text.sv.contains("i båda fallen"), "{}", text.sv);
        }
    }
    town.bed.end().await;
}

#[tokio::test]
async fn many_numbers_are_answered_in_the_order_of_the_question_as_of_a_day() {
    let town = Town::start("batch").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelföreningen Ett", NUMBERS[1]).await;
    town.signatory(&agreement, &one).await;
    let batch = |numbers: &[&str], as_of| proto::BatchLookUpOrganisationsRequest {
        numbers: texts(numbers),
        agreement: agreement.clone(),
        as_of,
    };
    let asked = [NUMBERS[3], NUMBERS[1], NUMBERS[0], NUMBERS[1]];
    let states =
        |answers: Vec<proto::LookUp>| answers.iter().map(proto::LookUp::state).collect::<Vec<_>>();
    let none = SignatoryState::Unspecified;
    for (as_of, state) in [
        (day(2012, 7, 31), none),
        (day(2012, 8, 1), SignatoryState::Decided),
        (day(2012, 9, 1), SignatoryState::Signed),
    ] {
        let answers = town.done(&city(), batch(&asked, as_of)).await.look_ups;
        let numbers: Vec<_> = answers.iter().map(|one| one.number.as_str()).collect();
        assert_eq!(numbers, asked);
        assert_eq!(states(answers), [none, state, none, state]);
    }
    let wrong = batch(&[NUMBERS[0], "802411-8311", "121212-1212"], None);
    let fields = [
        ("numbers[1]", "ORGANISATION_NUMBER_INVALID"),
        ("numbers[2]", "PERSONAL_NUMBER_REFUSED"),
    ];
    town.invalid(wrong, &fields).await;
    town.invalid(batch(&[], None), &[("numbers", "FIELD_REQUIRED")])
        .await;
    town.invalid(batch(&[NUMBERS[0]; 501], None), &[("numbers", "TOO_MANY")])
        .await;
    assert_eq!(
        town.done(&city(), batch(&[NUMBERS[0]; 500], None))
            .await
            .look_ups
            .len(),
        500
    );
    town.bed.end().await;
}

#[tokio::test]
async fn a_number_changes_from_a_day_on_and_is_nobody_elses_on_any_day() {
    let town = Town::start("numbers").await;
    let agreement = town.agreement().await;
    let one = town.organisation("Exempelförsamlingen", NUMBERS[1]).await;
    town.done(&city(), changed(&one, NUMBERS[3], (2013, 5, 1)))
        .await;
    let found = |number: &'static str, as_of| {
        let request = proto::LookUpOrganisationRequest {
            as_of,
            ..asked(&agreement, number)
        };
        let town = &town;
        async move { town.done(&city(), request).await.look_up.unwrap().known }
    };
    assert!(found(NUMBERS[1], day(1990, 1, 1)).await);
    assert!(found(NUMBERS[1], day(2013, 4, 30)).await);
    assert!(!found(NUMBERS[1], day(2013, 5, 1)).await);
    assert!(found(NUMBERS[3], None).await);
    let get = |as_of| proto::GetOrganisationRequest {
        name: one.clone(),
        as_of,
    };
    let then = town
        .done(&city(), get(day(2013, 4, 30)))
        .await
        .organisation
        .unwrap();
    let now = town.done(&city(), get(None)).await.organisation.unwrap();
    assert_eq!(
        (then.number.as_str(), now.number.as_str()),
        (NUMBERS[1], NUMBERS[3])
    );

    let taken = "ORGANISATION_NUMBER_TAKEN";
    for number in [NUMBERS[1], NUMBERS[3]] {
        let request = organisation("En annan", number);
        town.refuses(&city(), request, Code::AlreadyExists, taken, &[])
            .await;
    }
    let two = town.organisation("En annan", "").await;
    let early = changed(&two, NUMBERS[1], (2013, 4, 30));
    town.refuses(&city(), early, Code::AlreadyExists, taken, &[])
        .await;
    town.done(&city(), changed(&two, NUMBERS[1], (2013, 5, 1)))
        .await;
    town.done(&city(), changed(&one, "", (2014, 1, 1))).await;
    assert!(!found(NUMBERS[3], day(2014, 1, 1)).await);
    town.counts_its_events().await;
    town.bed.end().await;
}

#[tokio::test]
async fn of_two_that_ask_for_a_number_at_once_one_gets_it() {
    let town = Town::start("number-race").await;
    let who = city();
    let (first, second) = tokio::join!(
        town.ask(&who, organisation("Exempel Ett", NUMBERS[1])),
        town.ask(&who, organisation("Exempel Två", NUMBERS[1])),
    );
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    town.bed.end().await;
}

#[tokio::test]
async fn no_event_and_no_answer_carries_a_personal_number_or_an_organisation_number_in_an_event() {
    let town = Town::start("privacy").await;
    let personal = town
        .ask(&city(), organisation("En person", "19121212-1212"))
        .await
        .unwrap_err();
    assert!(!format!("{personal:?}").contains("1212"));
    let one = town.organisation("Exempelförsamlingen", NUMBERS[1]).await;
    town.done(&city(), changed(&one, NUMBERS[3], (2013, 5, 1)))
        .await;
    let leaks: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM outbox
         WHERE encode(payload, 'escape') ~ '802411-?8310|252000-?0007'
            OR subject ~ '802411|252000'",
    )
    .fetch_one(town.bed.database().pool())
    .await
    .unwrap();
    assert_eq!(leaks, 0);
    town.bed.end().await;
}
