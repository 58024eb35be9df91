//! Texts that several things have.

use handslag_platform::{
    text::{LongText, ShortText},
    violations::FieldError,
};

/// A text in the languages of the city.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Localized<T> {
    /// Swedish.
    pub sv: T,
    /// English, when there is one.
    pub en: Option<T>,
}

/// Name of a thing in the languages of the city.
pub type Title = Localized<ShortText>;

/// Running text in the languages of the city.
pub type Prose = Localized<LongText>;

/// Where something of the record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The document.
    pub document: ShortText,
    /// Where in the document.
    pub place: Option<ShortText>,
}

/// Most characters of a diary number: the longest in the record has 16.
pub const DIARY_NUMBER_CHARACTERS_MOST: usize = 60;

/// A board's number of a case. They have no common format, so that nothing but the length is
/// checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiaryNumber(ShortText);

impl DiaryNumber {
    /// Checks a diary number.
    ///
    /// # Errors
    /// Those of a line, or `TEXT_TOO_LONG`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = ShortText::parse(text)?;
        if text.as_str().chars().count() > DIARY_NUMBER_CHARACTERS_MOST {
            return Err(FieldError::new(
                "TEXT_TOO_LONG",
                format!("must have at most {DIARY_NUMBER_CHARACTERS_MOST} characters"),
                format!("Får ha högst {DIARY_NUMBER_CHARACTERS_MOST} tecken."),
            ));
        }
        Ok(Self(text))
    }

    /// The number as the board writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::DiaryNumber;

    #[test]
    fn takes_every_format_of_the_record() {
        for number in [
            "3.1-635/2012",
            "2011-638-1.2.1.",
            "171-84/2017",
            "325-1263/2012",
        ] {
            assert_eq!(DiaryNumber::parse(number).expect("fine").as_str(), number);
        }
        assert!(DiaryNumber::parse(&"1".repeat(61)).is_err());
    }
}
