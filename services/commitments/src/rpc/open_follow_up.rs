//! `OpenFollowUp`.

use handslag_platform::id;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_platform::wire::date;
use handslag_proto::commitments::v1::{OpenFollowUpRequest, OpenFollowUpResponse};
use time::Date;

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::follow_up::FollowUp;
use crate::domain::names::{AgreementId, FollowUpId, PartyCode};
use crate::error::Error;
use crate::references::References;
use crate::{references, store};

/// Opens a year's follow-up: every party of the agreement owes its own account.
///
/// # Errors
/// `FOLLOW_UP_EXISTS`.
pub async fn open_follow_up(
    service: &Commitments,
    call: Call<OpenFollowUpRequest>,
) -> Result<OpenFollowUpResponse, Error> {
    let (agreement, party, due_on) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let agreement = references::agreement(&mut tx, agreement).await?;
    let mut references = References::default();
    references
        .party(&mut tx, &agreement, "party", &party)
        .await?;
    references.finish()?;
    let (id, parties) = (FollowUpId(id::new()), agreement.parties);
    let round = FollowUp::open(id, agreement.id, call.year, due_on, parties)?;
    if !store::follow_ups::insert(&mut tx, &round).await? {
        return Err(Error::FollowUpExists);
    }
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::follow_up_opened(act, &round)).await?;
    let response = OpenFollowUpResponse {
        follow_up: Some(resources::follow_up(&round)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &OpenFollowUpRequest) -> Result<(AgreementId, PartyCode, Date), Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::name(&request.agreement));
    let party = violations.take("party", fields::name(&request.party));
    let due_on = violations.take("accounts_due_on", date(request.accounts_due_on.as_ref()));
    let (Some(agreement), Some(party), Some(due_on)) = (agreement, party, due_on) else {
        return Err(violations.into_fault().into());
    };
    Ok((agreement, party, due_on))
}
