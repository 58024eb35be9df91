//! `AgreementAdopted`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::AgreementAdopted;
use sqlx::PgConnection;

use crate::consumers::{codes, day, id, latest};
use crate::domain::names::{AgreementId, AreaCode};
use crate::domain::section::Edition;
use crate::store::agreements::{self, Term};

/// Knows the edition that was adopted, from the last day that its source allows.
pub(crate) async fn agreement_adopted(
    tx: &mut PgConnection,
    event: &Envelope<AgreementAdopted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let agreement = AgreementId(id("agreements", &body.agreement)?);
    let edition = Edition {
        decided_by: latest(body.decided_on.as_ref(), event)?,
        areas: codes(AreaCode::from_name, &body.areas)?,
    };
    let term = Term {
        starts_on: day(body.term_starts_on.as_ref())?,
        ends_on: day(body.term_ends_on.as_ref())?,
    };
    Ok(agreements::put_edition(tx, agreement, body.edition, &edition, term).await?)
}
