//! What the notifications keep of the registry.

use super::fields::{code, day, title};
use super::rows::notifications::DistrictBoard;
use super::{Expected, Tables, Unreadable};
use crate::contract::body::Body;
use crate::log::EventRef;

/// What the projection must hold.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    district_board: Expected<DistrictBoard>,
}

impl Notifications {
    /// Takes in the next event of the registry.
    ///
    /// # Errors
    /// When the service could not have understood it.
    pub(crate) fn hear(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::DistrictBoardCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let row = DistrictBoard {
                    code: code("districtBoards", &body.district_board)?,
                    // A sentence needs a name in either language.
                    title_en: if title_en.is_empty() {
                        title_sv.clone()
                    } else {
                        title_en
                    },
                    title_sv,
                    successor: None,
                    succeeded_on: None,
                };
                self.district_board.put(row, at);
            }
            Body::DistrictBoardSucceeded(body) => {
                let key = (code("districtBoards", &body.district_board)?,);
                let successor = code("districtBoards", &body.successor)?;
                let succeeded_on = day(body.succeeded_on.as_ref())?;
                self.district_board.change(&key, at, |row| {
                    row.successor = Some(successor);
                    row.succeeded_on = Some(succeeded_on);
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// All tables, to be compared.
    pub(crate) fn tables(self) -> Tables {
        vec![Box::new(self.district_board)]
    }
}
