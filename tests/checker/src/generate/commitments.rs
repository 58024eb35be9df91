//! The commitments: what is promised, done and accounted for.

mod plans;
mod rounds;

use anyhow::Result;
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1 as events;
use serde_json::json;
use uuid::Uuid;

use self::plans::{Action, Plan};
use self::rounds::Round;
use super::registry::{names, scope};
use super::{Said, Town};
use crate::calendar::Moment;
use crate::contract::body::Body;
use crate::contract::{COMMITMENTS, REPORTING};
use crate::ids::encode;

/// A commitment.
#[derive(Debug, Clone)]
struct Commitment {
    id: Uuid,
    agreement: Uuid,
    area: String,
    /// The bearers that have not answered.
    pending: Vec<String>,
    state: &'static str,
    version: i64,
    example: bool,
}

/// The commitments.
#[derive(Debug, Default)]
pub(super) struct Commitments {
    commitments: Vec<Commitment>,
    /// Those that wait for an answer.
    proposed: Vec<usize>,
    plans: Vec<Plan>,
    actions: Vec<Action>,
    rounds: Vec<Round>,
    deliberations: u32,
}

const TEXT: &str = "Parterna möts varje år.\nDet gäller \"alla\".";

impl Town {
    pub(super) fn propose_commitment(&mut self) -> Result<()> {
        let Some(agreement) = self.chance.pick(&self.registry.agreements) else {
            return Ok(());
        };
        let areas = &agreement.areas;
        let commitment = Commitment {
            id: self.chance.id(self.now),
            agreement: agreement.id,
            area: self.chance.pick(areas).cloned().unwrap_or_default(),
            pending: agreement.parties.clone(),
            state: "proposed",
            version: 1,
            example: self.chance.one_in(5),
        };
        let bearers = names("parties", &commitment.pending);
        let body = events::CommitmentProposed {
            scope: of_commitment(&commitment),
            commitment: format!("commitments/{}", encode(commitment.id)),
            text: TEXT.to_owned(),
            bearers: bearers.clone(),
            proposer: bearers.first().cloned().unwrap_or_default(),
            principles: vec!["dialog".to_owned()],
            example: commitment.example,
        };
        let decided = self.say_commitment(
            &commitment,
            "ProposeCommitment",
            Body::CommitmentProposed(body),
        )?;
        let row = json!({
            "id": commitment.id, "agreement": commitment.agreement, "areas": [commitment.area],
            "text": TEXT, "bearers": bearers, "principles": ["dialog"],
            "example": commitment.example,
        });
        self.out.row(REPORTING, "commitment", &row)?;
        self.change_commitment(&commitment, decided)?;
        self.commitments
            .proposed
            .push(self.commitments.commitments.len());
        self.commitments.commitments.push(commitment);
        Ok(())
    }

    /// A bearer accepts, or declines now and then.
    pub(super) fn answer_commitment(&mut self) -> Result<()> {
        let place = self.chance.below(self.commitments.proposed.len());
        let Some(index) = self.commitments.proposed.get(place).copied() else {
            return self.propose_commitment();
        };
        let mut commitment = self.commitments.commitments[index].clone();
        let party = commitment.pending.pop().unwrap_or_default();
        let party = format!("parties/{party}");
        let declines = self.chance.one_in(6);
        commitment.version += 1;
        let (scope, name) = (
            of_commitment(&commitment),
            format!("commitments/{}", encode(commitment.id)),
        );
        let binding = commitment.pending.is_empty() && !declines;
        let (method, body) = if declines {
            let body = events::CommitmentDeclined {
                scope,
                commitment: name,
                party,
            };
            ("DeclineCommitment", Body::CommitmentDeclined(body))
        } else {
            let body = events::CommitmentAccepted {
                scope,
                commitment: name,
                party,
                binding,
            };
            ("AcceptCommitment", Body::CommitmentAccepted(body))
        };
        let decided = self.say_commitment(&commitment, method, body)?;
        if declines || binding {
            commitment.state = if declines { "declined" } else { "binding" };
            self.commitments.proposed.swap_remove(place);
            self.change_commitment(&commitment, decided)?;
        }
        self.commitments.commitments[index] = commitment;
        Ok(())
    }

    fn say_commitment(
        &mut self,
        commitment: &Commitment,
        method: &'static str,
        body: Body,
    ) -> Result<Moment> {
        let id = encode(commitment.id);
        self.say(&Said {
            service: COMMITMENTS,
            method,
            subject: format!("commitments/{id}"),
            aggregate_id: id,
            version: commitment.version,
            body,
        })
    }

    fn change_commitment(&mut self, commitment: &Commitment, decided: Moment) -> Result<()> {
        let row = json!({
            "commitment": commitment.id, "version": commitment.version,
            "state": commitment.state, "changed_on": decided.in_stockholm(),
        });
        self.out.row(REPORTING, "commitment_change", &row)
    }

    pub(super) fn record_deliberation(&mut self) -> Result<()> {
        let id = self.chance.id(self.now);
        let agreements = &self.registry.agreements;
        let agreement = self
            .chance
            .pick(agreements)
            .map_or_else(Uuid::nil, |one| one.id);
        let boards = &self.registry.district_boards;
        let board = self
            .chance
            .pick(boards)
            .map(|board| board.code.clone())
            .unwrap_or_default();
        self.commitments.deliberations += 1;
        let paragraph = format!("§ {}", self.commitments.deliberations);
        let name = format!("deliberations/{}", encode(id));
        let body = events::DeliberationRecorded {
            scope: Some(EventScope {
                agreement: format!("agreements/{}", encode(agreement)),
                areas: Vec::new(),
                district_board: format!("districtBoards/{board}"),
            }),
            deliberation: name.clone(),
            district_board: format!("districtBoards/{board}"),
            held_on: super::registry::partial(self.now.in_stockholm(), 2),
            paragraph: paragraph.clone(),
        };
        self.say(&Said {
            service: COMMITMENTS,
            method: "RecordDeliberation",
            aggregate_id: encode(id),
            version: 1,
            subject: name,
            body: Body::DeliberationRecorded(body),
        })?;
        let row = json!({
            "id": id, "agreement": agreement, "district_board": board, "held_year": 2026,
            "held_month": 3, "held_day": 0, "paragraph": paragraph, "note": null, "version": 1,
        });
        self.out.row(COMMITMENTS, "deliberation", &row)
    }

    /// What could change until now.
    pub(super) fn write_commitments(&mut self) -> Result<()> {
        for commitment in &self.commitments.commitments {
            let row = json!({
                "id": commitment.id, "agreement": commitment.agreement, "text": TEXT,
                "principles": ["dialog"], "area": commitment.area, "proposer": "party-0",
                "legal_basis": null, "diversity": null, "diversity_ground": null,
                "example": commitment.example, "state": commitment.state,
                "version": commitment.version,
            });
            self.out.row(COMMITMENTS, "commitment", &row)?;
        }
        self.write_plans()?;
        self.write_rounds()
    }
}

fn of_commitment(commitment: &Commitment) -> Option<EventScope> {
    scope(
        Some(commitment.agreement),
        std::slice::from_ref(&commitment.area),
    )
}
