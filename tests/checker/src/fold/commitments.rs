//! What the commitments keep of the registry.

use super::fields::{code, codes, day, id, optional_day, present, principle, title};
use super::rows::commitments::{Agreement, Area, DistrictBoard, Party};
use super::{Expected, Tables, Unreadable};
use crate::contract::body::Body;
use crate::log::EventRef;

/// What the projections must hold.
#[derive(Debug, Default)]
pub(crate) struct Commitments {
    area: Expected<Area>,
    party: Expected<Party>,
    agreement: Expected<Agreement>,
    district_board: Expected<DistrictBoard>,
}

impl Commitments {
    /// Takes in the next event of the registry.
    ///
    /// # Errors
    /// When the service could not have understood it.
    pub(crate) fn hear(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::AreaCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let (code, title_en) = (code("areas", &body.area)?, present(title_en));
                self.area.put(
                    Area {
                        code,
                        title_sv,
                        title_en,
                    },
                    at,
                );
            }
            Body::PartyCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let (code, title_en) = (code("parties", &body.party)?, present(title_en));
                self.party.put(
                    Party {
                        code,
                        title_sv,
                        title_en,
                    },
                    at,
                );
            }
            Body::AgreementDrafted(body) => {
                let principles = body.principles.iter().map(|one| principle(&one.code));
                let row = Agreement {
                    id: id("agreements", &body.agreement)?,
                    parties: codes("parties", &body.parties)?,
                    principles: principles.collect::<Result<_, _>>()?,
                    areas: codes("areas", &body.areas)?,
                    edition: 0,
                    term_starts_on: None,
                    term_ends_on: None,
                };
                self.agreement.put(row, at);
            }
            Body::AgreementAdopted(body) => {
                let key = (id("agreements", &body.agreement)?,);
                let principles = body.principles.iter().map(|one| principle(&one.code));
                let principles = principles.collect::<Result<_, _>>()?;
                let areas = codes("areas", &body.areas)?;
                let starts_on = optional_day(body.term_starts_on.as_ref())?;
                let ends_on = optional_day(body.term_ends_on.as_ref())?;
                self.agreement.change(&key, at, |row| {
                    row.edition = body.edition;
                    row.principles = principles;
                    row.areas = areas;
                    row.term_starts_on = starts_on;
                    row.term_ends_on = ends_on;
                })?;
            }
            _ => return self.of_boards(at, body),
        }
        Ok(())
    }

    fn of_boards(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::DistrictBoardCreated(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let row = DistrictBoard {
                    code: code("districtBoards", &body.district_board)?,
                    title_sv,
                    title_en: present(title_en),
                    established_on: optional_day(body.established_on.as_ref())?,
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
        vec![
            Box::new(self.area),
            Box::new(self.party),
            Box::new(self.agreement),
            Box::new(self.district_board),
        ]
    }
}
