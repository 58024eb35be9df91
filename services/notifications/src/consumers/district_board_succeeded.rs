//! `registry.district_board.succeeded`: another board took over; the name stays for the history.

use handslag_platform::{
    messaging::{Envelope, Rejection},
    wire,
};
use handslag_proto::events::v1::DistrictBoardSucceeded;
use sqlx::PgConnection;

use super::poison;
use crate::{
    convert,
    store::{self, district_boards::Unknown},
};

/// Notes the successor.
pub(super) async fn district_board_succeeded(
    tx: &mut PgConnection,
    event: &Envelope<DistrictBoardSucceeded>,
) -> Result<(), Rejection> {
    let code = convert::district_code(&event.body.district_board).map_err(poison)?;
    let successor = convert::district_code(&event.body.successor).map_err(poison)?;
    let on = wire::date(event.body.succeeded_on.as_ref()).map_err(poison)?;
    if store::district_boards::succeed(tx, &code, &successor, on).await? {
        Ok(())
    } else {
        Err(poison(Unknown(code)))
    }
}
