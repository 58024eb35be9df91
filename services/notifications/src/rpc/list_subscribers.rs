//! `ListSubscribers`: subscribers in Swedish order of their names.

use handslag_platform::{error::Fault, id, rpc::Call};
use handslag_proto::notifications::v1::{ListSubscribersRequest, ListSubscribersResponse};

use crate::{Notifications, access, convert, domain::subscriber::Subscriber, error::Error, store};

/// Lists subscribers; a district board sees itself.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_subscribers(
    service: &Notifications,
    call: Call<ListSubscribersRequest>,
) -> Result<ListSubscribersResponse, Error> {
    let asked = match call.district_board.as_str() {
        "" => None,
        name => Some(
            convert::district_code(name).map_err(|error| Fault::from(("district_board", error)))?,
        ),
    };
    let bound_to = ListSubscribersRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &bound_to)?;
    let after = page.after.as_deref().and_then(|keys| match keys {
        [name, id] => id::decode(id).map(|id| (name.as_str(), id)),
        _ => None,
    });
    let own = access::bound_to(&call.principal)?;
    let mut conn = service.database.read().await?;
    let asked = asked.as_ref().map(|code| code.0.as_str());
    let mut found = store::subscribers::list(&mut conn, asked, own, after, page.size + 1).await?;
    let next = super::next_page(&mut found, page.size, |last: &Subscriber| {
        let keys = [last.display_name.to_string(), id::encode(last.id.0)];
        service.tokens.encode(&keys, &bound_to)
    });
    Ok(ListSubscribersResponse {
        subscribers: found.iter().map(convert::subscriber_to_proto).collect(),
        next_page_token: next,
    })
}
