//! The query of an address, within bounds.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use crate::error::PageError;

/// Longest query of an address, in bytes: a search, every filter and a page token fit in a quarter
/// of it.
const MAX_QUERY_BYTES: usize = 8192;
/// Longest search text, in characters: the longest name of an organisation.
const MAX_TEXT: usize = 200;
/// Longest page token, in characters.
const MAX_TOKEN: usize = 4096;

/// The query's fields. Unknown ones are ignored; of a repeated one the last counts.
#[derive(Debug, Default)]
pub(crate) struct Params(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        if parts
            .uri
            .query()
            .is_some_and(|query| query.len() > MAX_QUERY_BYTES)
        {
            return Err(PageError::BadRequest("Adressen är för lång.".into()));
        }
        Query::try_from_uri(&parts.uri)
            .map(|Query(fields)| Self(fields))
            .map_err(|_| PageError::BadRequest("Adressen går inte att läsa.".into()))
    }
}

impl Params {
    /// A text, trimmed; empty when absent.
    ///
    /// # Errors
    /// `BadRequest` when it is too long or holds control characters.
    pub(crate) fn text(&self, field: &str) -> Result<String, PageError> {
        let text = self.raw(field).trim();
        if text.chars().count() > MAX_TEXT {
            return Err(PageError::BadRequest(format!(
                "Söktexten får ha högst {MAX_TEXT} tecken."
            )));
        }
        if text.chars().any(char::is_control) {
            return Err(PageError::BadRequest(
                "Söktexten innehåller tecken som inte syns.".into(),
            ));
        }
        Ok(text.to_owned())
    }

    /// A page token; empty when absent.
    ///
    /// # Errors
    /// `BadRequest` when it cannot be one.
    pub(crate) fn token(&self) -> Result<String, PageError> {
        let token = self.raw("sida");
        let possible = token.len() <= MAX_TOKEN && token.bytes().all(|b| b.is_ascii_graphic());
        if possible {
            Ok(token.to_owned())
        } else {
            Err(PageError::BadRequest(
                "Sidan i listan går inte att läsa ut ur adressen.".into(),
            ))
        }
    }

    /// A code such as `social`; empty when absent.
    ///
    /// # Errors
    /// `BadRequest` when it cannot be one.
    pub(crate) fn code(&self, field: &str) -> Result<String, PageError> {
        let code = self.raw(field);
        let possible = code.len() <= 40
            && code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if possible {
            Ok(code.to_owned())
        } else {
            Err(PageError::BadRequest(format!(
                "Valet \u{201d}{field}\u{201d} finns inte."
            )))
        }
    }

    /// A choice of a fixed list; `None` when absent.
    ///
    /// # Errors
    /// `BadRequest` when the list does not have it.
    pub(crate) fn choice(
        &self,
        field: &str,
        list: &'static [crate::labels::Label],
    ) -> Result<Option<&'static crate::labels::Label>, PageError> {
        let code = self.raw(field);
        if code.is_empty() {
            return Ok(None);
        }
        list.iter()
            .find(|label| label.code == code)
            .map(Some)
            .ok_or_else(|| {
                PageError::BadRequest(format!("Valet \u{201d}{field}\u{201d} finns inte."))
            })
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, field: &str) -> bool {
        !self.raw(field).is_empty()
    }

    fn raw(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }
}

/// An address with those fields that are not empty, percent-encoded.
pub(crate) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (field, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(separator);
        address.push_str(field);
        address.push('=');
        encode(value, &mut address);
        separator = '&';
    }
    address
}

fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, address};

    fn params(field: &str, value: &str) -> Params {
        Params([(field.to_owned(), value.to_owned())].into())
    }

    #[test]
    fn an_address_escapes_what_would_break_it() {
        let fields = [("q", "kärlek & \"fred\""), ("tom", ""), ("sida", "a+b/c=")];
        assert_eq!(
            address("/organisationer", &fields),
            "/organisationer?q=k%C3%A4rlek%20%26%20%22fred%22&sida=a%2Bb%2Fc%3D"
        );
    }

    #[test]
    fn refuses_a_text_that_is_too_long_or_holds_control_characters() {
        assert!(params("q", &"å".repeat(200)).text("q").is_ok());
        assert!(params("q", &"å".repeat(201)).text("q").is_err());
        assert!(params("q", "a\u{0}b").text("q").is_err());
    }

    #[test]
    fn refuses_a_choice_that_is_not_on_the_list() {
        assert!(
            params("roll", "kung")
                .choice("roll", crate::labels::ROLES)
                .is_err()
        );
        assert!(
            params("roll", "utforare")
                .choice("roll", crate::labels::ROLES)
                .is_ok()
        );
    }
}
