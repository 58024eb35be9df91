//! `RecordDeliberation`.

use handslag_platform::etag::Version;
use handslag_platform::id;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::{ShortText, parse_optional};
use handslag_platform::violations::Violations;
use handslag_platform::wire::partial_date;
use handslag_proto::commitments::v1::{RecordDeliberationRequest, RecordDeliberationResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::deliberation::Deliberation;
use crate::domain::names::DeliberationId;
use crate::error::Error;
use crate::{references, store};

/// Records that a district board discussed the principles.
///
/// # Errors
/// `DELIBERATION_EXISTS`.
pub async fn record_deliberation(
    service: &Commitments,
    call: Call<RecordDeliberationRequest>,
) -> Result<RecordDeliberationResponse, Error> {
    let held = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    references::agreement(&mut tx, held.agreement).await?;
    let board = references::district_board(&mut tx, &held.board).await?;
    board.expect_held(&held.held_on, service.clock.today())?;
    if !store::deliberations::insert(&mut tx, &held).await? {
        return Err(Error::DeliberationExists);
    }
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::deliberation_recorded(act, &held)).await?;
    let deliberation = Some(resources::deliberation(&held));
    let response = RecordDeliberationResponse { deliberation };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &RecordDeliberationRequest) -> Result<Deliberation, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::name(&request.agreement));
    let board = violations.take("district_board", fields::name(&request.district_board));
    let held_on = violations.take("held_on", partial_date(request.held_on.as_ref()));
    let paragraph = violations.take("paragraph", ShortText::parse(&request.paragraph));
    let note = violations.take("note", parse_optional(&request.note));
    let (Some(agreement), Some(board), Some(held_on), Some(paragraph), Some(note)) =
        (agreement, board, held_on, paragraph, note)
    else {
        return Err(violations.into_fault().into());
    };
    let (id, version) = (DeliberationId(id::new()), Version::FIRST);
    Ok(Deliberation {
        id,
        agreement,
        board,
        held_on,
        paragraph,
        note,
        version,
    })
}
