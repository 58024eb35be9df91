//! The read models made anew.

use handslag_platform::database::begin;
use handslag_platform::messaging;
use sqlx::PgPool;

use crate::{consumers, store};

/// Drops the read models and forgets what was heard, in one transaction: the running service asks the producers' logs
/// for replay and builds them anew. Reports stay. Until the replay is through, figures are incomplete and say so by
/// their freshness.
///
/// # Errors
/// The database's; nothing has changed then.
pub async fn rebuild(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut tx = begin(pool).await?;
    // Waits for effects under way and keeps new ones out: one that committed its mark before and its row after would
    // be lost, and so would one whose mark is not yet to be seen.
    sqlx::query!("LOCK TABLE inbox_mark IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    for producer in consumers::PRODUCERS {
        messaging::rebuild(&mut tx, producer).await?;
    }
    store::empty_read_models(&mut tx).await?;
    tx.commit().await
}
