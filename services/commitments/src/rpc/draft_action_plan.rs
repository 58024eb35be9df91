//! `DraftActionPlan`.

use handslag_platform::etag::Version;
use handslag_platform::id;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::{FieldError, Violations};
use handslag_platform::wire::date;
use handslag_proto::commitments::v1::{DraftActionPlanRequest, DraftActionPlanResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::action_plan::{ActionPlan, Approval, Days};
use crate::domain::names::{ActionPlanId, AgreementId, PartyCode};
use crate::domain::title::Title;
use crate::error::Error;
use crate::references::References;
use crate::{references, store};

/// Begins a plan, which every party of the agreement will have to approve.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn draft_action_plan(
    service: &Commitments,
    call: Call<DraftActionPlanRequest>,
) -> Result<DraftActionPlanResponse, Error> {
    let draft = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let agreement = references::agreement(&mut tx, draft.agreement).await?;
    let mut references = References::default();
    references
        .party(&mut tx, &agreement, "party", &draft.party)
        .await?;
    references.finish()?;
    let waits = |party| Approval { party, at: None };
    let plan = ActionPlan {
        id: ActionPlanId(id::new()),
        agreement: agreement.id,
        title: draft.title,
        days: draft.days,
        approvals: agreement.parties.into_iter().map(waits).collect(),
        example: call.example,
        action_count: 0,
        version: Version::FIRST,
    };
    store::action_plans::insert(&mut tx, &plan).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::action_plan_drafted(act, &plan)).await?;
    let response = DraftActionPlanResponse {
        action_plan: Some(resources::action_plan(&plan)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

struct Draft {
    agreement: AgreementId,
    party: PartyCode,
    title: Title,
    days: Days,
}

fn decode(request: &DraftActionPlanRequest) -> Result<Draft, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::name(&request.agreement));
    let party = violations.take("party", fields::name(&request.party));
    let title = violations.take("title", fields::title(request.title.as_ref()));
    let starts_on = violations.take("starts_on", date(request.starts_on.as_ref()));
    let ends_on = violations.take("ends_on", date(request.ends_on.as_ref()));
    let days = starts_on.zip(ends_on).and_then(|(starts_on, ends_on)| {
        let swedish = "Sista dagen ligger före den första.";
        let days = Days::new(starts_on, ends_on);
        violations.take(
            "ends_on",
            days.map_err(|error| FieldError::new("ENDS_BEFORE_START", error.to_string(), swedish)),
        )
    });
    let (Some(agreement), Some(party), Some(title), Some(days)) = (agreement, party, title, days)
    else {
        return Err(violations.into_fault().into());
    };
    Ok(Draft {
        agreement,
        party,
        title,
        days,
    })
}
