//! What a subscription asks for.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use uuid::Uuid;

use crate::findings::Findings;
use crate::ids::decode;
use crate::record::{Filter, Subscriber};
use crate::told::{Class, Classes};
use crate::verdict::Invariant;

/// A row of the table `subscription`.
#[derive(Debug, Deserialize)]
pub(super) struct SubscriptionRow {
    pub(super) subscriber: Uuid,
    event_types: Vec<String>,
    areas: Vec<String>,
    agreements: Vec<Uuid>,
    district_boards: Vec<String>,
    minimum_severity: i32,
    active: bool,
}

/// What a subscription asks for, answered for every class of events beforehand: there are far fewer
/// classes than events.
#[derive(Debug)]
pub(super) struct Asks {
    wanted: Vec<bool>,
    /// Whether it is in force.
    pub(super) active: bool,
}

impl Asks {
    pub(super) fn new(row: &SubscriptionRow, reader: Option<&str>, classes: &Classes) -> Self {
        let wanted = classes
            .all()
            .iter()
            .map(|class| row.matches(reader, class))
            .collect();
        Self {
            wanted,
            active: row.active,
        }
    }

    /// Whether it asks for events of a class.
    pub(super) fn wants(&self, class: Option<usize>) -> bool {
        class.is_some_and(|class| self.wanted[class])
    }
}

impl SubscriptionRow {
    /// Everything that is set must hold. A district board is never told of another's affairs.
    fn matches(&self, reader: Option<&str>, class: &Class) -> bool {
        let board = class.district_board.as_deref();
        let own = reader.is_none() || board.is_none() || reader == board;
        let of_type = self.event_types.is_empty()
            || self
                .event_types
                .iter()
                .any(|prefix| class.of.r#type.starts_with(prefix));
        let of_area = self.areas.is_empty()
            || class.areas.is_empty()
            || class.areas.iter().any(|area| self.areas.contains(area));
        let of_agreement = self.agreements.is_empty()
            || class
                .agreement
                .is_some_and(|agreement| self.agreements.contains(&agreement));
        let of_board = self.district_boards.is_empty()
            || board.is_none_or(|board| self.district_boards.iter().any(|asked| asked == board));
        let matters = class.of.severity >= self.minimum_severity;
        own && of_type && of_area && of_agreement && of_board && matters
    }

    fn asked(&self) -> Asked {
        Asked {
            event_types: self.event_types.iter().cloned().collect(),
            areas: self.areas.iter().cloned().collect(),
            agreements: self.agreements.iter().copied().collect(),
            district_boards: self.district_boards.iter().cloned().collect(),
            minimum_severity: self.minimum_severity,
        }
    }
}

/// A filter without the order of its lists.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    event_types: BTreeSet<String>,
    areas: BTreeSet<String>,
    agreements: BTreeSet<Uuid>,
    district_boards: BTreeSet<String>,
    minimum_severity: i32,
}

/// Judges that the subscriptions in force are those that the run asked for.
///
/// # Errors
/// When the manifest's filter names what cannot be a name.
pub(super) fn as_asked(
    known: &Subscriber,
    rows: &[&SubscriptionRow],
    findings: &mut Findings,
) -> Result<()> {
    if !known.to_end {
        return Ok(());
    }
    let mut asked = known
        .filters
        .iter()
        .map(asked)
        .collect::<Result<Vec<_>>>()?;
    let in_force = rows.iter().filter(|row| row.active);
    let mut stored: Vec<_> = in_force.map(|row| row.asked()).collect();
    asked.sort();
    stored.sort();
    if asked != stored {
        findings.plain(Invariant::I6, || {
            let name = &known.name;
            format!("{name} has the subscriptions {stored:?} in force, and asked for {asked:?}")
        });
    }
    Ok(())
}

fn asked(filter: &Filter) -> Result<Asked> {
    let code = |collection: &str, name: &String| {
        let code = name
            .strip_prefix(collection)
            .and_then(|rest| rest.strip_prefix('/'));
        code.map(str::to_owned)
            .with_context(|| format!("{name:?} is no name of a filter"))
    };
    let agreement = |name: &String| {
        id("agreements", name).with_context(|| format!("{name:?} is no name of an agreement"))
    };
    let boards = filter.district_boards.iter();
    Ok(Asked {
        event_types: filter.event_types.iter().cloned().collect(),
        areas: filter
            .areas
            .iter()
            .map(|name| code("areas", name))
            .collect::<Result<_>>()?,
        agreements: filter
            .agreements
            .iter()
            .map(agreement)
            .collect::<Result<_>>()?,
        district_boards: boards
            .map(|name| code("districtBoards", name))
            .collect::<Result<_>>()?,
        minimum_severity: filter.minimum_severity,
    })
}

/// The id in a resource name of a collection.
pub(super) fn id(collection: &str, name: &str) -> Option<Uuid> {
    name.strip_prefix(collection)?
        .strip_prefix('/')
        .and_then(decode)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::SubscriptionRow;
    use crate::contract::descriptor;
    use crate::told::Class;

    fn row() -> SubscriptionRow {
        SubscriptionRow {
            subscriber: Uuid::nil(),
            event_types: Vec::new(),
            areas: Vec::new(),
            agreements: Vec::new(),
            district_boards: Vec::new(),
            minimum_severity: 0,
            active: true,
        }
    }

    fn class() -> Class {
        Class {
            of: descriptor("se.handslag.commitments.follow_up.opened.v1").expect("known"),
            agreement: Some(Uuid::from_u128(1)),
            areas: vec!["social".to_owned()],
            district_board: Some("farsta".to_owned()),
        }
    }

    #[test]
    fn each_condition_lets_its_own_through_and_others_not() {
        let text = |text: &str| vec![text.to_owned()];
        for (fits, row) in [
            (true, row()),
            (
                true,
                SubscriptionRow {
                    event_types: text("se.handslag.commitments."),
                    ..row()
                },
            ),
            (
                false,
                SubscriptionRow {
                    event_types: text("se.handslag.registry."),
                    ..row()
                },
            ),
            (
                true,
                SubscriptionRow {
                    areas: text("social"),
                    ..row()
                },
            ),
            (
                false,
                SubscriptionRow {
                    areas: text("kultur"),
                    ..row()
                },
            ),
            (
                true,
                SubscriptionRow {
                    agreements: vec![Uuid::from_u128(1)],
                    ..row()
                },
            ),
            (
                false,
                SubscriptionRow {
                    agreements: vec![Uuid::from_u128(2)],
                    ..row()
                },
            ),
            (
                true,
                SubscriptionRow {
                    district_boards: text("farsta"),
                    ..row()
                },
            ),
            (
                false,
                SubscriptionRow {
                    district_boards: text("bromma"),
                    ..row()
                },
            ),
            (
                true,
                SubscriptionRow {
                    minimum_severity: 2,
                    ..row()
                },
            ),
            (
                false,
                SubscriptionRow {
                    minimum_severity: 3,
                    ..row()
                },
            ),
        ] {
            assert_eq!(row.matches(None, &class()), fits, "{row:?}");
        }
        assert!(row().matches(Some("farsta"), &class()));
        assert!(!row().matches(Some("bromma"), &class()));
    }

    #[test]
    fn what_concerns_all_is_for_everybody_but_no_agreement_is_none_of_them() {
        let everywhere = Class {
            agreement: None,
            areas: Vec::new(),
            district_board: None,
            ..class()
        };
        let text = |text: &str| vec![text.to_owned()];
        assert!(
            SubscriptionRow {
                areas: text("kultur"),
                ..row()
            }
            .matches(None, &everywhere)
        );
        let board = SubscriptionRow {
            district_boards: text("bromma"),
            ..row()
        };
        assert!(board.matches(Some("farsta"), &everywhere));
        let of_one = SubscriptionRow {
            agreements: vec![Uuid::from_u128(1)],
            ..row()
        };
        assert!(!of_one.matches(None, &everywhere));
    }
}
