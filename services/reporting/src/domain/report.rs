//! A report that was ordered, and where it stands.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::figures::Freshness;
use crate::domain::names::BoardCode;

/// So many reports may wait at once. Anyone may order one; a page takes a second to set, so a full queue is worked off
/// in well under a minute, and more waiting would only be a way to occupy the machine.
pub const MOST_RUNNING: i64 = 20;

/// A report is kept for so long: it can be ordered again at any time, and the board files its own copy.
pub const KEPT_FOR: Duration = Duration::days(30);

/// What a report is set as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page.
    Html,
    /// Tagged PDF (PDF/UA-1).
    Pdf,
}

impl Format {
    /// Reads it as the store writes it.
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "html" => Some(Self::Html),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }

    /// As the store and file names write it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }

    /// What a browser calls it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
        }
    }
}

/// Where a report stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Being made.
    Running,
    /// Can be downloaded.
    Ready {
        /// Size of its content.
        size_bytes: i64,
    },
    /// Could not be made.
    Failed {
        /// Why, in Swedish.
        why: String,
    },
}

/// A report of a board for a year. Its content is kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Identity.
    pub id: Uuid,
    /// The board.
    pub board: BoardCode,
    /// The calendar year.
    pub year: i32,
    /// What it is set as.
    pub format: Format,
    /// Where it stands.
    pub state: State,
    /// When it was ordered.
    pub created_at: OffsetDateTime,
    /// As of when its figures are.
    pub freshness: Freshness,
    /// Grows with every change.
    pub version: i64,
}

/// A report that is not running cannot become ready or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report is not running")]
pub struct NotRunning;

impl Report {
    /// The content is there.
    ///
    /// # Errors
    /// [`NotRunning`] when it was made or given up before.
    pub fn complete(self, size_bytes: i64) -> Result<Self, NotRunning> {
        self.settle(State::Ready { size_bytes })
    }

    /// It cannot be made; `why` is for people, in Swedish.
    ///
    /// # Errors
    /// [`NotRunning`] when it was made or given up before.
    pub fn fail(self, why: &str) -> Result<Self, NotRunning> {
        self.settle(State::Failed {
            why: why.to_owned(),
        })
    }

    /// A name under which a board would file it.
    pub fn file_name(&self) -> String {
        format!(
            "handslag-{}-{}.{}",
            self.board.as_str(),
            self.year,
            self.format.code()
        )
    }

    fn settle(self, state: State) -> Result<Self, NotRunning> {
        match self.state {
            State::Running => Ok(Self {
                state,
                version: self.version + 1,
                ..self
            }),
            State::Ready { .. } | State::Failed { .. } => Err(NotRunning),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::{Format, NotRunning, Report, State};
    use crate::domain::figures::Freshness;
    use crate::domain::names::BoardCode;

    fn running() -> Report {
        Report {
            id: Uuid::nil(),
            board: BoardCode::from_code("socialnamnden").expect("a code"),
            year: 2012,
            format: Format::Pdf,
            state: State::Running,
            created_at: datetime!(2026-03-01 10:00 UTC),
            freshness: Freshness::default(),
            version: 1,
        }
    }

    #[test]
    fn becomes_ready_once() {
        let ready = running().complete(10).expect("ready");
        assert_eq!(ready.version, 2);
        assert_eq!(ready.state, State::Ready { size_bytes: 10 });
        assert_eq!(ready.clone().complete(10), Err(NotRunning));
        assert_eq!(ready.fail("nej"), Err(NotRunning));
    }

    #[test]
    fn is_filed_under_board_and_year() {
        assert_eq!(running().file_name(), "handslag-socialnamnden-2012.pdf");
    }
}
