//! Organisation numbers, and the personal identity numbers that look like them.
//!
//! # Design notes
//! A sole trader's number is a personal identity number. It is told apart by its third digit: in an
//! organisation number it is at least 2, in a personal one it is the first of the month. A personal
//! number is refused before it reaches a log or the database, which is why no error of this module
//! repeats what it was given, and why the type shows itself in no `Debug` output.

use std::fmt;

use handslag_platform::violations::FieldError;

/// Most bytes that are looked at: twelve digits, a hyphen, and spaces around them.
const BYTES_MOST: usize = 40;
/// Prefix of the form with twelve digits.
const PREFIX: &str = "16";

/// A valid organisation number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganisationNumber(String);

impl OrganisationNumber {
    /// Reads `NNNNNNNNNN`, `NNNNNN-NNNN`, or either with `16` before it.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` when empty, `PERSONAL_NUMBER_REFUSED` for what looks like a personal
    /// identity number, `ORGANISATION_NUMBER_INVALID` for everything else, foreign
    /// numbers among it.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldError::required());
        }
        if text.len() > BYTES_MOST {
            return Err(invalid());
        }
        let digits = digits(text).ok_or_else(invalid)?;
        let ten = match digits.len() {
            10 => digits.as_str(),
            12 if digits.starts_with(PREFIX) => &digits[PREFIX.len()..],
            // A century before the date of birth: 18, 19, 20.
            12 if ["18", "19", "20"].iter().any(|one| digits.starts_with(one)) => {
                return Err(personal());
            }
            _ => return Err(invalid()),
        };
        match ten.as_bytes()[2] {
            b'0' | b'1' => Err(personal()),
            _ if text.contains('+') => Err(invalid()),
            _ if luhn(ten) => Ok(Self(ten.to_owned())),
            _ => Err(invalid()),
        }
    }

    /// The ten digits, as stored.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganisationNumber {
    /// `NNNNNN-NNNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, rest) = self.0.split_at(6);
        write!(f, "{group}-{rest}")
    }
}

impl fmt::Debug for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrganisationNumber(…)")
    }
}

/// The digits, when a separator stands nowhere but before the last four. A plus sign is what a
/// person of over a hundred years has there.
fn digits(text: &str) -> Option<String> {
    let (before, after) = match text.split_once(['-', '+']) {
        Some((before, after)) if after.len() == 4 => (before, after),
        Some(_) => return None,
        None => (text, ""),
    };
    let digits: String = [before, after].concat();
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(digits)
}

/// Whether the last digit is the checksum of the others (Luhn, ISO/IEC 7812-1).
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn invalid() -> FieldError {
    FieldError::new(
        "ORGANISATION_NUMBER_INVALID",
        "is no Swedish organisation number: ten digits with an optional hyphen",
        "Är inget svenskt organisationsnummer: tio siffror, eventuellt med bindestreck.",
    )
}

fn personal() -> FieldError {
    FieldError::new(
        "PERSONAL_NUMBER_REFUSED",
        "looks like a personal identity number, which is never stored",
        "Ser ut som ett personnummer. Personnummer tas inte emot och sparas inte.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OrganisationNumber, luhn};

    fn reason(text: &str) -> &'static str {
        OrganisationNumber::parse(text).expect_err("refused").reason
    }

    #[test]
    fn reads_the_numbers_of_the_sources_in_every_form() {
        for number in ["212000-0142", "802411-8310", "802000-0009", "252000-0007"] {
            let plain = number.replace('-', "");
            for form in [
                number,
                &plain,
                &format!("16{number}"),
                &format!("16{plain}"),
                &format!(" {number} "),
            ] {
                let read = OrganisationNumber::parse(form).expect("valid");
                assert_eq!(
                    (read.to_string().as_str(), read.digits()),
                    (number, plain.as_str())
                );
            }
        }
    }

    #[test]
    fn refuses_what_is_malformed_or_foreign() {
        for text in [
            "802411-8311",
            "252002-0000",
            "8024118-310",
            "802411 8310",
            "80241-18310",
            "802411-83100",
            "178024118310",
            "DE123456789",
            "FI-0123456",
            "GB 123 4567 89",
            "８０２４１１-８３１０",
            "802411--8310",
            "802411+8310",
            "-",
            "0",
        ] {
            assert_eq!(reason(text), "ORGANISATION_NUMBER_INVALID", "{text}");
        }
        assert_eq!(
            reason(&"8".repeat(1_000_000)),
            "ORGANISATION_NUMBER_INVALID"
        );
        assert_eq!(reason("  "), "FIELD_REQUIRED");
    }

    #[test]
    fn refuses_personal_numbers_whether_or_not_they_are_in_order() {
        // Skatteverket's published test numbers, a coordination number, and one with a wrong
        // checksum.
        for text in [
            "19121212-1212",
            "121212-1212",
            "1212121212",
            "191212121212",
            "121212+1212",
            "201212121212",
            "121272-1219",
            "16121212-1212",
            "121212-1213",
        ] {
            assert_eq!(reason(text), "PERSONAL_NUMBER_REFUSED", "{text}");
        }
    }

    #[test]
    fn no_error_and_no_debug_output_repeats_the_number() {
        let refused = OrganisationNumber::parse("121212-1212").expect_err("personal");
        assert!(!format!("{refused:?}").contains("1212"));
        let read = OrganisationNumber::parse("802411-8310").expect("valid");
        assert!(!format!("{read:?}").contains("802411"));
    }

    proptest! {
        #[test]
        fn exactly_one_checksum_fits_and_every_form_reads_as_the_same(
            a in 0..100_u32, third in 2..10_u32, rest in 0..1_000_000_u32,
        ) {
            let nine = format!("{a:02}{third}{rest:06}");
            let valid: Vec<String> = (0..10)
                .map(|check| format!("{nine}{check}"))
                .filter(|ten| OrganisationNumber::parse(ten).is_ok())
                .collect();
            prop_assert_eq!(valid.len(), 1);
            let read = OrganisationNumber::parse(&valid[0]).unwrap();
            prop_assert_eq!(&OrganisationNumber::parse(&read.to_string()).unwrap(), &read);
            prop_assert_eq!(&OrganisationNumber::parse(&format!("16{read}")).unwrap(), &read);
        }

        #[test]
        fn a_third_digit_below_two_is_always_a_person(
            a in 0..100_u32, third in 0..2_u32, rest in 0..10_000_000_u32,
        ) {
            let ten = format!("{a:02}{third}{rest:07}");
            prop_assert_eq!(reason(&ten), "PERSONAL_NUMBER_REFUSED");
        }

        #[test]
        fn a_changed_digit_never_passes(place in 0..10_usize, by in 1..10_u8) {
            let mut digits = b"8024118310".to_vec();
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            prop_assert!(!luhn(std::str::from_utf8(&digits).unwrap()));
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in ".*") {
            let _ = OrganisationNumber::parse(&text);
        }
    }
}
