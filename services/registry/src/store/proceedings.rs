//! Table `proceeding`.

use handslag_platform::text::ShortText;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::domain::{
    name::{AgreementId, ProceedingId, ProposalId},
    proceeding::{Answer, Invitation, Outcome, Proceeding, ProceedingKind, Statement, Step},
};

use super::{Columns, Inconsistent, StoreError, codes, english, hit};

struct Row {
    id: Uuid,
    agreement: Uuid,
    kind: String,
    held_on: String,
    position: i32,
    ended_on: Option<String>,
    title_sv: String,
    title_en: Option<String>,
    summary_sv: Option<String>,
    summary_en: Option<String>,
    actors: Vec<String>,
    outcomes: Vec<String>,
    diary_numbers: Vec<String>,
    responds_to: Option<Uuid>,
    refers_to: Option<Uuid>,
    source_document: Option<String>,
    source_place: Option<String>,
    invitation: Option<String>,
    due_on: Option<Date>,
    on_older_draft: Option<bool>,
    taken_up: Option<bool>,
    answer_sv: Option<String>,
    answer_en: Option<String>,
    proposals: Vec<Uuid>,
}

impl TryFrom<Row> for Proceeding {
    type Error = Inconsistent;

    fn try_from(row: Row) -> Result<Self, Inconsistent> {
        let columns = Columns::of("proceeding", &row.id);
        let agreement = AgreementId(row.agreement);
        let sibling = |id: Option<Uuid>| id.map(|id| ProceedingId { agreement, id });
        let statement = row.invitation.map(|word| {
            Ok(Statement {
                invitation: columns.some("invitation", Invitation::from_word(&word))?,
                due_on: row.due_on,
                on_older_draft: row.on_older_draft.unwrap_or(false),
            })
        });
        let answer = columns.prose("answer_sv", row.answer_sv, row.answer_en)?;
        let source = row
            .source_document
            .map(|document| columns.source(document, row.source_place));
        let ended_on = row
            .ended_on
            .map(|day| columns.read("ended_on", day.parse()));
        let step = Step {
            kind: columns.some("kind", ProceedingKind::from_word(&row.kind))?,
            held_on: columns.read("held_on", row.held_on.parse())?,
            ended_on: ended_on.transpose()?,
            title: columns.title("title_sv", row.title_sv, row.title_en)?,
            summary: columns.prose("summary_sv", row.summary_sv, row.summary_en)?,
            actors: columns.each("actors", &row.actors, ShortText::parse)?,
            outcomes: columns.words("outcomes", &row.outcomes, Outcome::from_word)?,
            diary_numbers: columns.diary_numbers(&row.diary_numbers)?,
            responds_to: sibling(row.responds_to),
            refers_to: sibling(row.refers_to),
            statement: statement.transpose()?,
            source: source.transpose()?,
        };
        Ok(Self {
            id: ProceedingId {
                agreement,
                id: row.id,
            },
            step,
            position: row.position,
            answer: answer
                .zip(row.taken_up)
                .map(|(reason, taken_up)| Answer { taken_up, reason }),
            proposals: row.proposals.into_iter().map(ProposalId).collect(),
        })
    }
}

/// The position of a step that is recorded now. The agreement's row must be held.
pub(crate) async fn next_position(
    tx: &mut PgConnection,
    agreement: AgreementId,
    held_from: Date,
) -> Result<i32, StoreError> {
    let position = sqlx::query_scalar!(
        r#"SELECT coalesce(max(position), 0) + 1 AS "position!"
           FROM proceeding WHERE agreement = $1 AND held_from = $2"#,
        agreement.0,
        held_from,
    )
    .fetch_one(tx)
    .await?;
    Ok(position)
}

/// Adds a step.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    proceeding: &Proceeding,
) -> Result<(), StoreError> {
    let step = &proceeding.step;
    let statement = step.statement.as_ref();
    let source = step.source.as_ref();
    let place = source.and_then(|source| source.place.as_ref());
    sqlx::query!(
        "INSERT INTO proceeding (id, agreement, kind, held_on, held_from, position, ended_on,
                                 title_sv, title_en, summary_sv, summary_en, actors,
                                 outcomes, diary_numbers,
                                 responds_to, refers_to, source_document, source_place, invitation,
                                 due_on, on_older_draft)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21)",
        proceeding.id.id,
        proceeding.id.agreement.0,
        step.kind.as_str(),
        step.held_on.to_string(),
        step.held_on.earliest(),
        proceeding.position,
        step.ended_on.map(|day| day.to_string()),
        step.title.sv.as_str(),
        english(&step.title),
        step.summary.as_ref().map(|summary| summary.sv.as_str()),
        step.summary.as_ref().and_then(english),
        &codes(&step.actors, ShortText::as_str),
        &codes(&step.outcomes, |outcome| outcome.as_str()),
        &codes(&step.diary_numbers, |number| number.as_str()),
        step.responds_to.map(|other| other.id),
        step.refers_to.map(|other| other.id),
        source.map(|source| source.document.as_str()),
        place.map(ShortText::as_str),
        statement.map(|statement| statement.invitation.as_str()),
        statement.and_then(|statement| statement.due_on),
        statement.map(|statement| statement.on_older_draft),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores the answer of a statement that has none.
pub(crate) async fn update_answer(
    tx: &mut PgConnection,
    id: ProceedingId,
    answer: &Answer,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE proceeding SET taken_up = $2, answer_sv = $3, answer_en = $4
         WHERE id = $1 AND taken_up IS NULL",
        id.id,
        answer.taken_up,
        answer.reason.sv.as_str(),
        english(&answer.reason),
    )
    .execute(tx)
    .await?;
    Ok(hit("proceeding", &id.id, &done)?)
}

/// The kinds of those of these steps that the agreement has.
pub(crate) async fn kinds(
    conn: &mut PgConnection,
    agreement: AgreementId,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, ProceedingKind)>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, kind FROM proceeding WHERE agreement = $1 AND id = ANY($2)",
        agreement.0,
        ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("proceeding", &row.id);
            Ok((
                row.id,
                columns.some("kind", ProceedingKind::from_word(&row.kind))?,
            ))
        })
        .collect()
}

/// Reads a step.
pub(crate) async fn find(
    conn: &mut PgConnection,
    id: ProceedingId,
) -> Result<Option<Proceeding>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, agreement, kind, held_on, position, ended_on, title_sv, title_en, summary_sv,
               summary_en, actors, outcomes, diary_numbers, responds_to, refers_to,
               source_document, source_place, invitation, due_on, on_older_draft, taken_up,
               answer_sv, answer_en,
               ARRAY(SELECT proposal FROM proposal_proceeding
                     WHERE proceeding = p.id ORDER BY proposal) AS "proposals!"
        FROM proceeding p
        WHERE agreement = $1 AND id = $2
        "#,
        id.agreement.0,
        id.id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok(row.try_into()?)).transpose()
}

/// Steps in order of time, after one; of some kinds, or all.
pub(crate) async fn list(
    conn: &mut PgConnection,
    agreement: AgreementId,
    kinds: Option<&[String]>,
    after: &(String, i32),
    limit: i64,
) -> Result<Vec<Proceeding>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, agreement, kind, held_on, position, ended_on, title_sv, title_en, summary_sv,
               summary_en, actors, outcomes, diary_numbers, responds_to, refers_to,
               source_document, source_place, invitation, due_on, on_older_draft, taken_up,
               answer_sv, answer_en,
               ARRAY(SELECT proposal FROM proposal_proceeding
                     WHERE proceeding = p.id ORDER BY proposal) AS "proposals!"
        FROM proceeding p
        WHERE agreement = $1 AND (held_from, position) > ($2::text::date, $3)
          AND ($4::text[] IS NULL OR kind = ANY($4))
        ORDER BY held_from, position
        LIMIT $5
        "#,
        agreement.0,
        after.0,
        after.1,
        kinds,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}
