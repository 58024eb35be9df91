//! Where a page starts and whether another follows.

use handslag_platform::{
    paging::Page,
    violations::{FieldError, Violations},
};
use prost::Message;
use uuid::Uuid;

use crate::{Registry, error::Error};

/// Rows to ask for: one more than the page has tells whether another page follows.
pub(crate) fn limit(page: &Page) -> i64 {
    page.size + 1
}

/// Cuts the row too many off and makes the token that asks for it; empty on the last page.
pub(crate) fn next<T>(
    service: &Registry,
    rows: &mut Vec<T>,
    page: &Page,
    question: &impl Message,
    keyset: impl Fn(&T) -> Vec<String>,
) -> String {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return String::new();
    }
    rows.truncate(size);
    rows.last().map_or_else(String::new, |last| {
        service.tokens.encode(&keyset(last), question)
    })
}

/// One text, or what is before all texts.
pub(crate) fn after_text(page: &Page) -> Result<String, Error> {
    match page.after.as_deref() {
        None => Ok(String::new()),
        Some([text]) => Ok(text.clone()),
        Some(_) => Err(invalid()),
    }
}

/// One id, or the one that stands before the first page.
pub(crate) fn after_id(page: &Page, first: Uuid) -> Result<Uuid, Error> {
    match page.after.as_deref() {
        None => Ok(first),
        Some([id]) => id.parse().map_err(|_| invalid()),
        Some(_) => Err(invalid()),
    }
}

/// Two texts, or what is before all of them.
pub(crate) fn after_texts(page: &Page) -> Result<(String, String), Error> {
    match page.after.as_deref() {
        None => Ok((String::new(), String::new())),
        Some([first, second]) => Ok((first.clone(), second.clone())),
        Some(_) => Err(invalid()),
    }
}

/// A text and an id, or `first` and what is before all ids.
pub(crate) fn after_text_and_id(page: &Page, first: &str) -> Result<(String, Uuid), Error> {
    match page.after.as_deref() {
        None => Ok((first.to_owned(), Uuid::nil())),
        Some([text, id]) => Ok((text.clone(), id.parse().map_err(|_| invalid())?)),
        Some(_) => Err(invalid()),
    }
}

/// A date and a position, or what is before all of them.
pub(crate) fn after_date_and_position(page: &Page) -> Result<(String, i32), Error> {
    match page.after.as_deref() {
        None => Ok((BEFORE_ALL_DATES.to_owned(), 0)),
        Some([date, position]) => Ok((date.clone(), position.parse().map_err(|_| invalid())?)),
        Some(_) => Err(invalid()),
    }
}

/// A day before all that can be recorded.
pub(crate) const BEFORE_ALL_DATES: &str = "0001-01-01";

/// A token that is ours and of this question, and yet of another form: made by another release.
fn invalid() -> Error {
    let mut violations = Violations::new();
    let error = FieldError::new(
        "PAGE_TOKEN_INVALID",
        "is of another release; start again without it",
        "Sidan går inte att läsa. Börja om från första sidan.",
    );
    violations.add("page_token", error.reason, error.message, error.swedish);
    violations.into_fault().into()
}
