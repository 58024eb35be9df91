//! The SQL of this service, a module per table or per tables that are read together.

pub(crate) mod actions;
pub(crate) mod agreements;
pub(crate) mod commitments;
pub(crate) mod figures;
pub(crate) mod follow_ups;
pub(crate) mod freshness;
pub(crate) mod organisations;
pub(crate) mod plans;
pub(crate) mod reference;
pub(crate) mod reports;
pub(crate) mod signatories;

use sqlx::PgConnection;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database did not do it.
    #[error("the database refused")]
    Database(#[from] sqlx::Error),
    /// A row holds what no code of this service writes.
    #[error("{table}.{column} of {row} cannot be read")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's identity.
        row: String,
    },
}

/// Shorthand of this module's results.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Empties every table that is fed by events; `signatory_day` is emptied with what it sums up. Reports stay: they are not
/// derived, and say as of when they are.
///
/// # Errors
/// The database's.
pub(crate) async fn empty_read_models(
    tx: &mut PgConnection,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "TRUNCATE area, party, board, agreement, agreement_edition, figure, organisation,
                  signatory_change, commitment, commitment_change, action_plan,
                  action_plan_approval, action, action_change, action_deadline, follow_up,
                  follow_up_deadline, follow_up_publication, account, freshness"
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn inconsistent(table: &'static str, column: &'static str, row: &impl ToString) -> StoreError {
    StoreError::Inconsistent {
        table,
        column,
        row: row.to_string(),
    }
}
