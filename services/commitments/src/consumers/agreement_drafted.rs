//! `se.handslag.registry.agreement.drafted.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::AgreementDrafted;
use sqlx::PgConnection;

use super::{all_named, named};
use crate::domain::agreement::Agreement;
use crate::store;

/// Knows the agreement with its parties, principles and areas: from now on something can be
/// promised under it.
///
/// # Errors
/// When the message cannot be read, or the database fails.
pub async fn agreement_drafted(
    tx: &mut PgConnection,
    event: &Envelope<AgreementDrafted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let agreement = Agreement {
        id: named(&body.agreement)?,
        parties: all_named(&body.parties)?,
        principles: all_named(body.principles.iter().map(|principle| &principle.code))?,
        areas: all_named(&body.areas)?,
        term_ends_on: None,
    };
    Ok(store::agreements::put(tx, &agreement).await?)
}
