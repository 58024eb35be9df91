//! `se.handslag.registry.district_board.created.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_platform::wire::optional_date;
use handslag_proto::events::v1::DistrictBoardCreated;
use sqlx::PgConnection;

use super::{named, reject};
use crate::convert::fields;
use crate::domain::deliberation::DistrictBoard;
use crate::store;

/// Knows the board: it appears among those that have not discussed the principles yet.
///
/// # Errors
/// When the message cannot be read, or the database fails.
pub async fn district_board_created(
    tx: &mut PgConnection,
    event: &Envelope<DistrictBoardCreated>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let board = DistrictBoard {
        code: named(&body.district_board)?,
        title: fields::title(body.title.as_ref()).map_err(|error| reject(error.message))?,
        established_on: optional_date(body.established_on.as_ref())
            .map_err(|error| reject(error.message))?,
        succession: None,
    };
    Ok(store::district_boards::put(tx, &board).await?)
}
