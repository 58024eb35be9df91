//! Tables `agreement` and `edition`.

use handslag_platform::{
    etag::Version,
    text::{Code, ShortText},
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::domain::{
    agreement::{Agreement, AgreementKind, Content, Edition, Principle},
    name::{AgreementId, PartyCode},
    term::TermRules,
};

use super::{Columns, Inconsistent, LocalizedJson, StoreError, area_codes, codes, english, hit};

#[derive(Serialize, Deserialize)]
struct PrincipleJson {
    code: String,
    title: LocalizedJson,
}

type Principles = Json<Vec<PrincipleJson>>;

struct Row {
    id: Uuid,
    kind: String,
    title_sv: String,
    title_en: Option<String>,
    parties: Vec<String>,
    principles: Principles,
    areas: Vec<String>,
    term_years: i32,
    max_extensions: i32,
    version: i64,
}

struct EditionRow {
    agreement: Uuid,
    number: i32,
    decided_on: String,
    decided_by: String,
    principles: Principles,
    areas: Vec<String>,
    diary_numbers: Vec<String>,
}

impl Row {
    fn with(self, editions: Vec<Edition>) -> Result<Agreement, Inconsistent> {
        let columns = Columns::of("agreement", &self.id);
        let rules = TermRules::parse(self.term_years, self.max_extensions);
        Ok(Agreement {
            id: AgreementId(self.id),
            kind: columns.some("kind", AgreementKind::from_word(&self.kind))?,
            title: columns.title("title_sv", self.title_sv, self.title_en)?,
            parties: columns.each("parties", &self.parties, PartyCode::from_code)?,
            draft: content(&columns, self.principles, &self.areas)?,
            rules: columns.some("term_years", rules.ok())?,
            editions,
            version: Version(self.version),
        })
    }
}

impl TryFrom<EditionRow> for Edition {
    type Error = Inconsistent;

    fn try_from(row: EditionRow) -> Result<Self, Inconsistent> {
        let columns = Columns::of("edition", &format!("{} {}", row.agreement, row.number));
        Ok(Self {
            number: row.number,
            decided_on: columns.read("decided_on", row.decided_on.parse())?,
            decided_by: columns.read("decided_by", ShortText::try_from(row.decided_by))?,
            content: content(&columns, row.principles, &row.areas)?,
            diary_numbers: columns.diary_numbers(&row.diary_numbers)?,
        })
    }
}

fn content(
    columns: &Columns,
    principles: Principles,
    areas: &[String],
) -> Result<Content, Inconsistent> {
    let principles = principles.0.into_iter().map(|principle| {
        Ok(Principle {
            code: columns.read("principles", Code::try_from(principle.code))?,
            title: columns.title("principles", principle.title.sv, principle.title.en)?,
        })
    });
    Ok(Content {
        principles: principles.collect::<Result<_, _>>()?,
        areas: columns.areas(areas)?,
    })
}

fn principles(content: &Content) -> Principles {
    let principles = content.principles.iter().map(|principle| PrincipleJson {
        code: principle.code.as_str().to_owned(),
        title: LocalizedJson::of(&principle.title),
    });
    Json(principles.collect())
}

/// Adds a draft.
pub(crate) async fn insert(tx: &mut PgConnection, agreement: &Agreement) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO agreement (id, kind, title_sv, title_en, parties, principles, areas,
                                term_years, max_extensions, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        agreement.id.0,
        agreement.kind.as_str(),
        agreement.title.sv.as_str(),
        english(&agreement.title),
        &codes(&agreement.parties, PartyCode::as_str),
        principles(&agreement.draft) as _,
        &area_codes(&agreement.draft.areas),
        agreement.rules.years(),
        agreement.rules.max_extensions(),
        agreement.version.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds an edition.
pub(crate) async fn insert_edition(
    tx: &mut PgConnection,
    agreement: AgreementId,
    edition: &Edition,
) -> Result<(), StoreError> {
    let diary_numbers = codes(&edition.diary_numbers, |number| number.as_str());
    sqlx::query!(
        "INSERT INTO edition (agreement, number, decided_on, decided_by, principles, areas,
                              diary_numbers)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        agreement.0,
        edition.number,
        edition.decided_on.to_string(),
        edition.decided_by.as_str(),
        principles(&edition.content) as _,
        &area_codes(&edition.content.areas),
        &diary_numbers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts a change of the agreement or of what belongs to it.
pub(crate) async fn update_version(
    tx: &mut PgConnection,
    agreement: &Agreement,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE agreement SET version = $2 WHERE id = $1 AND version = $2::bigint - 1",
        agreement.id.0,
        agreement.version.0,
    )
    .execute(tx)
    .await?;
    Ok(hit("agreement", &agreement.id.0, &done)?)
}

/// Reads an agreement and holds its row until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    id: AgreementId,
) -> Result<Option<Agreement>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, title_sv, title_en, parties,
                  principles AS "principles: Principles", areas, term_years, max_extensions, version
           FROM agreement WHERE id = $1 FOR UPDATE"#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    with_editions(tx, row).await
}

/// Reads an agreement.
pub(crate) async fn find(
    conn: &mut PgConnection,
    id: AgreementId,
) -> Result<Option<Agreement>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, title_sv, title_en, parties,
                  principles AS "principles: Principles", areas, term_years, max_extensions, version
           FROM agreement WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    with_editions(conn, row).await
}

/// Agreements, newest first, before one. Ids are in order of birth.
pub(crate) async fn list(
    conn: &mut PgConnection,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Agreement>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, title_sv, title_en, parties,
                  principles AS "principles: Principles", areas, term_years, max_extensions, version
           FROM agreement WHERE id < $1 ORDER BY id DESC LIMIT $2"#,
        before,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut editions = editions(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let own = editions.extract_if(.., |(agreement, _)| *agreement == row.id);
            let own = own.map(|(_, edition)| edition).collect();
            Ok(row.with(own)?)
        })
        .collect()
}

async fn with_editions(
    conn: &mut PgConnection,
    row: Option<Row>,
) -> Result<Option<Agreement>, StoreError> {
    let Some(row) = row else { return Ok(None) };
    let editions = editions(conn, &[row.id]).await?;
    Ok(Some(row.with(
        editions.into_iter().map(|(_, edition)| edition).collect(),
    )?))
}

async fn editions(
    conn: &mut PgConnection,
    agreements: &[Uuid],
) -> Result<Vec<(Uuid, Edition)>, StoreError> {
    let rows = sqlx::query_as!(
        EditionRow,
        r#"SELECT agreement, number, decided_on, decided_by,
                  principles AS "principles: Principles", areas, diary_numbers
           FROM edition WHERE agreement = ANY($1) ORDER BY agreement, number"#,
        agreements,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.agreement, row.try_into()?)))
        .collect()
}
