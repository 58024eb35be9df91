//! A section in words, as both the page and the document set it.
//!
//! # Design notes
//! The words are made here once, so that page and document never say different things. The person who reads is a
//! member of a board: whole sentences, dates in words, and nothing hidden in a chart.

use serde::Serialize;
use time::{Date, OffsetDateTime};

use crate::domain::chart::{self, Lettering};
use crate::domain::figures::{ReportedFigure, ReportedOn};
use crate::domain::section::{Account, Section};

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

/// A section in words.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// Title of the document.
    pub title: String,
    /// The board's name.
    pub board: String,
    /// The year.
    pub year: i32,
    /// What the section is about, in a few sentences.
    pub lead: Vec<String>,
    /// As of when the figures are.
    pub as_of: String,
    /// Whether example data is counted in.
    pub example: bool,
    /// Signatories over the year.
    pub signatories: Curve,
    /// Commitments by state.
    pub commitments: Bars,
    /// Actions by state.
    pub actions: Bars,
    /// What sources report.
    pub reported: Vec<Reported>,
    /// The parties' accounts.
    pub accounts: Vec<Told>,
}

/// Signatories over the year.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    /// What is to be seen.
    pub text: String,
    /// The chart's heading.
    pub caption: String,
    /// The chart.
    pub svg: String,
    /// Its numbers.
    pub rows: Vec<(String, i32, i32)>,
}

/// Counts by state.
#[derive(Debug, Clone, Serialize)]
pub struct Bars {
    /// What is to be seen.
    pub text: String,
    /// The chart's heading.
    pub caption: String,
    /// The chart.
    pub svg: String,
    /// Its numbers.
    pub rows: Vec<(String, i32)>,
    /// All together.
    pub total: i32,
}

/// A figure that a source reports.
#[derive(Debug, Clone, Serialize)]
pub struct Reported {
    /// What the source counted.
    pub measure: String,
    /// The number.
    pub value: i32,
    /// When.
    pub when: String,
    /// Where it stands.
    pub source: String,
}

/// A party's account.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The party's name.
    pub party: String,
    /// Whether it is missing.
    pub missing: bool,
    /// Whether it came late.
    pub late: bool,
    /// Whether it is example data.
    pub example: bool,
    /// What the party wrote.
    pub paragraphs: Vec<String>,
}

/// Puts `section` into words; charts are lettered in `font`.
pub fn view(section: &Section, font: &str) -> View {
    let year = section.year.number();
    View {
        title: format!("Samverkan med den idéburna sektorn {year}"),
        board: section.board_title.sv.clone(),
        year,
        lead: lead(section),
        as_of: as_of(section),
        example: section.contains_examples,
        signatories: curve(section, font),
        commitments: bars(
            font,
            "ataganden",
            &format!("Åtaganden den {}", long(section.until)),
            ("åtagande", "åtaganden"),
            &section
                .commitments
                .iter()
                .map(|c| (c.state.swedish(), c.count))
                .collect::<Vec<_>>(),
        ),
        actions: bars(
            font,
            "atgarder",
            &format!("Åtgärder den {}", long(section.until)),
            ("åtgärd", "åtgärder"),
            &section
                .actions
                .iter()
                .map(|c| (c.state.swedish(), c.count))
                .collect::<Vec<_>>(),
        ),
        reported: section.reported.iter().map(reported).collect(),
        accounts: section.accounts.iter().map(told).collect(),
    }
}

/// A day in words.
pub fn long(day: Date) -> String {
    format!(
        "{} {} {}",
        day.day(),
        month(u8::from(day.month())),
        day.year()
    )
}

fn month(number: u8) -> &'static str {
    MONTHS
        .get(usize::from(number).wrapping_sub(1))
        .copied()
        .unwrap_or("")
}

fn lead(section: &Section) -> Vec<String> {
    let Some((_, agreement)) = &section.agreement else {
        return vec![format!(
            "Ingen överenskommelse omfattade nämndens områden den {}.",
            long(section.until)
        )];
    };
    let areas: Vec<_> = section
        .areas
        .iter()
        .map(|(_, title)| title.sv.as_str())
        .collect();
    vec![
        format!(
            "Avsnittet handlar om {} och gäller {}.",
            agreement.sv,
            if areas.len() == 1 {
                "området "
            } else {
                "områdena "
            }
            .to_owned()
                + &listed(&areas)
        ),
        "Nämnden följer överenskommelsens förhållningssätt gentemot alla idéburna organisationer, \
         oavsett om de har anslutit sig eller inte."
            .to_owned(),
    ]
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} och {last}", first.join(", ")),
    }
}

fn as_of(section: &Section) -> String {
    match section.freshness.as_of {
        Some(at) => format!(
            "Uppgifterna är räknade fram till och med den {} ur {} registrerade händelser, den \
             senaste {}.",
            long(section.until),
            section.freshness.events,
            moment(at)
        ),
        None => "Inga händelser är ännu registrerade.".to_owned(),
    }
}

/// A moment as a clock in Stockholm showed it.
fn moment(at: OffsetDateTime) -> String {
    let local = jiff::Timestamp::from_second(at.unix_timestamp())
        .and_then(|instant| instant.in_tz("Europe/Stockholm"));
    match local {
        Ok(local) => format!(
            "den {} {} {} klockan {:02}.{:02}",
            local.day(),
            month(u8::try_from(local.month()).unwrap_or(0)),
            local.year(),
            local.hour(),
            local.minute()
        ),
        // Only outside the years that the time zone's data knows, where no event can be.
        Err(_) => format!(
            "den {} klockan {:02}.{:02} UTC",
            long(at.date()),
            at.hour(),
            at.minute()
        ),
    }
}

fn curve(section: &Section, font: &str) -> Curve {
    let (start, end) = (section.at_start, section.at_end);
    let text = format!(
        "Den {} hade {} undertecknat överenskommelsen. Den {} var det {}. Vid periodens slut hade \
         {} beslutat att ansluta sig; de som har undertecknat är inräknade.",
        long(start.day),
        organisations(start.signed),
        long(end.day),
        organisations(end.signed),
        organisations(end.decided)
    );
    let caption = format!("Anslutna organisationer under {}", section.year.number());
    let lettering = Lettering {
        id: "anslutna",
        title: &caption,
        description: &text,
        font,
    };
    Curve {
        svg: chart::step_line(lettering, &section.curve),
        rows: section
            .curve
            .iter()
            .map(|p| (long(p.day), p.signed, p.decided))
            .collect(),
        caption,
        text,
    }
}

fn organisations(count: i32) -> String {
    match count {
        0 => "ingen organisation".to_owned(),
        1 => "en organisation".to_owned(),
        _ => format!("{count} organisationer"),
    }
}

fn bars(
    font: &str,
    id: &str,
    caption: &str,
    (one, many): (&str, &str),
    counts: &[(&str, i32)],
) -> Bars {
    let total: i32 = counts.iter().map(|(_, count)| count).sum();
    let parts: Vec<_> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {}", name.to_lowercase()))
        .collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let text = match total {
        0 => format!("Inga {many} är registrerade för nämndens områden."),
        1 => format!("Sammanlagt 1 {one}: {}.", listed(&parts)),
        _ => format!("Sammanlagt {total} {many}: {}.", listed(&parts)),
    };
    let lettering = Lettering {
        id,
        title: caption,
        description: &text,
        font,
    };
    Bars {
        svg: chart::bars(lettering, counts),
        rows: counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        caption: caption.to_owned(),
        text,
        total,
    }
}

fn reported(figure: &ReportedFigure) -> Reported {
    let ReportedOn {
        year,
        month: number,
        day,
    } = figure.reported_on;
    let when = match (u8::try_from(number).map_or("", month), day) {
        ("", _) => year.to_string(),
        (name, 0) => format!("{name} {year}"),
        (name, day) => format!("{day} {name} {year}"),
    };
    let source = if figure.place.is_empty() {
        figure.document.clone()
    } else {
        format!("{}, {}", figure.document, figure.place)
    };
    Reported {
        measure: figure.measure.swedish().to_owned(),
        value: figure.value,
        when,
        source,
    }
}

fn told(account: &Account) -> Told {
    let written = account.written.as_ref();
    Told {
        party: account.title.sv.clone(),
        missing: written.is_none(),
        late: written.is_some_and(|w| w.late),
        example: written.is_some_and(|w| w.example),
        paragraphs: written
            .map(|w| {
                w.summary
                    .split('\n')
                    .map(str::trim)
                    .filter(|p| !p.is_empty())
            })
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect(),
    }
}
