//! A step curve as inline SVG that a screen reader can read: title, description, and the numbers
//! for a table beside it.
//!
//! # Design notes
//! The two lines differ by dash and by the name written at their end, never by colour alone. A
//! count that changed for a few months and then stood still for years would be a flat line with a
//! bump at its left edge; the curve therefore ends some time after the last change, and says so.
//! Coordinates carry one decimal: a tenth of a pixel is enough.

use std::fmt::Write;

use handslag_proto::{common::v1::Date, reporting::v1::CountOnDay};
use time::Month;

use crate::view;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 118.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 36.0;
/// Names under the axis closer than this would touch.
const MAX_MONTH_MARKS: i32 = 7;
/// Two names at the end of the lines need this much between them.
const NAME_HEIGHT: f64 = 17.0;
/// Months between marks, from fine to coarse.
const MONTH_STEPS: [i32; 8] = [1, 2, 3, 6, 12, 24, 60, 120];
/// At least this many days are shown after the last change, so that one sees it held.
const TAIL_DAYS: i32 = 60;

/// A curve ready to be put into a page.
pub struct Curve {
    /// The SVG element. Holds only numbers and names of this file, so that it may stand unescaped.
    pub svg: String,
    /// What the curve shows, in a sentence.
    pub description: String,
    /// The days on which something changed: day, signed, decided.
    pub rows: Vec<(String, i32, i32)>,
}

struct Point {
    day: i32,
    signed: i32,
    decided: i32,
}

/// Draws the signatories over time; `None` when there is nothing to draw.
pub fn curve(points: &[CountOnDay]) -> Option<Curve> {
    let mut known: Vec<(Point, &Date)> = points
        .iter()
        .filter_map(|p| {
            let date = p.day.as_ref()?;
            Some((
                Point {
                    day: julian(date)?,
                    signed: p.signed,
                    decided: p.decided,
                },
                date,
            ))
        })
        .collect();
    known.sort_by_key(|(point, _)| point.day);
    let (first, first_date) = known.first()?;
    let (last, last_date) = known.last()?;
    let changed = known
        .windows(2)
        .rev()
        .find(|w| (w[0].0.signed, w[0].0.decided) != (w[1].0.signed, w[1].0.decided))
        .map_or(first.day, |w| w[1].0.day);
    let tail = ((changed - first.day) / 4).max(TAIL_DAYS);
    let end = last.day.min(changed + tail).max(first.day + 1);
    let cut = end < last.day;
    let description = format!(
        "Antalet anslutna organisationer går från {} den {} till {} den {}. {} har beslutat \
         ansluta sig, de anslutna inräknade.{}",
        first.signed,
        view::date(Some(first_date)),
        last.signed,
        view::date(Some(last_date)),
        last.decided,
        if cut {
            " Kurvan slutar en tid efter den senaste ändringen."
        } else {
            ""
        },
    );
    let rows = known
        .iter()
        .map(|(point, date)| (view::date(Some(date)), point.signed, point.decided))
        .collect();
    let shown: Vec<&Point> = known
        .iter()
        .map(|(p, _)| p)
        .filter(|p| p.day <= end)
        .collect();
    let svg = Drawing::new(&shown, first.day, end).draw(&description);
    Some(Curve {
        svg,
        description,
        rows,
    })
}

struct Drawing<'a> {
    points: &'a [&'a Point],
    start: i32,
    end: i32,
    step: i32,
    top: i32,
}

impl<'a> Drawing<'a> {
    fn new(points: &'a [&'a Point], start: i32, end: i32) -> Self {
        let highest = points
            .iter()
            .map(|p| p.signed.max(p.decided))
            .max()
            .unwrap_or(0)
            .max(1);
        let step = nice_step(highest);
        Self {
            points,
            start,
            end,
            step,
            top: (highest + step - 1) / step * step,
        }
    }

    fn draw(&self, description: &str) -> String {
        let mut svg = format!(
            "<svg class=\"kurva\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"kurva-titel kurva-text\" xmlns=\"http://www.w3.org/2000/svg\">\
             <title id=\"kurva-titel\">Anslutna organisationer över tid</title>\
             <desc id=\"kurva-text\">{description}</desc>"
        );
        self.grid(&mut svg);
        self.months(&mut svg);
        let _ = write!(
            svg,
            "<path class=\"yta\" d=\"{}\"/>",
            self.area(|p| p.signed)
        );
        let _ = write!(
            svg,
            "<path class=\"beslutat\" d=\"{}\"/>",
            self.line(|p| p.decided)
        );
        let _ = write!(
            svg,
            "<path class=\"anslutna\" d=\"{}\"/>",
            self.line(|p| p.signed)
        );
        self.names(&mut svg);
        svg.push_str("</svg>");
        svg
    }

    fn x(&self, day: i32) -> f64 {
        let share = f64::from(day - self.start) / f64::from(self.end - self.start);
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: i32) -> f64 {
        HEIGHT - BOTTOM - f64::from(value) / f64::from(self.top) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self, svg: &mut String) {
        let mut value = 0;
        while value <= self.top {
            let (y, right) = (self.y(value), WIDTH - RIGHT);
            let _ = write!(
                svg,
                "<line class=\"rutnat\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                LEFT - 8.0,
                y + 4.5
            );
            value += self.step;
        }
    }

    fn months(&self, svg: &mut String) {
        let Ok(first) = time::Date::from_julian_day(self.start) else {
            return;
        };
        let Ok(last) = time::Date::from_julian_day(self.end) else {
            return;
        };
        let index = |d: time::Date| d.year() * 12 + i32::from(u8::from(d.month())) - 1;
        let span = index(last) - index(first);
        let step = MONTH_STEPS
            .into_iter()
            .find(|step| span / step <= MAX_MONTH_MARKS)
            .unwrap_or(120);
        // Marks stand on whole multiples, so that years begin at January.
        let mut month = (index(first) + step - 1).div_euclid(step) * step;
        while let Some(day) = first_of(month) {
            if day > self.end {
                break;
            }
            if day >= self.start {
                let (x, axis) = (self.x(day), HEIGHT - BOTTOM);
                let _ = write!(
                    svg,
                    "<line class=\"axel\" x1=\"{x:.1}\" y1=\"{axis}\" x2=\"{x:.1}\" y2=\"{}\"/>\
                     <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    axis + 5.0,
                    axis + 22.0,
                    month_name(month, step),
                );
            }
            month += step;
        }
    }

    fn line(&self, of: impl Fn(&Point) -> i32) -> String {
        let mut path = String::new();
        for (place, point) in self.points.iter().enumerate() {
            let (x, y) = (self.x(point.day), self.y(of(point)));
            let _ = if place == 0 {
                write!(path, "M{x:.1} {y:.1}")
            } else {
                write!(path, "H{x:.1}V{y:.1}")
            };
        }
        let _ = write!(path, "H{:.1}", self.x(self.end));
        path
    }

    fn area(&self, of: impl Fn(&Point) -> i32) -> String {
        let floor = self.y(0);
        format!("{}V{floor:.1}H{LEFT}Z", self.line(of))
    }

    fn names(&self, svg: &mut String) {
        let Some(last) = self.points.last() else {
            return;
        };
        let signed = self.y(last.signed);
        let decided = self.y(last.decided).min(signed - NAME_HEIGHT);
        let x = WIDTH - RIGHT + 8.0;
        for (class, y, name, value) in [
            ("n-beslutat", decided, "beslutat", last.decided),
            ("n-anslutna", signed, "anslutna", last.signed),
        ] {
            let _ = write!(
                svg,
                "<text class=\"{class}\" x=\"{x}\" y=\"{:.1}\">{value} {name}</text>",
                y + 4.5
            );
        }
    }
}

fn julian(date: &Date) -> Option<i32> {
    let month = Month::try_from(u8::try_from(date.month).ok()?).ok()?;
    let day = u8::try_from(date.day).ok()?;
    Some(
        time::Date::from_calendar_date(date.year, month, day)
            .ok()?
            .to_julian_day(),
    )
}

fn first_of(month: i32) -> Option<i32> {
    let name = Month::try_from(u8::try_from(month.rem_euclid(12) + 1).ok()?).ok()?;
    Some(
        time::Date::from_calendar_date(month.div_euclid(12), name, 1)
            .ok()?
            .to_julian_day(),
    )
}

fn month_name(month: i32, step: i32) -> String {
    const SHORT: [&str; 12] = [
        "jan", "feb", "mars", "apr", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec",
    ];
    let year = month.div_euclid(12);
    if step >= 12 {
        return year.to_string();
    }
    let name = usize::try_from(month.rem_euclid(12))
        .ok()
        .and_then(|m| SHORT.get(m));
    format!("{} {year}", name.copied().unwrap_or_default())
}

/// The smallest of 1, 2, 5, 10, 20, 50 … that divides the height into at most five.
fn nice_step(highest: i32) -> i32 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if highest <= factor * power * 5 {
                return factor * power;
            }
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{CountOnDay, Date, curve, nice_step};

    fn on(year: i32, month: i32, day: i32, signed: i32, decided: i32) -> CountOnDay {
        CountOnDay {
            day: Some(Date { year, month, day }),
            signed,
            decided,
        }
    }

    #[test]
    fn says_in_words_what_it_draws() {
        let points = [
            on(2012, 9, 10, 60, 60),
            on(2012, 11, 1, 72, 72),
            on(2026, 1, 1, 72, 72),
        ];
        let curve = curve(&points).expect("points");
        assert!(
            curve
                .description
                .contains("60 den 10 september 2012 till 72 den 1 januari 2026")
        );
        assert!(curve.description.contains("slutar en tid efter"));
        assert!(curve.svg.contains("<title") && curve.svg.contains("role=\"img\""));
        assert_eq!(curve.rows.len(), 3);
    }

    #[test]
    fn draws_nothing_from_nothing_and_a_line_from_one_point() {
        assert!(curve(&[]).is_none());
        assert!(
            curve(&[on(2012, 2, 31, 1, 1)]).is_none(),
            "a day that cannot be"
        );
        let one = curve(&[on(2012, 9, 10, 0, 0)]).expect("a point");
        assert!(!one.svg.contains("NaN") && !one.svg.contains("inf"));
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(
            [1, 5, 6, 72, 100, 101, 999].map(nice_step),
            [1, 1, 2, 20, 20, 50, 200]
        );
    }
}
