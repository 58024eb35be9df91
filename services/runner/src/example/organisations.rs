//! Seventy-two organisations that never were, in the shape of the figures that are reported.

use serde_json::{Value, json};

use super::step;
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

/// Enters them, has them decide and sign.
pub(super) fn steps(steps: &mut Vec<Step>) {
    for (index, name) in NAMES.iter().enumerate() {
        organisation(steps, index, name);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::number;

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
