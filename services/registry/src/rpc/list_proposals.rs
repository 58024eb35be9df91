//! Lists the proposals of an agreement, oldest first.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListProposalsRequest, ListProposalsResponse};
use uuid::Uuid;

use crate::{
    Registry,
    convert::{self, enums},
    domain::{name::AgreementId, proposal::ProposalState},
    error::Error,
    form::Form,
    pages, store,
};

pub(crate) async fn list_proposals(
    service: &Registry,
    call: Call<ListProposalsRequest>,
) -> Result<ListProposalsResponse, Error> {
    let question = ListProposalsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let mut form = Form::new();
    let id = form.take("agreement", AgreementId::parse(&call.agreement));
    let state = form.take("state", enums::optional(call.state, enums::proposal_state));
    let (id, state) = form.finish(id.zip(state))?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_id(&page, Uuid::nil())?;
    let mut conn = service.database.read().await?;
    if store::agreements::find(&mut conn, id).await?.is_none() {
        return Err(Error::no_agreement(&call.agreement));
    }
    let state = state.map(ProposalState::as_str);
    let limit = pages::limit(&page);
    let mut rows = store::proposals::list(&mut conn, id, state, after, limit).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |proposal| {
        vec![proposal.id.0.to_string()]
    });
    let proposals = rows.iter().map(convert::proposal).collect();
    Ok(ListProposalsResponse {
        proposals,
        next_page_token,
    })
}
