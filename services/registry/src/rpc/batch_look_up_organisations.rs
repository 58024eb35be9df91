//! Says of many numbers whether their organisations are signatories, as of a day.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{
    BatchLookUpOrganisationsRequest, BatchLookUpOrganisationsResponse,
};

use crate::{
    Registry, convert,
    domain::{name::AgreementId, organisation_number::OrganisationNumber},
    error::Error,
    form::Form,
    store,
};

/// Most numbers in one call: some 10 kB of question and 300 kB of answer.
const NUMBERS_MOST: usize = 500;

pub(crate) async fn batch_look_up_organisations(
    service: &Registry,
    call: Call<BatchLookUpOrganisationsRequest>,
) -> Result<BatchLookUpOrganisationsResponse, Error> {
    let mut form = Form::new();
    let question = decode(&call, &mut form);
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let mut conn = service.database.read().await?;
    form.check_references(&mut conn).await?;
    let ((numbers, agreement), day) = form.finish(question.zip(day))?;
    let asked: Vec<String> = numbers
        .iter()
        .map(|number| number.digits().to_owned())
        .collect();
    let known = store::organisation_numbers::look_up(&mut conn, &asked, agreement, day).await?;
    let answers = numbers.iter().zip(&known);
    let look_ups = answers.map(|(number, known)| convert::look_up(number, known.as_ref(), day));
    Ok(BatchLookUpOrganisationsResponse {
        look_ups: look_ups.collect(),
    })
}

fn decode(
    request: &BatchLookUpOrganisationsRequest,
    form: &mut Form,
) -> Option<(Vec<OrganisationNumber>, AgreementId)> {
    let agreement = form.agreement("agreement", &request.agreement);
    form.at_least("numbers", &request.numbers, 1);
    form.at_most("numbers", &request.numbers, NUMBERS_MOST)?;
    let numbers: Vec<_> = request
        .numbers
        .iter()
        .enumerate()
        .map(|(index, number)| {
            form.take(
                &format!("numbers[{index}]"),
                OrganisationNumber::parse(number),
            )
        })
        .collect();
    Some((numbers.into_iter().collect::<Option<_>>()?, agreement?))
}
