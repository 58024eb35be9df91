//! The registry: what is agreed, and who stands where.

mod agreements;
mod reference;

use std::collections::HashMap;

use anyhow::Result;
use handslag_proto::common::v1::{Date, EventScope, LocalizedText, PartialDate};
use handslag_proto::events::v1 as events;
use serde_json::json;
use uuid::Uuid;

use self::agreements::{Agreement, Proposal};
use self::reference::{Board, DistrictBoard, Named};
use super::{Said, Town};
use crate::calendar::{Day, Moment};
use crate::contract::body::Body;
use crate::contract::{REGISTRY, REPORTING};
use crate::ids::encode;

/// An organisation.
#[derive(Debug)]
struct Organisation {
    id: Uuid,
    name: String,
    kind: &'static str,
    example: bool,
    version: i64,
    areas: Vec<String>,
}

/// An organisation's relation to an agreement.
#[derive(Debug)]
struct Signatory {
    agreement: usize,
    organisation: usize,
    state: &'static str,
    version: i64,
}

/// The registry.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) areas: Vec<Named>,
    pub(super) parties: Vec<Named>,
    pub(super) boards: Vec<Board>,
    pub(super) district_boards: Vec<DistrictBoard>,
    pub(super) agreements: Vec<Agreement>,
    organisations: Vec<Organisation>,
    signatories: Vec<Signatory>,
    relations: HashMap<(usize, usize), usize>,
    proposals: Vec<Proposal>,
}

impl Registry {
    /// The codes of all parties.
    pub(super) fn party_codes(&self) -> Vec<String> {
        self.parties
            .iter()
            .map(|party| party.code.clone())
            .collect()
    }
}

const KINDS: [&str; 4] = [
    "association",
    "foundation",
    "cooperative",
    "faith_community",
];
const NAMES: [&str; 4] = [
    "Föreningen",
    "Stiftelsen \"Ö\"",
    "Kooperativet",
    "Församlingen",
];

impl Town {
    pub(super) fn register_organisation(&mut self) -> Result<()> {
        let chance = &mut self.chance;
        let kind = chance.below(KINDS.len());
        let organisation = Organisation {
            id: chance.id(self.now),
            name: format!("{} {}", NAMES[kind], chance.up_to(9_999)),
            kind: KINDS[kind],
            example: chance.one_in(4),
            version: 1,
            areas: chance
                .pick(&self.registry.areas)
                .map(|area| area.code.clone())
                .into_iter()
                .collect(),
        };
        let name = format!("organisations/{}", encode(organisation.id));
        let body = events::OrganisationRegistered {
            scope: scope(None, &organisation.areas),
            organisation: name.clone(),
            display_name: organisation.name.clone(),
            kind: organisation.kind.to_owned(),
            example: organisation.example,
        };
        self.say(&Said {
            service: REGISTRY,
            method: "RegisterOrganisation",
            aggregate_id: encode(organisation.id),
            version: 1,
            subject: name,
            body: Body::OrganisationRegistered(body),
        })?;
        self.registry.organisations.push(organisation);
        Ok(())
    }

    pub(super) fn update_organisation(&mut self) -> Result<()> {
        let index = self.chance.below(self.registry.organisations.len());
        let renamed = !self.chance.one_in(4);
        let name = format!("Förbundet {}", self.chance.up_to(9_999));
        let valid_from = Some(date(self.now.in_stockholm()));
        let Some(organisation) = self.registry.organisations.get_mut(index) else {
            return Ok(());
        };
        organisation.version += 1;
        let (id, version) = (organisation.id, organisation.version);
        let scope = scope(None, &organisation.areas);
        let subject = format!("organisations/{}", encode(id));
        let (method, body) = if renamed {
            organisation.name.clone_from(&name);
            let body = events::OrganisationUpdated {
                scope,
                organisation: subject.clone(),
                display_name: name,
                kind: organisation.kind.to_owned(),
            };
            ("UpdateOrganisation", Body::OrganisationUpdated(body))
        } else {
            let organisation = subject.clone();
            let body = events::OrganisationNumberChanged {
                scope,
                organisation,
                valid_from,
            };
            (
                "ChangeOrganisationNumber",
                Body::OrganisationNumberChanged(body),
            )
        };
        let aggregate_id = encode(id);
        self.say(&Said {
            service: REGISTRY,
            method,
            aggregate_id,
            version,
            subject,
            body,
        })?;
        Ok(())
    }

    /// An organisation moves on in its relation to an agreement.
    pub(super) fn step_signatory(&mut self) -> Result<()> {
        let agreement = self.chance.below(self.registry.agreements.len());
        let organisation = self.chance.below(self.registry.organisations.len());
        let relation = self
            .registry
            .relations
            .get(&(agreement, organisation))
            .copied();
        let before = relation.map(|relation| self.registry.signatories[relation].state);
        let (method, state) = next(before, self.chance.below(3));
        let relation = relation.unwrap_or_else(|| {
            let new = Signatory {
                agreement,
                organisation,
                state,
                version: 0,
            };
            self.registry.signatories.push(new);
            let number = self.registry.signatories.len() - 1;
            self.registry
                .relations
                .insert((agreement, organisation), number);
            number
        });
        let signatory = &mut self.registry.signatories[relation];
        signatory.version += 1;
        signatory.state = state;
        let version = signatory.version;
        let (agreement, organisation) = (
            &self.registry.agreements[agreement],
            &self.registry.organisations[organisation],
        );
        let (id, member, example) = (agreement.id, organisation.id, organisation.example);
        let precision = self.chance.below(4);
        let effective_on = partial(self.now.in_stockholm(), precision);
        let subject = format!("agreements/{}/signatories/{}", encode(id), encode(member));
        let body = events::SignatoryStateChanged {
            scope: scope(Some(id), &organisation.areas),
            signatory: subject.clone(),
            agreement: format!("agreements/{}", encode(id)),
            organisation: format!("organisations/{}", encode(member)),
            display_name: organisation.name.clone(),
            state: state.to_owned(),
            previous_state: before.unwrap_or_default().to_owned(),
            effective_on,
            edition: i32::from(state == "signed"),
            example,
        };
        let decided = self.say(&Said {
            service: REGISTRY,
            method,
            aggregate_id: format!("{}.{}", encode(id), encode(member)),
            version,
            subject,
            body: Body::SignatoryStateChanged(body),
        })?;
        let row = json!({
            "agreement": id, "organisation": member, "version": version, "state": state,
            "certain_on": certain(effective_on, decided), "example": example,
        });
        self.out.row(REPORTING, "signatory_change", &row)
    }

    /// What could change until now.
    pub(super) fn write_registry(&mut self) -> Result<()> {
        self.write_reference()?;
        self.write_agreements()?;
        for organisation in &self.registry.organisations {
            let Organisation {
                id,
                name,
                kind,
                example,
                version,
                areas,
            } = organisation;
            let row = json!({
                "id": id, "display_name": name, "search_name": name.to_lowercase(), "kind": kind,
                "level": "local", "roles": [], "areas": areas, "notes": [], "example": example,
                "version": version,
            });
            self.out.row(REGISTRY, "organisation", &row)?;
            let row = json!({ "id": id, "display_name": name, "example": example });
            self.out.row(REPORTING, "organisation", &row)?;
        }
        for signatory in &self.registry.signatories {
            let row = json!({
                "agreement": self.registry.agreements[signatory.agreement].id,
                "organisation": self.registry.organisations[signatory.organisation].id,
                "state": signatory.state, "version": signatory.version,
            });
            self.out.row(REGISTRY, "signatory", &row)?;
        }
        Ok(())
    }
}

/// The command by which a relation moves on from a state, and the state that it comes to.
fn next(before: Option<&str>, hesitates: usize) -> (&'static str, &'static str) {
    match before {
        None | Some("withdrawn") => ("InviteOrganisation", "invited"),
        Some("invited") => (
            "RecordStance",
            ["in_dialogue", "undecided", "declined"][hesitates],
        ),
        Some("decided") => ("SignAgreement", "signed"),
        Some("signed") => ("WithdrawSignatory", "withdrawn"),
        Some(_) => ("DecideToJoin", "decided"),
    }
}

/// What an event concerns.
pub(super) fn scope(agreement: Option<Uuid>, areas: &[String]) -> Option<EventScope> {
    Some(EventScope {
        agreement: agreement
            .map(|id| format!("agreements/{}", encode(id)))
            .unwrap_or_default(),
        areas: names("areas", areas),
        district_board: String::new(),
    })
}

/// Resource names of codes.
pub(super) fn names(collection: &str, codes: &[String]) -> Vec<String> {
    codes
        .iter()
        .map(|code| format!("{collection}/{code}"))
        .collect()
}

/// A title in both languages; the English may be empty.
pub(super) fn text(sv: &str, en: &str) -> Option<LocalizedText> {
    Some(LocalizedText {
        sv: sv.to_owned(),
        en: en.to_owned(),
    })
}

/// A whole date on the wire.
pub(super) fn date(day: Day) -> Date {
    let (year, month, day) = day.parts();
    Date { year, month, day }
}

/// A date of which the year is known (1), the month too (2), the day too (3), or nothing (0).
pub(super) fn partial(day: Day, precision: usize) -> Option<PartialDate> {
    let (year, month, day) = day.parts();
    match precision {
        0 => None,
        1 => Some(PartialDate {
            year,
            month: 0,
            day: 0,
        }),
        2 => Some(PartialDate {
            year,
            month,
            day: 0,
        }),
        _ => Some(PartialDate { year, month, day }),
    }
}

/// The day from which it is certain, for dates of this history: February is never the month.
pub(super) fn certain(date: Option<PartialDate>, decided: Moment) -> String {
    let Some(PartialDate { year, month, day }) = date else {
        return decided.in_stockholm().to_string();
    };
    match (month, day) {
        (0, _) => format!("{year}-12-31"),
        (4 | 6 | 9 | 11, 0) => format!("{year}-{month:02}-30"),
        (2, 0) => format!("{year}-02-{}", if year % 4 == 0 { 29 } else { 28 }),
        (_, 0) => format!("{year}-{month:02}-31"),
        _ => format!("{year}-{month:02}-{day:02}"),
    }
}
