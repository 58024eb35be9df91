//! Fields of events.

use handslag_proto::common::v1::{Date, EventScope, LocalizedText, PartialDate};
use uuid::Uuid;

use super::Unreadable;
use crate::calendar::{Day, Moment};
use crate::ids;

/// Shortest and longest code.
const CODE_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=40;

/// The id in a resource name of `collection`.
pub(crate) fn id(collection: &'static str, name: &str) -> Result<Uuid, Unreadable> {
    bare(collection, name)
        .and_then(ids::decode)
        .ok_or(Unreadable(collection))
}

/// The code in a resource name of `collection`.
pub(crate) fn code(collection: &'static str, name: &str) -> Result<String, Unreadable> {
    let code = bare(collection, name).filter(|code| is_code(code));
    code.map(str::to_owned).ok_or(Unreadable(collection))
}

/// The codes in resource names of `collection`.
pub(crate) fn codes(collection: &'static str, names: &[String]) -> Result<Vec<String>, Unreadable> {
    names.iter().map(|name| code(collection, name)).collect()
}

/// The code of a principle, which stands without a collection.
pub(crate) fn principle(code: &str) -> Result<String, Unreadable> {
    is_code(code)
        .then(|| code.to_owned())
        .ok_or(Unreadable("principle"))
}

/// The agreement that an event concerns.
pub(crate) fn agreement(scope: Option<&EventScope>) -> Result<Uuid, Unreadable> {
    id("agreements", scope.map_or("", |scope| &scope.agreement))
}

/// A whole date.
pub(crate) fn day(date: Option<&Date>) -> Result<Day, Unreadable> {
    let date = date.ok_or(Unreadable("date"))?;
    Day::new(date.year, date.month, date.day).ok_or(Unreadable("date"))
}

/// A whole date that may be absent.
pub(crate) fn optional_day(date: Option<&Date>) -> Result<Option<Day>, Unreadable> {
    date.map(|date| day(Some(date))).transpose()
}

/// The day from which something is certain: the last that its date can mean, or that of the event.
pub(crate) fn certain(date: Option<&PartialDate>, at: Moment) -> Result<Day, Unreadable> {
    match date {
        None => Ok(at.in_stockholm()),
        Some(date) => {
            Day::latest(date.year, date.month, date.day).ok_or(Unreadable("partial date"))
        }
    }
}

/// Swedish and English, empty where there is none.
pub(crate) fn title(text: Option<&LocalizedText>) -> (String, String) {
    text.map(|text| (text.sv.clone(), text.en.clone()))
        .unwrap_or_default()
}

/// The text, unless it is empty.
pub(crate) fn present(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// One of the words that a column may hold.
pub(crate) fn word(word: &str, known: &[&str], what: &'static str) -> Result<String, Unreadable> {
    known
        .contains(&word)
        .then(|| word.to_owned())
        .ok_or(Unreadable(what))
}

fn bare<'a>(collection: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(collection)?.strip_prefix('/')
}

fn is_code(code: &str) -> bool {
    CODE_CHARACTERS.contains(&code.len())
        && code.starts_with(|first: char| first.is_ascii_lowercase())
        && code
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use handslag_proto::common::v1::PartialDate;

    use super::{Unreadable, certain, code, id};
    use crate::calendar::{Day, Moment};

    #[test]
    fn reads_names_of_their_collection_alone() {
        assert_eq!(code("areas", "areas/social"), Ok("social".to_owned()));
        for name in [
            "areas/",
            "areas/Social",
            "parties/social",
            "areas/a",
            "social",
        ] {
            assert_eq!(code("areas", name), Err(Unreadable("areas")), "{name}");
        }
        let nil = format!("agreements/{}", "a".repeat(26));
        assert_eq!(id("agreements", &nil), Ok(uuid::Uuid::nil()));
        assert_eq!(id("actions", &nil), Err(Unreadable("actions")));
    }

    #[test]
    fn what_has_no_date_is_certain_on_the_day_it_is_told() {
        let at = Moment::parse("2026-01-31T23:30:00Z").expect("a moment");
        assert_eq!(certain(None, at), Ok(Day::new(2026, 2, 1).expect("a day")));
        let year = PartialDate {
            year: 2012,
            month: 0,
            day: 0,
        };
        assert_eq!(
            certain(Some(&year), at),
            Ok(Day::new(2012, 12, 31).expect("a day"))
        );
    }
}
