//! Dates, numbers and names as a Swedish reader expects them.

use handslag_proto::common::v1::{Date, LocalizedText, PartialDate, Source};
use prost_types::Timestamp;

const MONTHS: [&str; 12] = [
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
];

/// A day, as `13 december 2011`; empty when absent.
pub fn date(date: Option<&Date>) -> String {
    date.map_or_else(String::new, |d| written(d.year, d.month, d.day))
}

/// A date as precise as its source: `juni 2012`, `2012`; `datum okänt` when absent.
pub fn partial(date: Option<&PartialDate>) -> String {
    date.filter(|d| d.year != 0).map_or_else(
        || "datum okänt".to_owned(),
        |d| written(d.year, d.month, d.day),
    )
}

/// From one date to another, each as precise as its source.
pub fn period(from: Option<&PartialDate>, to: Option<&PartialDate>) -> String {
    match to.filter(|d| d.year != 0) {
        Some(end) => format!("{} – {}", partial(from), partial(Some(end))),
        None => partial(from),
    }
}

/// A date for machines: `2011-12-13`, `2012-06`, `2012`; empty when absent.
pub fn machine(date: Option<&PartialDate>) -> String {
    match date.map(|d| (d.year, d.month, d.day)) {
        None | Some((0, ..)) => String::new(),
        Some((year, 0, _)) => format!("{year:04}"),
        Some((year, month, 0)) => format!("{year:04}-{month:02}"),
        Some((year, month, day)) => format!("{year:04}-{month:02}-{day:02}"),
    }
}

/// The day of an instant in Stockholm; empty when absent.
pub fn day_of(instant: Option<&Timestamp>) -> String {
    local(instant).map_or_else(String::new, |at| {
        written(at.year().into(), at.month().into(), at.day().into())
    })
}

/// An instant in Stockholm, as `13 december 2011 kl. 14.05`; empty when absent.
pub fn instant(instant: Option<&Timestamp>) -> String {
    local(instant).map_or_else(String::new, |at| {
        let day = written(at.year().into(), at.month().into(), at.day().into());
        format!("{day} kl. {:02}.{:02}", at.hour(), at.minute())
    })
}

/// A text in Swedish; empty when absent.
pub fn text(text: Option<&LocalizedText>) -> String {
    text.map_or_else(String::new, |t| t.sv.clone())
}

/// A text in English, or in Swedish when there is none.
pub fn english(text: Option<&LocalizedText>) -> String {
    text.map_or_else(String::new, |t| {
        if t.en.is_empty() {
            t.sv.clone()
        } else {
            t.en.clone()
        }
    })
}

/// A source with its place; empty when absent.
pub fn source(source: Option<&Source>) -> String {
    match source {
        None => String::new(),
        Some(s) if s.place.is_empty() => s.document.clone(),
        Some(s) => format!("{}, {}", s.document, s.place),
    }
}

/// The last part of a resource name: `farsta` of `districtBoards/farsta`.
pub fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A number with groups of three, parted by a space that does not break.
pub fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::from(if value < 0 { "−" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size of a file.
pub fn size(bytes: i64) -> String {
    match bytes {
        0..1_000 => format!("{bytes}\u{a0}byte"),
        1_000..1_000_000 => format!("{}\u{a0}kB", (bytes + 500) / 1_000),
        _ => format!(
            "{},{}\u{a0}MB",
            bytes / 1_000_000,
            bytes % 1_000_000 / 100_000
        ),
    }
}

/// A word in singular or plural with its count.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!(
        "{}\u{a0}{}",
        number(count),
        if count == 1 { one } else { many }
    )
}

/// Names in a row: `a`, `a och b`, `a, b och c`.
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., end] => format!("{} och {end}", all.join(", ")),
    }
}

/// A board's diary number or the like, with the first letter large.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn written(year: i32, month: i32, day: i32) -> String {
    let name = usize::try_from(month - 1)
        .ok()
        .and_then(|index| MONTHS.get(index));
    match (name, day) {
        (None, _) => year.to_string(),
        (Some(name), 0) => format!("{name} {year}"),
        (Some(name), day) => format!("{day} {name} {year}"),
    }
}

fn local(instant: Option<&Timestamp>) -> Option<jiff::Zoned> {
    let instant = instant?;
    let at = jiff::Timestamp::new(instant.seconds, instant.nanos).ok()?;
    at.in_tz("Europe/Stockholm").ok()
}

#[cfg(test)]
mod tests {
    use super::{Date, PartialDate, Timestamp};

    #[test]
    fn a_date_is_written_as_precisely_as_its_source() {
        let on = |year, month, day| super::partial(Some(&PartialDate { year, month, day }));
        assert_eq!(on(2012, 6, 0), "juni 2012");
        assert_eq!(on(2012, 0, 0), "2012");
        assert_eq!(on(2011, 12, 13), "13 december 2011");
        assert_eq!(super::partial(None), "datum okänt");
        assert_eq!(
            super::date(Some(&Date {
                year: 2016,
                month: 2,
                day: 29
            })),
            "29 februari 2016"
        );
    }

    #[test]
    fn machines_read_the_same_precision() {
        let on = |year, month, day| super::machine(Some(&PartialDate { year, month, day }));
        assert_eq!(
            (on(2012, 6, 0), on(2012, 0, 0)),
            ("2012-06".into(), "2012".into())
        );
        assert_eq!(on(2011, 12, 3), "2011-12-03");
    }

    #[test]
    fn an_instant_is_told_in_stockholm_time() {
        let at = Timestamp {
            seconds: 1_340_000_000,
            nanos: 0,
        };
        assert_eq!(super::instant(Some(&at)), "18 juni 2012 kl. 08.13");
        let new_year = Timestamp {
            seconds: 1_325_372_400,
            nanos: 0,
        };
        assert_eq!(super::day_of(Some(&new_year)), "1 januari 2012");
    }

    #[test]
    fn numbers_are_grouped_and_names_are_rowed() {
        assert_eq!(super::number(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(super::number(-72), "−72");
        assert_eq!(super::size(48_211), "48\u{a0}kB");
        assert_eq!(super::counted(1, "steg", "steg"), "1\u{a0}steg");
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(super::listed(&names), "a, b och c");
    }
}
