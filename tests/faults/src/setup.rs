//! The small city that every run begins with: areas, parties, boards, one agreement in force.

use std::time::Duration;

use anyhow::{Context as _, Result};
use handslag_checker::record::{Filter, Subscriber};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::load::commands::DISTRICTS;
use crate::load::{Command, World};

/// Number of the setup's client in the history.
const CLIENT: u32 = u32::MAX;
/// How often a step is tried whose references have not arrived yet.
const TRIES: u32 = 200;
/// Pause between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The subscribers that the run follows: what they are called and what they ask for.
const FOLLOWED: [(&str, &[&str], &[&str], i32); 3] = [
    ("allt", &[], &[], 0),
    (
        "anslutningar",
        &[
            "se.handslag.registry.signatory.",
            "se.handslag.commitments.",
        ],
        &[],
        2,
    ),
    ("farsta", &[], &["districtBoards/farsta"], 0),
];

/// Makes the city and its subscribers, whose names it answers.
pub(crate) async fn city(world: &World, seed: u64) -> Result<Vec<Subscriber>> {
    let setup = Setup {
        world,
        stop: CancellationToken::new(),
    };
    let mut chance = StdRng::seed_from_u64(seed);
    for (call, id, title) in [
        (
            "registry.CreateArea",
            json!({"areaId": "social"}),
            "Socialtjänst",
        ),
        (
            "registry.CreateArea",
            json!({"areaId": "aldre"}),
            "Äldreomsorg",
        ),
        ("registry.CreateParty", json!({"partyId": "city"}), "Staden"),
        (
            "registry.CreateParty",
            json!({"partyId": "sector"}),
            "Sektorn",
        ),
    ] {
        setup.named(call, id, title, &mut chance).await?;
    }
    let board = json!({"boardId": "socialnamnden", "areas": ["areas/social"]});
    setup
        .named("registry.CreateBoard", board, "Socialnämnden", &mut chance)
        .await?;
    for district in DISTRICTS {
        let id = json!({"districtBoardId": district});
        setup
            .named("registry.CreateDistrictBoard", id, district, &mut chance)
            .await?;
    }
    let subscribers = setup.subscribers(&mut chance).await?;
    let agreement = setup.agreement(&mut chance).await?;
    world.known().agreement = agreement.clone();
    setup.until_everybody_knows(&agreement, &mut chance).await?;
    Ok(subscribers)
}

struct Setup<'a> {
    world: &'a World,
    stop: CancellationToken,
}

impl Setup<'_> {
    async fn named(
        &self,
        call: &'static str,
        mut request: Value,
        title: &str,
        chance: &mut StdRng,
    ) -> Result<Value> {
        request["title"] = json!({"sv": title});
        self.must(call, "operator", request, chance).await
    }

    /// Performs a step, again and again while what it refers to has not arrived.
    async fn must(
        &self,
        call: &'static str,
        caller: &str,
        request: Value,
        chance: &mut StdRng,
    ) -> Result<Value> {
        let command = Command {
            call,
            caller: caller.to_owned(),
            request,
        };
        for _ in 0..TRIES {
            let answer = self
                .world
                .perform(CLIENT, &command, chance, &self.stop)
                .await?;
            if let Some(answer) = answer {
                self.world.known().learn(&command, Some(&answer), chance);
                return Ok(answer);
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        anyhow::bail!("the setup's step {call} is refused: {}", command.request)
    }

    async fn agreement(&self, chance: &mut StdRng) -> Result<String> {
        let draft = json!({"kind": "AGREEMENT_KIND_FRAMEWORK", "title": {"sv": "Exempelöverenskommelse"},
            "parties": ["parties/city", "parties/sector"],
            "principles": [{"code": "dialog", "title": {"sv": "Dialog"}}],
            "areas": ["areas/social", "areas/aldre"], "termYears": 4, "maxExtensions": 1});
        let answer = self
            .must("registry.DraftAgreement", "operator", draft, chance)
            .await?;
        let name = answer["agreement"]["name"]
            .as_str()
            .context("no name")?
            .to_owned();
        let adoption = json!({"agreement": name, "decidedBy": "Kommunfullmäktige",
            "decidedOn": {"year": 2026, "month": 1, "day": 15}});
        self.must("registry.AdoptAgreement", "operator", adoption, chance)
            .await?;
        Ok(name)
    }

    async fn subscribers(&self, chance: &mut StdRng) -> Result<Vec<Subscriber>> {
        let mut made = Vec::new();
        for (title, types, districts, severity) in FOLLOWED {
            let request = json!({"displayName": format!("Exempelsystem {title}")});
            let call = "notifications.RegisterSubscriber";
            let answer = self.must(call, "operator", request, chance).await?;
            let name = answer["subscriber"]["name"]
                .as_str()
                .context("no name")?
                .to_owned();
            let filter = json!({"eventTypes": types, "districtBoards": districts,
                "minimumSeverity": severity});
            let request = json!({"subscriber": name, "filter": filter});
            self.must("notifications.Subscribe", "operator", request, chance)
                .await?;
            made.push(Subscriber {
                name,
                filters: vec![Filter {
                    event_types: types.iter().map(|text| (*text).to_owned()).collect(),
                    district_boards: districts.iter().map(|text| (*text).to_owned()).collect(),
                    minimum_severity: severity,
                    ..Filter::default()
                }],
                complete_after: None,
                to_end: true,
            });
        }
        // The load must not end what the judge counts on.
        let mut known = self.world.known();
        known.subscribers.clear();
        known.subscriptions.clear();
        Ok(made)
    }

    /// Commitments refuses what it has not heard of, so the first commands need a first one that
    /// was taken.
    async fn until_everybody_knows(&self, agreement: &str, chance: &mut StdRng) -> Result<()> {
        let request = json!({"agreement": agreement, "proposer": "parties/city",
            "text": "Exempel: Staden gör överenskommelsen känd.", "principles": ["dialog"],
            "area": "areas/social", "bearers": ["parties/city"], "example": true});
        self.must("commitments.ProposeCommitment", "city", request, chance)
            .await?;
        for district in DISTRICTS {
            let request = json!({"agreement": agreement,
                "districtBoard": format!("districtBoards/{district}"),
                "heldOn": {"year": 2026, "month": 2, "day": 1}, "paragraph": "§ 1"});
            let caller = format!("district:{district}");
            self.must("commitments.RecordDeliberation", &caller, request, chance)
                .await?;
        }
        Ok(())
    }
}
