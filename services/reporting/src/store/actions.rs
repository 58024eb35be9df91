//! Actions, their states and their last days, as one row per change.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{Result, inconsistent};
use crate::domain::figures::ActionState;
use crate::domain::history::{Change, History};
use crate::domain::names::{AgreementId, CommitmentId};
use crate::domain::section::{Action, Counted};

/// What was added to a plan.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    /// The action.
    pub id: Uuid,
    /// Its plan.
    pub action_plan: Uuid,
    /// The agreement it belongs to.
    pub agreement: AgreementId,
    /// What is to be done.
    pub title: String,
    /// Who owns it, a party's code.
    pub owner: String,
    /// The commitments it is rooted in.
    pub commitments: Vec<Uuid>,
    /// Whether it is example data.
    pub example: bool,
}

/// Stores an action; its state and its last day are noted apart.
///
/// # Errors
/// The database's.
pub(crate) async fn put(conn: &mut PgConnection, action: &Addition) -> Result<()> {
    sqlx::query!(
        "INSERT INTO action (id, action_plan, agreement, title, owner, commitments, example)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        action.id,
        action.action_plan,
        action.agreement.0,
        action.title,
        action.owner,
        &action.commitments,
        action.example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a change of state.
///
/// # Errors
/// The database's.
pub(crate) async fn note(
    conn: &mut PgConnection,
    id: Uuid,
    change: Change<ActionState>,
    percent: i32,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO action_change (action, version, state, percent, changed_on)
         VALUES ($1, $2, $3, $4, $5)",
        id,
        change.version,
        change.state.code(),
        percent,
        change.day
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a last day.
///
/// # Errors
/// The database's.
pub(crate) async fn note_deadline(
    conn: &mut PgConnection,
    id: Uuid,
    version: i64,
    due_on: Date,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO action_deadline (action, version, due_on) VALUES ($1, $2, $3)",
        id,
        version,
        due_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The actions of an agreement, without the examples when asked.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn of(
    conn: &mut PgConnection,
    agreement: AgreementId,
    exclude_examples: bool,
) -> Result<Vec<Action>> {
    let rows = sqlx::query!(
        r#"SELECT id, commitments, example,
                  (SELECT due_on FROM action_deadline WHERE action = action.id
                   ORDER BY version DESC LIMIT 1) AS due_on
           FROM action WHERE agreement = $1 AND NOT (example AND $2) ORDER BY id"#,
        agreement.0,
        exclude_examples
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut changes: BTreeMap<Uuid, Vec<Change<ActionState>>> = BTreeMap::new();
    let noted = sqlx::query!(
        "SELECT action, version, state, changed_on FROM action_change
         WHERE action IN (SELECT id FROM action WHERE agreement = $1)",
        agreement.0
    )
    .fetch_all(conn)
    .await?;
    for row in noted {
        let state = ActionState::parse(&row.state)
            .ok_or_else(|| inconsistent("action_change", "state", &row.action))?;
        let change = Change {
            version: row.version,
            day: row.changed_on,
            state,
        };
        changes.entry(row.action).or_default().push(change);
    }
    let actions = rows.into_iter().map(|row| Action {
        commitments: row.commitments.into_iter().map(CommitmentId).collect(),
        due_on: row.due_on,
        counted: Counted {
            history: History::new(changes.remove(&row.id).unwrap_or_default()),
            example: row.example,
        },
    });
    Ok(actions.collect())
}
