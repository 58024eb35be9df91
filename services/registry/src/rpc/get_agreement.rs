//! Reads an agreement as it stood or stands on a day.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{GetAgreementRequest, GetAgreementResponse};

use crate::{Registry, convert, domain::name::AgreementId, error::Error, form::Form, store};

pub(crate) async fn get_agreement(
    service: &Registry,
    call: Call<GetAgreementRequest>,
) -> Result<GetAgreementResponse, Error> {
    let mut form = Form::new();
    let id = form.take("name", AgreementId::parse(&call.name));
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let (id, day) = form.finish(id.zip(day))?;
    let mut conn = service.database.read().await?;
    let agreement = store::agreements::find(&mut conn, id)
        .await?
        .ok_or_else(|| Error::no_agreement(&call.name))?;
    Ok(GetAgreementResponse {
        agreement: Some(convert::agreement(&agreement, day)),
    })
}
