//! Which command comes next.
//!
//! # Design notes
//! The mix has creations and changes of the same aggregates by several clients, chains over several
//! states, and commands that will be refused; every service is called. Each command says one event,
//! so that the judge can match them one to one.

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::Command;
use super::known::{Known, Step};

/// Organisations that everybody changes, in ordinary load.
const HOT: usize = 5;

/// District boards of the run's city.
pub(crate) const DISTRICTS: [&str; 3] = ["farsta", "bromma", "kungsholmen"];

/// Chooses a command that makes sense by what is known.
pub(crate) fn choose(known: &Known, crowded: Option<usize>, chance: &mut StdRng) -> Command {
    if let Some(count) = crowded {
        let few = &known.organisations[..count.min(known.organisations.len())];
        return match pick(few, chance) {
            Some(name) => update(name, chance),
            None => register(chance),
        };
    }
    let wished = match chance.random_range(0..100) {
        0..=17 => None,
        18..=37 => {
            // Half of the changes meet at a few organisations.
            let hot = known.organisations.len().min(HOT);
            let all = if chance.random() {
                hot
            } else {
                known.organisations.len()
            };
            pick(&known.organisations[..all], chance).map(|name| update(name, chance))
        }
        38..=54 => pick(&known.joining, chance).map(|(name, step)| join(known, name, *step)),
        55..=57 => Some(figure(known, chance)),
        58..=60 => Some(proceeding(known, chance)),
        61..=69 => Some(propose(known, chance)),
        70..=78 => pick(&known.proposed, chance)
            .map(|(name, bearer)| answer(name, bearer, chance.random_bool(0.85))),
        79..=80 => Some(plan(known)),
        81..=84 => action(known, chance),
        85..=90 => pick(&known.actions, chance).map(|(name, owner)| progress(name, owner, chance)),
        91..=93 => Some(deliberation(known, chance)),
        94 => Some(subscriber(chance)),
        95..=96 => pick(&known.subscribers, chance).map(|name| subscribe(name, chance)),
        97 => pick(&known.subscriptions, chance).map(|name| {
            command(
                "notifications.Unsubscribe",
                "operator",
                json!({"subscription": name}),
            )
        }),
        98 => Some(report(chance)),
        _ => Some(refused(known)),
    };
    wished.unwrap_or_else(|| register(chance))
}

fn command(call: &'static str, caller: &str, request: Value) -> Command {
    Command {
        call,
        caller: caller.to_owned(),
        request,
    }
}

fn pick<'a, T>(list: &'a [T], chance: &mut StdRng) -> Option<&'a T> {
    (!list.is_empty()).then(|| &list[chance.random_range(0..list.len())])
}

/// `parties/city` → `city`.
fn code(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

fn register(chance: &mut StdRng) -> Command {
    let number: u32 = chance.random();
    command(
        "registry.RegisterOrganisation",
        "operator",
        json!({"displayName": format!("Exempelföreningen {number:08x}"),
            "kind": "ORGANISATION_KIND_ASSOCIATION", "level": "ORGANISATION_LEVEL_LOCAL",
            "roles": ["ROLE_VOICE_BEARER"], "areas": ["areas/social"], "example": true}),
    )
}

fn update(name: &str, chance: &mut StdRng) -> Command {
    let number: u32 = chance.random();
    command(
        "registry.UpdateOrganisation",
        "operator",
        json!({"name": name, "displayName": format!("Exempelföreningen {number:08x}"),
            "updateMask": "displayName"}),
    )
}

fn join(known: &Known, organisation: &str, step: Step) -> Command {
    let call = match step {
        Step::Decide => "registry.DecideToJoin",
        Step::Sign => "registry.SignAgreement",
        Step::Withdraw => "registry.WithdrawSignatory",
    };
    command(
        call,
        "operator",
        json!({"agreement": known.agreement, "organisation": organisation,
            "effectiveOn": {"year": 2026, "month": 3, "day": 2}, "note": "Exempeldata."}),
    )
}

fn figure(known: &Known, chance: &mut StdRng) -> Command {
    let value: u8 = chance.random();
    command(
        "registry.ReportFigure",
        "operator",
        json!({"agreement": known.agreement, "measure": "MEASURE_TOOK_PART", "value": value,
            "reportedOn": {"year": 2026, "month": 2}, "source": {"document": "Exempel", "place": "Prov"}}),
    )
}

fn proceeding(known: &Known, chance: &mut StdRng) -> Command {
    let day = chance.random_range(1..=28);
    command(
        "registry.RecordProceeding",
        "operator",
        json!({"agreement": known.agreement, "kind": "PROCEEDING_KIND_MEETING",
            "heldOn": {"year": 2026, "month": 2, "day": day}, "title": {"sv": "Exempelmöte"},
            "summary": {"sv": "Exempeldata."}, "source": {"document": "Exempel"}}),
    )
}

fn propose(known: &Known, chance: &mut StdRng) -> Command {
    let proposer = if chance.random() { "city" } else { "sector" };
    let bearers = match chance.random_range(0..3) {
        0 => json!(["parties/city"]),
        1 => json!(["parties/sector"]),
        _ => json!(["parties/city", "parties/sector"]),
    };
    command(
        "commitments.ProposeCommitment",
        proposer,
        json!({"agreement": known.agreement, "proposer": format!("parties/{proposer}"),
            "text": "Exempel: Parterna gör överenskommelsen känd.", "principles": ["dialog"],
            "area": "areas/social", "bearers": bearers, "example": true}),
    )
}

fn answer(name: &str, bearer: &str, accepts: bool) -> Command {
    let mut request = json!({"commitment": name, "party": bearer});
    let call = if accepts {
        "commitments.AcceptCommitment"
    } else {
        request["reason"] = "Exempel: för betungande.".into();
        "commitments.DeclineCommitment"
    };
    command(call, code(bearer), request)
}

fn plan(known: &Known) -> Command {
    command(
        "commitments.DraftActionPlan",
        "city",
        json!({"agreement": known.agreement, "party": "parties/city",
            "title": {"sv": "Exempel på handlingsplan"},
            "startsOn": {"year": 2026, "month": 1, "day": 1},
            "endsOn": {"year": 2027, "month": 12, "day": 31}, "example": true}),
    )
}

fn action(known: &Known, chance: &mut StdRng) -> Option<Command> {
    let plan = pick(&known.plans, chance)?;
    let root = pick(&known.binding, chance)?;
    let owner = if chance.random() {
        "parties/city"
    } else {
        "parties/sector"
    };
    Some(command(
        "commitments.AddAction",
        "city",
        json!({"actionPlan": plan, "party": "parties/city", "title": "Exempel på åtgärd",
            "commitments": [root], "owner": owner,
            "dueOn": {"year": 2026, "month": 12, "day": 31}, "example": true}),
    ))
}

fn progress(name: &str, owner: &str, chance: &mut StdRng) -> Command {
    let percent = chance.random_range(1..100);
    command(
        "commitments.ReportProgress",
        code(owner),
        json!({"action": name, "party": owner, "state": "ACTION_STATE_IN_PROGRESS",
            "percent": percent, "note": "Exempel på lägesrapport."}),
    )
}

fn deliberation(known: &Known, chance: &mut StdRng) -> Command {
    let district = DISTRICTS[chance.random_range(0..DISTRICTS.len())];
    let paragraph: u32 = chance.random();
    command(
        "commitments.RecordDeliberation",
        &format!("district:{district}"),
        json!({"agreement": known.agreement, "districtBoard": format!("districtBoards/{district}"),
            "heldOn": {"year": 2026, "month": 2, "day": 14}, "paragraph": format!("§ {paragraph}"),
            "note": "Exempeldata."}),
    )
}

fn subscriber(chance: &mut StdRng) -> Command {
    let number: u32 = chance.random();
    command(
        "notifications.RegisterSubscriber",
        "operator",
        json!({"displayName": format!("Exempelsystem {number:08x}")}),
    )
}

fn subscribe(name: &str, chance: &mut StdRng) -> Command {
    let filter = match chance.random_range(0..3) {
        0 => json!({"eventTypes": ["se.handslag.registry.signatory."]}),
        1 => json!({"areas": ["areas/aldre"], "minimumSeverity": "SEVERITY_NOTICE"}),
        _ => json!({"districtBoards": ["districtBoards/farsta"]}),
    };
    command(
        "notifications.Subscribe",
        "operator",
        json!({"subscriber": name, "filter": filter}),
    )
}

fn report(chance: &mut StdRng) -> Command {
    let year = chance.random_range(2024..=2026);
    command(
        "reporting.CreateReport",
        "city",
        json!({"board": "boards/socialnamnden", "year": year, "format": "REPORT_FORMAT_HTML"}),
    )
}

/// Refused for what it asks, whatever the state.
fn refused(known: &Known) -> Command {
    command(
        "registry.DecideToJoin",
        "operator",
        json!({"agreement": known.agreement, "organisation": "organisations/nonsense"}),
    )
}
