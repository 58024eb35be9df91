//! Table `party`.

use handslag_platform::etag::Version;
use sqlx::PgConnection;

use crate::domain::{name::PartyCode, party::Party};

use super::{Columns, StoreError, english};

/// Adds a party; `false` when its code is taken.
pub(crate) async fn insert(tx: &mut PgConnection, party: &Party) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO party (code, title_sv, title_en, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (code) DO NOTHING",
        party.code.as_str(),
        party.title.sv.as_str(),
        english(&party.title),
        party.version.0,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Parties by code, after one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<Party>, StoreError> {
    let rows = sqlx::query!(
        "SELECT code, title_sv, title_en, version FROM party
         WHERE code > $1 ORDER BY code LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("party", &row.code);
            Ok(Party {
                code: columns.read("code", PartyCode::from_code(&row.code))?,
                title: columns.title("title_sv", row.title_sv, row.title_en)?,
                version: Version(row.version),
            })
        })
        .collect()
}
