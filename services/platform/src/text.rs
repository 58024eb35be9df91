//! Checked texts and codes: what people write, made safe to store, compare and show.
//!
//! # Design notes
//! Every text is normalised to NFC, so that å written as one character or as two is the same name,
//! and trimmed. Control characters are refused, and so are the bidirectional overrides and
//! isolates, which can make a text read as something else than it is (CVE-2021-42574). Letters of
//! right-to-left scripts, emoji and the joiners that both need are kept. Lengths count characters
//! and not bytes, since people do.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::violations::FieldError;

/// Longest one-line text, in characters: names and titles.
pub const SHORT_TEXT_CHARACTERS: usize = 200;
/// Longest running text, in characters: about four printed pages.
pub const LONG_TEXT_CHARACTERS: usize = 10_000;
/// Shortest code, in characters.
pub const CODE_CHARACTERS_LEAST: usize = 2;
/// Longest code, in characters.
pub const CODE_CHARACTERS_MOST: usize = 40;

/// One line of 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortText(String);

/// A text of 1 to 10 000 characters with line breaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LongText(String);

/// A code as it stands in resource names: `[a-z][a-z0-9-]{1,39}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(String);

impl ShortText {
    /// Checks a line.
    ///
    /// # Errors
    /// `FIELD_REQUIRED`, `TEXT_TOO_LONG` or `TEXT_CHARACTER_REFUSED`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        checked(text, SHORT_TEXT_CHARACTERS, false).map(Self)
    }
}

impl LongText {
    /// Checks a text. Windows' line breaks become `\n`.
    ///
    /// # Errors
    /// `FIELD_REQUIRED`, `TEXT_TOO_LONG` or `TEXT_CHARACTER_REFUSED`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        checked(&text.replace("\r\n", "\n"), LONG_TEXT_CHARACTERS, true).map(Self)
    }
}

impl Code {
    /// Checks a code.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` or `CODE_INVALID`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.is_empty() {
            return Err(FieldError::required());
        }
        let fits = (CODE_CHARACTERS_LEAST..=CODE_CHARACTERS_MOST).contains(&text.len());
        let starts = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits && starts && rest {
            return Ok(Self(text.to_owned()));
        }
        Err(FieldError::new(
            "CODE_INVALID",
            "must be a lower-case letter and 1 to 39 lower-case letters, digits or hyphens",
            "Måste vara en liten bokstav (a–z) följd av 1–39 små bokstäver, siffror eller bindestreck.",
        ))
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = FieldError;

            fn try_from(text: String) -> Result<Self, FieldError> {
                Self::parse(&text)
            }
        }

        impl Parse for $name {
            fn parse(text: &str) -> Result<Self, FieldError> {
                Self::parse(text)
            }
        }
    )*};
}

as_text!(ShortText, LongText, Code);

/// What [`parse_optional`] can parse.
pub trait Parse: Sized {
    /// Checks a text.
    ///
    /// # Errors
    /// The rule that the text breaks.
    fn parse(text: &str) -> Result<Self, FieldError>;
}

/// Checks a text that may be missing: proto3 sends a missing text as an empty one.
///
/// # Errors
/// The rule that the text breaks when there is one.
pub fn parse_optional<T: Parse>(text: &str) -> Result<Option<T>, FieldError> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        T::parse(text).map(Some)
    }
}

fn checked(text: &str, most: usize, lines: bool) -> Result<String, FieldError> {
    // Bounds the work before anything is normalised: a character has at most four bytes, and NFC at
    // most triples one.
    if text.len() > most * 12 {
        return Err(too_long(most));
    }
    let text: String = text.nfc().collect();
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required());
    }
    if text.chars().count() > most {
        return Err(too_long(most));
    }
    if let Some(refused) = text.chars().find(|one| is_refused(*one, lines)) {
        return Err(FieldError::new(
            "TEXT_CHARACTER_REFUSED",
            format!(
                "must not contain the character U+{:04X}",
                u32::from(refused)
            ),
            format!("Får inte innehålla tecknet U+{:04X}.", u32::from(refused)),
        ));
    }
    Ok(text.to_owned())
}

fn too_long(most: usize) -> FieldError {
    FieldError::new(
        "TEXT_TOO_LONG",
        format!("must have at most {most} characters"),
        format!("Får ha högst {most} tecken."),
    )
}

fn is_refused(one: char, lines: bool) -> bool {
    match one {
        '\n' => !lines,
        // LINE SEPARATOR and PARAGRAPH SEPARATOR: a line break that is not written as one.
        '\u{2028}' | '\u{2029}' => true,
        // Embeddings and overrides, then isolates.
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        // A byte order mark inside a text, and interlinear annotations.
        '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' => true,
        // Invisible tag characters, except where a flag emoji needs them; these flags do not occur
        // in a record.
        '\u{E0000}'..='\u{E007F}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, LongText, ShortText, parse_optional};

    fn reason(text: &str) -> &'static str {
        ShortText::parse(text).expect_err("refused").reason
    }

    #[test]
    fn one_name_has_one_form() {
        let composed = ShortText::parse("Farsta stadsdelsnämnd").expect("fine");
        let decomposed = ShortText::parse("  Farsta stadsdelsna\u{308}mnd ").expect("fine");
        assert_eq!(composed, decomposed);
    }

    #[test]
    fn keeps_emoji_joiners_and_right_to_left_letters() {
        for text in ["👩‍👩‍👧 familj", "مرحبا", "שלום", "Åäö — “citat”"]
        {
            assert_eq!(ShortText::parse(text).expect("fine").as_str(), text);
        }
    }

    #[test]
    fn refuses_what_reads_otherwise_than_it_is() {
        for text in [
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{0}b",
            "a\u{7}b",
            "rad\nrad",
            "a\u{2028}b",
        ] {
            assert_eq!(reason(text), "TEXT_CHARACTER_REFUSED", "{text:?}");
        }
    }

    #[test]
    fn counts_characters_and_not_bytes() {
        assert!(ShortText::parse(&"å".repeat(200)).is_ok());
        assert_eq!(reason(&"å".repeat(201)), "TEXT_TOO_LONG");
        assert_eq!(reason(&"x".repeat(1_000_000)), "TEXT_TOO_LONG");
        assert_eq!(reason(" \t "), "FIELD_REQUIRED");
    }

    #[test]
    fn long_texts_keep_their_lines() {
        let text = LongText::parse("ett\r\ntvå\n").expect("fine");
        assert_eq!(text.as_str(), "ett\ntvå");
        assert!(LongText::parse("ett\rtvå").is_err());
    }

    #[test]
    fn codes_are_what_names_can_hold() {
        assert_eq!(Code::parse("social-2").expect("fine").as_str(), "social-2");
        for text in [
            "s",
            "2social",
            "Social",
            "so cial",
            "å-ä",
            "-ab",
            &"a".repeat(41),
        ] {
            assert!(Code::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_text_is_none_and_not_a_fault() {
        assert_eq!(parse_optional::<Code>(""), Ok(None));
        assert!(parse_optional::<Code>("1").is_err());
    }
}
