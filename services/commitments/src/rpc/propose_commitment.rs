//! `ProposeCommitment`.

use handslag_platform::id;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::LongText;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ProposeCommitmentRequest, ProposeCommitmentResponse};
use sqlx::PgConnection;

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::commitment::{Commitment, Content};
use crate::domain::names::{CommitmentId, Distinct, PartyCode};
use crate::error::Error;
use crate::references::References;
use crate::{references, store};

/// Proposes a commitment to its bearers; it binds nobody until each of them has accepted.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn propose_commitment(
    service: &Commitments,
    call: Call<ProposeCommitmentRequest>,
) -> Result<ProposeCommitmentResponse, Error> {
    let (content, bearers) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    expect_known(&mut tx, &content, &bearers).await?;
    let commitment = Commitment::propose(CommitmentId(id::new()), content, bearers);
    store::commitments::insert(&mut tx, &commitment).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::commitment_proposed(act, &commitment)).await?;
    let commitment = Some(resources::commitment(&commitment));
    let response = ProposeCommitmentResponse { commitment };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &ProposeCommitmentRequest) -> Result<(Content, Distinct<PartyCode>), Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::name(&request.agreement));
    let proposer = violations.take("proposer", fields::name(&request.proposer));
    let text = violations.take("text", LongText::parse(&request.text));
    let principles = fields::names(&mut violations, "principles", &request.principles);
    let area = violations.take("area", fields::name(&request.area));
    let bearers = fields::names(&mut violations, "bearers", &request.bearers);
    let legal_basis = violations.take("legal_basis", fields::legal_basis(request.legal_basis));
    let diversity = fields::diversity(
        &mut violations,
        request.diversity,
        &request.diversity_ground,
    );
    let (Some(agreement), Some(proposer), Some(text), Some(principles)) =
        (agreement, proposer, text, principles)
    else {
        return Err(violations.into_fault().into());
    };
    let (Some(area), Some(bearers), Some(legal_basis), Some(diversity)) =
        (area, bearers, legal_basis, diversity)
    else {
        return Err(violations.into_fault().into());
    };
    let example = request.example;
    let content = Content {
        agreement,
        proposer,
        text,
        principles,
        area,
        legal_basis,
        diversity,
        example,
    };
    Ok((content, bearers))
}

async fn expect_known(
    conn: &mut PgConnection,
    content: &Content,
    bearers: &Distinct<PartyCode>,
) -> Result<(), Error> {
    let agreement = references::agreement(conn, content.agreement).await?;
    let mut references = References::default();
    references
        .party(conn, &agreement, "proposer", &content.proposer)
        .await?;
    references.principles(&agreement, content.principles.as_slice());
    references
        .area(conn, &agreement, "area", &content.area)
        .await?;
    for (index, bearer) in bearers.as_slice().iter().enumerate() {
        references
            .party(conn, &agreement, &format!("bearers[{index}]"), bearer)
            .await?;
    }
    references.finish()
}
