//! `se.handslag.registry.district_board.succeeded.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_platform::wire::date;
use handslag_proto::events::v1::DistrictBoardSucceeded;
use sqlx::PgConnection;

use super::{named, reject};
use crate::domain::names::DistrictBoardCode;
use crate::store;

/// Ends the board; its discussions stay with it and are shown with its successor, which may be
/// heard of later.
///
/// # Errors
/// When the message cannot be read, names a board that never began, or the database fails.
pub async fn district_board_succeeded(
    tx: &mut PgConnection,
    event: &Envelope<DistrictBoardSucceeded>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let board: DistrictBoardCode = named(&body.district_board)?;
    let successor = named(&body.successor)?;
    let day = date(body.succeeded_on.as_ref()).map_err(|error| reject(error.message))?;
    if store::district_boards::succeed(tx, &board, &successor, day).await? {
        Ok(())
    } else {
        Err(reject(format!("{board} is succeeded and never began")))
    }
}
