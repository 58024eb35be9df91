//! Action plans and actions.

use anyhow::Result;
use handslag_proto::events::v1 as events;
use serde_json::json;
use uuid::Uuid;

use crate::calendar::Day;
use crate::contract::body::Body;
use crate::contract::{COMMITMENTS, REPORTING};
use crate::generate::registry::{date, names, scope, text};
use crate::generate::{Said, Town};
use crate::ids::encode;

/// An action plan.
#[derive(Debug)]
pub(super) struct Plan {
    id: Uuid,
    agreement: Uuid,
    parties: Vec<String>,
    /// How many parties have approved it.
    approvals: usize,
    version: i64,
}

/// An action.
#[derive(Debug)]
pub(super) struct Action {
    id: Uuid,
    plan: Uuid,
    agreement: Uuid,
    area: String,
    due_on: Day,
    percent: i32,
    state: &'static str,
    version: i64,
}

impl Town {
    pub(in crate::generate) fn draft_action_plan(&mut self) -> Result<()> {
        let Some(agreement) = self.chance.pick(&self.registry.agreements) else {
            return Ok(());
        };
        let plan = Plan {
            id: self.chance.id(self.now),
            agreement: agreement.id,
            parties: agreement.parties.clone(),
            approvals: 0,
            version: 1,
        };
        let body = events::ActionPlanDrafted {
            scope: scope(Some(plan.agreement), &[]),
            action_plan: format!("actionPlans/{}", encode(plan.id)),
            title: text("Handlingsplan", ""),
            parties: names("parties", &plan.parties),
            example: false,
        };
        self.say_plan(&plan, "DraftActionPlan", Body::ActionPlanDrafted(body))?;
        let row = json!({
            "id": plan.id, "agreement": plan.agreement, "title_sv": "Handlingsplan",
            "title_en": "", "example": false,
        });
        self.out.row(REPORTING, "action_plan", &row)?;
        self.commitments.plans.push(plan);
        Ok(())
    }

    pub(in crate::generate) fn approve_action_plan(&mut self) -> Result<()> {
        let waits = |plan: &Plan| plan.approvals < plan.parties.len();
        let Some(index) = self.commitments.plans.iter().rposition(waits) else {
            return self.draft_action_plan();
        };
        let mut plan = self.commitments.plans.swap_remove(index);
        let party = plan.parties[plan.approvals].clone();
        plan.approvals += 1;
        plan.version += 1;
        let adopted = plan.approvals == plan.parties.len();
        let body = events::ActionPlanApproved {
            scope: scope(Some(plan.agreement), &[]),
            action_plan: format!("actionPlans/{}", encode(plan.id)),
            party: format!("parties/{party}"),
            adopted,
        };
        let decided = self.say_plan(&plan, "ApproveActionPlan", Body::ActionPlanApproved(body))?;
        let row = json!({
            "action_plan": plan.id, "party": party, "approved_on": decided, "adopted": adopted,
        });
        self.out.row(REPORTING, "action_plan_approval", &row)?;
        self.commitments.plans.push(plan);
        Ok(())
    }

    pub(in crate::generate) fn add_action(&mut self) -> Result<()> {
        let index = self.chance.below(self.commitments.commitments.len());
        let root = &self.commitments.commitments[index];
        let (root, area, agreement) = (root.id, root.area.clone(), root.agreement);
        let plans = &self.commitments.plans;
        let plan = self
            .chance
            .pick(plans)
            .map_or_else(Uuid::nil, |plan| plan.id);
        let due_on = Day::new(2027, 6, 30).unwrap_or_default();
        let action = Action {
            id: self.chance.id(self.now),
            plan,
            agreement,
            area,
            due_on,
            percent: 0,
            state: "planned",
            version: 1,
        };
        let body = events::ActionAdded {
            scope: scope(Some(agreement), std::slice::from_ref(&action.area)),
            action: format!("actions/{}", encode(action.id)),
            action_plan: format!("actionPlans/{}", encode(plan)),
            title: "Gemensam utbildning".to_owned(),
            commitments: vec![format!("commitments/{}", encode(root))],
            owner: "parties/party-1".to_owned(),
            due_on: Some(date(due_on)),
            example: false,
        };
        let decided = self.say_action(&action, "AddAction", Body::ActionAdded(body))?;
        let row = json!({
            "id": action.id, "action_plan": plan, "agreement": agreement,
            "title": "Gemensam utbildning", "owner": "party-1", "commitments": [root],
            "example": false,
        });
        self.out.row(REPORTING, "action", &row)?;
        self.change_action(&action, &decided)?;
        self.action_deadline(&action)?;
        self.commitments.actions.push(action);
        Ok(())
    }

    pub(in crate::generate) fn report_progress(&mut self) -> Result<()> {
        let index = self.chance.below(self.commitments.actions.len());
        let today = self.now.in_stockholm();
        if self.commitments.actions.is_empty() {
            return self.add_action();
        }
        let mut action = self.commitments.actions.swap_remove(index);
        action.version += 1;
        action.percent = (action.percent + 25).min(100);
        action.state = if action.percent == 100 {
            "done"
        } else {
            "in_progress"
        };
        let body = events::ActionProgressed {
            scope: scope(Some(action.agreement), std::slice::from_ref(&action.area)),
            action: format!("actions/{}", encode(action.id)),
            state: action.state.to_owned(),
            percent: action.percent,
            reported_on: Some(date(today)),
        };
        self.say_action(&action, "ReportProgress", Body::ActionProgressed(body))?;
        self.change_action(&action, &today)?;
        self.commitments.actions.push(action);
        Ok(())
    }

    pub(in crate::generate) fn move_action_deadline(&mut self) -> Result<()> {
        let index = self.chance.below(self.commitments.actions.len());
        if self.commitments.actions.is_empty() {
            return self.add_action();
        }
        let mut action = self.commitments.actions.swap_remove(index);
        action.version += 1;
        let day = 1 + i32::try_from(self.chance.up_to(27))?;
        action.due_on = Day::new(2027, 9, day).unwrap_or_default();
        let body = events::ActionDeadlineMoved {
            scope: scope(Some(action.agreement), std::slice::from_ref(&action.area)),
            action: format!("actions/{}", encode(action.id)),
            due_on: Some(date(action.due_on)),
            reason: "Lokalen är upptagen.".to_owned(),
        };
        self.say_action(
            &action,
            "MoveActionDeadline",
            Body::ActionDeadlineMoved(body),
        )?;
        self.action_deadline(&action)?;
        self.commitments.actions.push(action);
        Ok(())
    }

    /// Says it, and answers the day on which it was decided.
    fn say_plan(&mut self, plan: &Plan, method: &'static str, body: Body) -> Result<Day> {
        self.say_work("actionPlans", plan.id, plan.version, method, body)
    }

    fn say_action(&mut self, action: &Action, method: &'static str, body: Body) -> Result<Day> {
        self.say_work("actions", action.id, action.version, method, body)
    }

    fn say_work(
        &mut self,
        collection: &str,
        id: Uuid,
        version: i64,
        method: &'static str,
        body: Body,
    ) -> Result<Day> {
        let aggregate_id = encode(id);
        let subject = format!("{collection}/{aggregate_id}");
        let said = Said {
            service: COMMITMENTS,
            method,
            aggregate_id,
            version,
            subject,
            body,
        };
        Ok(self.say(&said)?.in_stockholm())
    }

    fn change_action(&mut self, action: &Action, on: &Day) -> Result<()> {
        let row = json!({
            "action": action.id, "version": action.version, "state": action.state,
            "percent": action.percent, "changed_on": on,
        });
        self.out.row(REPORTING, "action_change", &row)
    }

    fn action_deadline(&mut self, action: &Action) -> Result<()> {
        let row = json!({
            "action": action.id, "version": action.version, "due_on": action.due_on,
        });
        self.out.row(REPORTING, "action_deadline", &row)
    }

    /// Where they stand.
    pub(super) fn write_plans(&mut self) -> Result<()> {
        for plan in &self.commitments.plans {
            let row = json!({
                "id": plan.id, "agreement": plan.agreement, "title_sv": "Handlingsplan",
                "title_en": null, "starts_on": "2026-01-01", "ends_on": "2028-12-31",
                "example": false, "version": plan.version,
            });
            self.out.row(COMMITMENTS, "action_plan", &row)?;
        }
        for action in &self.commitments.actions {
            let row = json!({
                "id": action.id, "action_plan": action.plan, "title": "Gemensam utbildning",
                "owner": "party-1", "due_on": action.due_on, "state": action.state,
                "percent": action.percent, "example": false, "version": action.version,
            });
            self.out.row(COMMITMENTS, "action", &row)?;
        }
        Ok(())
    }
}
