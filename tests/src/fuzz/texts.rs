//! Texts that bite, and texts that do not.

use super::chance::Chance;

/// A text beyond the largest message, in bytes.
const BEYOND_A_MESSAGE: usize = 10 << 20;
/// Texts of this length stand on the platform's bounds of 200 and 10 000 characters, on either
/// side, and far above.
const LENGTHS: [usize; 7] = [1, 199, 200, 201, 10_000, 10_001, 120_000];

/// What has broken programs before: control characters, characters that are more or less than they
/// look, the syntax of every language that a text might end up in.
const BITING: [&str; 52] = [
    "",
    " ",
    "\t\r\n",
    "\0",
    "a\0b",
    "\u{1}\u{1b}[31m\u{7f}\u{85}",
    "rad\nrad\r\nrad",
    "a\u{2028}b\u{2029}c",
    "\u{202e}baklänges",
    "\u{2066}isolerad",
    "\u{feff}märke",
    "\u{fff9}a\u{fffa}b\u{fffb}",
    "\u{e0041}\u{e007f}",
    "\u{200d}",
    "\u{ad}",
    "\u{3164}",
    "\u{301}ensam accent",
    "\u{fdfa}",
    "\u{1d160}",
    "\u{fffe}\u{10ffff}",
    "👩‍👩‍👧‍👦🏳️‍🌈🇸🇪",
    "مرحبا שלום",
    "Föreningen A\u{30a}ngstro\u{308}m",
    "İıſßǆﬃ",
    "𝕳𝖆𝖓𝖉𝖘𝖑𝖆𝖌",
    "１２３４５６－７８９０",
    "'; DROP TABLE area; --",
    "\\'; SELECT pg_sleep(9); --",
    "$1 $2 ${jndi:ldap://example.invalid/a}",
    "%_\\%",
    "%00%n%s%x",
    "<script>alert(1)</script>",
    "&lt;&#x0;]]>",
    "{{7*7}}{%raw%}",
    "#panic(\"a\") $ a/0 $ #import \"@preview/a:1.0.0\"",
    "`*_#-+=~|[](){}<>\\`",
    "../../../../etc/passwd",
    "C:\\CON",
    "NULL",
    "null",
    "NaN",
    "-1",
    "0",
    "1e309",
    "99999999999999999999",
    "0x7fffffff",
    "true",
    "{\"a\":[]}",
    "a@example.invalid",
    "=cmd|' /C calc'!A0",
    "AAAAAAAAAAAAAAAAAAAAAAAAAA",
    "aaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Personal identity numbers of nobody: the Tax Agency's numbers for tests, in each way of writing.
/// They are refused where a number is asked for and never said again.
pub(super) const PERSONAL_NUMBERS: [&str; 4] =
    ["19121212-1212", "121212-1212", "121212+1212", "1212121212"];

/// Organisation numbers, valid and not.
const ORGANISATION_NUMBERS: [&str; 8] = [
    "802000-0009",
    "8020000009",
    "442000-0004",
    "556000-4615",
    "16556000-4615",
    "802000-0008",
    "000000-0000",
    "999999-9999",
];

/// Paths of an update mask.
const PATHS: [&str; 10] = [
    "display_name",
    "display_name",
    "kind",
    "roles",
    "areas",
    "*",
    "etag",
    "name.display_name",
    "roles[0]",
    "displayName",
];

/// Identities of a command in forms that a parser may or may not take.
const UUIDS: [&str; 6] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "urn:uuid:0190a000-0000-7000-8000-000000000001",
    "{0190a000-0000-7000-8000-000000000001}",
    "0190A00000007000800000000000000F",
    "0190a000-0000-7000-8000-00000000000",
];

/// A text that bites.
pub(super) fn biting(chance: &mut Chance) -> String {
    match chance.below(10) {
        0 => "å".repeat(*chance.pick(&LENGTHS)),
        1 => "👩".repeat(*chance.pick(&LENGTHS)),
        // NFC makes one character of such a pair and three of another.
        2 => "e\u{301}\u{fb2c}".repeat(*chance.pick(&LENGTHS)),
        3 => format!("e{}", "\u{301}".repeat(*chance.pick(&LENGTHS))),
        4 => (*chance.pick(&PERSONAL_NUMBERS)).to_owned(),
        5 => {
            let (one, other) = (*chance.pick(&BITING), *chance.pick(&BITING));
            format!("{one}{other}")
        }
        _ => (*chance.pick(&BITING)).to_owned(),
    }
}

/// A text that no message can hold.
pub(super) fn beyond_a_message() -> String {
    "x".repeat(BEYOND_A_MESSAGE)
}

/// A text that somebody might write.
pub(super) fn ordinary(chance: &mut Chance) -> String {
    let words = [
        "Öppen",
        "förening",
        "möte",
        "Årsta",
        "dialog",
        "plan",
        "2014",
        "och",
        "råd",
    ];
    let count = 1 + chance.below(6);
    let text: Vec<&str> = (0..count).map(|_| *chance.pick(&words)).collect();
    text.join(" ")
}

/// A code out of a few hundred: a later case may refer to what an earlier one made.
pub(super) fn code(chance: &mut Chance) -> String {
    format!("prov-{}", chance.below(300))
}

/// An organisation number, valid, refused or a person's.
pub(super) fn organisation_number(chance: &mut Chance) -> String {
    if chance.percent(10) {
        return (*chance.pick(&PERSONAL_NUMBERS)).to_owned();
    }
    if chance.percent(30) {
        return (*chance.pick(&ORGANISATION_NUMBERS)).to_owned();
    }
    // An association's numbers begin with 80; the last digit is the check by Luhn.
    let body = format!("802{:06}", chance.below(1_000_000));
    let sum: u32 = body
        .chars()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .filter_map(|(digit, weight)| Some(digit.to_digit(10)? * weight))
        .map(|product| product / 10 + product % 10)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A path of an update mask, often of none.
pub(super) fn path(chance: &mut Chance) -> String {
    (*chance.pick(&PATHS)).to_owned()
}

/// An identity of a command that many cases share, whatever they ask.
pub(super) fn shared_identity(chance: &mut Chance) -> String {
    (*chance.pick(&UUIDS)).to_owned()
}

/// A resource name that is almost one of a pattern such as `areas/*`.
pub(super) fn almost_a_name(chance: &mut Chance, pattern: &str, known: Option<&str>) -> String {
    let filled = |part: &str| pattern.replace('*', part);
    let known = known.map_or_else(|| filled("social"), str::to_owned);
    match chance.below(16) {
        0 => filled(""),
        1 => filled("-"),
        2 => filled("*"),
        3 => filled("aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        // The last character has bits that an id of 128 bits does not.
        4 => filled("77777777777777777777777777"),
        5 => filled(&"a".repeat(41)),
        6 => filled(&"a".repeat(5_000)),
        7 => filled("å\u{308}"),
        8 => filled("a\0"),
        9 => format!("{known}/"),
        10 => format!("/{known}"),
        11 => format!("{known}/{known}"),
        12 => known.to_uppercase(),
        13 => format!(" {known} "),
        14 => known.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => known.replacen('/', "//", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Chance, organisation_number};

    #[test]
    fn most_organisation_numbers_have_the_right_check_digit() {
        let numbers: Vec<String> = (0..200)
            .map(|case| organisation_number(&mut Chance::of(1, case)))
            .collect();
        assert!(numbers.contains(&"802000-0009".to_owned()));
        let luhn = |text: &String| {
            let digits = text.chars().filter_map(|one| one.to_digit(10)).rev();
            let sum: u32 = digits
                .zip([1, 2].into_iter().cycle())
                .map(|(digit, weight)| digit * weight)
                .map(|product| product / 10 + product % 10)
                .sum();
            sum.is_multiple_of(10)
        };
        assert!(numbers.iter().filter(|number| luhn(number)).count() > 120);
    }
}
