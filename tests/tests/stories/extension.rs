//! The agreement grows to culture and sport by calls alone.

use handslag_tests::{Town, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn culture_and_sport_enter_as_data() {
    let mut town = Town::start().await;
    town.load(false).await;
    for (area, title, board) in [
        ("kultur", "Kultur", "kulturnamnden"),
        ("idrott", "Idrott", "idrottsnamnden"),
    ] {
        town.command(
            "registry.CreateArea",
            "operator",
            json!({"areaId": area, "title": {"sv": title}}),
        )
        .await
        .expect("an area");
        let board =
            json!({"boardId": board, "title": {"sv": board}, "areas": [format!("areas/{area}")]});
        town.command("registry.CreateBoard", "operator", board)
            .await
            .expect("a board");
    }
    let areas = json!([
        "areas/social",
        "areas/aldre",
        "areas/kultur",
        "areas/idrott"
    ]);
    let adopted = town
        .command(
            "registry.AdoptAgreement",
            "operator",
            json!({"agreement": town.name("agreement"), "decidedOn": {"year": 2015, "month": 3, "day": 2},
                "decidedBy": "Kommunfullmäktige", "areas": areas}),
        )
        .await
        .expect("the second edition");
    assert_eq!(
        adopted["agreement"]["editions"]
            .as_array()
            .expect("editions")
            .len(),
        2
    );
    town.command(
        "registry.ResolveProposal",
        "operator",
        json!({"proposal": town.name("proposal-culture-sport"), "adopted": true,
            "resolution": {"sv": "Överenskommelsen omfattar kultur och idrott från andra lydelsen."},
            "resolvedOn": {"year": 2015, "month": 3, "day": 2}}),
    )
    .await
    .expect("resolved");
    let day = json!({"name": town.name("agreement"), "asOf": {"year": 2015, "month": 4, "day": 1}});
    let agreement = town.read("registry.GetAgreement", day).await;
    assert_eq!(
        agreement["agreement"]["term"]["endsOn"]["year"], 2016,
        "a revision keeps the term"
    );

    // The other services take the new areas up from the events.
    let promise = json!({"agreement": town.name("agreement"), "proposer": "parties/city",
        "text": "Exempel: Staden öppnar lokaler för kulturföreningar.", "principles": ["dialog"],
        "area": "areas/kultur", "bearers": ["parties/city"], "example": true});
    eventually("a commitment for culture is taken", || async {
        town.command("commitments.ProposeCommitment", "city", promise.clone())
            .await
            .ok()
    })
    .await;
    let section = json!({"board": "boards/kulturnamnden", "year": 2015});
    eventually("the board for culture has a section", || async {
        let answer = town
            .call("reporting.GetBoardSection", "", section.clone())
            .await
            .ok()?;
        let proposed = answer["section"]["commitments"]
            .as_array()?
            .iter()
            .any(|one| one["count"] == 1);
        Some(proposed)
    })
    .await;
    town.end().await;
}
