//! Agreements and their adopted editions.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::Result;
use super::reference::areas;
use crate::domain::names::{AgreementId, AreaCode, Title};
use crate::domain::section::{Agreement, Edition};

/// The day-precise part of an adoption.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    /// First day.
    pub starts_on: Date,
    /// Last day before any extension.
    pub ends_on: Date,
}

/// Stores an agreement that is being drafted.
///
/// # Errors
/// The database's.
pub(crate) async fn put(
    conn: &mut PgConnection,
    agreement: &Agreement,
    parties: &[String],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agreement (id, title_sv, title_en, kind, parties, areas)
         VALUES ($1, $2, $3, $4, $5, $6)",
        agreement.id.0,
        agreement.title.sv,
        agreement.title.en,
        agreement.kind,
        parties,
        &codes(&agreement.areas)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores an adopted edition.
///
/// # Errors
/// The database's.
pub(crate) async fn put_edition(
    conn: &mut PgConnection,
    agreement: AgreementId,
    number: i32,
    edition: &Edition,
    term: Term,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO agreement_edition
             (agreement, edition, decided_by, areas, term_starts_on, term_ends_on)
         VALUES ($1, $2, $3, $4, $5, $6)",
        agreement.0,
        number,
        edition.decided_by,
        &codes(&edition.areas),
        term.starts_on,
        term.ends_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is such an agreement.
///
/// # Errors
/// The database's.
pub(crate) async fn exists(conn: &mut PgConnection, id: AgreementId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM agreement WHERE id = $1) AS "found!""#,
        id.0
    );
    Ok(found.fetch_one(conn).await?)
}

/// Every agreement with its editions, in the order in which their drafting began: there are few.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn all(conn: &mut PgConnection) -> Result<Vec<Agreement>> {
    // An id carries the moment of its making.
    let rows =
        sqlx::query!("SELECT id, title_sv, title_en, kind, areas FROM agreement ORDER BY id")
            .fetch_all(&mut *conn)
            .await?;
    let mut editions: BTreeMap<Uuid, Vec<Edition>> = BTreeMap::new();
    let adopted = sqlx::query!(
        "SELECT agreement, decided_by, areas FROM agreement_edition ORDER BY agreement, edition"
    )
    .fetch_all(conn)
    .await?;
    for row in adopted {
        let areas = areas("agreement_edition", &row.agreement, &row.areas)?;
        let edition = Edition {
            decided_by: row.decided_by,
            areas,
        };
        editions.entry(row.agreement).or_default().push(edition);
    }
    rows.into_iter()
        .map(|row| {
            Ok(Agreement {
                id: AgreementId(row.id),
                title: Title {
                    sv: row.title_sv,
                    en: row.title_en,
                },
                kind: row.kind,
                areas: areas("agreement", &row.id, &row.areas)?,
                editions: editions.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

pub(super) fn codes(areas: &[AreaCode]) -> Vec<String> {
    areas.iter().map(|area| area.as_str().to_owned()).collect()
}
