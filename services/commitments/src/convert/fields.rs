//! Fields of requests, checked.

use handslag_platform::date::PartialDate;
use handslag_platform::error::Fault;
use handslag_platform::paging::{Page, invalid_token};
use handslag_platform::text::parse_optional;
use handslag_platform::violations::{FieldError, Violations};
use handslag_platform::wire::{Localized, localized};
use handslag_proto::commitments::v1 as proto;
use handslag_proto::common::v1::LocalizedText;
use uuid::Uuid;

use crate::domain::action::{self, Percent, Progress, ProgressError};
use crate::domain::commitment::{Diversity, LegalBasis};
use crate::domain::names::{Distinct, DistinctError, Name};
use crate::domain::title::Title;
use crate::error::Error;

/// Most names in a list of a request: an agreement has a handful of principles and parties, and an
/// action that is rooted in more commitments than this says nothing.
pub const NAMES_MOST: usize = 50;

/// A required name.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn name<T: Name>(text: &str) -> Result<T, FieldError> {
    if text.is_empty() {
        return Err(FieldError::required());
    }
    T::from_name(text).ok_or_else(|| {
        FieldError::new(
            "NAME_INVALID",
            format!("must look like {}", T::SHAPE),
            format!("Måste se ut som {}.", T::SHAPE),
        )
    })
}

/// A name that may be missing.
///
/// # Errors
/// `NAME_INVALID`.
pub fn optional_name<T: Name>(text: &str) -> Result<Option<T>, FieldError> {
    if text.is_empty() {
        Ok(None)
    } else {
        name(text).map(Some)
    }
}

/// A list of names, at least one and each once. Violations are noted with the index of the element.
pub fn names<T: Name + Ord>(
    violations: &mut Violations,
    field: &str,
    texts: &[String],
) -> Option<Distinct<T>> {
    if texts.len() > NAMES_MOST {
        let swedish = format!("Får vara högst {NAMES_MOST}.");
        violations.add(
            field,
            "TOO_MANY",
            format!("must be at most {NAMES_MOST}"),
            swedish,
        );
        return None;
    }
    let parsed = texts.iter().enumerate();
    let parsed: Vec<Option<T>> = parsed
        .map(|(index, text)| violations.take(&format!("{field}[{index}]"), name(text)))
        .collect();
    let parsed = parsed.into_iter().collect::<Option<Vec<T>>>()?;
    match Distinct::new(parsed) {
        Ok(all) => Some(all),
        Err(DistinctError::Empty) => violations.take(field, Err(FieldError::required())),
        Err(error @ DistinctError::Repeated(index)) => {
            let field = format!("{field}[{index}]");
            violations.add(
                field,
                "REPEATED",
                error.to_string(),
                "Finns redan i listan.",
            );
            None
        }
    }
}

/// A required name in the languages of the city.
///
/// # Errors
/// The rule that either language breaks.
pub fn title(value: Option<&LocalizedText>) -> Result<Title, FieldError> {
    let Localized { sv, en } = localized(value)?;
    Ok(Title { sv, en })
}

/// The law that a commitment rests on.
///
/// # Errors
/// `ENUM_INVALID`.
pub fn legal_basis(value: i32) -> Result<Option<LegalBasis>, FieldError> {
    match proto::LegalBasis::try_from(value) {
        Ok(proto::LegalBasis::Unspecified) => Ok(None),
        Ok(proto::LegalBasis::Sol) => Ok(Some(LegalBasis::Sol)),
        Ok(proto::LegalBasis::Lss) => Ok(Some(LegalBasis::Lss)),
        Err(_) => Err(unknown_value(value)),
    }
}

/// The sense of diversity and its ground.
pub fn diversity(
    violations: &mut Violations,
    value: i32,
    ground: &str,
) -> Option<Option<Diversity>> {
    let meant = violations.take(
        "diversity",
        proto::Diversity::try_from(value).map_err(|_| unknown_value(value)),
    );
    let ground = violations.take("diversity_ground", parse_optional(ground));
    let (meant, ground) = (meant?, ground?);
    match (meant, ground) {
        (proto::Diversity::People, ground) => Some(Some(Diversity::People { ground })),
        (_, Some(_)) => {
            violations.add(
                "diversity_ground",
                "GROUND_WITHOUT_PEOPLE",
                "a ground is named only for the diversity of people",
                "En grund anges bara för mångfald bland människor.",
            );
            None
        }
        (proto::Diversity::Providers, None) => Some(Some(Diversity::Providers)),
        (proto::Diversity::Unspecified, None) => Some(None),
    }
}

/// How an action goes.
pub fn progress(
    violations: &mut Violations,
    request: &proto::ReportProgressRequest,
) -> Option<Progress> {
    let state = violations.take(
        "state",
        action_state(request.state).and_then(|state| state.ok_or_else(FieldError::required)),
    );
    let percent = violations.take("percent", percent(request.percent));
    let note = violations.take("note", parse_optional(&request.note));
    let error = match Progress::new(state?, percent?, note?) {
        Ok(progress) => return Some(progress),
        Err(error) => error,
    };
    let (field, reason, swedish) = match error {
        ProgressError::DoneInPart => (
            "percent",
            "DONE_IN_PART",
            "Det som är genomfört står på 100 procent.",
        ),
        ProgressError::PlannedInPart => (
            "percent",
            "PLANNED_IN_PART",
            "Det som inte har börjat står på 0 procent.",
        ),
        ProgressError::CancelledWithoutNote => (
            "note",
            "FIELD_REQUIRED",
            "En inställd åtgärd behöver en förklaring.",
        ),
    };
    violations.add(field, reason, error.to_string(), swedish);
    None
}

/// The state of an action; `None` when none is given.
///
/// # Errors
/// `ENUM_INVALID`.
pub fn action_state(value: i32) -> Result<Option<action::State>, FieldError> {
    match proto::ActionState::try_from(value) {
        Ok(proto::ActionState::Unspecified) => Ok(None),
        Ok(proto::ActionState::Planned) => Ok(Some(action::State::Planned)),
        Ok(proto::ActionState::InProgress) => Ok(Some(action::State::InProgress)),
        Ok(proto::ActionState::Done) => Ok(Some(action::State::Done)),
        Ok(proto::ActionState::Cancelled) => Ok(Some(action::State::Cancelled)),
        Err(_) => Err(unknown_value(value)),
    }
}

/// The state of a commitment as the database calls it; `None` when none is given.
///
/// # Errors
/// `ENUM_INVALID`.
pub fn commitment_state(value: i32) -> Result<Option<&'static str>, FieldError> {
    match proto::CommitmentState::try_from(value) {
        Ok(proto::CommitmentState::Unspecified) => Ok(None),
        Ok(proto::CommitmentState::Proposed) => Ok(Some("proposed")),
        Ok(proto::CommitmentState::Binding) => Ok(Some("binding")),
        Ok(proto::CommitmentState::Declined) => Ok(Some("declined")),
        Err(_) => Err(unknown_value(value)),
    }
}

/// The id that a page begins after; `part` is its place in the keyset.
///
/// # Errors
/// `INVALID_REQUEST` with `PAGE_TOKEN_INVALID`.
pub fn keyset_id(page: &Page, part: usize) -> Result<Option<Uuid>, Error> {
    keyset(page, part, |text| Uuid::parse_str(text).ok())
}

/// A value that a page begins after.
///
/// # Errors
/// `INVALID_REQUEST` with `PAGE_TOKEN_INVALID`: the token is ours and of this list, and was made by
/// a release that sorted it otherwise.
pub fn keyset<T>(
    page: &Page,
    part: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let Some(after) = &page.after else {
        return Ok(None);
    };
    match after.get(part).and_then(|text| parse(text)) {
        Some(value) => Ok(Some(value)),
        None => Err(Fault::from(("page_token", invalid_token())).into()),
    }
}

/// A whole day in a keyset, as `time` writes it.
#[must_use]
pub fn keyset_day(text: &str) -> Option<time::Date> {
    text.parse::<PartialDate>().ok().map(|date| date.earliest())
}

/// Cuts what was read beyond the page. The last row of the page, when another page follows.
pub fn cut<T>(rows: &mut Vec<T>, size: i64) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return None;
    }
    rows.truncate(size);
    rows.last()
}

fn percent(value: i32) -> Result<Percent, FieldError> {
    let error = || {
        FieldError::new(
            "PERCENT_OUT_OF_RANGE",
            "must be 0 to 100",
            "Måste vara 0–100.",
        )
    };
    Percent::new(value).ok_or_else(error)
}

fn unknown_value(value: i32) -> FieldError {
    FieldError::new(
        "ENUM_INVALID",
        format!("{value} is no known value"),
        "Är inget känt värde.",
    )
}

#[cfg(test)]
mod tests {
    use handslag_platform::paging::Page;
    use handslag_platform::rpc::Failure;

    use super::keyset_id;

    #[test]
    fn a_token_of_another_release_is_the_callers_to_mend() {
        let page = Page {
            size: 1,
            after: Some(vec!["social".to_owned()]),
        };
        for part in [0, 1] {
            let refused = keyset_id(&page, part).expect_err("no id stands there");
            let Failure::Fault(fault) = Failure::from(refused) else {
                panic!("the caller is told");
            };
            assert_eq!(fault.violations[0].reason, "PAGE_TOKEN_INVALID");
        }
    }
}
