//! Commitments that nobody made, after models of other agreements.

use serde_json::json;

use super::step;
use crate::import::Step;

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

/// Has each proposed and answered.
pub(super) fn steps(steps: &mut Vec<Step>) {
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
