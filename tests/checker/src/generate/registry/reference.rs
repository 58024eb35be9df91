//! Areas, parties and boards.

use anyhow::Result;
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1 as events;
use serde_json::{Value, json};

use super::{date, names, scope, text};
use crate::calendar::Day;
use crate::contract::body::Body;
use crate::contract::{COMMITMENTS, NOTIFICATIONS, REGISTRY, REPORTING};
use crate::generate::{Said, Town};

/// What is known by a code and a name.
#[derive(Debug)]
pub(in crate::generate) struct Named {
    pub(in crate::generate) code: String,
    sv: String,
    en: &'static str,
}

/// A board of the city.
#[derive(Debug)]
pub(in crate::generate) struct Board {
    pub(in crate::generate) code: String,
    areas: Vec<String>,
}

/// A district board.
#[derive(Debug)]
pub(in crate::generate) struct DistrictBoard {
    pub(in crate::generate) code: String,
    sv: String,
    en: &'static str,
    established_on: Option<Day>,
    succession: Option<(String, Day)>,
}

/// The English name of every other thing; the rest has none.
fn english(number: usize, name: &'static str) -> &'static str {
    if number.is_multiple_of(2) { name } else { "" }
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl Town {
    pub(in crate::generate) fn create_area(&mut self) -> Result<()> {
        let number = self.registry.areas.len();
        let area = Named {
            code: format!("area-{number}"),
            sv: format!("Område {number}"),
            en: english(number, "An area"),
        };
        let name = format!("areas/{}", area.code);
        let body = events::AreaCreated {
            scope: scope(None, std::slice::from_ref(&area.code)),
            area: name.clone(),
            title: text(&area.sv, area.en),
        };
        self.first("CreateArea", &area.code, name, Body::AreaCreated(body))?;
        self.registry.areas.push(area);
        Ok(())
    }

    pub(in crate::generate) fn create_party(&mut self) -> Result<()> {
        let number = self.registry.parties.len();
        let party = Named {
            code: format!("party-{number}"),
            sv: format!("Part {number}"),
            en: english(number, "A party"),
        };
        let name = format!("parties/{}", party.code);
        let title = text(&party.sv, party.en);
        let body = events::PartyCreated {
            scope: scope(None, &[]),
            party: name.clone(),
            title,
        };
        self.first("CreateParty", &party.code, name, Body::PartyCreated(body))?;
        self.registry.parties.push(party);
        Ok(())
    }

    pub(in crate::generate) fn create_board(&mut self) -> Result<()> {
        let code = format!("board-{}", self.registry.boards.len());
        let areas: Vec<String> = self
            .registry
            .areas
            .iter()
            .take(2)
            .map(|area| area.code.clone())
            .collect();
        let name = format!("boards/{code}");
        let body = events::BoardCreated {
            scope: scope(None, &areas),
            board: name.clone(),
            title: text("Nämnd", "Board"),
            areas: names("areas", &areas),
        };
        self.first("CreateBoard", &code, name, Body::BoardCreated(body))?;
        let row = json!({
            "code": code, "title_sv": "Nämnd", "title_en": "Board", "areas": areas,
        });
        self.out.row(REPORTING, "board", &row)?;
        self.registry.boards.push(Board { code, areas });
        Ok(())
    }

    pub(in crate::generate) fn create_district_board(&mut self) -> Result<()> {
        let number = self.registry.district_boards.len();
        let board = DistrictBoard {
            code: format!("district-{number}"),
            sv: format!("Stadsdel {number}"),
            en: english(number, "A district"),
            established_on: (!number.is_multiple_of(3)).then(|| self.now.in_stockholm()),
            succession: None,
        };
        let name = format!("districtBoards/{}", board.code);
        let body = events::DistrictBoardCreated {
            scope: district(&name),
            district_board: name.clone(),
            title: text(&board.sv, board.en),
            established_on: board.established_on.map(date),
        };
        self.first(
            "CreateDistrictBoard",
            &board.code,
            name,
            Body::DistrictBoardCreated(body),
        )?;
        self.registry.district_boards.push(board);
        Ok(())
    }

    /// A new area, board or district board, or an old one that is succeeded: there are few.
    pub(in crate::generate) fn step_reference(&mut self) -> Result<()> {
        match self.chance.below(20) {
            0 => self.create_area(),
            1 => self.create_party(),
            2 => self.create_board(),
            3 | 4 => self.create_district_board(),
            5 => self.draft_agreement(),
            6 => self.adopt_agreement(),
            _ => self.succeed_district_board(),
        }
    }

    fn succeed_district_board(&mut self) -> Result<()> {
        // The first three stay: subscribers and successors are found among them.
        let mut boards = self.registry.district_boards.iter().skip(3);
        let Some(index) = boards.position(|board| board.succession.is_none()) else {
            return Ok(());
        };
        let successor = self.registry.district_boards[0].code.clone();
        let on = self.now.in_stockholm();
        let board = &mut self.registry.district_boards[index + 3];
        board.succession = Some((successor.clone(), on));
        let code = board.code.clone();
        let name = format!("districtBoards/{code}");
        let body = events::DistrictBoardSucceeded {
            scope: district(&name),
            district_board: name.clone(),
            successor: format!("districtBoards/{successor}"),
            succeeded_on: Some(date(on)),
        };
        self.say(&Said {
            service: REGISTRY,
            method: "SucceedDistrictBoard",
            aggregate_id: code,
            version: 2,
            subject: name,
            body: Body::DistrictBoardSucceeded(body),
        })?;
        Ok(())
    }

    fn first(
        &mut self,
        method: &'static str,
        code: &str,
        subject: String,
        body: Body,
    ) -> Result<()> {
        let aggregate_id = code.to_owned();
        self.say(&Said {
            service: REGISTRY,
            method,
            aggregate_id,
            version: 1,
            subject,
            body,
        })?;
        Ok(())
    }

    /// What is known of them here and elsewhere.
    pub(super) fn write_reference(&mut self) -> Result<()> {
        let registry = &self.registry;
        for (table, named) in [("area", &registry.areas), ("party", &registry.parties)] {
            for Named { code, sv, en } in named {
                let optional = none_if_empty(en);
                let row = |en: Value| json!({ "code": code, "title_sv": sv, "title_en": en });
                let mut own = row(json!(optional));
                own["version"] = json!(1);
                self.out.row(REGISTRY, table, &own)?;
                self.out.row(COMMITMENTS, table, &row(json!(optional)))?;
                self.out.row(REPORTING, table, &row(json!(en)))?;
            }
        }
        for Board { code, areas } in &registry.boards {
            let row = json!({
                "code": code, "title_sv": "Nämnd", "title_en": "Board", "areas": areas,
                "version": 1,
            });
            self.out.row(REGISTRY, "board", &row)?;
        }
        for board in &registry.district_boards {
            let (successor, succeeded_on) = board.succession.clone().unzip();
            let mut row = json!({
                "code": board.code, "title_sv": board.sv, "title_en": none_if_empty(board.en),
                "established_on": board.established_on, "successor": successor,
                "succeeded_on": succeeded_on,
            });
            self.out.row(COMMITMENTS, "district_board", &row)?;
            row["version"] = json!(1 + i64::from(board.succession.is_some()));
            self.out.row(REGISTRY, "district_board", &row)?;
            let english = none_if_empty(board.en).unwrap_or(&board.sv);
            let row = json!({
                "code": board.code, "title_sv": board.sv, "title_en": english,
                "successor": successor, "succeeded_on": succeeded_on,
            });
            self.out.row(NOTIFICATIONS, "district_board", &row)?;
        }
        Ok(())
    }
}

fn district(name: &str) -> Option<EventScope> {
    Some(EventScope {
        district_board: name.to_owned(),
        ..EventScope::default()
    })
}
