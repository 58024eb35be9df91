//! Table `organisation`.

use handslag_platform::{
    etag::Version,
    text::{LongText, ShortText},
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, types::Json};
use time::Date;
use uuid::Uuid;

use crate::domain::{
    name::OrganisationId,
    organisation::{Organisation, OrganisationKind, OrganisationLevel, RecordNote, Role},
    text::Source,
};

use super::{Columns, Inconsistent, LocalizedJson, StoreError, area_codes, codes, hit};

/// Up to here a total is exact. A person needs no more, and a count costs as much as it counts:
/// this many rows of the index by name are read in some milliseconds.
pub(crate) const TOTAL_MOST: i64 = 10_000;

#[derive(Serialize, Deserialize)]
struct NoteJson {
    text: LocalizedJson,
    document: String,
    place: Option<String>,
}

type Notes = Json<Vec<NoteJson>>;

struct Row {
    id: Uuid,
    display_name: String,
    kind: String,
    level: String,
    roles: Vec<String>,
    areas: Vec<String>,
    notes: Notes,
    example: bool,
    version: i64,
}

impl TryFrom<Row> for Organisation {
    type Error = Inconsistent;

    fn try_from(row: Row) -> Result<Self, Inconsistent> {
        let columns = Columns::of("organisation", &row.id);
        let notes = row.notes.0.into_iter().map(|note| {
            Ok(RecordNote {
                text: columns.localized::<LongText>("notes", note.text.sv, note.text.en)?,
                source: columns.source(note.document, note.place)?,
            })
        });
        Ok(Self {
            id: OrganisationId(row.id),
            notes: notes.collect::<Result<_, Inconsistent>>()?,
            display_name: columns.read("display_name", ShortText::try_from(row.display_name))?,
            kind: columns.some("kind", OrganisationKind::from_word(&row.kind))?,
            level: columns.some("level", OrganisationLevel::from_word(&row.level))?,
            roles: columns.words("roles", &row.roles, Role::from_word)?,
            areas: columns.areas(&row.areas)?,
            example: row.example,
            version: Version(row.version),
        })
    }
}

fn notes(organisation: &Organisation) -> Notes {
    let notes = organisation.notes.iter().map(|note| {
        let Source { document, place } = &note.source;
        NoteJson {
            text: LocalizedJson::of(&note.text),
            document: document.as_str().to_owned(),
            place: place.as_ref().map(|place| place.as_str().to_owned()),
        }
    });
    Json(notes.collect())
}

/// Which organisations a list is of; `None` does not restrict.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Pattern for the name in lower case.
    pub(crate) name: Option<String>,
    /// Has this number on `today`.
    pub(crate) number: Option<String>,
    /// The day that numbers are asked about.
    pub(crate) today: Option<Date>,
    /// This legal form.
    pub(crate) kind: Option<&'static str>,
    /// This kind of unit.
    pub(crate) level: Option<&'static str>,
    /// Has this role.
    pub(crate) role: Option<&'static str>,
    /// Works in this area.
    pub(crate) area: Option<String>,
    /// Has a relation to this agreement …
    pub(crate) agreement: Option<Uuid>,
    /// … in one of these states.
    pub(crate) states: Option<Vec<String>>,
    /// Leaves example data out.
    pub(crate) exclude_examples: bool,
}

/// Adds an organisation.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    organisation: &Organisation,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO organisation (id, display_name, kind, level, roles, areas, notes, example,
                                   version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        organisation.id.0,
        organisation.display_name.as_str(),
        organisation.kind.as_str(),
        organisation.level.as_str(),
        &codes(&organisation.roles, |role| role.as_str()),
        &area_codes(&organisation.areas),
        notes(organisation) as _,
        organisation.example,
        organisation.version.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores a correction.
pub(crate) async fn update(
    tx: &mut PgConnection,
    organisation: &Organisation,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE organisation SET display_name = $2, kind = $3, level = $4, roles = $5,
                                 areas = $6, version = $7
         WHERE id = $1 AND version = $7::bigint - 1",
        organisation.id.0,
        organisation.display_name.as_str(),
        organisation.kind.as_str(),
        organisation.level.as_str(),
        &codes(&organisation.roles, |role| role.as_str()),
        &area_codes(&organisation.areas),
        organisation.version.0,
    )
    .execute(tx)
    .await?;
    Ok(hit("organisation", &organisation.id.0, &done)?)
}

/// Reads an organisation and holds its row until the transaction ends: for its own changes, and for
/// the first step of a relation, which has no row of its own yet.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    id: OrganisationId,
) -> Result<Option<Organisation>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, display_name, kind, level, roles, areas, notes AS "notes: Notes", example,
                  version
           FROM organisation WHERE id = $1 FOR UPDATE"#,
        id.0,
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok(row.try_into()?)).transpose()
}

/// Reads an organisation.
pub(crate) async fn find(
    conn: &mut PgConnection,
    id: OrganisationId,
) -> Result<Option<Organisation>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, display_name, kind, level, roles, areas, notes AS "notes: Notes", example,
                  version
           FROM organisation WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok(row.try_into()?)).transpose()
}

/// Organisations by name, in Swedish order, after one. The empty name is before all names: a
/// condition that is always there lets every plan start at the right place of the index.
pub(crate) async fn list_by_name(
    conn: &mut PgConnection,
    filter: &Filter,
    after: &(String, Uuid),
    limit: i64,
) -> Result<Vec<Organisation>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, display_name, kind, level, roles, areas, notes AS "notes: Notes", example,
               version
        FROM organisation o
        WHERE (display_name, id) > ($1, $2)
          AND ($3::text IS NULL OR search_name LIKE $3)
          AND ($4::text IS NULL OR EXISTS (SELECT FROM organisation_number n
                                           WHERE n.organisation = o.id AND n.number = $4
                                             AND n.valid @> $5::date))
          AND ($6::text IS NULL OR kind = $6)
          AND ($7::text IS NULL OR level = $7)
          AND ($8::text IS NULL OR roles @> ARRAY[$8])
          AND ($9::text IS NULL OR areas @> ARRAY[$9])
          AND ($10::uuid IS NULL OR EXISTS (SELECT FROM signatory s
                                            WHERE s.agreement = $10 AND s.organisation = o.id
                                              AND ($11::text[] IS NULL OR s.state = ANY($11))))
          AND NOT ($12 AND example)
        ORDER BY display_name, id
        LIMIT $13
        "#,
        after.0,
        after.1,
        filter.name.as_deref(),
        filter.number.as_deref(),
        filter.today,
        filter.kind,
        filter.level,
        filter.role,
        filter.area.as_deref(),
        filter.agreement,
        filter.states.as_deref(),
        filter.exclude_examples,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// Organisations, last entered first, before one. Ids are in order of birth.
pub(crate) async fn list_newest(
    conn: &mut PgConnection,
    filter: &Filter,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Organisation>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, display_name, kind, level, roles, areas, notes AS "notes: Notes", example,
               version
        FROM organisation o
        WHERE id < $1
          AND ($2::text IS NULL OR search_name LIKE $2)
          AND ($3::text IS NULL OR EXISTS (SELECT FROM organisation_number n
                                           WHERE n.organisation = o.id AND n.number = $3
                                             AND n.valid @> $4::date))
          AND ($5::text IS NULL OR kind = $5)
          AND ($6::text IS NULL OR level = $6)
          AND ($7::text IS NULL OR roles @> ARRAY[$7])
          AND ($8::text IS NULL OR areas @> ARRAY[$8])
          AND ($9::uuid IS NULL OR EXISTS (SELECT FROM signatory s
                                           WHERE s.agreement = $9 AND s.organisation = o.id
                                             AND ($10::text[] IS NULL OR s.state = ANY($10))))
          AND NOT ($11 AND example)
        ORDER BY id DESC
        LIMIT $12
        "#,
        before,
        filter.name.as_deref(),
        filter.number.as_deref(),
        filter.today,
        filter.kind,
        filter.level,
        filter.role,
        filter.area.as_deref(),
        filter.agreement,
        filter.states.as_deref(),
        filter.exclude_examples,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// How many there are, up to [`TOTAL_MOST`].
pub(crate) async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64, StoreError> {
    let total = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "total!" FROM (
            SELECT FROM organisation o
            WHERE ($1::text IS NULL OR search_name LIKE $1)
              AND ($2::text IS NULL OR EXISTS (SELECT FROM organisation_number n
                                               WHERE n.organisation = o.id AND n.number = $2
                                             AND n.valid @> $3::date))
              AND ($4::text IS NULL OR kind = $4)
              AND ($5::text IS NULL OR level = $5)
              AND ($6::text IS NULL OR roles @> ARRAY[$6])
              AND ($7::text IS NULL OR areas @> ARRAY[$7])
              AND ($8::uuid IS NULL OR EXISTS (SELECT FROM signatory s
                                               WHERE s.agreement = $8 AND s.organisation = o.id
                                                 AND ($9::text[] IS NULL OR s.state = ANY($9))))
              AND NOT ($10 AND example)
            LIMIT $11
        ) AS counted
        "#,
        filter.name.as_deref(),
        filter.number.as_deref(),
        filter.today,
        filter.kind,
        filter.level,
        filter.role,
        filter.area.as_deref(),
        filter.agreement,
        filter.states.as_deref(),
        filter.exclude_examples,
        TOTAL_MOST,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}
