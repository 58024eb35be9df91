//! `registry.district_board.created`: the board can subscribe, and can be named.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::DistrictBoardCreated;
use sqlx::PgConnection;

use super::poison;
use crate::{convert, domain::title::Title, store};

/// Enters the board.
pub(super) async fn district_board_created(
    tx: &mut PgConnection,
    event: &Envelope<DistrictBoardCreated>,
) -> Result<(), Rejection> {
    let code = convert::district_code(&event.body.district_board).map_err(poison)?;
    let title = event.body.title.clone().unwrap_or_default();
    let english = if title.en.is_empty() {
        title.sv.clone()
    } else {
        title.en
    };
    let title = Title {
        swedish: title.sv,
        english,
    };
    store::district_boards::enter(tx, &code, &title).await?;
    Ok(())
}
