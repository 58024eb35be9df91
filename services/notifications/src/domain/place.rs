//! A place in an inbox, as resume tokens and cursors hold it.
//!
//! # Design notes
//! A database that is restored to an earlier instant numbers its inboxes on from there: positions that
//! a reader has seen are given out again, to other notifications. A position alone would make that
//! reader miss them, without a word, once the inbox has grown past it. So a place knows the incarnation
//! of the database that it is from (see the platform's `messaging::incarnation`), and the reader begins
//! again where the restored inbox stood, and is told so. Refused: an error instead. The reader could
//! only begin without a place, and would get everything again that it never acknowledged.

/// How far a reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position of the last notification that was handled.
    pub position: i64,
    /// The incarnation of the database then.
    pub incarnation: i64,
}

/// What has become of an inbox since an incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The database's incarnation now.
    pub incarnation: i64,
    /// The last position that is as it was then; `None` when all are.
    pub kept_up_to: Option<i64>,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumption {
    /// After this one.
    pub place: Place,
    /// Whether what the reader saw after it never happened.
    pub is_set_back: bool,
}

impl Standing {
    /// Where a reader goes on who had come to `position`.
    #[must_use]
    pub fn resume(self, position: i64) -> Resumption {
        let kept = self.kept_up_to.unwrap_or(position);
        Resumption {
            place: Place {
                position: position.min(kept),
                incarnation: self.incarnation,
            },
            is_set_back: kept < position,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Resumption, Standing};

    #[test]
    fn a_reader_goes_on_after_what_is_still_as_it_was() {
        let cases = [
            (None, 7, (7, false)),
            (Some(9), 7, (7, false)),
            (Some(7), 7, (7, false)),
            (Some(4), 7, (4, true)),
            (Some(0), 7, (0, true)),
        ];
        for (kept_up_to, position, (after, is_set_back)) in cases {
            let standing = Standing {
                incarnation: 2,
                kept_up_to,
            };
            let place = Place {
                position: after,
                incarnation: 2,
            };
            let wanted = Resumption { place, is_set_back };
            assert_eq!(standing.resume(position), wanted, "{kept_up_to:?}");
        }
    }
}
