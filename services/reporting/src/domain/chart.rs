//! Small charts as SVG that everyone can read.
//!
//! # Design notes
//! - Nothing is told by colour alone: lines differ by dash and weight and are labelled at their ends, bars carry their
//!   name and number. Every text and every line that matters has a contrast of at least 4.5 to 1 against white.
//! - A chart carries a title and a description for those who do not see it, and always stands beside a table with the
//!   same numbers, which is the caller's to set: in a page and in a document tables are made by different means.
//! - Numbers grow from zero and steps are drawn as steps: a slope would claim signatures between two days of change.
//! - A chart library was refused: each of them draws inaccessible charts by default and weighs more than this file.

use std::fmt::Write;

use time::Date;

use crate::domain::curve::Point;

/// How a chart is named and lettered.
#[derive(Debug, Clone, Copy)]
pub struct Lettering<'a> {
    /// Unique within the page, for the references from the drawing to its title and description.
    pub id: &'a str,
    /// What the chart shows.
    pub title: &'a str,
    /// What is to be seen in it, for those who do not see it.
    pub description: &'a str,
    /// Font family.
    pub font: &'a str,
}

const WIDTH: f64 = 720.0;
const STEP_HEIGHT: f64 = 300.0;
const BAR_HEIGHT: f64 = 24.0;
const BAR_GAP: f64 = 12.0;
/// Contrast against white: 13 to 1.
const INK: &str = "#1f2a37";
/// Contrast against white: 8.6 to 1.
const MAIN: &str = "#14508c";
/// Contrast against white: 6.7 to 1.
const SECOND: &str = "#8f4300";
/// Decoration only: what the lines of the grid say stands at their ends as text.
const GRID: &str = "#d3d9e0";
/// Labels of two lines that end closer than this would overlap.
const LABEL_CLEARANCE: f64 = 17.0;
/// Up to so many days the axis names months, above it years.
const MONTHS_UP_TO_DAYS: i64 = 800;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec",
];

/// The number of signatories over time as two step lines.
pub fn step_line(lettering: Lettering, points: &[Point]) -> String {
    let frame = Frame::around(points);
    let mut svg = open(lettering, STEP_HEIGHT);
    frame.grid(&mut svg);
    frame.line(
        &mut svg,
        points,
        |p| p.decided,
        SECOND,
        "2.5\" stroke-dasharray=\"7 4",
    );
    frame.line(&mut svg, points, |p| p.signed, MAIN, "3.5");
    if let Some(last) = points.last() {
        let (mut signed, mut decided) = (frame.y(last.signed), frame.y(last.decided));
        if signed - decided < LABEL_CLEARANCE {
            let middle = f64::midpoint(signed, decided);
            decided = middle - LABEL_CLEARANCE / 2.0;
            signed = middle + LABEL_CLEARANCE / 2.0;
        }
        label(
            &mut svg,
            frame.right + 10.0,
            decided,
            SECOND,
            &format!("Beslutat: {}", last.decided),
        );
        label(
            &mut svg,
            frame.right + 10.0,
            signed,
            MAIN,
            &format!("Undertecknat: {}", last.signed),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Counts as horizontal bars, each with its name and number.
pub fn bars(lettering: Lettering, counts: &[(&str, i32)]) -> String {
    const LEFT: f64 = 150.0;
    const RIGHT: f64 = 60.0;
    let rows = f64::from(u32::try_from(counts.len()).unwrap_or(u32::MAX));
    let height = rows * (BAR_HEIGHT + BAR_GAP) + BAR_GAP;
    let most = counts
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut svg = open(lettering, height);
    let mut y = BAR_GAP;
    for (name, count) in counts {
        let middle = y + BAR_HEIGHT / 2.0;
        let length = (WIDTH - LEFT - RIGHT) * f64::from(*count) / f64::from(most);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{middle:.1}\" dy=\"5\" text-anchor=\"end\" fill=\"{INK}\" \
             font-size=\"15\">{}</text>\
             <rect x=\"{LEFT:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT:.1}\" \
             fill=\"{MAIN}\"/>\
             <text x=\"{:.1}\" y=\"{middle:.1}\" dy=\"5\" fill=\"{INK}\" font-size=\"15\" \
             font-weight=\"bold\">{count}</text>",
            LEFT - 10.0,
            escape(name),
            LEFT + length + 8.0,
        );
        y += BAR_HEIGHT + BAR_GAP;
    }
    let _ = write!(
        svg,
        "<line x1=\"{LEFT:.1}\" y1=\"4\" x2=\"{LEFT:.1}\" y2=\"{:.1}\" stroke=\"{INK}\" \
         stroke-width=\"1.5\"/></svg>",
        height - 4.0
    );
    svg
}

/// Text as it may stand in markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn open(lettering: Lettering, height: f64) -> String {
    let Lettering {
        id,
        title,
        description,
        font,
    } = lettering;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         width=\"{WIDTH:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-description\" font-family=\"{}\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-description\">{}</desc>",
        escape(font),
        escape(title),
        escape(description),
    )
}

fn label(svg: &mut String, x: f64, y: f64, colour: &str, text: &str) {
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" dy=\"5\" fill=\"{colour}\" font-size=\"15\" \
         font-weight=\"bold\">{}</text>",
        escape(text)
    );
}

/// The plane of a step chart.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    first: Date,
    last: Date,
    most: i32,
    tick: i32,
}

impl Frame {
    fn around(points: &[Point]) -> Self {
        let most = points
            .iter()
            .map(|p| p.decided.max(p.signed))
            .max()
            .unwrap_or(0)
            .max(1);
        let tick = tick(most);
        Self {
            left: 48.0,
            right: WIDTH - 175.0,
            top: 16.0,
            bottom: STEP_HEIGHT - 40.0,
            first: points.first().map_or(Date::MIN, |p| p.day),
            last: points.last().map_or(Date::MIN, |p| p.day),
            most: (most + tick - 1) / tick * tick,
            tick,
        }
    }

    fn x(&self, day: Date) -> f64 {
        let days = |from: Date, to: Date| f64::from(to.to_julian_day() - from.to_julian_day());
        let span = days(self.first, self.last).max(1.0);
        self.left + (self.right - self.left) * days(self.first, day) / span
    }

    fn y(&self, count: i32) -> f64 {
        self.bottom - (self.bottom - self.top) * f64::from(count) / f64::from(self.most)
    }

    fn grid(&self, svg: &mut String) {
        for count in (0..=self.most).step_by(usize::try_from(self.tick).unwrap_or(1)) {
            let y = self.y(count);
            let (colour, weight) = if count == 0 { (INK, 1.5) } else { (GRID, 1.0) };
            let _ = write!(
                svg,
                "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" \
                 stroke-width=\"{weight}\"/><text x=\"{:.1}\" y=\"{y:.1}\" dy=\"5\" \
                 text-anchor=\"end\" fill=\"{INK}\" font-size=\"14\">{count}</text>",
                self.left,
                self.right,
                self.left - 8.0,
            );
        }
        for (day, name) in self.dates() {
            let x = self.x(day);
            let _ = write!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{0:.1}\" x2=\"{x:.1}\" y2=\"{1:.1}\" stroke=\"{INK}\"/>\
                 <text x=\"{x:.1}\" y=\"{2:.1}\" text-anchor=\"middle\" fill=\"{INK}\" \
                 font-size=\"14\">{name}</text>",
                self.bottom,
                self.bottom + 5.0,
                self.bottom + 22.0,
            );
        }
    }

    /// The days that the axis names: the first of every or every other month, or of every so many years.
    fn dates(&self) -> Vec<(Date, String)> {
        let days = (self.last - self.first).whole_days();
        let every = match days {
            ..=400 => 1,
            401..=MONTHS_UP_TO_DAYS => 3,
            _ => 12 * (1 + days / (366 * 10)),
        };
        let mut named = Vec::new();
        for month in 0.. {
            let index = i64::from(self.first.year()) * 12 + month;
            let (year, number) = (index.div_euclid(12), index.rem_euclid(12));
            let day = i32::try_from(year)
                .ok()
                .zip(u8::try_from(number + 1).ok())
                .and_then(|(year, month)| {
                    Date::from_calendar_date(year, time::Month::try_from(month).ok()?, 1).ok()
                });
            let Some(day) = day.filter(|day| *day <= self.last) else {
                break;
            };
            if day < self.first || month % every != 0 {
                continue;
            }
            let name = match usize::try_from(number).ok().and_then(|n| MONTHS.get(n)) {
                Some(name) if days <= 400 => (*name).to_owned(),
                Some(name) if days <= MONTHS_UP_TO_DAYS => format!("{name} {}", year % 100),
                _ => year.to_string(),
            };
            named.push((day, name));
        }
        named
    }

    fn line(
        &self,
        svg: &mut String,
        points: &[Point],
        count: fn(&Point) -> i32,
        colour: &str,
        weight: &str,
    ) {
        let mut path = String::new();
        for (index, point) in points.iter().enumerate() {
            let (x, y) = (self.x(point.day), self.y(count(point)));
            let _ = if index == 0 {
                write!(path, "M{x:.1} {y:.1}")
            } else {
                write!(path, "H{x:.1}V{y:.1}")
            };
        }
        let _ = write!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{weight}\"/>"
        );
    }
}

/// A round step so that at most six lines are drawn.
fn tick(most: i32) -> i32 {
    let mut scale = 1;
    loop {
        for step in [1, 2, 5] {
            if most <= step * scale * 5 {
                return step * scale;
            }
        }
        scale *= 10;
        if scale >= 100_000_000 {
            return scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{Lettering, bars, step_line, tick};
    use crate::domain::curve::Point;

    const LETTERING: Lettering = Lettering {
        id: "kurva",
        title: "Anslutna <organisationer>",
        description: "Från 0 till 60",
        font: "serif",
    };

    fn year() -> [Point; 3] {
        [
            Point {
                day: date!(2012 - 01 - 01),
                signed: 0,
                decided: 0,
            },
            Point {
                day: date!(2012 - 09 - 20),
                signed: 60,
                decided: 60,
            },
            Point {
                day: date!(2012 - 12 - 31),
                signed: 60,
                decided: 60,
            },
        ]
    }

    #[test]
    fn says_what_it_shows_to_those_who_do_not_see_it() {
        let svg = step_line(LETTERING, &year());
        assert!(svg.contains("role=\"img\""));
        assert!(svg.contains("<title id=\"kurva-title\">Anslutna &lt;organisationer&gt;</title>"));
        assert!(svg.contains("<desc id=\"kurva-description\">Från 0 till 60</desc>"));
    }

    #[test]
    fn lines_are_steps_and_differ_by_more_than_colour() {
        let svg = step_line(LETTERING, &year());
        assert!(svg.contains("stroke-dasharray"), "one line is dashed");
        assert!(svg.contains("Undertecknat: 60") && svg.contains("Beslutat: 60"));
        assert!(!svg.contains('L'), "no slopes");
    }

    #[test]
    fn bars_carry_their_name_and_number() {
        let svg = bars(LETTERING, &[("Bindande", 3), ("Föreslagna", 0)]);
        assert!(svg.contains(">Bindande</text>") && svg.contains(">3</text>"));
        assert!(svg.contains(">Föreslagna</text>") && svg.contains(">0</text>"));
    }

    #[test]
    fn nothing_to_draw_is_drawn_all_the_same() {
        assert!(step_line(LETTERING, &[]).ends_with("</svg>"));
        assert!(bars(LETTERING, &[]).ends_with("</svg>"));
    }

    #[test]
    fn ticks_are_round() {
        for (most, step) in [
            (1, 1),
            (5, 1),
            (6, 2),
            (60, 20),
            (72, 20),
            (100, 20),
            (101, 50),
        ] {
            assert_eq!(tick(most), step, "{most}");
        }
    }

    #[test]
    fn colours_can_be_read() {
        for colour in [super::INK, super::MAIN, super::SECOND] {
            assert!(contrast_with_white(colour) >= 4.5, "{colour}");
        }
    }

    fn contrast_with_white(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value =
                f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hex")) / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
        1.05 / (luminance + 0.05)
    }
}
