//! Reads an organisation's relation to an agreement as it stood or stands on a day.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{GetSignatoryRequest, GetSignatoryResponse};

use crate::{Registry, convert, domain::name::SignatoryId, error::Error, form::Form, store};

pub(crate) async fn get_signatory(
    service: &Registry,
    call: Call<GetSignatoryRequest>,
) -> Result<GetSignatoryResponse, Error> {
    let mut form = Form::new();
    let id = form.take("name", SignatoryId::parse(&call.name));
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let (id, day) = form.finish(id.zip(day))?;
    let missing = || Error::NotFound {
        kind: "Signatory",
        name: call.name.clone(),
    };
    let mut conn = service.database.read().await?;
    let organisation = store::organisations::find(&mut conn, id.organisation)
        .await?
        .ok_or_else(missing)?;
    let signatory = store::signatories::find(&mut conn, id).await?;
    let version = signatory.version();
    let then = signatory.as_of(day).ok_or_else(missing)?;
    let signatory = convert::signatory(
        &then,
        version,
        &organisation.display_name,
        organisation.example,
    );
    Ok(GetSignatoryResponse {
        signatory: Some(signatory),
    })
}
