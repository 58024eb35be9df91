//! Tables `proposal` and `proposal_proceeding`.

use handslag_platform::etag::Version;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    name::{AgreementId, ProceedingId, ProposalId},
    proposal::{Proposal, Resolution},
};

use super::{Columns, Inconsistent, StoreError, english, hit};

struct Row {
    id: Uuid,
    agreement: Uuid,
    title_sv: String,
    title_en: Option<String>,
    state: String,
    resolution_sv: Option<String>,
    resolution_en: Option<String>,
    resolved_on: Option<String>,
    version: i64,
    raised_in: Vec<Uuid>,
}

impl TryFrom<Row> for Proposal {
    type Error = Inconsistent;

    fn try_from(row: Row) -> Result<Self, Inconsistent> {
        let columns = Columns::of("proposal", &row.id);
        let agreement = AgreementId(row.agreement);
        let text = columns.prose("resolution_sv", row.resolution_sv, row.resolution_en)?;
        let resolution = text.zip(row.resolved_on).map(|(text, day)| {
            let adopted = match row.state.as_str() {
                "adopted" => true,
                "rejected" => false,
                _ => return Err(columns.broken("state")),
            };
            let resolved_on = columns.read("resolved_on", day.parse())?;
            Ok(Resolution {
                adopted,
                text,
                resolved_on,
            })
        });
        let raised_in = row.raised_in.into_iter();
        Ok(Self {
            id: ProposalId(row.id),
            agreement,
            title: columns.title("title_sv", row.title_sv, row.title_en)?,
            raised_in: raised_in.map(|id| ProceedingId { agreement, id }).collect(),
            resolution: resolution.transpose()?,
            version: Version(row.version),
        })
    }
}

/// Adds an open proposal with the steps that raise it.
pub(crate) async fn insert(tx: &mut PgConnection, proposal: &Proposal) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO proposal (id, agreement, title_sv, title_en, state, version)
         VALUES ($1, $2, $3, $4, $5, $6)",
        proposal.id.0,
        proposal.agreement.0,
        proposal.title.sv.as_str(),
        english(&proposal.title),
        proposal.state().as_str(),
        proposal.version.0,
    )
    .execute(&mut *tx)
    .await?;
    let raised_in: Vec<Uuid> = proposal.raised_in.iter().map(|step| step.id).collect();
    sqlx::query!(
        "INSERT INTO proposal_proceeding (proposal, proceeding) SELECT $1, unnest($2::uuid[])",
        proposal.id.0,
        &raised_in,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads a proposal and holds its row until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    id: ProposalId,
) -> Result<Option<Proposal>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, agreement, title_sv, title_en, state, resolution_sv, resolution_en,
               resolved_on, version,
               ARRAY(SELECT proceeding FROM proposal_proceeding
                     WHERE proposal = p.id ORDER BY proceeding) AS "raised_in!"
        FROM proposal p WHERE id = $1
        FOR UPDATE
        "#,
        id.0,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok(row.try_into()?)).transpose()
}

/// Stores what became of a proposal.
pub(crate) async fn update(tx: &mut PgConnection, proposal: &Proposal) -> Result<(), StoreError> {
    let resolution = proposal.resolution.as_ref();
    let done = sqlx::query!(
        "UPDATE proposal SET state = $2, resolution_sv = $3, resolution_en = $4,
                             resolved_on = $5, version = $6
         WHERE id = $1 AND version = $6::bigint - 1",
        proposal.id.0,
        proposal.state().as_str(),
        resolution.map(|resolution| resolution.text.sv.as_str()),
        resolution.and_then(|resolution| english(&resolution.text)),
        resolution.map(|resolution| resolution.resolved_on.to_string()),
        proposal.version.0,
    )
    .execute(tx)
    .await?;
    Ok(hit("proposal", &proposal.id.0, &done)?)
}

/// Proposals, oldest first, after one; in one state, or all. Ids are in order of birth.
pub(crate) async fn list(
    conn: &mut PgConnection,
    agreement: AgreementId,
    state: Option<&str>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Proposal>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, agreement, title_sv, title_en, state, resolution_sv, resolution_en,
               resolved_on, version,
               ARRAY(SELECT proceeding FROM proposal_proceeding
                     WHERE proposal = p.id ORDER BY proceeding) AS "raised_in!"
        FROM proposal p
        WHERE agreement = $1 AND id > $2 AND ($3::text IS NULL OR state = $3)
        ORDER BY id
        LIMIT $4
        "#,
        agreement.0,
        after,
        state,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}
