//! One result: two quantities of the same run, their ratio, and what it should be.

use std::fmt::Write as _;

use crate::machine::Machine;

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// More than this: what must be seen to fail a bound.
    Above(f64),
    /// Nothing; it is told for comparison.
    Told,
}

/// A measured ratio.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of the bench, as on the command line.
    pub bench: &'static str,
    /// What stands above the line.
    pub numerator: &'static str,
    /// What stands below it.
    pub denominator: &'static str,
    /// The unit of both.
    pub unit: &'static str,
    /// What each pair measured.
    pub pairs: Vec<(f64, f64)>,
    /// What the ratio should be.
    pub aim: Aim,
    /// How it was measured, where that is a choice.
    pub note: String,
}

impl Figure {
    /// The ratios of the pairs, ascending.
    #[must_use]
    pub fn ratios(&self) -> Vec<f64> {
        let mut ratios: Vec<f64> = self
            .pairs
            .iter()
            .map(|(above, below)| above / below)
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    /// The median of the pairs' ratios.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        median(&self.ratios())
    }

    /// The medians of numerator and denominator. Their ratio is near [`Self::ratio`], not it.
    #[must_use]
    pub fn medians(&self) -> (f64, f64) {
        let of = |side: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = self.pairs.iter().map(side).collect();
            values.sort_by(f64::total_cmp);
            median(&values)
        };
        (of(|pair| pair.0), of(|pair| pair.1))
    }

    /// Whether the aim is met; a figure without one has none to miss.
    #[must_use]
    pub fn holds(&self) -> bool {
        let ratio = self.ratio();
        match self.aim {
            Aim::AtLeast(least) => ratio >= least,
            Aim::AtMost(most) => ratio <= most,
            Aim::Above(bound) => ratio > bound,
            Aim::Told => true,
        }
    }

    fn spread(&self) -> String {
        let ratios = self.ratios();
        let (least, most) = (ratios.first(), ratios.last());
        least.zip(most).map_or_else(String::new, |(least, most)| {
            format!("{least:.2}..{most:.2}")
        })
    }

    fn aim(&self) -> String {
        match self.aim {
            Aim::AtLeast(least) => format!("≥ {least:.2}"),
            Aim::AtMost(most) => format!("≤ {most:.2}"),
            Aim::Above(bound) => format!("> {bound:.2}"),
            Aim::Told => "–".to_owned(),
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.aim, self.holds()) {
            (Aim::Told, _) => "told",
            (_, true) => "holds",
            (_, false) => "falls short",
        }
    }

    /// The figure as lines for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let (above, below) = self.medians();
        let mut text = format!(
            "{:<9} {:>7.2}  {} ({}; aim {}, {} pairs)\n",
            self.bench,
            self.ratio(),
            self.verdict(),
            self.spread(),
            self.aim(),
            self.pairs.len(),
        );
        let unit = self.unit;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "          {} {unit}  {}",
            number(above),
            self.numerator
        );
        let _ = writeln!(
            text,
            "        ÷ {} {unit}  {}",
            number(below),
            self.denominator
        );
        if !self.note.is_empty() {
            let _ = writeln!(text, "          {}", self.note);
        }
        text
    }

    /// The figure as a row of the table of results.
    #[must_use]
    pub fn row(&self, command: &str, machine: &Machine) -> String {
        let (above, below) = self.medians();
        let unit = self.unit;
        let note = if self.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.note)
        };
        format!(
            "| {} | {} {unit}: {}{note} | {} {unit}: {} | {:.2} | {} | {} | {} | `{command}` | {} |",
            self.bench,
            number(above),
            self.numerator,
            number(below),
            self.denominator,
            self.ratio(),
            self.spread(),
            self.aim(),
            self.verdict(),
            machine.short(),
        )
    }
}

/// The head of the table of results.
pub(crate) const TABLE_HEAD: &str = "\
| bench | numerator | denominator | ratio | spread | aim | verdict | command | machine |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// The middle of ascending values; of an even number, the mean of the two in the middle.
pub(crate) fn median(ascending: &[f64]) -> f64 {
    let middle = ascending.len() / 2;
    match ascending {
        [] => f64::NAN,
        _ if ascending.len().is_multiple_of(2) => {
            f64::midpoint(ascending[middle - 1], ascending[middle])
        }
        _ => ascending[middle],
    }
}

/// With as many decimals as its size deserves.
fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Aim, Figure, median};

    fn figure(pairs: &[(f64, f64)], aim: Aim) -> Figure {
        Figure {
            bench: "B0",
            numerator: "ours",
            denominator: "theirs",
            unit: "1/s",
            pairs: pairs.to_vec(),
            aim,
            note: String::new(),
        }
    }

    #[test]
    fn the_median_of_the_ratios_counts_and_not_the_ratio_of_the_medians() {
        let figure = figure(&[(1.0, 1.0), (9.0, 3.0), (8.0, 4.0)], Aim::Told);
        assert!((figure.ratio() - 2.0).abs() < 1e-9);
        assert_eq!(figure.spread(), "1.00..3.00");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(&[1.0, 2.0, 4.0, 9.0]) - 3.0).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn an_aim_is_met_or_missed() {
        let half = [(1.0, 2.0)];
        assert!(figure(&half, Aim::AtLeast(0.5)).holds());
        assert!(!figure(&half, Aim::AtLeast(0.6)).holds());
        assert!(!figure(&half, Aim::AtMost(0.4)).holds());
        assert!(!figure(&half, Aim::Above(0.5)).holds());
        assert!(figure(&half, Aim::Told).holds());
        assert!(!figure(&[], Aim::AtLeast(0.5)).holds());
    }
}
