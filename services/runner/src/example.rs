//! Example data that says so: organisations, commitments, a plan and accounts that never were.
//!
//! # Design notes
//! The sources do not contain the commitments, and they do not say who the sixty were. To let lists, look-ups and
//! curves live all the same, these steps enter inventions whose names begin with *Exempel* and whose resources carry
//! the mark `example`. Dates are fixed, so that the same steps are the same commands at every start.

use serde_json::{Value, json};

use crate::import::Step;

/// Organisations of the ceremony, and of the months after it: the shape of the figures 60 and 72 that are reported.
const AT_CEREMONY: usize = 60;
const LATER: usize = 12;

/// Second halves of the names; with å, ä and ö, so that the Swedish order shows.
const NAMES: [&str; AT_CEREMONY + LATER] = [
    "Ankaret",
    "Aspen",
    "Björken",
    "Blåklinten",
    "Boken",
    "Bron",
    "Bäcken",
    "Daggkåpan",
    "Dammen",
    "Eken",
    "Enen",
    "Fjärden",
    "Fyren",
    "Fågelboet",
    "Förgätmigej",
    "Gläntan",
    "Granen",
    "Gåsörten",
    "Hagen",
    "Hasseln",
    "Hägern",
    "Idegranen",
    "Irisen",
    "Järnvägen",
    "Kajen",
    "Klövern",
    "Knuten",
    "Källan",
    "Lagården",
    "Lunden",
    "Lyktan",
    "Länken",
    "Lönnen",
    "Malvan",
    "Mötet",
    "Månen",
    "Näckrosen",
    "Nästet",
    "Oxeln",
    "Pilen",
    "Porten",
    "Påfågeln",
    "Rönnen",
    "Roddaren",
    "Ryggsäcken",
    "Sippan",
    "Skogsstjärnan",
    "Skutan",
    "Slänten",
    "Smedjan",
    "Spåret",
    "Stigen",
    "Stugan",
    "Svalan",
    "Syrenen",
    "Sädesärlan",
    "Tallen",
    "Torget",
    "Tranan",
    "Trädgården",
    "Ugglan",
    "Verkstan",
    "Videt",
    "Vinbäret",
    "Viken",
    "Vågen",
    "Väven",
    "Åkern",
    "Ån",
    "Ängen",
    "Ögruppen",
    "Öringen",
];

/// Every step of the example, in order. They stand on the steps of the record.
pub fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, name) in NAMES.iter().enumerate() {
        organisation(&mut steps, index, name);
    }
    commitments(&mut steps);
    plan(&mut steps);
    follow_up(&mut steps);
    steps
}

fn step(key: &str, call: &str, caller: &str, request: Value) -> Step {
    Step {
        key: key.to_owned(),
        call: call.to_owned(),
        caller: caller.to_owned(),
        request,
    }
}

fn organisation(steps: &mut Vec<Step>, index: usize, name: &str) {
    const KINDS: [(&str, &str); 5] = [
        ("Exempelföreningen", "ASSOCIATION"),
        ("Exempelstiftelsen", "FOUNDATION"),
        ("Exempelkooperativet", "COOPERATIVE"),
        ("Exempelföreningen", "ASSOCIATION"),
        ("Exempelföretaget", "SOCIAL_ENTERPRISE"),
    ];
    const LEVELS: [&str; 3] = ["LOCAL", "DISTRICT", "LOCAL"];
    let (prefix, kind) = KINDS[index % KINDS.len()];
    let key = format!("example-{index:02}");
    let areas = match index % 3 {
        0 => json!(["@area-social"]),
        1 => json!(["@area-aldre"]),
        _ => json!(["@area-social", "@area-aldre"]),
    };
    let roles = if index.is_multiple_of(4) {
        json!(["ROLE_VOICE_BEARER", "ROLE_PROVIDER"])
    } else if index % 4 == 1 {
        json!(["ROLE_PROVIDER"])
    } else {
        json!(["ROLE_VOICE_BEARER"])
    };
    let mut request = json!({
        "displayName": format!("{prefix} {name}"),
        "kind": format!("ORGANISATION_KIND_{kind}"),
        "level": format!("ORGANISATION_LEVEL_{}", LEVELS[index % LEVELS.len()]),
        "roles": roles,
        "areas": areas,
        "example": true,
    });
    // Every eighth has no number: an association need not have one.
    if index % 8 != 7 {
        request["number"] = json!(number(index));
    }
    steps.push(step(
        &key,
        "registry.RegisterOrganisation",
        "operator",
        request,
    ));
    let decided = decided_on(index);
    steps.push(step(
        &format!("{key}-decided"),
        "registry.DecideToJoin",
        "operator",
        json!({"agreement": "@agreement", "organisation": format!("@{key}"), "effectiveOn": decided,
            "note": "Exempeldata."}),
    ));
    steps.push(step(
        &format!("{key}-signed"),
        "registry.SignAgreement",
        "operator",
        json!({"agreement": "@agreement", "organisation": format!("@{key}"), "effectiveOn": signed_on(index),
            "note": "Exempeldata."}),
    ));
}

/// A number that passes every rule and belongs to nobody: the first digit tells the legal form, and 4 is given to none
/// (Skatteverket, SKV 709).
fn number(index: usize) -> String {
    let nine = format!("442000{index:03}");
    let sum: u32 = nine
        .bytes()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    format!("{}-{}{}", &nine[..6], &nine[6..], (10 - sum % 10) % 10)
}

fn decided_on(index: usize) -> Value {
    if index < AT_CEREMONY {
        json!({"year": 2012, "month": 6 + index % 3 + usize::from(index.is_multiple_of(3)), "day": 1 + index % 28})
    } else {
        signed_on(index)
    }
}

fn signed_on(index: usize) -> Value {
    if index < AT_CEREMONY {
        // The day of the ceremony is in neither source.
        json!({"year": 2012, "month": 9})
    } else {
        let later = index - AT_CEREMONY;
        let (year, month) = if later < 6 {
            (2012, 10 + later / 2)
        } else {
            (2013, 1 + (later - 6) / 2)
        };
        json!({"year": year, "month": month, "day": 4 + 9 * (later % 2)})
    }
}

/// Key, text, principle, area, who proposes, who bears it, and how it goes on.
type Promise = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    Fate,
);

#[derive(Clone, Copy)]
enum Fate {
    Accepted,
    HalfAccepted,
    Declined,
}

const PROMISES: [Promise; 8] = [
    (
        "known",
        "Exempel: Parterna gör överenskommelsen känd i den egna organisationen.",
        "oppenhet",
        "social",
        "city",
        &["city", "sector"],
        Fate::Accepted,
    ),
    (
        "way-in",
        "Exempel: Staden har en väg in för föreningar som vill samarbeta.",
        "dialog",
        "social",
        "sector",
        &["city"],
        Fate::Accepted,
    ),
    (
        "conference",
        "Exempel: Parterna håller en dialogkonferens varje år.",
        "dialog",
        "aldre",
        "sector",
        &["city", "sector"],
        Fate::Accepted,
    ),
    (
        "involve",
        "Exempel: Staden bjuder in dem som berörs när styrdokument skrivs.",
        "sjalvstandighet",
        "social",
        "sector",
        &["city"],
        Fate::Accepted,
    ),
    (
        "grants",
        "Exempel: Staden gör reglerna för bidrag lätta att hitta.",
        "langsiktighet",
        "aldre",
        "sector",
        &["city"],
        Fate::Accepted,
    ),
    (
        "contribute",
        "Exempel: Sektorn bidrar till den årliga redovisningen och sprider information.",
        "oppenhet",
        "aldre",
        "city",
        &["sector"],
        Fate::Accepted,
    ),
    (
        "early",
        "Exempel: Parterna bjuder in varandra så tidigt som möjligt.",
        "kvalitet",
        "aldre",
        "city",
        &["city", "sector"],
        Fate::HalfAccepted,
    ),
    (
        "measure",
        "Exempel: Sektorn lämnar statistik varje månad.",
        "kvalitet",
        "social",
        "city",
        &["sector"],
        Fate::Declined,
    ),
];

fn commitments(steps: &mut Vec<Step>) {
    for (key, text, principle, area, proposer, bearers, fate) in PROMISES {
        let name = format!("example-commitment-{key}");
        let named: Vec<String> = bearers
            .iter()
            .map(|party| format!("@party-{party}"))
            .collect();
        steps.push(step(&name, "commitments.ProposeCommitment", proposer, json!({
            "agreement": "@agreement", "proposer": format!("@party-{proposer}"), "text": text,
            "principles": [principle], "area": format!("@area-{area}"), "bearers": named, "example": true,
        })));
        let answering = match fate {
            Fate::Accepted | Fate::Declined => bearers,
            Fate::HalfAccepted => &bearers[..1],
        };
        for party in answering {
            let mut request =
                json!({"commitment": format!("@{name}"), "party": format!("@party-{party}")});
            let verb = if matches!(fate, Fate::Declined) {
                request["reason"] = json!("Exempel: för betungande för små föreningar.");
                "Decline"
            } else {
                "Accept"
            };
            steps.push(step(
                &format!("{name}-{party}"),
                &format!("commitments.{verb}Commitment"),
                party,
                request,
            ));
        }
    }
}

/// Key, title, commitment it is rooted in, owner, last day, and what is reported: state and percent.
type Measure = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (u16, u8, u8),
    &'static [(&'static str, u8)],
);

const MEASURES: [Measure; 6] = [
    (
        "web",
        "Exempel: Samla allt om överenskommelsen på en webbsida.",
        "known",
        "city",
        (2013, 6, 30),
        &[("IN_PROGRESS", 50), ("DONE", 100)],
    ),
    (
        "letter",
        "Exempel: Brev till alla medlemsföreningar.",
        "known",
        "sector",
        (2013, 5, 31),
        &[("DONE", 100)],
    ),
    (
        "contact",
        "Exempel: En kontaktperson i varje förvaltning.",
        "way-in",
        "city",
        (2013, 9, 30),
        &[("IN_PROGRESS", 40)],
    ),
    (
        "day",
        "Exempel: Uppföljningskonferens hösten 2013.",
        "conference",
        "city",
        (2013, 11, 30),
        &[("IN_PROGRESS", 70)],
    ),
    (
        "guide",
        "Exempel: En vägledning om bidrag på lätt svenska.",
        "grants",
        "city",
        (2014, 3, 31),
        &[],
    ),
    (
        "survey",
        "Exempel: Enkät till anslutna organisationer.",
        "contribute",
        "sector",
        (2013, 12, 15),
        &[("IN_PROGRESS", 20), ("CANCELLED", 20)],
    ),
];

fn plan(steps: &mut Vec<Step>) {
    const PLAN: &str = "example-plan";
    steps.push(step(PLAN, "commitments.DraftActionPlan", "city", json!({
        "agreement": "@agreement", "party": "@party-city",
        "title": {"sv": "Exempel på handlingsplan 2013–2014", "en": "Example of an action plan 2013–2014"},
        "startsOn": {"year": 2013, "month": 1, "day": 1}, "endsOn": {"year": 2014, "month": 12, "day": 31},
        "example": true,
    })));
    for (key, title, root, owner, (year, month, day), _) in MEASURES {
        steps.push(step(&format!("example-action-{key}"), "commitments.AddAction", "city", json!({
            "actionPlan": format!("@{PLAN}"), "party": "@party-city", "title": title,
            "commitments": [format!("@example-commitment-{root}")], "owner": format!("@party-{owner}"),
            "dueOn": {"year": year, "month": month, "day": day}, "example": true,
        })));
    }
    for party in ["city", "sector"] {
        steps.push(step(
            &format!("{PLAN}-{party}"),
            "commitments.ApproveActionPlan",
            party,
            json!({"actionPlan": format!("@{PLAN}"), "party": format!("@party-{party}")}),
        ));
    }
    for (key, _, _, owner, _, reports) in MEASURES {
        for (number, (state, percent)) in reports.iter().enumerate() {
            steps.push(step(&format!("example-action-{key}-{number}"), "commitments.ReportProgress", owner, json!({
                "action": format!("@example-action-{key}"), "party": format!("@party-{owner}"),
                "state": format!("ACTION_STATE_{state}"), "percent": percent, "note": "Exempel på lägesrapport.",
            })));
        }
    }
}

fn follow_up(steps: &mut Vec<Step>) {
    const ROUND: &str = "example-follow-up";
    steps.push(step(
        ROUND,
        "commitments.OpenFollowUp",
        "city",
        json!({
            "agreement": "@agreement", "party": "@party-city", "year": 2013,
            "accountsDueOn": {"year": 2014, "month": 1, "day": 31},
        }),
    ));
    steps.push(step("example-account-city", "commitments.SubmitAccount", "city", json!({
        "followUp": format!("@{ROUND}"), "party": "@party-city", "example": true,
        "summary": "Exempel på stadens redovisning: webbsidan finns, kontaktpersoner utses förvaltning för förvaltning.",
    })));
    steps.push(step(
        "example-follow-up-published",
        "commitments.PublishFollowUp",
        "city",
        json!({
            "followUp": format!("@{ROUND}"), "party": "@party-city",
        }),
    ));
    steps.push(step("example-deliberation-farsta", "commitments.RecordDeliberation", "district:farsta", json!({
        "agreement": "@agreement", "districtBoard": "@district-farsta",
        "heldOn": {"year": 2013, "month": 2, "day": 14}, "paragraph": "§ 7", "note": "Exempeldata.",
    })));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{number, steps};

    #[test]
    fn every_key_is_its_own_and_every_reference_stands_before_its_use() {
        let record = crate::import::Script::record().expect("the record parses");
        let mut known: BTreeSet<String> =
            record.steps.iter().map(|step| step.key.clone()).collect();
        for step in steps() {
            for reference in crate::import::references(&step.request) {
                assert!(known.contains(&reference), "{} uses {reference}", step.key);
            }
            assert!(known.insert(step.key.clone()), "{} stands twice", step.key);
        }
    }

    #[test]
    fn organisations_and_promises_say_that_they_are_examples() {
        for step in steps() {
            for field in ["displayName", "text"] {
                if let Some(text) = step.request[field].as_str() {
                    assert!(text.starts_with("Exempel"), "{text}");
                    assert_eq!(step.request["example"], true, "{text}");
                }
            }
        }
    }

    #[test]
    fn numbers_differ_and_stand_in_a_group_given_to_nobody() {
        let numbers: BTreeSet<String> = (0..72).map(number).collect();
        assert_eq!(numbers.len(), 72);
        assert!(
            numbers
                .iter()
                .all(|number| number.starts_with("442000-") && number.len() == 11)
        );
    }
}
