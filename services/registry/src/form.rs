//! What a request says, with everything that is wrong with it.
//!
//! # Design notes
//! A person corrects a form once and not field by field. Therefore a refused value does not end the
//! reading: it is noted with the path of its field, and so is each name of something that the
//! registry does not have, which is asked of the database for the whole request at once.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;

use handslag_platform::{
    date::PartialDate,
    error::Fault,
    text::{Code, LongText, Parse, ShortText, parse_optional},
    violations::{FieldError, Violations},
    wire,
};
use handslag_proto::{common::v1 as common, registry::v1 as proto};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::{
    convert::enums,
    domain::{
        agreement::Principle,
        name::{AgreementId, AreaCode, OrganisationId, PartyCode, SignatoryId},
        signatory::Occasion,
        text::{Localized, Source},
    },
    error::Error,
    store::{StoreError, references},
};

/// Most items of any list in a request: ten times the longest of the record.
pub(crate) const ITEMS_MOST: usize = 100;

/// A request while it is read.
#[derive(Debug, Default)]
pub(crate) struct Form {
    violations: Violations,
    areas: Vec<(String, AreaCode)>,
    parties: Vec<(String, PartyCode)>,
    agreements: Vec<(String, AgreementId)>,
    organisations: Vec<(String, OrganisationId)>,
}

impl Form {
    /// Nothing is read yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A value, or `None` with its violation noted.
    pub(crate) fn take<T>(&mut self, field: &str, parsed: Result<T, FieldError>) -> Option<T> {
        self.violations.take(field, parsed)
    }

    /// Notes a violation.
    pub(crate) fn refuse(&mut self, field: &str, error: FieldError) {
        self.violations
            .add(field, error.reason, error.message, error.swedish);
    }

    /// Each item of a list under its index.
    pub(crate) fn each<V, T>(
        &mut self,
        field: &str,
        values: &[V],
        mut read: impl FnMut(&mut Self, &str, &V) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.at_most(field, values, ITEMS_MOST)?;
        let read: Vec<Option<T>> = values
            .iter()
            .enumerate()
            .map(|(index, value)| read(self, &format!("{field}[{index}]"), value))
            .collect();
        read.into_iter().collect()
    }

    /// Each item of a list in which nothing occurs twice.
    pub(crate) fn distinct<V, T: Clone + Eq + Hash>(
        &mut self,
        field: &str,
        values: &[V],
        mut read: impl FnMut(&mut Self, &str, &V) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen = HashSet::new();
        self.each(field, values, |form, path, value| {
            let item = read(form, path, value)?;
            if !seen.insert(item.clone()) {
                form.refuse(path, duplicate());
            }
            Some(item)
        })
    }

    /// Refuses a list that is too long.
    pub(crate) fn at_most<V>(&mut self, field: &str, values: &[V], most: usize) -> Option<()> {
        if values.len() <= most {
            return Some(());
        }
        let error = FieldError::new(
            "TOO_MANY",
            format!("must have at most {most} items"),
            format!("Får ha högst {most} poster."),
        );
        self.refuse(field, error);
        None
    }

    /// Refuses a list that is too short.
    pub(crate) fn at_least<V>(&mut self, field: &str, values: &[V], least: usize) {
        if values.len() < least {
            let error = FieldError::new(
                if least == 1 {
                    "FIELD_REQUIRED"
                } else {
                    "TOO_FEW"
                },
                format!("must have at least {least} items"),
                format!("Måste ha minst {least} poster."),
            );
            self.refuse(field, error);
        }
    }

    /// Areas that must exist, each once.
    pub(crate) fn areas(&mut self, field: &str, names: &[String]) -> Option<Vec<AreaCode>> {
        self.distinct(field, names, |form, path, name| form.area(path, name))
    }

    /// An area that must exist.
    pub(crate) fn area(&mut self, field: &str, name: &str) -> Option<AreaCode> {
        let code = self.take(field, AreaCode::parse(name))?;
        self.areas.push((field.to_owned(), code.clone()));
        Some(code)
    }

    /// Parties that must exist, each once.
    pub(crate) fn parties(&mut self, field: &str, names: &[String]) -> Option<Vec<PartyCode>> {
        self.distinct(field, names, |form, path, name| {
            let code = form.take(path, PartyCode::parse(name))?;
            form.parties.push((path.to_owned(), code.clone()));
            Some(code)
        })
    }

    /// Principles, each code once.
    pub(crate) fn principles(
        &mut self,
        field: &str,
        values: &[proto::Principle],
    ) -> Option<Vec<Principle>> {
        let mut seen = HashSet::new();
        self.each(field, values, |form, path, value| {
            let code_path = format!("{path}.code");
            let code = form.take(&code_path, Code::parse(&value.code));
            let title = form.localized(&format!("{path}.title"), value.title.as_ref());
            if code.as_ref().is_some_and(|code| !seen.insert(code.clone())) {
                form.refuse(&code_path, duplicate());
            }
            Some(Principle {
                code: code?,
                title: title?,
            })
        })
    }

    /// States that a list is restricted to; `None` when it is not.
    pub(crate) fn states(&mut self, field: &str, values: &[i32]) -> Option<Option<Vec<String>>> {
        let words = self.each(field, values, |form, path, value| {
            form.take(path, enums::signatory_state_word(*value))
                .map(str::to_owned)
        })?;
        Some(Some(words).filter(|words| !words.is_empty()))
    }

    /// An agreement that must exist.
    pub(crate) fn agreement(&mut self, field: &str, name: &str) -> Option<AgreementId> {
        let id = self.take(field, AgreementId::parse(name))?;
        self.agreements.push((field.to_owned(), id));
        Some(id)
    }

    /// An organisation that must exist.
    pub(crate) fn organisation(&mut self, field: &str, name: &str) -> Option<OrganisationId> {
        let id = self.take(field, OrganisationId::parse(name))?;
        self.organisations.push((field.to_owned(), id));
        Some(id)
    }

    /// A required text in the languages of the city.
    pub(crate) fn localized<T: Parse>(
        &mut self,
        field: &str,
        value: Option<&common::LocalizedText>,
    ) -> Option<Localized<T>> {
        let Some(value) = value else {
            self.refuse(field, FieldError::required());
            return None;
        };
        let sv = self.take(&format!("{field}.sv"), T::parse(&value.sv));
        let en = self.take(&format!("{field}.en"), parse_optional(&value.en));
        Some(Localized { sv: sv?, en: en? })
    }

    /// A text in the languages of the city that may be missing.
    pub(crate) fn optional_localized<T: Parse>(
        &mut self,
        field: &str,
        value: Option<&common::LocalizedText>,
    ) -> Option<Option<Localized<T>>> {
        match value {
            None => Some(None),
            Some(value) => self.localized(field, Some(value)).map(Some),
        }
    }

    /// Where something stands.
    pub(crate) fn source(&mut self, field: &str, value: Option<&common::Source>) -> Option<Source> {
        let Some(value) = value else {
            self.refuse(field, FieldError::required());
            return None;
        };
        let document = self.take(
            &format!("{field}.document"),
            ShortText::parse(&value.document),
        );
        let place = self.take(&format!("{field}.place"), parse_optional(&value.place));
        Some(Source {
            document: document?,
            place: place?,
        })
    }

    /// The day of something that has happened.
    pub(crate) fn past(
        &mut self,
        field: &str,
        value: Option<&common::PartialDate>,
        today: Date,
    ) -> Option<PartialDate> {
        let date = self.take(field, wire::partial_date(value))?;
        if date.earliest() > today {
            self.refuse(field, in_future());
        }
        Some(date)
    }

    /// The whole day of something that has happened.
    pub(crate) fn past_day(
        &mut self,
        field: &str,
        value: Option<&common::Date>,
        today: Date,
    ) -> Option<Date> {
        let date = self.take(field, wire::date(value))?;
        if date > today {
            self.refuse(field, in_future());
        }
        Some(date)
    }

    /// The day that is asked about.
    pub(crate) fn as_of(&mut self, value: Option<&common::Date>, today: Date) -> Option<Date> {
        Some(
            self.take("as_of", wire::optional_date(value))?
                .unwrap_or(today),
        )
    }

    /// Whose relation to what takes a step, and on which occasion.
    pub(crate) fn step(
        &mut self,
        (agreement, organisation): (&str, &str),
        effective_on: Option<&common::PartialDate>,
        note: &str,
        today: Date,
    ) -> Option<(SignatoryId, Occasion)> {
        let agreement = self.agreement("agreement", agreement);
        let organisation = self.organisation("organisation", organisation);
        let effective_on = self.past("effective_on", effective_on, today);
        let note = self.take("note", parse_optional::<LongText>(note));
        let id = SignatoryId {
            agreement: agreement?,
            organisation: organisation?,
        };
        Some((
            id,
            Occasion {
                effective_on: effective_on?,
                note: note?,
            },
        ))
    }

    /// Notes each name of something that does not exist.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn check_references(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<(), StoreError> {
        if !self.areas.is_empty() {
            let asked = std::mem::take(&mut self.areas);
            let codes: Vec<String> = asked.iter().map(|(_, code)| code.as_str().into()).collect();
            let unknown: BTreeSet<_> = references::unknown_areas(conn, &codes)
                .await?
                .into_iter()
                .collect();
            self.refuse_unknown(&asked, "UNKNOWN_AREA", |code| {
                unknown.contains(code.as_str())
            });
        }
        if !self.parties.is_empty() {
            let asked = std::mem::take(&mut self.parties);
            let codes: Vec<String> = asked.iter().map(|(_, code)| code.as_str().into()).collect();
            let unknown: BTreeSet<_> = references::unknown_parties(conn, &codes)
                .await?
                .into_iter()
                .collect();
            self.refuse_unknown(&asked, "UNKNOWN_PARTY", |code| {
                unknown.contains(code.as_str())
            });
        }
        if !self.agreements.is_empty() {
            let asked = std::mem::take(&mut self.agreements);
            let ids: Vec<Uuid> = asked.iter().map(|(_, id)| id.0).collect();
            let unknown = references::unknown_agreements(conn, &ids).await?;
            self.refuse_unknown(&asked, "UNKNOWN_AGREEMENT", |id| unknown.contains(&id.0));
        }
        if !self.organisations.is_empty() {
            let asked = std::mem::take(&mut self.organisations);
            let ids: Vec<Uuid> = asked.iter().map(|(_, id)| id.0).collect();
            let unknown = references::unknown_organisations(conn, &ids).await?;
            self.refuse_unknown(&asked, "UNKNOWN_ORGANISATION", |id| unknown.contains(&id.0));
        }
        Ok(())
    }

    /// What was read, if nothing is wrong with the request.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with every violation.
    pub(crate) fn finish<T>(self, read: Option<T>) -> Result<T, Fault> {
        match read {
            Some(read) if self.violations.is_empty() => Ok(read),
            _ => Err(self.violations.into_fault()),
        }
    }

    /// The violations as an error, when there is nothing to go on with.
    pub(crate) fn into_error(self) -> Error {
        self.violations.into_fault().into()
    }

    fn refuse_unknown<T>(
        &mut self,
        asked: &[(String, T)],
        reason: &'static str,
        is_unknown: impl Fn(&T) -> bool,
    ) {
        for (field, _) in asked.iter().filter(|(_, name)| is_unknown(name)) {
            self.refuse(field, unknown(reason));
        }
    }
}

/// The value of a name that nothing has.
pub(crate) fn unknown(reason: &'static str) -> FieldError {
    FieldError::new(reason, "names something that does not exist", "Finns inte.")
}

/// A field that has no meaning beside the others.
pub(crate) fn not_applicable() -> FieldError {
    FieldError::new(
        "FIELD_NOT_APPLICABLE",
        "must not be given here",
        "Kan inte anges här.",
    )
}

fn duplicate() -> FieldError {
    FieldError::new("REPEATED", "occurs twice", "Förekommer två gånger.")
}

fn in_future() -> FieldError {
    FieldError::new(
        "IN_THE_FUTURE",
        "must not be after today",
        "Får inte ligga i framtiden.",
    )
}
