//! The yearly rounds.

use std::collections::BTreeMap;

use anyhow::Result;
use handslag_proto::events::v1 as events;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calendar::Day;
use crate::contract::body::Body;
use crate::contract::{COMMITMENTS, REPORTING};
use crate::generate::registry::{date, names, scope};
use crate::generate::{Said, Town};
use crate::ids::encode;

/// A yearly round.
#[derive(Debug)]
pub(super) struct Round {
    id: Uuid,
    agreement: Uuid,
    year: i32,
    parties: Vec<String>,
    due_on: Day,
    /// The latest account of each party, as the read model has it.
    accounts: BTreeMap<String, Value>,
    published_on: Option<Day>,
    version: i64,
}

impl Town {
    /// A round is opened, moved, accounted in or published.
    pub(in crate::generate) fn step_round(&mut self) -> Result<()> {
        let rounds = self.commitments.rounds.len();
        if rounds == 0 || self.chance.one_in(8) {
            return self.open_follow_up();
        }
        let index = self.chance.below(rounds);
        let mut round = self.commitments.rounds.swap_remove(index);
        round.version += 1;
        match self.chance.below(6) {
            0 => self.move_account_deadline(&mut round),
            1 => self.publish_follow_up(&mut round),
            _ => self.submit_account(&mut round),
        }?;
        self.commitments.rounds.push(round);
        Ok(())
    }

    fn open_follow_up(&mut self) -> Result<()> {
        let Some(agreement) = self.chance.pick(&self.registry.agreements) else {
            return Ok(());
        };
        let year = 2026 + i32::try_from(self.commitments.rounds.len())?;
        let round = Round {
            id: self.chance.id(self.now),
            agreement: agreement.id,
            year,
            parties: agreement.parties.clone(),
            due_on: Day::new(2027, 1, 31).unwrap_or_default(),
            accounts: BTreeMap::new(),
            published_on: None,
            version: 1,
        };
        let body = events::FollowUpOpened {
            scope: scope(Some(round.agreement), &[]),
            follow_up: name(&round),
            year,
            accounts_due_on: Some(date(round.due_on)),
            parties: names("parties", &round.parties),
        };
        self.say_round(&round, "OpenFollowUp", Body::FollowUpOpened(body))?;
        let row = json!({
            "id": round.id, "agreement": round.agreement, "year": year, "parties": round.parties,
        });
        self.out.row(REPORTING, "follow_up", &row)?;
        self.round_deadline(&round)?;
        self.commitments.rounds.push(round);
        Ok(())
    }

    fn submit_account(&mut self, round: &mut Round) -> Result<()> {
        let party = self
            .chance
            .pick(&round.parties)
            .cloned()
            .unwrap_or_default();
        let today = self.now.in_stockholm();
        let summary = format!("Redovisning {}", self.chance.up_to(999));
        let body = events::FollowUpAccountSubmitted {
            scope: scope(Some(round.agreement), &[]),
            follow_up: name(round),
            year: round.year,
            party: format!("parties/{party}"),
            summary: summary.clone(),
            late: today > round.due_on,
            submitted_on: Some(date(today)),
            example: false,
        };
        self.say_round(round, "SubmitAccount", Body::FollowUpAccountSubmitted(body))?;
        let account = json!({
            "follow_up": round.id, "party": party, "summary": summary,
            "late": today > round.due_on, "submitted_on": today, "example": false,
        });
        round.accounts.insert(party, account);
        Ok(())
    }

    fn move_account_deadline(&mut self, round: &mut Round) -> Result<()> {
        let day = 1 + i32::try_from(self.chance.up_to(27))?;
        round.due_on = Day::new(2027, 2, day).unwrap_or_default();
        let body = events::FollowUpDeadlineMoved {
            scope: scope(Some(round.agreement), &[]),
            follow_up: name(round),
            accounts_due_on: Some(date(round.due_on)),
            reason: "Helgen".to_owned(),
        };
        self.say_round(
            round,
            "MoveAccountDeadline",
            Body::FollowUpDeadlineMoved(body),
        )?;
        self.round_deadline(round)
    }

    fn publish_follow_up(&mut self, round: &mut Round) -> Result<()> {
        let missing = round
            .parties
            .iter()
            .filter(|party| !round.accounts.contains_key(*party));
        let missing: Vec<String> = missing.cloned().collect();
        let body = events::FollowUpPublished {
            scope: scope(Some(round.agreement), &[]),
            follow_up: name(round),
            year: round.year,
            missing: names("parties", &missing),
        };
        let on = self.say_round(round, "PublishFollowUp", Body::FollowUpPublished(body))?;
        // Publishing again leaves the first day.
        round.published_on.get_or_insert(on);
        Ok(())
    }

    /// Says it, and answers the day on which it was decided.
    fn say_round(&mut self, round: &Round, method: &'static str, body: Body) -> Result<Day> {
        let decided = self.say(&Said {
            service: COMMITMENTS,
            method,
            aggregate_id: encode(round.id),
            version: round.version,
            subject: name(round),
            body,
        })?;
        Ok(decided.in_stockholm())
    }

    fn round_deadline(&mut self, round: &Round) -> Result<()> {
        let row = json!({
            "follow_up": round.id, "version": round.version, "due_on": round.due_on,
        });
        self.out.row(REPORTING, "follow_up_deadline", &row)
    }

    /// Where they stand, and what the read model has of the latest.
    pub(super) fn write_rounds(&mut self) -> Result<()> {
        for round in &self.commitments.rounds {
            let row = json!({
                "id": round.id, "agreement": round.agreement, "year": round.year,
                "accounts_due_on": round.due_on, "published_at": null, "version": round.version,
            });
            self.out.row(COMMITMENTS, "follow_up", &row)?;
            for account in round.accounts.values() {
                self.out.row(REPORTING, "account", account)?;
            }
            if let Some(on) = round.published_on {
                let row = json!({ "follow_up": round.id, "published_on": on });
                self.out.row(REPORTING, "follow_up_publication", &row)?;
            }
        }
        Ok(())
    }
}

fn name(round: &Round) -> String {
    format!("followUps/{}", encode(round.id))
}
