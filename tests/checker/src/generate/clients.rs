//! The clients: what they send, how often, and what they are told.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::chance::Chance;
use super::out::Out;
use super::{BEGINNING, Said};
use crate::calendar::Moment;
use crate::contract;
use crate::contract::body::Body;
use crate::ids::{hex, sha256};
use crate::record::{Answer, ClientRecord, Invoke, Refusal, Resource, Unknown};

/// How many clients there are.
const CLIENTS: u64 = 10;

/// A command that a client sends.
pub(super) struct Request {
    pub(super) id: Uuid,
    /// The client's subject.
    pub(super) subject: String,
}

/// A command that has its effect, with its row in the request log; `None` when nobody asked.
/// The client may not learn of the answer, ask again, or get the answer twice.
pub(super) fn command(
    said: &Said,
    now: Moment,
    chance: &mut Chance,
    out: &mut Out,
) -> Result<Option<Request>> {
    if said.method.is_empty() {
        return Ok(None);
    }
    let client = u32::try_from(chance.next() % CLIENTS)?;
    let request = Request {
        id: chance.id(now),
        subject: format!("client-{client}"),
    };
    // Stands for the encoded response: the resource with its etag.
    let response = format!("{}@{}", said.subject, said.version);
    let answer = Told {
        said,
        request: request.id,
        response: response.as_bytes(),
        at_ms: ms(now),
    };
    let invoke = Invoke {
        at_ms: ms(now),
        client,
        request_id: request.id,
        method: method(said).into(),
    };
    let invoke = ClientRecord::Invoke(invoke);
    let unknown = ClientRecord::Unknown(Unknown {
        at_ms: ms(now),
        request_id: request.id,
    });
    out.client(&invoke)?;
    match chance.below(40) {
        0 | 1 => {
            out.client(&unknown)?;
            out.client(&invoke)?;
            out.client(&answer.record())?;
        }
        2 => {
            out.client(&answer.record())?;
            out.client(&invoke)?;
            out.client(&answer.record())?;
        }
        3 => out.client(&unknown)?,
        // The run ended before the client got to know.
        4 => {}
        _ => out.client(&answer.record())?,
    }
    let row = json!({
        "subject": request.subject,
        "request_id": request.id,
        "method": format!("/{}", method(said)),
        "body_hash": format!("\\x{}", hex(&sha256(said.subject.as_bytes()))),
        "response": format!("\\x{}", hex(response.as_bytes())),
        "created_at": now,
    });
    out.row(said.service, "request_log", &row)?;
    Ok(Some(request))
}

/// A command that is refused, again when it is repeated.
pub(super) fn refused(chance: &mut Chance, out: &mut Out, now: Moment) -> Result<()> {
    let request_id = chance.id(now);
    let invoke = ClientRecord::Invoke(Invoke {
        at_ms: ms(now),
        client: 0,
        request_id,
        method: "handslag.registry.v1.RegistryService/SignAgreement".into(),
    });
    let refusal = ClientRecord::Refused(Refusal {
        at_ms: ms(now),
        request_id,
        code: "FAILED_PRECONDITION".into(),
        reason: "NOT_DECIDED".into(),
    });
    for _ in 0..=chance.below(2) {
        out.client(&invoke)?;
        out.client(&refusal)?;
    }
    Ok(())
}

/// A command that never reached its service, for all that the client knows.
pub(super) fn lost(chance: &mut Chance, out: &mut Out, now: Moment) -> Result<()> {
    let request_id = chance.id(now);
    out.client(&ClientRecord::Invoke(Invoke {
        at_ms: ms(now),
        client: 1,
        request_id,
        method: "handslag.registry.v1.RegistryService/RegisterOrganisation".into(),
    }))?;
    out.client(&ClientRecord::Unknown(Unknown {
        at_ms: ms(now),
        request_id,
    }))
}

struct Told<'a> {
    said: &'a Said,
    request: Uuid,
    response: &'a [u8],
    at_ms: u64,
}

impl Told<'_> {
    fn record(&self) -> ClientRecord<'_> {
        // A subscription's etag is its own, and a proceeding has none.
        let names_another = matches!(
            self.said.body,
            Body::SubscriberSubscriptionChanged(_) | Body::AgreementProceedingRecorded(_)
        );
        let aggregate = contract::descriptor(self.said.body.r#type());
        let resource = aggregate.filter(|_| !names_another).map(|event| Resource {
            aggregate: event.aggregate.into(),
            aggregate_id: self.said.aggregate_id.as_str().into(),
            version: self.said.version,
        });
        ClientRecord::Ok(Answer {
            at_ms: self.at_ms,
            request_id: self.request,
            answer_hash: hex(&sha256(self.response)).into(),
            resource,
        })
    }
}

fn method(said: &Said) -> String {
    let mut service = said.service.to_owned();
    if let Some(first) = service.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!(
        "handslag.{}.v1.{service}Service/{}",
        said.service, said.method
    )
}

/// Milliseconds since the history began.
fn ms(now: Moment) -> u64 {
    u64::try_from((now.0 - BEGINNING) / 1_000).unwrap_or_default()
}
