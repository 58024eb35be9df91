//! Table `area`.

use handslag_platform::etag::Version;
use sqlx::PgConnection;

use crate::domain::{area::Area, name::AreaCode};

use super::{Columns, StoreError, english};

/// Adds an area; `false` when its code is taken.
pub(crate) async fn insert(tx: &mut PgConnection, area: &Area) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO area (code, title_sv, title_en, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (code) DO NOTHING",
        area.code.as_str(),
        area.title.sv.as_str(),
        english(&area.title),
        area.version.0,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Areas by code, after one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<Area>, StoreError> {
    let rows = sqlx::query!(
        "SELECT code, title_sv, title_en, version FROM area
         WHERE code > $1 ORDER BY code LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("area", &row.code);
            Ok(Area {
                code: columns.read("code", AreaCode::from_code(&row.code))?,
                title: columns.title("title_sv", row.title_sv, row.title_en)?,
                version: Version(row.version),
            })
        })
        .collect()
}
