//! Action plans with their approvals.

use std::collections::HashMap;

use handslag_platform::etag::Version;
use handslag_platform::text::{Code, ShortText};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{StoreError, before, expect_hit, inconsistent, positions};
use crate::domain::action_plan::{ActionPlan, Approval, Days};
use crate::domain::names::{ActionPlanId, AgreementId, PartyCode};

/// Writes a new plan.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, plan: &ActionPlan) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO action_plan (id, agreement, title_sv, title_en, starts_on, ends_on, example,
             version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        plan.id.0,
        plan.agreement.0,
        plan.title.sv.as_str(),
        plan.title.en.as_ref().map(ShortText::as_str),
        plan.days.starts_on(),
        plan.days.ends_on(),
        plan.example,
        plan.version.0,
    )
    .execute(&mut *tx)
    .await?;
    let parties = plan
        .approvals
        .iter()
        .map(|approval| approval.party.code().to_owned());
    sqlx::query!(
        "INSERT INTO action_plan_approval (action_plan, position, party)
         SELECT $1, position, party FROM unnest($2::int[], $3::text[]) AS new (position, party)",
        plan.id.0,
        &positions(&plan.approvals),
        &parties.collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a party's approval.
///
/// # Errors
/// The database's, and when the row is not at the version before.
pub async fn update(
    tx: &mut PgConnection,
    plan: &ActionPlan,
    party: &PartyCode,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE action_plan SET version = $3 WHERE id = $1 AND version = $2",
        plan.id.0,
        before(plan.version),
        plan.version.0,
    )
    .execute(&mut *tx)
    .await?;
    expect_hit(&done, "action_plan", plan.id)?;
    let approval = plan
        .approvals
        .iter()
        .find(|approval| approval.party == *party);
    let done = sqlx::query!(
        "UPDATE action_plan_approval SET approved_at = $3 WHERE action_plan = $1 AND party = $2",
        plan.id.0,
        party.code(),
        approval.and_then(|approval| approval.at),
    )
    .execute(tx)
    .await?;
    expect_hit(&done, "action_plan_approval", plan.id)
}

/// Reads one plan and holds its row until the transaction ends: no action is added while an
/// approval is decided, and no approval given while an action is added.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn lock(
    tx: &mut PgConnection,
    id: ActionPlanId,
) -> Result<Option<ActionPlan>, StoreError> {
    let held = sqlx::query_scalar!("SELECT id FROM action_plan WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(&mut *tx)
        .await?;
    // A statement of its own: the count is of the time after the lock was got.
    match held {
        None => Ok(None),
        Some(_) => find(tx, id).await,
    }
}

/// Reads one plan.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(
    conn: &mut PgConnection,
    id: ActionPlanId,
) -> Result<Option<ActionPlan>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, agreement, title_sv, title_en, starts_on, ends_on, example, version,
               (SELECT count(*) FROM action a WHERE a.action_plan = p.id) AS "action_count!"
           FROM action_plan p WHERE id = $1"#,
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(with_approvals(conn, row.into_iter().collect()).await?.pop())
}

/// Reads a page, newest first.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn list(
    conn: &mut PgConnection,
    agreement: Option<AgreementId>,
    exclude_examples: bool,
    after: Option<ActionPlanId>,
    most: i64,
) -> Result<Vec<ActionPlan>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, agreement, title_sv, title_en, starts_on, ends_on, example, version,
               (SELECT count(*) FROM action a WHERE a.action_plan = p.id) AS "action_count!"
           FROM action_plan p
           WHERE ($1::uuid IS NULL OR agreement = $1)
               AND NOT ($2 AND example)
               AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        agreement.map(|id| id.0),
        exclude_examples,
        after.map(|id| id.0),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_approvals(conn, rows).await
}

async fn with_approvals(
    conn: &mut PgConnection,
    rows: Vec<Row>,
) -> Result<Vec<ActionPlan>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let stored = sqlx::query_as!(
        ApprovalRow,
        "SELECT action_plan, party, approved_at FROM action_plan_approval
         WHERE action_plan = ANY($1) ORDER BY action_plan, position",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut approvals: HashMap<Uuid, Vec<Approval>> = HashMap::new();
    for row in stored {
        let party = Code::parse(&row.party).map(PartyCode);
        let party =
            party.map_err(|_| inconsistent("action_plan_approval", "party", row.action_plan))?;
        let approval = Approval {
            party,
            at: row.approved_at,
        };
        approvals.entry(row.action_plan).or_default().push(approval);
    }
    let each = rows.into_iter();
    each.map(|row| {
        let given = approvals.remove(&row.id).unwrap_or_default();
        row.plan(given)
    })
    .collect()
}

struct Row {
    id: Uuid,
    agreement: Uuid,
    title_sv: String,
    title_en: Option<String>,
    starts_on: Date,
    ends_on: Date,
    example: bool,
    version: i64,
    action_count: i64,
}

impl Row {
    fn plan(self, approvals: Vec<Approval>) -> Result<ActionPlan, StoreError> {
        let id = ActionPlanId(self.id);
        let wrong = |column| move || inconsistent("action_plan", column, id);
        let title = super::title(&self.title_sv, self.title_en.as_deref());
        Ok(ActionPlan {
            id,
            agreement: AgreementId(self.agreement),
            title: title.ok_or_else(wrong("title_sv"))?,
            days: Days::new(self.starts_on, self.ends_on).map_err(|_| wrong("ends_on")())?,
            approvals,
            example: self.example,
            action_count: self.action_count,
            version: Version(self.version),
        })
    }
}

struct ApprovalRow {
    action_plan: Uuid,
    party: String,
    approved_at: Option<OffsetDateTime>,
}
