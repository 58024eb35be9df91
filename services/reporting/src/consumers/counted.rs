//! Every event.

use handslag_platform::messaging::{Envelope, Raw, Rejection};
use sqlx::PgConnection;

use crate::store;

/// Counts events, whatever they say: figures are as of the newest event that was heard of.
pub(crate) async fn counted(
    tx: &mut PgConnection,
    events: &[&Envelope<Raw>],
) -> Result<(), Rejection> {
    let Some(newest) = events.iter().max_by_key(|event| event.time) else {
        return Ok(());
    };
    Ok(store::freshness::count(tx, &newest.service, events.len(), newest.time).await?)
}
