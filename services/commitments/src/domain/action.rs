//! A concrete measure and how it goes.
//!
//! # Design notes
//! The owner's last report says where an action stands; nothing changes by itself. That it is
//! overdue is a mark computed from the day that is asked about, so it is right after any outage and
//! goes away when the owner reports the action done or the last day is moved (mission rules 14 and
//! 15). A plan's or agreement's end changes no action: what is open stays open and is shown (rule
//! 10).

use handslag_platform::etag::Version;
use handslag_platform::text::{LongText, ShortText};
use time::Date;

use super::names::{ActionId, ActionPlanId, CommitmentId, Distinct, PartyCode};

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Which.
    pub id: ActionId,
    /// Its plan.
    pub plan: ActionPlanId,
    /// What is to be done, by whom and when.
    pub task: Task,
    /// What the owner reported, oldest first.
    pub reports: Vec<Report>,
    /// Its version.
    pub version: Version,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// In a line.
    pub title: ShortText,
    /// The commitments that it is rooted in.
    pub commitments: Distinct<CommitmentId>,
    /// Who does it.
    pub owner: PartyCode,
    /// Last day.
    pub due_on: Date,
    /// Whether it is example data.
    pub example: bool,
}

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not begun.
    Planned,
    /// Under way.
    InProgress,
    /// Done.
    Done,
    /// Will not be done.
    Cancelled,
}

/// How far an action is, of 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u8);

/// What the owner reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When.
    pub reported_on: Date,
    /// How it goes.
    pub progress: Progress,
}

/// How an action goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    state: State,
    percent: Percent,
    note: Option<LongText>,
}

/// Why a report contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProgressError {
    /// Done, but not wholly.
    #[error("what is done is done to 100 percent")]
    DoneInPart,
    /// Not begun, but further than 0.
    #[error("what is not begun stands at 0 percent")]
    PlannedInPart,
    /// Cancelled without a word.
    #[error("a cancelled action needs a note that says why")]
    CancelledWithoutNote,
}

/// Why a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// Another party owns it.
    #[error("only the owner of an action reports on it and moves its last day")]
    NotTheOwner,
    /// It is done or cancelled, so there is no last day to move.
    #[error("the action is done or cancelled")]
    Closed,
    /// The new last day is the present one.
    #[error("the new last day is the present one")]
    SameDay,
}

impl Percent {
    /// None.
    pub const ZERO: Self = Self(0);
    /// All.
    pub const ALL: Self = Self(100);

    /// Checks that the number is 0 to 100.
    #[must_use]
    pub fn new(percent: i32) -> Option<Self> {
        u8::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        i32::from(self.0)
    }
}

impl Progress {
    /// Checks that the parts agree.
    ///
    /// # Errors
    /// The contradiction.
    pub fn new(
        state: State,
        percent: Percent,
        note: Option<LongText>,
    ) -> Result<Self, ProgressError> {
        match state {
            State::Done if percent != Percent::ALL => Err(ProgressError::DoneInPart),
            State::Planned if percent != Percent::ZERO => Err(ProgressError::PlannedInPart),
            State::Cancelled if note.is_none() => Err(ProgressError::CancelledWithoutNote),
            _ => Ok(Self {
                state,
                percent,
                note,
            }),
        }
    }

    /// Where the action stands from then on.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// How far it is.
    #[must_use]
    pub const fn percent(&self) -> Percent {
        self.percent
    }

    /// In the owner's words.
    #[must_use]
    pub const fn note(&self) -> Option<&LongText> {
        self.note.as_ref()
    }
}

impl Action {
    /// A new action, not begun.
    #[must_use]
    pub const fn new(id: ActionId, plan: ActionPlanId, task: Task) -> Self {
        Self {
            id,
            plan,
            task,
            reports: Vec::new(),
            version: Version::FIRST,
        }
    }

    /// Where it stands: what was reported last.
    #[must_use]
    pub fn state(&self) -> State {
        self.reports
            .last()
            .map_or(State::Planned, |report| report.progress.state)
    }

    /// How far it is: what was reported last.
    #[must_use]
    pub fn percent(&self) -> Percent {
        self.reports
            .last()
            .map_or(Percent::ZERO, |report| report.progress.percent)
    }

    /// Whether on `today` its last day has passed and it is still open.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        !self.state().is_closed() && self.task.due_on < today
    }

    /// The owner reports. Also late, and also on what was closed: a report can be corrected by the
    /// next one, and all of them stay.
    ///
    /// # Errors
    /// `NotTheOwner`.
    pub fn report(
        mut self,
        party: &PartyCode,
        progress: Progress,
        today: Date,
    ) -> Result<Self, ActionError> {
        self.expect_owner(party)?;
        self.reports.push(Report {
            reported_on: today,
            progress,
        });
        self.version = self.version.next();
        Ok(self)
    }

    /// Moves the last day. The working group names the party that it acts for.
    ///
    /// # Errors
    /// `NotTheOwner`, `Closed` or `SameDay`.
    pub fn move_deadline(mut self, party: &PartyCode, due_on: Date) -> Result<Self, ActionError> {
        self.expect_owner(party)?;
        if self.state().is_closed() {
            return Err(ActionError::Closed);
        }
        if self.task.due_on == due_on {
            return Err(ActionError::SameDay);
        }
        self.task.due_on = due_on;
        self.version = self.version.next();
        Ok(self)
    }

    fn expect_owner(&self, party: &PartyCode) -> Result<(), ActionError> {
        if self.task.owner == *party {
            Ok(())
        } else {
            Err(ActionError::NotTheOwner)
        }
    }
}

impl State {
    /// Whether nothing more is awaited.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::text::LongText;
    use proptest::prelude::{any, proptest};
    use time::Date;
    use time::macros::date;
    use uuid::Uuid;

    use super::super::action_plan::tests::{plan, task};
    use super::super::commitment::tests::party;
    use super::super::names::ActionId;
    use super::{Action, ActionError, Percent, Progress, ProgressError, State};

    const DUE: Date = date!(2013 - 06 - 30);
    const LATER: Date = date!(2013 - 07 - 01);

    fn action() -> Action {
        Action::new(ActionId(Uuid::from_u128(4)), plan(0).id, task(DUE))
    }

    fn progress(state: State, percent: i32) -> Progress {
        let note = LongText::parse("därför").unwrap();
        Progress::new(state, Percent::new(percent).unwrap(), Some(note)).unwrap()
    }

    #[test]
    fn the_mark_is_the_days_and_reporting_it_done_undoes_it() {
        let action = action();
        assert!(!action.is_overdue(DUE), "the last day is still within");
        assert!(action.is_overdue(LATER));
        let begun = action.report(&party("sector"), progress(State::InProgress, 40), LATER);
        let begun = begun.unwrap();
        assert!(begun.is_overdue(LATER));
        let done = begun
            .report(&party("sector"), progress(State::Done, 100), LATER)
            .unwrap();
        assert!(!done.is_overdue(LATER));
        assert_eq!((done.state(), done.reports.len()), (State::Done, 2));
    }

    #[test]
    fn moving_the_last_day_undoes_the_mark() {
        let moved = action().move_deadline(&party("sector"), LATER).unwrap();
        assert!(!moved.is_overdue(LATER));
        assert_eq!(
            moved.move_deadline(&party("sector"), LATER),
            Err(ActionError::SameDay)
        );
    }

    #[test]
    fn only_the_owner_reports_and_moves() {
        let report = action().report(&party("city"), progress(State::Done, 100), DUE);
        assert_eq!(report, Err(ActionError::NotTheOwner));
        let moved = action().move_deadline(&party("city"), LATER);
        assert_eq!(moved, Err(ActionError::NotTheOwner));
    }

    #[test]
    fn what_is_closed_has_no_last_day_to_move_but_can_be_corrected() {
        let cancelled = action().report(&party("sector"), progress(State::Cancelled, 10), DUE);
        let cancelled = cancelled.unwrap();
        let moved = cancelled.clone().move_deadline(&party("sector"), LATER);
        assert_eq!(moved, Err(ActionError::Closed));
        let again = cancelled.report(&party("sector"), progress(State::InProgress, 20), LATER);
        assert_eq!(again.unwrap().state(), State::InProgress);
    }

    #[test]
    fn refuses_reports_that_contradict_themselves() {
        let half = Percent::new(50).unwrap();
        let refused = |state| Progress::new(state, half, None).unwrap_err();
        assert_eq!(refused(State::Done), ProgressError::DoneInPart);
        assert_eq!(refused(State::Planned), ProgressError::PlannedInPart);
        assert_eq!(
            refused(State::Cancelled),
            ProgressError::CancelledWithoutNote
        );
        assert_eq!(
            (Percent::new(-1), Percent::new(101), Percent::new(256)),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn an_open_action_is_overdue_on_exactly_the_days_after_its_last(day in any::<u16>()) {
            let day = date!(1970 - 01 - 01) + time::Duration::days(i64::from(day));
            assert_eq!(action().is_overdue(day), day > DUE);
        }
    }
}
