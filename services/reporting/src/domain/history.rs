//! Which state something was in on a day.
//!
//! # Design notes
//! A source may know a date only to the month or the year. A change is counted from the day on which it is certain: the
//! last day that the precision allows. Counting from the first possible day was refused, since a yearly section would
//! then claim on 1 January what its source says only of the year. A later change that is known to the day bounds the
//! earlier ones: who signed on 15 June had decided by then, whatever "June" leaves open.

use time::Date;

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<S> {
    /// Position among the changes of the same thing; larger is later.
    pub version: i64,
    /// The day from which the state is certain.
    pub day: Date,
    /// The new state.
    pub state: S,
}

/// The changes of one thing in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History<S> {
    steps: Vec<(Date, S)>,
}

impl<S: Copy> History<S> {
    /// Orders the changes and lets later ones bound the days of earlier ones.
    pub fn new(mut changes: Vec<Change<S>>) -> Self {
        changes.sort_by_key(|change| change.version);
        let mut bound = Date::MAX;
        let mut steps: Vec<_> = changes
            .iter()
            .rev()
            .map(|change| {
                bound = bound.min(change.day);
                (bound, change.state)
            })
            .collect();
        steps.reverse();
        Self { steps }
    }

    /// The state at the end of `day`; `None` before the first change.
    pub fn at(&self, day: Date) -> Option<S> {
        self.steps
            .iter()
            .rev()
            .find(|(from, _)| *from <= day)
            .map(|(_, state)| *state)
    }

    /// The days on which something changed, in order, and the new states.
    pub fn steps(&self) -> &[(Date, S)] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{Change, History};

    fn change(version: i64, day: time::Date, state: char) -> Change<char> {
        Change {
            version,
            day,
            state,
        }
    }

    #[test]
    fn gives_the_last_state_up_to_the_day() {
        let history = History::new(vec![
            change(2, date!(2012 - 09 - 20), 'b'),
            change(1, date!(2012 - 06 - 18), 'a'),
        ]);
        assert_eq!(history.at(date!(2012 - 06 - 17)), None);
        assert_eq!(history.at(date!(2012 - 06 - 18)), Some('a'));
        assert_eq!(history.at(date!(2012 - 09 - 20)), Some('b'));
        assert_eq!(history.at(date!(2030 - 01 - 01)), Some('b'));
    }

    #[test]
    fn a_later_change_known_to_the_day_bounds_an_earlier_one() {
        let history = History::new(vec![
            change(1, date!(2012 - 06 - 30), 'a'),
            change(2, date!(2012 - 06 - 15), 'b'),
        ]);
        assert_eq!(
            history.steps(),
            [(date!(2012 - 06 - 15), 'a'), (date!(2012 - 06 - 15), 'b')]
        );
        assert_eq!(history.at(date!(2012 - 06 - 15)), Some('b'));
    }
}
