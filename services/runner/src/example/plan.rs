//! A plan, its actions and a year's follow-up that never were.

use serde_json::json;

use super::step;
use crate::import::Step;

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

/// Has the plan drafted, filled, approved and reported on.
pub(super) fn steps(steps: &mut Vec<Step>) {
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

/// Has a year accounted for by one party only.
pub(super) fn follow_up(steps: &mut Vec<Step>) {
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
