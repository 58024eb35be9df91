//! Reads what belongs together as it stood at one moment.

use handslag_platform::database::Database;
use handslag_platform::violations::FieldError;
use sqlx::{PgConnection, Postgres, Transaction};
use time::Date;

use crate::domain::names::{AgreementId, BoardCode};
use crate::domain::section::{self, Board, Rows, Section};
use crate::domain::year::Year;
use crate::store::{self, StoreError};

/// Begins a reading: all that it reads is as of the same moment, whatever is heard of meanwhile.
///
/// # Errors
/// The database's.
pub(crate) async fn snapshot(
    database: &Database,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    database.queued(database.pool().begin_with(begin)).await
}

/// Reads the section of a board for a year, as it stands on `today`.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn section(
    conn: &mut PgConnection,
    board: &Board,
    year: Year,
    today: Date,
) -> Result<Section, StoreError> {
    let agreements = store::agreements::all(conn).await?;
    let covering = section::covering(board, &agreements, year.last_day(today));
    let freshness = store::freshness::read(conn).await?;
    let Some(covering) = covering else {
        let rows = Rows {
            freshness,
            ..Rows::default()
        };
        return Ok(section::section(board, year, today, None, Vec::new(), rows));
    };
    let agreement = covering.agreement.id;
    let areas = store::reference::area_titles(conn, &covering.areas).await?;
    let rows = Rows {
        signatories: store::signatories::days(conn, agreement, false).await?,
        commitments: store::commitments::of(conn, agreement, false).await?,
        actions: store::actions::of(conn, agreement, false).await?,
        accounts: store::follow_ups::accounts(conn, agreement, year.number()).await?,
        reported: store::figures::of(conn, agreement, Some(year.number())).await?,
        freshness,
    };
    let subject = (agreement, covering.agreement.title.clone());
    Ok(section::section(
        board,
        year,
        today,
        Some(subject),
        areas,
        rows,
    ))
}

/// Finds a board that a request refers to.
///
/// # Errors
/// The database's; `UNKNOWN_BOARD` within.
pub(crate) async fn board(
    conn: &mut PgConnection,
    code: &BoardCode,
) -> Result<Result<Board, FieldError>, StoreError> {
    let unknown = || {
        FieldError::new(
            "UNKNOWN_BOARD",
            "there is no such board",
            "Nämnden finns inte.",
        )
    };
    Ok(store::reference::board(conn, code)
        .await?
        .ok_or_else(unknown))
}

/// Finds an agreement that a request refers to.
///
/// # Errors
/// The database's; `UNKNOWN_AGREEMENT` within.
pub(crate) async fn agreement(
    conn: &mut PgConnection,
    id: AgreementId,
) -> Result<Result<AgreementId, FieldError>, StoreError> {
    let unknown = || {
        FieldError::new(
            "UNKNOWN_AGREEMENT",
            "there is no such agreement",
            "Överenskommelsen finns inte.",
        )
    };
    Ok(if store::agreements::exists(conn, id).await? {
        Ok(id)
    } else {
        Err(unknown())
    })
}
