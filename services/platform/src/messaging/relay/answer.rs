//! What of the log answers who misses something, page by page. Pure, and public because the
//! simulation (`tests/simulation`) answers by it too.

use serde::{Deserialize, Serialize};

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Events with `after < seq`, up to `last` or to the end of the log.
    Range {
        /// The number before the first.
        after: i64,
        /// The last number, if there is one.
        last: Option<i64>,
    },
    /// Versions `first..=last` of one aggregate.
    Versions {
        /// Aggregate type.
        aggregate: String,
        /// Aggregate id.
        aggregate_id: String,
        /// First version.
        first: i64,
        /// Last version.
        last: i64,
    },
}

/// A part of the log to be read and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page<'a> {
    /// Numbers with `after < seq <= last`, the first of them.
    Range {
        /// The number before the first.
        after: i64,
        /// The last number.
        last: i64,
    },
    /// Versions `first..=last` of one aggregate, the first of them.
    Versions {
        /// Aggregate type.
        aggregate: &'a str,
        /// Aggregate id.
        aggregate_id: &'a str,
        /// First version.
        first: i64,
        /// Last version.
        last: i64,
    },
}

/// The pages of one answer.
#[derive(Debug)]
pub struct Answer<'a> {
    wanted: &'a Wanted,
    /// Where the next page of a range begins; `None` when the last page has been turned.
    after: Option<i64>,
}

impl<'a> Answer<'a> {
    /// Begins with the first page.
    #[must_use]
    pub fn to(wanted: &'a Wanted) -> Self {
        let after = match wanted {
            Wanted::Range { after, .. } => *after,
            Wanted::Versions { .. } => 0,
        };
        Self {
            wanted,
            after: Some(after),
        }
    }

    /// The page to read now.
    #[must_use]
    pub fn page(&self) -> Option<Page<'a>> {
        let after = self.after?;
        Some(match self.wanted {
            Wanted::Range { last, .. } => Page::Range {
                after,
                last: last.unwrap_or(i64::MAX),
            },
            Wanted::Versions {
                aggregate,
                aggregate_id,
                first,
                last,
            } => Page::Versions {
                aggregate,
                aggregate_id,
                first: *first,
                last: *last,
            },
        })
    }

    /// The page has been read, up to the number `newest` or in vain. A range goes on until a page is
    /// empty. Of one aggregate's versions a single page is sent: what is missing behind it shows as
    /// the next gap and is asked for by itself.
    pub fn turn(&mut self, newest: Option<i64>) {
        self.after = match self.wanted {
            Wanted::Range { .. } => newest,
            Wanted::Versions { .. } => None,
        };
    }

    /// Whether the asker waits for the word that this was all.
    #[must_use]
    pub fn ends_with_word(&self) -> bool {
        matches!(self.wanted, Wanted::Range { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Page, Wanted};

    #[test]
    fn a_range_goes_on_until_a_page_is_empty_and_ends_with_word() {
        let wanted = Wanted::Range {
            after: 4,
            last: Some(9),
        };
        let mut answer = Answer::to(&wanted);
        assert_eq!(answer.page(), Some(Page::Range { after: 4, last: 9 }));
        answer.turn(Some(7));
        assert_eq!(answer.page(), Some(Page::Range { after: 7, last: 9 }));
        answer.turn(None);
        assert_eq!(answer.page(), None);
        assert!(answer.ends_with_word());
    }

    #[test]
    fn versions_are_one_page_without_a_word() {
        let wanted = Wanted::Versions {
            aggregate: "area".to_owned(),
            aggregate_id: "farsta".to_owned(),
            first: 2,
            last: 3,
        };
        let mut answer = Answer::to(&wanted);
        let page = Page::Versions {
            aggregate: "area",
            aggregate_id: "farsta",
            first: 2,
            last: 3,
        };
        assert_eq!(answer.page(), Some(page));
        answer.turn(Some(70));
        assert_eq!(answer.page(), None);
        assert!(!answer.ends_with_word());
    }
}
