//! Concrete measures that every party of the agreement adopts.
//!
//! # Design notes
//! A plan has no author who may close it: it is adopted by the last party's approval and by nothing
//! else. Whose approvals it needs is fixed when it is drafted, so that a party that joins later
//! does not undo an adoption.

use handslag_platform::etag::Version;
use time::{Date, OffsetDateTime};

use super::action::{Action, Task};
use super::commitment::Commitment;
use super::names::{ActionId, ActionPlanId, AgreementId, CommitmentId, PartyCode};
use super::title::Title;

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPlan {
    /// Which.
    pub id: ActionPlanId,
    /// The agreement that it carries out.
    pub agreement: AgreementId,
    /// Its name.
    pub title: Title,
    /// Its days.
    pub days: Days,
    /// Each party's approval.
    pub approvals: Vec<Approval>,
    /// Whether it is example data.
    pub example: bool,
    /// How many actions it has.
    pub action_count: i64,
    /// Its version.
    pub version: Version,
}

/// First to last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    starts_on: Date,
    ends_on: Date,
}

/// A party's approval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose.
    pub party: PartyCode,
    /// When; `None` until it has.
    pub at: Option<OffsetDateTime>,
}

/// The last day lies before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the last day lies before the first")]
pub struct Backwards;

/// Why a plan cannot be approved, or not be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The party's approval is not asked for.
    #[error("the plan does not need this party's approval")]
    NotAParty,
    /// The party has approved before.
    #[error("this party has approved the plan")]
    AlreadyApproved,
    /// There is nothing to approve.
    #[error("the plan has no actions")]
    WithoutActions,
    /// Every party has approved: what they approved stays.
    #[error("the plan is adopted; no action can be added to it")]
    Adopted,
    /// The day lies outside the plan.
    #[error("the day lies outside the plan")]
    OutsidePlan,
    /// A commitment that an action would be rooted in binds nobody.
    #[error("{0} does not bind, so no action can be rooted in it")]
    NotBinding(CommitmentId),
}

impl Days {
    /// Checks the order.
    ///
    /// # Errors
    /// [`Backwards`].
    pub fn new(starts_on: Date, ends_on: Date) -> Result<Self, Backwards> {
        if ends_on < starts_on {
            Err(Backwards)
        } else {
            Ok(Self { starts_on, ends_on })
        }
    }

    /// First day.
    #[must_use]
    pub const fn starts_on(self) -> Date {
        self.starts_on
    }

    /// Last day.
    #[must_use]
    pub const fn ends_on(self) -> Date {
        self.ends_on
    }

    /// Whether `day` is one of them.
    #[must_use]
    pub fn contain(self, day: Date) -> bool {
        (self.starts_on..=self.ends_on).contains(&day)
    }
}

impl ActionPlan {
    /// Whether every party has approved.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        !self.approvals.is_empty() && self.approvals.iter().all(|one| one.at.is_some())
    }

    /// What the etag is made of: the plan's version and its actions. Both only grow, so their sum
    /// changes with every change, and an approval with an etag covers no action that the party has
    /// not seen.
    #[must_use]
    pub const fn seen(&self) -> Version {
        Version(self.version.0 + self.action_count)
    }

    /// `party` approves. The plan is adopted once the last has.
    ///
    /// # Errors
    /// `NotAParty`, `AlreadyApproved` or `WithoutActions`.
    pub fn approve(mut self, party: &PartyCode, at: OffsetDateTime) -> Result<Self, PlanError> {
        let approval = self.approvals.iter_mut().find(|one| one.party == *party);
        let approval = approval.ok_or(PlanError::NotAParty)?;
        if approval.at.is_some() {
            return Err(PlanError::AlreadyApproved);
        }
        if self.action_count == 0 {
            return Err(PlanError::WithoutActions);
        }
        approval.at = Some(at);
        self.version = self.version.next();
        Ok(self)
    }

    /// A new action of the plan, rooted in `roots`, which the caller has read for
    /// `task.commitments`.
    ///
    /// # Errors
    /// `Adopted`, `OutsidePlan` or `NotBinding`.
    pub fn add(&self, id: ActionId, task: Task, roots: &[Commitment]) -> Result<Action, PlanError> {
        if self.is_adopted() {
            return Err(PlanError::Adopted);
        }
        self.expect_within(task.due_on)?;
        if let Some(root) = roots.iter().find(|root| !root.binds()) {
            return Err(PlanError::NotBinding(root.id));
        }
        Ok(Action::new(id, self.id, task))
    }

    /// Passes when `day` lies within the plan.
    ///
    /// # Errors
    /// `OutsidePlan`.
    pub fn expect_within(&self, day: Date) -> Result<(), PlanError> {
        if self.days.contain(day) {
            Ok(())
        } else {
            Err(PlanError::OutsidePlan)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use handslag_platform::text::ShortText;
    use time::macros::{date, datetime};
    use time::{Date, OffsetDateTime};
    use uuid::Uuid;

    use super::super::commitment::tests::{party, proposed};
    use super::super::names::{ActionId, ActionPlanId, AgreementId, Distinct};
    use super::super::title::Title;
    use super::{ActionPlan, Approval, Days, PlanError, Task, Version};

    const NOON: OffsetDateTime = datetime!(2013-02-01 12:00 UTC);

    pub(crate) fn plan(action_count: i64) -> ActionPlan {
        let approval = |code| Approval {
            party: party(code),
            at: None,
        };
        ActionPlan {
            id: ActionPlanId(Uuid::from_u128(3)),
            agreement: AgreementId(Uuid::from_u128(1)),
            title: Title {
                sv: ShortText::parse("Handlingsplan 2013").unwrap(),
                en: None,
            },
            days: Days::new(date!(2013 - 01 - 01), date!(2013 - 12 - 31)).unwrap(),
            approvals: vec![approval("city"), approval("sector")],
            example: true,
            action_count,
            version: Version::FIRST,
        }
    }

    pub(crate) fn task(due_on: Date) -> Task {
        let root = proposed(&["sector"]);
        Task {
            title: ShortText::parse("Bjud in").unwrap(),
            commitments: Distinct::new(vec![root.id]).unwrap(),
            owner: party("sector"),
            due_on,
            example: true,
        }
    }

    #[test]
    fn is_adopted_by_the_last_approval() {
        let one = plan(1).approve(&party("sector"), NOON).unwrap();
        assert!(!one.is_adopted());
        assert!(one.approve(&party("city"), NOON).unwrap().is_adopted());
    }

    #[test]
    fn refuses_approvals_of_others_twice_and_of_nothing() {
        let one = plan(1).approve(&party("sector"), NOON).unwrap();
        assert_eq!(
            one.clone().approve(&party("sector"), NOON),
            Err(PlanError::AlreadyApproved)
        );
        assert_eq!(
            one.approve(&party("region"), NOON),
            Err(PlanError::NotAParty)
        );
        assert_eq!(
            plan(0).approve(&party("city"), NOON),
            Err(PlanError::WithoutActions)
        );
    }

    #[test]
    fn takes_actions_on_binding_commitments_within_its_days_until_it_is_adopted() {
        let id = ActionId(Uuid::from_u128(4));
        let (waits, day) = (proposed(&["sector"]), date!(2013 - 12 - 31));
        let binds = [waits.clone().accept(&party("sector"), NOON).unwrap()];
        assert!(plan(0).add(id, task(day), &binds).is_ok());
        let refused = plan(0).add(id, task(day), std::slice::from_ref(&waits));
        assert_eq!(refused, Err(PlanError::NotBinding(waits.id)));
        let refused = plan(0).add(id, task(date!(2014 - 01 - 01)), &binds);
        assert_eq!(refused, Err(PlanError::OutsidePlan));
        let adopted = plan(1).approve(&party("city"), NOON).unwrap();
        let adopted = adopted.approve(&party("sector"), NOON).unwrap();
        assert_eq!(adopted.add(id, task(day), &binds), Err(PlanError::Adopted));
    }

    #[test]
    fn an_added_action_changes_what_was_seen() {
        assert_ne!(plan(1).seen(), plan(2).seen());
    }

    #[test]
    fn a_plan_of_one_day_is_a_plan_and_one_that_ends_before_it_starts_is_none() {
        let day = date!(2016 - 02 - 29);
        assert!(Days::new(day, day).unwrap().contain(day));
        assert!(Days::new(day, date!(2016 - 02 - 28)).is_err());
    }
}
