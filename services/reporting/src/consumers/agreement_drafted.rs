//! `AgreementDrafted`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::AgreementDrafted;
use sqlx::PgConnection;

use crate::consumers::{code, codes, id, title};
use crate::domain::names::{AgreementId, AreaCode, PartyCode};
use crate::domain::section::Agreement;
use crate::store;

/// Knows the agreement with the areas of its draft.
pub(crate) async fn agreement_drafted(
    tx: &mut PgConnection,
    event: &Envelope<AgreementDrafted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let agreement = Agreement {
        id: AgreementId(id("agreements", &body.agreement)?),
        title: title(body.title.as_ref()),
        kind: body.kind.clone(),
        areas: codes(AreaCode::from_name, &body.areas)?,
        editions: Vec::new(),
    };
    let parties = body
        .parties
        .iter()
        .map(|party| code(PartyCode::from_name, party));
    let parties: Vec<_> = parties
        .map(|party| Ok(party?.as_str().to_owned()))
        .collect::<Result<_, Rejection>>()?;
    Ok(store::agreements::put(tx, &agreement, &parties).await?)
}
