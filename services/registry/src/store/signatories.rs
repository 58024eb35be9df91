//! Tables `signatory` and `signatory_step`.

use handslag_platform::text::{LongText, ShortText};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::domain::{
    name::{AgreementId, OrganisationId, SignatoryId},
    signatory::{Signatory, State, Step},
};

use super::{Columns, Inconsistent, StoreError, hit, organisations::TOTAL_MOST};

/// A relation with what is shown of its organisation.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The relation.
    pub(crate) signatory: Signatory,
    /// The organisation's name.
    pub(crate) display_name: ShortText,
    /// Whether the organisation is example data.
    pub(crate) example: bool,
}

/// Which relations a list is of; `None` does not restrict.
#[derive(Debug)]
pub(crate) struct Filter {
    /// To this agreement.
    pub(crate) agreement: AgreementId,
    /// In one of these states.
    pub(crate) states: Option<Vec<String>>,
    /// Pattern for the organisation's name in lower case.
    pub(crate) name: Option<String>,
    /// Leaves example data out.
    pub(crate) exclude_examples: bool,
}

struct StepRow {
    organisation: Uuid,
    state: String,
    edition: Option<i32>,
    effective_on: String,
    effective_from: Date,
    note: Option<String>,
}

impl TryFrom<StepRow> for Step {
    type Error = Inconsistent;

    fn try_from(row: StepRow) -> Result<Self, Inconsistent> {
        let columns = Columns::of("signatory_step", &row.organisation);
        let note = row
            .note
            .map(|note| columns.read("note", LongText::try_from(note)));
        Ok(Self {
            state: columns.some("state", State::from_word(&row.state, row.edition))?,
            effective_on: columns.read("effective_on", row.effective_on.parse())?,
            effective_from: row.effective_from,
            note: note.transpose()?,
        })
    }
}

/// Stores the last step of a relation, and the relation with the first. The organisation's row must
/// be held.
pub(crate) async fn append(tx: &mut PgConnection, signatory: &Signatory) -> Result<(), StoreError> {
    let (id, version) = (signatory.id, signatory.version());
    let columns = Columns::of("signatory", &id.name());
    let step = columns.some("version", signatory.last())?;
    let done = sqlx::query!(
        "INSERT INTO signatory (agreement, organisation, state, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (agreement, organisation) DO UPDATE SET state = $3, version = $4
         WHERE signatory.version = $4 - 1",
        id.agreement.0,
        id.organisation.0,
        step.state.as_str(),
        version.0,
    )
    .execute(&mut *tx)
    .await?;
    hit("signatory", &id.name(), &done)?;
    sqlx::query!(
        "INSERT INTO signatory_step (agreement, organisation, number, state, edition, effective_on,
                                     effective_from, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.agreement.0,
        id.organisation.0,
        version.0,
        step.state.as_str(),
        step.state.edition(),
        step.effective_on.to_string(),
        step.effective_from,
        step.note.as_ref().map(LongText::as_str),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads a relation; one without steps when there is none.
pub(crate) async fn find(
    conn: &mut PgConnection,
    id: SignatoryId,
) -> Result<Signatory, StoreError> {
    let steps = steps(conn, id.agreement, &[id.organisation.0]).await?;
    Ok(Signatory {
        id,
        steps: steps.into_iter().map(|(_, step)| step).collect(),
    })
}

/// Relations in Swedish order of the organisations' names, after one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: &(String, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT o.id, o.display_name, o.example
        FROM signatory s JOIN organisation o ON o.id = s.organisation
        WHERE s.agreement = $1 AND (o.display_name, o.id) > ($2, $3)
          AND ($4::text[] IS NULL OR s.state = ANY($4))
          AND ($5::text IS NULL OR o.search_name LIKE $5)
          AND NOT ($6 AND o.example)
        ORDER BY o.display_name, o.id
        LIMIT $7
        "#,
        filter.agreement.0,
        after.0,
        after.1,
        filter.states.as_deref(),
        filter.name.as_deref(),
        filter.exclude_examples,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut steps = steps(conn, filter.agreement, &ids).await?.into_iter().fold(
        std::collections::HashMap::<Uuid, Vec<Step>>::new(),
        |mut steps, (organisation, step)| {
            steps.entry(organisation).or_default().push(step);
            steps
        },
    );
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("organisation", &row.id);
            let organisation = OrganisationId(row.id);
            let id = SignatoryId {
                agreement: filter.agreement,
                organisation,
            };
            Ok(Listed {
                signatory: Signatory {
                    id,
                    steps: steps.remove(&row.id).unwrap_or_default(),
                },
                display_name: columns
                    .read("display_name", ShortText::try_from(row.display_name))?,
                example: row.example,
            })
        })
        .collect()
}

/// How many there are, up to [`TOTAL_MOST`].
pub(crate) async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64, StoreError> {
    if filter.name.is_none() && !filter.exclude_examples {
        // Without the organisations: to join them takes ten times as long.
        let total = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "total!" FROM (
                SELECT FROM signatory
                WHERE agreement = $1 AND ($2::text[] IS NULL OR state = ANY($2))
                LIMIT $3
            ) AS counted
            "#,
            filter.agreement.0,
            filter.states.as_deref(),
            TOTAL_MOST,
        )
        .fetch_one(conn)
        .await?;
        return Ok(total);
    }
    let total = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "total!" FROM (
            SELECT FROM signatory s JOIN organisation o ON o.id = s.organisation
            WHERE s.agreement = $1
              AND ($2::text[] IS NULL OR s.state = ANY($2))
              AND ($3::text IS NULL OR o.search_name LIKE $3)
              AND NOT ($4 AND o.example)
            LIMIT $5
        ) AS counted
        "#,
        filter.agreement.0,
        filter.states.as_deref(),
        filter.name.as_deref(),
        filter.exclude_examples,
        TOTAL_MOST,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

async fn steps(
    conn: &mut PgConnection,
    agreement: AgreementId,
    organisations: &[Uuid],
) -> Result<Vec<(Uuid, Step)>, StoreError> {
    let rows = sqlx::query_as!(
        StepRow,
        "SELECT organisation, state, edition, effective_on, effective_from, note
         FROM signatory_step WHERE agreement = $1 AND organisation = ANY($2)
         ORDER BY organisation, number",
        agreement.0,
        organisations,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.organisation, row.try_into()?)))
        .collect()
}
