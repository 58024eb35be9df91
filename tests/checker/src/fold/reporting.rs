//! The read models of reporting.

mod plans;

use super::fields::{agreement, certain, code, codes, day, id, title, word};
use super::rows::reporting::{
    Account, Action, ActionChange, ActionDeadline, ActionPlan, ActionPlanApproval, Agreement,
    AgreementEdition, Area, Board, Commitment, CommitmentChange, Figure, FollowUp,
    FollowUpDeadline, FollowUpPublication, Organisation, Party, SignatoryChange,
};
use super::{Expected, Tables, Unreadable};
use crate::contract::body::Body;
use crate::log::{Event, EventRef};

const SIGNATORY_STATES: [&str; 7] = [
    "invited",
    "in_dialogue",
    "undecided",
    "declined",
    "decided",
    "signed",
    "withdrawn",
];
const ACTION_STATES: [&str; 4] = ["planned", "in_progress", "done", "cancelled"];
const MEASURES: [&str; 3] = ["took_part", "signed_at_ceremony", "decided_to_join"];

/// What the tables must hold.
#[derive(Debug, Default)]
pub(crate) struct Reporting {
    area: Expected<Area>,
    party: Expected<Party>,
    board: Expected<Board>,
    agreement: Expected<Agreement>,
    agreement_edition: Expected<AgreementEdition>,
    figure: Expected<Figure>,
    organisation: Expected<Organisation>,
    signatory_change: Expected<SignatoryChange>,
    commitment: Expected<Commitment>,
    commitment_change: Expected<CommitmentChange>,
    action_plan: Expected<ActionPlan>,
    action_plan_approval: Expected<ActionPlanApproval>,
    action: Expected<Action>,
    action_change: Expected<ActionChange>,
    action_deadline: Expected<ActionDeadline>,
    follow_up: Expected<FollowUp>,
    follow_up_deadline: Expected<FollowUpDeadline>,
    follow_up_publication: Expected<FollowUpPublication>,
    account: Expected<Account>,
}

impl Reporting {
    /// Takes in the next event of a producer.
    ///
    /// # Errors
    /// When the service could not have understood it.
    pub(crate) fn hear(
        &mut self,
        at: EventRef,
        event: &Event,
        body: &Body,
    ) -> Result<(), Unreadable> {
        match body {
            Body::AreaCreated(_)
            | Body::PartyCreated(_)
            | Body::BoardCreated(_)
            | Body::AgreementDrafted(_)
            | Body::AgreementAdopted(_)
            | Body::FigureReported(_)
            | Body::OrganisationRegistered(_)
            | Body::OrganisationUpdated(_)
            | Body::SignatoryStateChanged(_) => self.of_registry(at, event, body),
            Body::CommitmentProposed(_)
            | Body::CommitmentAccepted(_)
            | Body::CommitmentDeclined(_) => self.of_promises(at, event, body),
            Body::ActionPlanDrafted(_)
            | Body::ActionPlanApproved(_)
            | Body::ActionAdded(_)
            | Body::ActionProgressed(_)
            | Body::ActionDeadlineMoved(_) => self.of_plans(at, event, body),
            Body::FollowUpOpened(_)
            | Body::FollowUpAccountSubmitted(_)
            | Body::FollowUpDeadlineMoved(_)
            | Body::FollowUpPublished(_) => self.of_rounds(at, event, body),
            _ => Ok(()),
        }
    }

    /// All tables, to be compared.
    pub(crate) fn tables(self) -> Tables {
        vec![
            Box::new(self.area),
            Box::new(self.party),
            Box::new(self.board),
            Box::new(self.agreement),
            Box::new(self.agreement_edition),
            Box::new(self.figure),
            Box::new(self.organisation),
            Box::new(self.signatory_change),
            Box::new(self.commitment),
            Box::new(self.commitment_change),
            Box::new(self.action_plan),
            Box::new(self.action_plan_approval),
            Box::new(self.action),
            Box::new(self.action_change),
            Box::new(self.action_deadline),
            Box::new(self.follow_up),
            Box::new(self.follow_up_deadline),
            Box::new(self.follow_up_publication),
            Box::new(self.account),
        ]
    }

    fn of_registry(&mut self, at: EventRef, event: &Event, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::AreaCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                self.area.put(
                    Area {
                        code: code("areas", &body.area)?,
                        title_sv,
                        title_en,
                    },
                    at,
                );
            }
            Body::PartyCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let code = code("parties", &body.party)?;
                self.party.put(
                    Party {
                        code,
                        title_sv,
                        title_en,
                    },
                    at,
                );
            }
            Body::BoardCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let (code, areas) = (code("boards", &body.board)?, codes("areas", &body.areas)?);
                self.board.put(
                    Board {
                        code,
                        title_sv,
                        title_en,
                        areas,
                    },
                    at,
                );
            }
            Body::AgreementDrafted(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let row = Agreement {
                    id: id("agreements", &body.agreement)?,
                    title_sv,
                    title_en,
                    kind: body.kind.clone(),
                    parties: codes("parties", &body.parties)?,
                    areas: codes("areas", &body.areas)?,
                };
                self.agreement.put(row, at);
            }
            Body::AgreementAdopted(body) => {
                let row = AgreementEdition {
                    agreement: id("agreements", &body.agreement)?,
                    edition: body.edition,
                    decided_by: certain(body.decided_on.as_ref(), event.time)?,
                    areas: codes("areas", &body.areas)?,
                    term_starts_on: day(body.term_starts_on.as_ref())?,
                    term_ends_on: day(body.term_ends_on.as_ref())?,
                };
                self.agreement_edition.put(row, at);
            }
            _ => return self.of_members(at, event, body),
        }
        Ok(())
    }

    fn of_members(&mut self, at: EventRef, event: &Event, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::FigureReported(body) => {
                let reported = body.reported_on.ok_or(Unreadable("partial date"))?;
                let source = body.source.clone().unwrap_or_default();
                let row = Figure {
                    id: id("figures", &body.figure)?,
                    agreement: id("agreements", &body.agreement)?,
                    measure: word(&body.measure, &MEASURES, "measure")?,
                    value: body.value,
                    reported_year: reported.year,
                    reported_month: reported.month,
                    reported_day: reported.day,
                    source_document: source.document,
                    source_place: source.place,
                };
                self.figure.put(row, at);
            }
            Body::OrganisationRegistered(body) => {
                let row = Organisation {
                    id: id("organisations", &body.organisation)?,
                    display_name: body.display_name.clone(),
                    example: body.example,
                };
                self.organisation.put(row, at);
            }
            Body::OrganisationUpdated(body) => {
                let key = (id("organisations", &body.organisation)?,);
                let name = body.display_name.clone();
                self.organisation
                    .change(&key, at, |row| row.display_name = name)?;
            }
            Body::SignatoryStateChanged(body) => {
                let row = SignatoryChange {
                    agreement: id("agreements", &body.agreement)?,
                    organisation: id("organisations", &body.organisation)?,
                    version: event.version,
                    state: word(&body.state, &SIGNATORY_STATES, "state")?,
                    certain_on: certain(body.effective_on.as_ref(), event.time)?,
                    example: body.example,
                };
                self.signatory_change.put(row, at);
            }
            _ => {}
        }
        Ok(())
    }

    fn of_promises(&mut self, at: EventRef, event: &Event, body: &Body) -> Result<(), Unreadable> {
        let (name, state) = match body {
            Body::CommitmentProposed(body) => {
                let areas = body.scope.as_ref().map_or(&[][..], |scope| &scope.areas);
                let row = Commitment {
                    id: id("commitments", &body.commitment)?,
                    agreement: agreement(body.scope.as_ref())?,
                    areas: codes("areas", areas)?,
                    text: body.text.clone(),
                    bearers: body.bearers.clone(),
                    principles: body.principles.clone(),
                    example: body.example,
                };
                self.commitment.put(row, at);
                (&body.commitment, "proposed")
            }
            Body::CommitmentAccepted(body) if body.binding => (&body.commitment, "binding"),
            Body::CommitmentDeclined(body) => (&body.commitment, "declined"),
            _ => return Ok(()),
        };
        let change = CommitmentChange {
            commitment: id("commitments", name)?,
            version: event.version,
            state: state.to_owned(),
            changed_on: event.time.in_stockholm(),
        };
        self.commitment_change.put(change, at);
        Ok(())
    }

    fn of_rounds(&mut self, at: EventRef, event: &Event, body: &Body) -> Result<(), Unreadable> {
        let version = event.version;
        match body {
            Body::FollowUpOpened(body) => {
                let follow_up = id("followUps", &body.follow_up)?;
                let row = FollowUp {
                    id: follow_up,
                    agreement: agreement(body.scope.as_ref())?,
                    year: body.year,
                    parties: codes("parties", &body.parties)?,
                };
                self.follow_up.put(row, at);
                let due_on = day(body.accounts_due_on.as_ref())?;
                self.follow_up_deadline.put(
                    FollowUpDeadline {
                        follow_up,
                        version,
                        due_on,
                    },
                    at,
                );
            }
            Body::FollowUpAccountSubmitted(body) => {
                let row = Account {
                    follow_up: id("followUps", &body.follow_up)?,
                    party: code("parties", &body.party)?,
                    summary: body.summary.clone(),
                    late: body.late,
                    submitted_on: day(body.submitted_on.as_ref())?,
                    example: body.example,
                };
                self.account.put(row, at);
            }
            Body::FollowUpDeadlineMoved(body) => {
                let follow_up = id("followUps", &body.follow_up)?;
                let due_on = day(body.accounts_due_on.as_ref())?;
                self.follow_up_deadline.put(
                    FollowUpDeadline {
                        follow_up,
                        version,
                        due_on,
                    },
                    at,
                );
            }
            Body::FollowUpPublished(body) => {
                let follow_up = id("followUps", &body.follow_up)?;
                let published_on = event.time.in_stockholm();
                let row = FollowUpPublication {
                    follow_up,
                    published_on,
                };
                self.follow_up_publication.put_first(row, at);
            }
            _ => {}
        }
        Ok(())
    }
}
