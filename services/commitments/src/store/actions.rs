//! Actions with their roots and reports.

use std::collections::HashMap;

use handslag_platform::etag::Version;
use handslag_platform::text::{Code, LongText, ShortText, parse_optional};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{StoreError, before, expect_hit, inconsistent, position, positions};
use crate::domain::action::{Action, Percent, Progress, Report, State, Task};
use crate::domain::names::{ActionId, ActionPlanId, CommitmentId, Distinct, PartyCode};

/// Which actions a list is asked for; `None` means all.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of this plan.
    pub plan: Option<ActionPlanId>,
    /// Rooted in this commitment.
    pub commitment: Option<CommitmentId>,
    /// Owned by this party.
    pub owner: Option<PartyCode>,
    /// In this state.
    pub state: Option<State>,
    /// Only those that are overdue on this day.
    pub overdue_on: Option<Date>,
    /// Leaves example data out.
    pub exclude_examples: bool,
}

/// The name of a state in the database and in events.
#[must_use]
pub const fn state_code(state: State) -> &'static str {
    match state {
        State::Planned => "planned",
        State::InProgress => "in_progress",
        State::Done => "done",
        State::Cancelled => "cancelled",
    }
}

/// Writes a new action.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, action: &Action) -> Result<(), StoreError> {
    let task = &action.task;
    sqlx::query!(
        "INSERT INTO action (id, action_plan, title, owner, due_on, state, percent, example,
             version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        action.id.0,
        action.plan.0,
        task.title.as_str(),
        task.owner.code(),
        task.due_on,
        state_code(action.state()),
        action.percent().get(),
        task.example,
        action.version.0,
    )
    .execute(&mut *tx)
    .await?;
    let roots = task.commitments.as_slice();
    sqlx::query!(
        "INSERT INTO action_commitment (action, position, commitment)
         SELECT $1, position, root FROM unnest($2::int[], $3::uuid[]) AS new (position, root)",
        action.id.0,
        &positions(roots),
        &roots.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a moved last day or the last report.
///
/// # Errors
/// The database's, and when the row is not at the version before.
pub async fn update(tx: &mut PgConnection, action: &Action) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE action SET due_on = $3, state = $4, percent = $5, version = $6
         WHERE id = $1 AND version = $2",
        action.id.0,
        before(action.version),
        action.task.due_on,
        state_code(action.state()),
        action.percent().get(),
        action.version.0,
    )
    .execute(tx)
    .await?;
    expect_hit(&done, "action", action.id)
}

/// Writes the newest of an action's reports.
///
/// # Errors
/// The database's.
pub async fn insert_last_report(tx: &mut PgConnection, action: &Action) -> Result<(), StoreError> {
    let Some((index, report)) = action.reports.iter().enumerate().next_back() else {
        return Ok(());
    };
    sqlx::query!(
        "INSERT INTO action_report (action, position, reported_on, state, percent, note)
         VALUES ($1, $2, $3, $4, $5, $6)",
        action.id.0,
        position(index),
        report.reported_on,
        state_code(report.progress.state()),
        report.progress.percent().get(),
        report.progress.note().map(LongText::as_str),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads one action and holds its row until the transaction ends.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn lock(tx: &mut PgConnection, id: ActionId) -> Result<Option<Action>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, action_plan, title, owner, due_on, example, version
         FROM action WHERE id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(complete(tx, row.into_iter().collect()).await?.pop())
}

/// Reads one action.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(conn: &mut PgConnection, id: ActionId) -> Result<Option<Action>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, action_plan, title, owner, due_on, example, version
         FROM action WHERE id = $1",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(complete(conn, row.into_iter().collect()).await?.pop())
}

/// Reads a page by last day.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<(Date, ActionId)>,
    most: i64,
) -> Result<Vec<Action>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, action_plan, title, owner, due_on, example, version
         FROM action a
         WHERE ($1::uuid IS NULL OR action_plan = $1)
             AND ($2::uuid IS NULL OR EXISTS (
                 SELECT FROM action_commitment r WHERE r.action = a.id AND r.commitment = $2))
             AND ($3::text IS NULL OR owner = $3)
             AND ($4::text IS NULL OR state = $4)
             AND ($5::date IS NULL OR (due_on < $5 AND state IN ('planned', 'in_progress')))
             AND NOT ($6 AND example)
             AND ($7::date IS NULL OR (due_on, id) > ($7, $8::uuid))
         ORDER BY due_on, id LIMIT $9",
        filter.plan.map(|id| id.0),
        filter.commitment.map(|id| id.0),
        filter.owner.as_ref().map(PartyCode::code),
        filter.state.map(state_code),
        filter.overdue_on,
        filter.exclude_examples,
        after.map(|(due_on, _)| due_on),
        after.map(|(_, id)| id.0),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    complete(conn, rows).await
}

/// How many match in all.
///
/// # Errors
/// The database's.
pub async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM action a
           WHERE ($1::uuid IS NULL OR action_plan = $1)
               AND ($2::uuid IS NULL OR EXISTS (
                   SELECT FROM action_commitment r WHERE r.action = a.id AND r.commitment = $2))
               AND ($3::text IS NULL OR owner = $3)
               AND ($4::text IS NULL OR state = $4)
               AND ($5::date IS NULL OR (due_on < $5 AND state IN ('planned', 'in_progress')))
               AND NOT ($6 AND example)"#,
        filter.plan.map(|id| id.0),
        filter.commitment.map(|id| id.0),
        filter.owner.as_ref().map(PartyCode::code),
        filter.state.map(state_code),
        filter.overdue_on,
        filter.exclude_examples,
    )
    .fetch_one(conn)
    .await
}

/// Adds roots and reports.
async fn complete(conn: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Action>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let stored = sqlx::query!(
        "SELECT action, commitment FROM action_commitment
         WHERE action = ANY($1) ORDER BY action, position",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut roots: HashMap<Uuid, Vec<CommitmentId>> = HashMap::new();
    for row in stored {
        roots
            .entry(row.action)
            .or_default()
            .push(CommitmentId(row.commitment));
    }
    let stored = sqlx::query_as!(
        ReportRow,
        "SELECT action, reported_on, state, percent, note FROM action_report
         WHERE action = ANY($1) ORDER BY action, position",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut reports: HashMap<Uuid, Vec<Report>> = HashMap::new();
    for row in stored {
        reports.entry(row.action).or_default().push(row.report()?);
    }
    let each = rows.into_iter();
    each.map(|row| {
        let rooted_in = roots.remove(&row.id).unwrap_or_default();
        let reported = reports.remove(&row.id).unwrap_or_default();
        row.action(rooted_in, reported)
    })
    .collect()
}

struct Row {
    id: Uuid,
    action_plan: Uuid,
    title: String,
    owner: String,
    due_on: Date,
    example: bool,
    version: i64,
}

impl Row {
    fn action(self, roots: Vec<CommitmentId>, reports: Vec<Report>) -> Result<Action, StoreError> {
        let id = ActionId(self.id);
        let wrong = |column| move || inconsistent("action", column, id);
        let task = Task {
            title: ShortText::parse(&self.title).map_err(|_| wrong("title")())?,
            commitments: Distinct::new(roots)
                .map_err(|_| inconsistent("action_commitment", "commitment", id))?,
            owner: Code::parse(&self.owner)
                .map(PartyCode)
                .map_err(|_| wrong("owner")())?,
            due_on: self.due_on,
            example: self.example,
        };
        Ok(Action {
            id,
            plan: ActionPlanId(self.action_plan),
            task,
            reports,
            version: Version(self.version),
        })
    }
}

struct ReportRow {
    action: Uuid,
    reported_on: Date,
    state: String,
    percent: i32,
    note: Option<String>,
}

impl ReportRow {
    fn report(self) -> Result<Report, StoreError> {
        let wrong = |column| inconsistent("action_report", column, self.action);
        let state = match self.state.as_str() {
            "planned" => State::Planned,
            "in_progress" => State::InProgress,
            "done" => State::Done,
            "cancelled" => State::Cancelled,
            _ => return Err(wrong("state")),
        };
        let percent = Percent::new(self.percent).ok_or_else(|| wrong("percent"))?;
        let note = parse_optional(self.note.as_deref().unwrap_or_default());
        let note = note.map_err(|_| wrong("note"))?;
        let progress = Progress::new(state, percent, note).map_err(|_| wrong("percent"))?;
        Ok(Report {
            reported_on: self.reported_on,
            progress,
        })
    }
}
