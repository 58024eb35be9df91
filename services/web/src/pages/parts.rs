//! Pieces that several pages show.

use handslag_proto::{commitments::v1::Action, registry::v1::ReportedFigure};

use crate::{error::PageError, labels, labels::Label, reads::Names, view};

/// Length of an identity as it stands in addresses.
const ID_LENGTH: usize = 26;

/// An identity out of an address.
///
/// # Errors
/// `NotFound` when it cannot be one; the services need not be asked then.
pub(crate) fn id(text: &str) -> Result<&str, PageError> {
    let possible = text.len() == ID_LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
    if possible {
        Ok(text)
    } else {
        Err(PageError::NotFound)
    }
}

/// One entry of a list to choose from.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

/// A fixed list to choose from.
pub(crate) fn fixed(list: &'static [Label], chosen: Option<&Label>) -> Vec<Choice> {
    list.iter()
        .map(|label| Choice {
            value: label.code.into(),
            label: label.swedish.into(),
            chosen: chosen.is_some_and(|c| c.code == label.code),
        })
        .collect()
}

/// A list of named resources to choose from, by code.
pub(crate) fn named(list: &[(String, String)], chosen: &str) -> Vec<Choice> {
    list.iter()
        .map(|(name, title)| Choice {
            value: view::last(name).into(),
            label: title.clone(),
            chosen: view::last(name) == chosen,
        })
        .collect()
}

/// A measure of a plan as it is shown.
pub(crate) struct ActionView {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) state: &'static Label,
    pub(crate) percent: i32,
    pub(crate) owner: String,
    pub(crate) due_on: String,
    pub(crate) overdue: bool,
    pub(crate) example: bool,
    pub(crate) commitments: Vec<(String, String)>,
    pub(crate) reports: Vec<ReportView>,
}

/// What an owner reported, as it is shown.
pub(crate) struct ReportView {
    pub(crate) reported_on: String,
    pub(crate) state: &'static str,
    pub(crate) percent: i32,
    pub(crate) note: String,
}

/// Turns a measure into texts. `commitment` gives the wording of one by its name.
pub(crate) fn action(
    action: Action,
    names: &Names,
    commitment: impl Fn(&str) -> String,
) -> ActionView {
    let reports = action.reports.into_iter().map(|report| ReportView {
        reported_on: view::date(report.reported_on.as_ref()),
        state: labels::of(labels::ACTIONS, report.state).swedish,
        percent: report.percent,
        note: report.note,
    });
    ActionView {
        id: view::last(&action.name).into(),
        title: action.title,
        state: labels::of(labels::ACTIONS, action.state),
        percent: action.percent.clamp(0, 100),
        owner: view::capital(&names.party(&action.owner)),
        due_on: view::date(action.due_on.as_ref()),
        overdue: action.overdue,
        example: action.example,
        commitments: action
            .commitments
            .iter()
            .map(|name| (view::last(name).to_owned(), commitment(name)))
            .collect(),
        reports: reports.collect(),
    }
}

/// A reported figure as it is shown.
pub(crate) struct FigureView {
    pub(crate) measure: &'static str,
    pub(crate) value: String,
    pub(crate) reported_on: String,
    pub(crate) source: String,
}

/// A figure with its source.
pub(crate) fn figure(figure: &ReportedFigure) -> FigureView {
    let about = if figure.approximate { "omkring " } else { "" };
    FigureView {
        measure: labels::of(labels::MEASURES, figure.measure).swedish,
        value: format!("{about}{}", view::number(figure.value.into())),
        reported_on: view::partial(figure.reported_on.as_ref()),
        source: view::source(figure.source.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn an_address_that_cannot_be_an_identity_is_not_found() {
        assert!(id("abcdefghijklmnopqrstuvwxyz").is_ok());
        for wrong in [
            "",
            "abc",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "abcdefghijklmnopqrstuvwx/1",
        ] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}
