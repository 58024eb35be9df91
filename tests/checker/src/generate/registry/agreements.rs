//! Agreements and how they came to be.

use anyhow::Result;
use handslag_proto::common::v1::Source;
use handslag_proto::events::v1 as events;
use serde_json::json;
use uuid::Uuid;

use super::{certain, date, names, partial, scope, text};
use crate::calendar::{Day, Moment};
use crate::contract::body::Body;
use crate::contract::{COMMITMENTS, REGISTRY, REPORTING};
use crate::generate::{Said, Town};
use crate::ids::encode;

const PRINCIPLES: [&str; 3] = ["dialog", "mangfald", "langsiktighet"];

/// An agreement.
#[derive(Debug)]
pub(in crate::generate) struct Agreement {
    pub(in crate::generate) id: Uuid,
    pub(in crate::generate) areas: Vec<String>,
    pub(in crate::generate) parties: Vec<String>,
    principles: usize,
    editions: i32,
    term: Option<(Day, Day)>,
    version: i64,
    statements: Vec<Uuid>,
}

/// A proposal of a reservation.
#[derive(Debug)]
pub(super) struct Proposal {
    id: Uuid,
    agreement: Uuid,
    state: &'static str,
}

fn principles(count: usize) -> Vec<events::AgreementPrinciple> {
    let codes = PRINCIPLES.iter().take(count);
    codes
        .map(|code| events::AgreementPrinciple {
            code: (*code).to_owned(),
            title: text(code, ""),
        })
        .collect()
}

impl Town {
    pub(in crate::generate) fn draft_agreement(&mut self) -> Result<()> {
        let areas = self
            .registry
            .areas
            .iter()
            .take(2)
            .map(|area| area.code.clone())
            .collect();
        let agreement = Agreement {
            id: self.chance.id(self.now),
            areas,
            parties: self.registry.party_codes(),
            principles: 2,
            editions: 0,
            term: None,
            version: 1,
            statements: Vec::new(),
        };
        let name = format!("agreements/{}", encode(agreement.id));
        let body = events::AgreementDrafted {
            scope: scope(Some(agreement.id), &agreement.areas),
            agreement: name.clone(),
            title: text("Överenskommelsen", "The agreement"),
            kind: "framework".to_owned(),
            parties: names("parties", &agreement.parties),
            principles: principles(2),
            areas: names("areas", &agreement.areas),
        };
        self.say_of(
            &agreement,
            "DraftAgreement",
            name,
            Body::AgreementDrafted(body),
        )?;
        let row = json!({
            "id": agreement.id, "title_sv": "Överenskommelsen", "title_en": "The agreement",
            "kind": "framework", "parties": agreement.parties, "areas": agreement.areas,
        });
        self.out.row(REPORTING, "agreement", &row)?;
        self.registry.agreements.push(agreement);
        Ok(())
    }

    pub(in crate::generate) fn adopt_agreement(&mut self) -> Result<()> {
        let index = self.registry.agreements.len() - 1;
        let mut agreement = self.registry.agreements.remove(index);
        let today = self.now.in_stockholm();
        let ends_on = Day::new(2031, 12, 31).unwrap_or_default();
        agreement.areas = self
            .registry
            .areas
            .iter()
            .map(|area| area.code.clone())
            .collect();
        agreement.editions += 1;
        agreement.principles = 3;
        agreement.version += 1;
        agreement.term = Some((today, ends_on));
        let decided_on = partial(today, self.chance.below(4));
        let name = format!("agreements/{}", encode(agreement.id));
        let body = events::AgreementAdopted {
            scope: scope(Some(agreement.id), &agreement.areas),
            agreement: name.clone(),
            edition: agreement.editions,
            decided_on,
            principles: principles(3),
            areas: names("areas", &agreement.areas),
            term_starts_on: Some(date(today)),
            term_ends_on: Some(date(ends_on)),
        };
        let decided = self.say_of(
            &agreement,
            "AdoptAgreement",
            name,
            Body::AgreementAdopted(body),
        )?;
        let row = json!({
            "agreement": agreement.id, "edition": agreement.editions,
            "decided_by": certain(decided_on, decided), "areas": agreement.areas,
            "term_starts_on": today, "term_ends_on": ends_on,
        });
        self.out.row(REPORTING, "agreement_edition", &row)?;
        self.registry.agreements.insert(index, agreement);
        Ok(())
    }

    /// A step of an agreement, or the answer to one.
    pub(in crate::generate) fn record_proceeding(&mut self) -> Result<()> {
        let index = self.chance.below(self.registry.agreements.len());
        let mut agreement = self.registry.agreements.remove(index);
        agreement.version += 1;
        let scope = scope(Some(agreement.id), &agreement.areas);
        let of = format!("agreements/{}", encode(agreement.id));
        let answered = if self.chance.one_in(2) {
            agreement.statements.pop()
        } else {
            None
        };
        let id = answered.unwrap_or_else(|| self.chance.id(self.now));
        let name = format!("{of}/proceedings/{}", encode(id));
        let (method, body) = if answered.is_some() {
            let body = events::AgreementStatementAnswered {
                scope,
                agreement: of,
                proceeding: name.clone(),
                taken_up: true,
            };
            ("AnswerStatement", Body::AgreementStatementAnswered(body))
        } else {
            agreement.statements.push(id);
            let body = events::AgreementProceedingRecorded {
                scope,
                agreement: of,
                proceeding: name.clone(),
                kind: "statement".to_owned(),
                held_on: partial(self.now.in_stockholm(), 3),
                title: text("Yttrande", ""),
            };
            ("RecordProceeding", Body::AgreementProceedingRecorded(body))
        };
        self.say_of(&agreement, method, name, body)?;
        self.registry.agreements.insert(index, agreement);
        Ok(())
    }

    /// A proposal is raised or resolved.
    pub(in crate::generate) fn step_proposal(&mut self) -> Result<()> {
        let open = self
            .registry
            .proposals
            .iter()
            .position(|proposal| proposal.state == "open");
        let open = open.filter(|_| self.chance.one_in(2));
        let index = open.unwrap_or_else(|| {
            let id = self.chance.id(self.now);
            let agreements = &self.registry.agreements;
            let agreement = self
                .chance
                .pick(agreements)
                .map_or_else(Uuid::nil, |one| one.id);
            self.registry.proposals.push(Proposal {
                id,
                agreement,
                state: "open",
            });
            self.registry.proposals.len() - 1
        });
        let proposal = &mut self.registry.proposals[index];
        let (id, of) = (proposal.id, proposal.agreement);
        let (name, agreement) = (
            format!("proposals/{}", encode(id)),
            format!("agreements/{}", encode(of)),
        );
        let scope = scope(Some(of), &[]);
        let proposal_name = name.clone();
        let (method, version, body) = if open.is_some() {
            proposal.state = "adopted";
            let body = events::ProposalResolved {
                scope,
                proposal: proposal_name,
                agreement,
                adopted: true,
            };
            ("ResolveProposal", 2, Body::ProposalResolved(body))
        } else {
            let title = text("Förslag", "Proposal");
            let body = events::ProposalRaised {
                scope,
                proposal: proposal_name,
                agreement,
                title,
            };
            ("RaiseProposal", 1, Body::ProposalRaised(body))
        };
        let aggregate_id = encode(id);
        self.say(&Said {
            service: REGISTRY,
            method,
            aggregate_id,
            version,
            subject: name,
            body,
        })?;
        Ok(())
    }

    pub(in crate::generate) fn report_figure(&mut self) -> Result<()> {
        let id = self.chance.id(self.now);
        let precision = 1 + self.chance.below(3);
        let value = i32::try_from(self.chance.up_to(500))?;
        let agreements = &self.registry.agreements;
        let of = self
            .chance
            .pick(agreements)
            .map_or_else(Uuid::nil, |one| one.id);
        let reported_on = partial(self.now.in_stockholm(), precision);
        let source = Source {
            document: "Utlåtande".to_owned(),
            place: "s. 3".to_owned(),
        };
        let body = events::FigureReported {
            scope: scope(Some(of), &[]),
            figure: format!("figures/{}", encode(id)),
            agreement: format!("agreements/{}", encode(of)),
            measure: "took_part".to_owned(),
            value,
            reported_on,
            source: Some(source),
        };
        self.say(&Said {
            service: REGISTRY,
            method: "ReportFigure",
            aggregate_id: encode(id),
            version: 1,
            subject: format!("figures/{}", encode(id)),
            body: Body::FigureReported(body),
        })?;
        let on = reported_on.unwrap_or_default();
        let row = json!({
            "id": id, "agreement": of, "measure": "took_part", "value": value,
            "reported_year": on.year, "reported_month": on.month, "reported_day": on.day,
            "source_document": "Utlåtande", "source_place": "s. 3",
        });
        self.out.row(REPORTING, "figure", &row)?;
        let row = json!({
            "id": id, "agreement": of, "measure": "took_part", "value": value,
            "approximate": false, "version": 1,
        });
        self.out.row(REGISTRY, "figure", &row)
    }

    fn say_of(
        &mut self,
        agreement: &Agreement,
        method: &'static str,
        subject: String,
        body: Body,
    ) -> Result<Moment> {
        let aggregate_id = encode(agreement.id);
        let version = agreement.version;
        self.say(&Said {
            service: REGISTRY,
            method,
            aggregate_id,
            version,
            subject,
            body,
        })
    }

    /// Where they stand, here and at the commitments.
    pub(super) fn write_agreements(&mut self) -> Result<()> {
        for agreement in &self.registry.agreements {
            let row = json!({
                "id": agreement.id, "kind": "framework", "title_sv": "Överenskommelsen",
                "parties": agreement.parties, "version": agreement.version,
            });
            self.out.row(REGISTRY, "agreement", &row)?;
            let (starts_on, ends_on) = agreement.term.unzip();
            let row = json!({
                "id": agreement.id, "parties": agreement.parties,
                "principles": PRINCIPLES[..agreement.principles], "areas": agreement.areas,
                "edition": agreement.editions, "term_starts_on": starts_on,
                "term_ends_on": ends_on,
            });
            self.out.row(COMMITMENTS, "agreement", &row)?;
        }
        for Proposal {
            id,
            agreement,
            state,
        } in &self.registry.proposals
        {
            let version = if *state == "open" { 1 } else { 2 };
            let row =
                json!({ "id": id, "agreement": agreement, "state": state, "version": version });
            self.out.row(REGISTRY, "proposal", &row)?;
        }
        Ok(())
    }
}
