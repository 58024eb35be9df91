//! The record flows through four services, and everything can be read back.

use std::collections::BTreeSet;

use handslag_tests::{Town, eventually};
use serde_json::{Value, json};

/// Reads a list to its end, a few at a time.
async fn all(town: &Town, call: &str, caller: &str, field: &str, mut request: Value) -> Vec<Value> {
    let mut found = Vec::new();
    request["pageSize"] = json!(9);
    loop {
        let page = town
            .call(call, caller, request.clone())
            .await
            .expect("a page");
        found.extend(page[field].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(token) if !token.is_empty() => request["pageToken"] = json!(token),
            _ => return found,
        }
    }
}

fn names(list: &[Value]) -> Vec<&str> {
    list.iter()
        .filter_map(|item| item["name"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_and_the_example_can_be_read_back() {
    let mut town = Town::start().await;
    town.load(true).await;
    // Played again, as after a crash, each step answers its first answer.
    let first = town.known.clone();
    town.load(true).await;
    assert_eq!(town.known, first);

    the_agreement(&town).await;
    the_register(&town).await;
    promises_and_plan(&town).await;
    each_board_is_told_once(&town).await;
    figures_and_reports(&town).await;
    the_pages(&town).await;
    town.end().await;
}

async fn the_agreement(town: &Town) {
    let agreement = json!({"agreement": town.name("agreement")});
    let read = |day: Value| json!({"name": town.name("agreement"), "asOf": day});
    let now = town
        .read(
            "registry.GetAgreement",
            read(json!({"year": 2013, "month": 1, "day": 1})),
        )
        .await;
    let now = &now["agreement"];
    assert_eq!(now["state"], "AGREEMENT_STATE_IN_FORCE");
    assert_eq!(
        now["term"]["startsOnAsRecorded"],
        json!({"year": 2012, "month": 6})
    );
    assert_eq!(
        now["term"]["endsOn"],
        json!({"year": 2016, "month": 5, "day": 31})
    );
    assert_eq!(now["principles"].as_array().expect("principles").len(), 6);
    let fourth = town
        .read(
            "registry.GetAgreement",
            read(json!({"year": 2016, "month": 1, "day": 1})),
        )
        .await;
    assert_eq!(fourth["agreement"]["state"], "AGREEMENT_STATE_EVALUATION");
    let extended = town
        .read(
            "registry.GetAgreement",
            read(json!({"year": 2017, "month": 1, "day": 1})),
        )
        .await;
    assert_eq!(
        extended["agreement"]["term"]["endsOn"],
        json!({"year": 2020, "month": 5, "day": 31})
    );
    assert_eq!(extended["agreement"]["term"]["extensions"], 1);
    let after = town
        .read(
            "registry.GetAgreement",
            read(json!({"year": 2020, "month": 6, "day": 1})),
        )
        .await;
    assert_eq!(after["agreement"]["state"], "AGREEMENT_STATE_EXPIRED");

    let steps = all(
        town,
        "registry.ListProceedings",
        "",
        "proceedings",
        agreement.clone(),
    )
    .await;
    let recorded = town
        .known
        .values()
        .filter(|name| name.contains("/proceedings/"))
        .count();
    assert_eq!(steps.len(), recorded);
    let rsmh = steps
        .iter()
        .find(|step| step["name"] == town.name("statement-rsmh"))
        .expect("statement");
    assert_eq!(rsmh["statement"]["late"], true);
    assert_eq!(
        rsmh["statement"]["invitation"],
        "STATEMENT_INVITATION_UNLISTED"
    );
    let proposals = all(
        town,
        "registry.ListProposals",
        "",
        "proposals",
        agreement.clone(),
    )
    .await;
    assert_eq!(proposals.len(), 4);
    assert!(
        proposals
            .iter()
            .all(|proposal| proposal["state"] == "PROPOSAL_STATE_OPEN")
    );
    let figures = all(town, "registry.ListFigures", "", "figures", agreement).await;
    let mut values: Vec<i64> = figures
        .iter()
        .filter_map(|figure| figure["value"].as_i64())
        .collect();
    values.sort_unstable();
    assert_eq!(values, [60, 70, 72, 100]);
    assert!(
        figures
            .iter()
            .all(|figure| figure["source"]["document"].is_string())
    );
}

async fn the_register(town: &Town) {
    let everyone = all(
        town,
        "registry.ListOrganisations",
        "",
        "organisations",
        json!({}),
    )
    .await;
    assert_eq!(everyone.len(), 72 + 8);
    assert_eq!(
        names(&everyone).iter().collect::<BTreeSet<_>>().len(),
        everyone.len()
    );
    let example = everyone
        .iter()
        .find(|one| one["number"].is_string())
        .expect("one with a number");
    let question = |number: &Value, year: u16| json!({"number": number, "agreement": town.name("agreement"), "asOf": {"year": year, "month": 12, "day": 31}});
    let before = town
        .read(
            "registry.LookUpOrganisation",
            question(&example["number"], 2011),
        )
        .await;
    let after = town
        .read(
            "registry.LookUpOrganisation",
            question(&example["number"], 2013),
        )
        .await;
    assert_eq!(
        before["lookUp"]["signatory"],
        Value::Null,
        "false is left out"
    );
    assert_eq!(after["lookUp"]["signatory"], true);
    for answer in [before, after] {
        assert_eq!(answer["lookUp"]["approachApplies"], true);
    }
    let signed = json!({"agreement": town.name("agreement"), "states": ["SIGNATORY_STATE_SIGNED"]});
    let signatories = all(town, "registry.ListSignatories", "", "signatories", signed).await;
    assert_eq!(signatories.len(), 72);
    assert!(
        signatories.iter().all(|one| one["example"] == true),
        "no named organisation is said to have signed"
    );
}

async fn promises_and_plan(town: &Town) {
    let of = json!({"agreement": town.name("agreement")});
    let commitments = all(
        town,
        "commitments.ListCommitments",
        "",
        "commitments",
        of.clone(),
    )
    .await;
    let in_state = |state: &str| {
        commitments
            .iter()
            .filter(|one| one["state"] == state)
            .count()
    };
    assert_eq!(in_state("COMMITMENT_STATE_BINDING"), 6);
    assert_eq!(in_state("COMMITMENT_STATE_PROPOSED"), 1);
    assert_eq!(in_state("COMMITMENT_STATE_DECLINED"), 1);
    let plan = town
        .read(
            "commitments.GetActionPlan",
            json!({"name": town.name("example-plan")}),
        )
        .await;
    assert_eq!(plan["actionPlan"]["state"], "ACTION_PLAN_STATE_ADOPTED");
    assert_eq!(plan["actionPlan"]["actionCount"], 6);
    let round = town
        .read(
            "commitments.GetFollowUp",
            json!({"name": town.name("example-follow-up")}),
        )
        .await;
    let accounts = round["followUp"]["accounts"].as_array().expect("accounts");
    let state = |party: &str| {
        accounts
            .iter()
            .find(|account| account["party"] == party)
            .expect("an account")["state"]
            .clone()
    };
    assert_eq!(state("parties/city"), "ACCOUNT_STATE_SUBMITTED");
    assert_eq!(state("parties/sector"), "ACCOUNT_STATE_MISSING");
    let deliberations = town.read("commitments.ListDeliberations", of).await;
    let districts = deliberations["districts"].as_array().expect("districts");
    assert_eq!(districts.len(), 14);
    let discussed = districts
        .iter()
        .filter(|one| one["state"] == "DELIBERATION_STATE_DISCUSSED")
        .count();
    assert_eq!(discussed, 1);
}

async fn each_board_is_told_once(town: &Town) {
    let boards: Vec<&String> = town
        .known
        .keys()
        .filter(|key| key.starts_with("subscriber-"))
        .collect();
    assert_eq!(boards.len(), 14);
    let mut told = Vec::new();
    for key in boards {
        let caller = format!("district:{}", key.trim_start_matches("subscriber-"));
        let inbox = json!({"subscriber": town.name(key)});
        let own = u64::from(caller == "district:farsta");
        // What the record and the example amount to: every board is told the same, but for its own deliberation,
        // which is only information.
        let notifications = eventually(&format!("{key} has been told everything"), || async {
            let inbox = all(
                town,
                "notifications.ListNotifications",
                &caller,
                "notifications",
                inbox.clone(),
            )
            .await;
            (inbox.len() as u64 >= expected(town)).then_some(inbox)
        })
        .await;
        assert_eq!(
            notifications.len() as u64,
            expected(town),
            "{key} (own: {own})"
        );
        let events: BTreeSet<&str> = notifications
            .iter()
            .filter_map(|one| one["eventId"].as_str())
            .collect();
        assert_eq!(
            events.len(),
            notifications.len(),
            "{key} is told of an event twice"
        );
        let mut positions: Vec<u64> = notifications
            .iter()
            .map(|one| {
                one["position"]
                    .as_str()
                    .expect("a position")
                    .parse()
                    .expect("a number")
            })
            .collect();
        positions.sort_unstable();
        assert_eq!(
            positions,
            (1..=positions.len() as u64).collect::<Vec<_>>(),
            "{key} has a hole"
        );
        told.push(
            events
                .into_iter()
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
        );
    }
    assert!(
        told.windows(2).all(|pair| pair[0] == pair[1]),
        "the boards are told the same"
    );
}

/// Events of the subscribed types that matter at least as a notice, counted from the script's own steps.
fn expected(town: &Town) -> u64 {
    let record = handslag_runner::import::Script::record()
        .expect("record")
        .steps;
    let steps: Vec<_> = record
        .into_iter()
        .chain(handslag_runner::example::steps())
        .collect();
    let told = [
        "registry.DraftAgreement",
        "registry.AdoptAgreement",
        "registry.RecordProceeding",
        "registry.RaiseProposal",
        "registry.RecordStance",
        "registry.DecideToJoin",
        "registry.SignAgreement",
        "commitments.ProposeCommitment",
        "commitments.AcceptCommitment",
        "commitments.DeclineCommitment",
        "commitments.ApproveActionPlan",
        "commitments.OpenFollowUp",
        "commitments.SubmitAccount",
        "commitments.PublishFollowUp",
    ];
    assert!(town.known.len() >= steps.len());
    steps
        .iter()
        .filter(|step| told.contains(&step.call.as_str()))
        .count() as u64
}

async fn figures_and_reports(town: &Town) {
    let of = json!({"agreement": town.name("agreement")});
    let curve = eventually("72 signatories are counted", || async {
        let answer = town
            .read("reporting.GetSignatoriesOverTime", of.clone())
            .await;
        let last = answer["points"].as_array()?.last()?.clone();
        (last["signed"] == 72).then_some(answer)
    })
    .await;
    assert_eq!(
        curve["reportedFigures"].as_array().expect("figures").len(),
        4
    );
    let at = |year: i64, month: i64| {
        curve["points"]
            .as_array()
            .expect("points")
            .iter()
            .rfind(|point| {
                let day = &point["day"];
                (day["year"].as_i64(), day["month"].as_i64()) <= (Some(year), Some(month))
            })
    };
    assert_eq!(
        at(2012, 9).expect("a point")["signed"],
        60,
        "those of the ceremony"
    );
    let figures = eventually("6 binding commitments are counted", || async {
        let answer = town
            .read("reporting.GetCommitmentFigures", of.clone())
            .await;
        let binding = answer["commitments"]
            .as_array()?
            .iter()
            .find(|one| one["state"] == "binding")?
            .clone();
        (binding["count"] == 6).then_some(answer)
    })
    .await;
    let actions = |state: &str| {
        figures["actions"]
            .as_array()
            .expect("actions")
            .iter()
            .find(|one| one["state"] == state)
            .map_or(0, |one| one["count"].as_i64().unwrap_or_default())
    };
    assert_eq!(
        (
            actions("done"),
            actions("in_progress"),
            actions("planned"),
            actions("cancelled")
        ),
        (2, 2, 1, 1)
    );
    let section = town
        .read(
            "reporting.GetBoardSection",
            json!({"board": "boards/socialnamnden", "year": 2013}),
        )
        .await;
    let section = &section["section"];
    assert_eq!(section["signedAtEnd"], 72);
    let missing: Vec<_> = section["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .filter(|line| line["missing"] == true)
        .map(|line| line["party"].clone())
        .collect();
    assert_eq!(missing, [json!("parties/sector")]);
    for format in ["REPORT_FORMAT_PDF", "REPORT_FORMAT_HTML"] {
        let ordered = town
            .command(
                "reporting.CreateReport",
                "",
                json!({"board": "boards/aldrenamnden", "year": 2013, "format": format}),
            )
            .await
            .expect("ordered");
        let name = ordered["report"]["name"].clone();
        let ready = eventually("the report is ready", || async {
            let report = town
                .read("reporting.GetReport", json!({"name": name}))
                .await["report"]
                .clone();
            assert_ne!(report["state"], "REPORT_STATE_FAILED", "{report}");
            (report["state"] == "REPORT_STATE_READY").then_some(report)
        })
        .await;
        assert!(
            ready["sizeBytes"]
                .as_str()
                .expect("a size")
                .parse::<u64>()
                .expect("a number")
                > 1_000
        );
    }
}

async fn the_pages(town: &Town) {
    let base = format!("http://{}", town.city().web_address());
    let pages = [
        "/",
        "/overenskommelsen",
        "/organisationer",
        "/ataganden",
        "/handlingsplan",
        "/uppfoljning",
        "/stadsdelar",
        "/rapporter",
        "/tillganglighet",
        "/om",
    ];
    for page in pages {
        let response = reqwest::get(format!("{base}{page}"))
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200, "{page}");
        let text = response.text().await.expect("text");
        assert!(text.contains("lang=\"sv\""), "{page}");
    }
    let missing = reqwest::get(format!("{base}/finns-inte"))
        .await
        .expect("an answer");
    assert_eq!(missing.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_example_nobody_has_signed_and_nothing_is_promised() {
    let mut town = Town::start().await;
    town.load(false).await;
    let signed = json!({"agreement": town.name("agreement"), "states": ["SIGNATORY_STATE_SIGNED"]});
    assert!(
        all(&town, "registry.ListSignatories", "", "signatories", signed)
            .await
            .is_empty()
    );
    assert!(
        all(
            &town,
            "commitments.ListCommitments",
            "",
            "commitments",
            json!({})
        )
        .await
        .is_empty()
    );
    let figures = json!({"agreement": town.name("agreement")});
    assert_eq!(
        all(&town, "registry.ListFigures", "", "figures", figures)
            .await
            .len(),
        4
    );
    town.end().await;
}
