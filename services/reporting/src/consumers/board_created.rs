//! `BoardCreated`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::BoardCreated;
use sqlx::PgConnection;

use crate::consumers::{code, codes, title};
use crate::domain::names::{AreaCode, BoardCode};
use crate::domain::section::Board;
use crate::store;

/// Knows the board, by its name and its areas: from now on it has sections.
pub(crate) async fn board_created(
    tx: &mut PgConnection,
    event: &Envelope<BoardCreated>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let board = Board {
        code: code(BoardCode::from_name, &body.board)?,
        title: title(body.title.as_ref()),
        areas: codes(AreaCode::from_name, &body.areas)?,
    };
    Ok(store::reference::put_board(tx, &board).await?)
}
