//! Lists the agreements, newest first.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListAgreementsRequest, ListAgreementsResponse};
use uuid::Uuid;

use crate::{Registry, convert, error::Error, pages, store};

pub(crate) async fn list_agreements(
    service: &Registry,
    call: Call<ListAgreementsRequest>,
) -> Result<ListAgreementsResponse, Error> {
    let question = ListAgreementsRequest::default();
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let before = pages::after_id(&page, Uuid::max())?;
    let mut conn = service.database.read().await?;
    let mut rows = store::agreements::list(&mut conn, before, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |agreement| {
        vec![agreement.id.0.to_string()]
    });
    let today = service.clock.today();
    let agreements = rows
        .iter()
        .map(|agreement| convert::agreement(agreement, today))
        .collect();
    Ok(ListAgreementsResponse {
        agreements,
        next_page_token,
    })
}
