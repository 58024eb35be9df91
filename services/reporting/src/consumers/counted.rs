//! Every event.

use handslag_platform::messaging::{Envelope, Raw, Rejection};
use sqlx::PgConnection;

use crate::store;

/// Counts the event, whatever it says: figures are as of the newest event that was heard of.
pub(crate) async fn counted(tx: &mut PgConnection, event: &Envelope<Raw>) -> Result<(), Rejection> {
    Ok(store::freshness::count(tx, &event.service, event.time).await?)
}
