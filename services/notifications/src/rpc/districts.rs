//! What can be said of a filter's district boards only with the database at hand.

use std::time::Duration;

use handslag_platform::violations::Violations;
use sqlx::PgConnection;

use crate::{
    domain::{filter::Filter, names::DistrictCode, subscriber::Subscriber},
    error::Error,
    store,
};

/// After how long a call is worth repeating: a board that was made a moment ago is known here within milliseconds, and
/// within seconds when the broker was away.
const ARRIVES_WITHIN: Duration = Duration::from_millis(250);

/// Refuses district boards that the registry does not know, and those of others when the subscriber
/// is a board: the subscription would be silent, and its owner would wait for nothing.
///
/// # Errors
/// `INVALID_REQUEST` with `DISTRICT_BOARD_UNKNOWN` or `DISTRICT_BOARD_OF_OTHERS` at each entry
/// concerned.
pub(super) async fn check(
    conn: &mut PgConnection,
    subscriber: &Subscriber,
    filter: &Filter,
) -> Result<(), Error> {
    let mut violations = Violations::new();
    let known = store::district_boards::known(conn, &filter.district_boards).await?;
    for (index, code) in filter.district_boards.iter().enumerate() {
        let field = format!("filter.district_boards[{index}]");
        if !known.iter().any(|one| one == code.0.as_str()) {
            unknown(&mut violations, field);
        } else if subscriber
            .district_board
            .as_ref()
            .is_some_and(|own| own != code)
        {
            violations.add(
                field,
                "DISTRICT_BOARD_OF_OTHERS",
                "a district board is told of what concerns all or itself",
                "En stadsdelsnämnd får veta vad som rör alla eller den själv.",
            );
        }
    }
    Ok(violations.finish()?)
}

/// Refuses a district board that the registry does not know.
///
/// # Errors
/// `INVALID_REQUEST` with `DISTRICT_BOARD_UNKNOWN` at `district_board`.
pub(super) async fn check_one(conn: &mut PgConnection, code: &DistrictCode) -> Result<(), Error> {
    let known = store::district_boards::known(conn, std::slice::from_ref(code)).await?;
    if !known.is_empty() {
        return Ok(());
    }
    let mut violations = Violations::new();
    unknown(&mut violations, "district_board".to_owned());
    Err(violations
        .into_fault()
        .with_retry_after(ARRIVES_WITHIN)
        .into())
}

fn unknown(violations: &mut Violations, field: String) {
    violations.add(
        field,
        "DISTRICT_BOARD_UNKNOWN",
        "the registry has told of no such district board; a new one is known here within seconds",
        "Stadsdelsnämnden är inte känd här. En ny blir det inom några sekunder.",
    );
}
