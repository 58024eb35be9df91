//! `GetCommitmentFigures`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::{FieldError, Violations};
use handslag_proto::reporting::v1::{GetCommitmentFiguresRequest, GetCommitmentFiguresResponse};
use time::Date;

use crate::domain::figures::{ActionState, CommitmentState, count, is_overdue};
use crate::domain::names::{AgreementId, AreaCode};
use crate::domain::section::{Action, Commitment};
use crate::error::Error;
use crate::{Reporting, convert, read, store};

/// Counts commitments and actions by state, as they stand today.
pub(crate) async fn get_commitment_figures(
    service: &Reporting,
    call: Call<GetCommitmentFiguresRequest>,
) -> Result<GetCommitmentFiguresResponse, Error> {
    let Query { agreement, area } = Query::decode(&call)?;
    let mut snapshot = read::snapshot(&service.database).await?;
    let mut violations = Violations::new();
    violations.take(
        "agreement",
        read::agreement(&mut snapshot, agreement).await?,
    );
    if let Some(area) = &area
        && !store::reference::has_area(&mut snapshot, area).await?
    {
        violations.take::<()>("area", Err(unknown_area()));
    }
    violations.finish()?;
    let mut commitments =
        store::commitments::of(&mut snapshot, agreement, call.exclude_examples).await?;
    let mut actions = store::actions::of(&mut snapshot, agreement, call.exclude_examples).await?;
    let freshness = store::freshness::read(&mut snapshot).await?;
    if let Some(area) = area {
        narrow(&mut commitments, &mut actions, area);
    }
    let today = service.clock.today();
    let state = |action: &Action| action.counted.history.at(today);
    let committed = commitments
        .iter()
        .filter_map(|one| one.counted.history.at(today));
    let overdue = actions.iter().filter(|one| overdue(one, today)).count();
    Ok(GetCommitmentFiguresResponse {
        commitments: convert::counts(
            &count(CommitmentState::ALL, committed),
            CommitmentState::code,
        ),
        actions: convert::counts(
            &count(ActionState::ALL, actions.iter().filter_map(state)),
            ActionState::code,
        ),
        overdue_actions: i32::try_from(overdue).unwrap_or(i32::MAX),
        freshness: Some(convert::freshness(freshness)),
    })
}

/// Leaves the commitments of the area and the actions rooted in one of them.
fn narrow(commitments: &mut Vec<Commitment>, actions: &mut Vec<Action>, area: AreaCode) {
    let areas = [area];
    commitments.retain(|commitment| commitment.concerns(&areas));
    actions.retain(|action| {
        commitments
            .iter()
            .any(|one| action.commitments.contains(&one.id))
    });
}

fn overdue(action: &Action, today: Date) -> bool {
    let state = action.counted.history.at(today);
    action
        .due_on
        .is_some_and(|due_on| is_overdue(state, due_on, today))
}

fn unknown_area() -> FieldError {
    FieldError::new(
        "UNKNOWN_AREA",
        "there is no such area",
        "Området finns inte.",
    )
}

struct Query {
    agreement: AgreementId,
    area: Option<AreaCode>,
}

impl Query {
    fn decode(request: &GetCommitmentFiguresRequest) -> Result<Self, Error> {
        let mut violations = Violations::new();
        let agreement = violations.take("agreement", convert::id("agreements", &request.agreement));
        let area = violations.take(
            "area",
            convert::optional_code(AreaCode::from_name, &request.area),
        );
        match (agreement, area) {
            (Some(agreement), Some(area)) => Ok(Self {
                agreement: AgreementId(agreement),
                area,
            }),
            _ => Err(violations.into_fault().into()),
        }
    }
}
