//! The registry's tables: static SQL, one file each.
//!
//! # Design notes
//! Functions take a connection and know of no transaction. What the database returns is checked
//! again when it is read: a value that breaks a rule is a defect that must be seen, and not a
//! default.

pub(crate) mod agreements;
pub(crate) mod areas;
pub(crate) mod boards;
pub(crate) mod district_boards;
pub(crate) mod figures;
pub(crate) mod organisation_numbers;
pub(crate) mod organisations;
pub(crate) mod parties;
pub(crate) mod proceedings;
pub(crate) mod proposals;
pub(crate) mod references;
pub(crate) mod signatories;

use handslag_platform::{text::ShortText, violations::FieldError};
use serde::{Deserialize, Serialize};

use crate::domain::{
    name::AreaCode,
    text::{DiaryNumber, Localized, Prose, Source, Title},
};

/// What goes wrong at the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database's own.
    #[error("the database refused or did not answer")]
    Sql(#[from] sqlx::Error),
    /// A value that the program would never have written.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
}

/// A value in the database that breaks a rule of the domain.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} holds an impossible value in row {row}")]
pub(crate) struct Inconsistent {
    /// The table.
    pub(crate) table: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// What identifies the row.
    pub(crate) row: String,
}

/// Reads the columns of one row into types of the domain.
struct Columns {
    table: &'static str,
    row: String,
}

impl Columns {
    fn of(table: &'static str, row: &impl ToString) -> Self {
        Self {
            table,
            row: row.to_string(),
        }
    }

    fn broken(&self, column: &'static str) -> Inconsistent {
        Inconsistent {
            table: self.table,
            column,
            row: self.row.clone(),
        }
    }

    fn read<T>(
        &self,
        column: &'static str,
        value: Result<T, FieldError>,
    ) -> Result<T, Inconsistent> {
        value.map_err(|_| self.broken(column))
    }

    fn some<T>(&self, column: &'static str, value: Option<T>) -> Result<T, Inconsistent> {
        value.ok_or_else(|| self.broken(column))
    }

    fn each<T>(
        &self,
        column: &'static str,
        values: &[String],
        read: impl Fn(&str) -> Result<T, FieldError>,
    ) -> Result<Vec<T>, Inconsistent> {
        values
            .iter()
            .map(|value| self.read(column, read(value)))
            .collect()
    }

    fn words<T>(
        &self,
        column: &'static str,
        values: &[String],
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Inconsistent> {
        values
            .iter()
            .map(|value| self.some(column, read(value)))
            .collect()
    }

    fn areas(&self, values: &[String]) -> Result<Vec<AreaCode>, Inconsistent> {
        self.each("areas", values, AreaCode::from_code)
    }

    fn diary_numbers(&self, values: &[String]) -> Result<Vec<DiaryNumber>, Inconsistent> {
        self.each("diary_numbers", values, DiaryNumber::parse)
    }

    fn title(
        &self,
        column: &'static str,
        sv: String,
        en: Option<String>,
    ) -> Result<Title, Inconsistent> {
        self.localized(column, sv, en)
    }

    fn prose(
        &self,
        column: &'static str,
        sv: Option<String>,
        en: Option<String>,
    ) -> Result<Option<Prose>, Inconsistent> {
        sv.map(|sv| self.localized(column, sv, en)).transpose()
    }

    fn localized<T: TryFrom<String, Error = FieldError>>(
        &self,
        column: &'static str,
        sv: String,
        en: Option<String>,
    ) -> Result<Localized<T>, Inconsistent> {
        let sv = self.read(column, T::try_from(sv))?;
        let en = en
            .map(|en| self.read(column, T::try_from(en)))
            .transpose()?;
        Ok(Localized { sv, en })
    }

    fn source(&self, document: String, place: Option<String>) -> Result<Source, Inconsistent> {
        let document = self.read("source_document", ShortText::try_from(document))?;
        let place = place
            .map(|place| self.read("source_place", ShortText::try_from(place)))
            .transpose()?;
        Ok(Source { document, place })
    }
}

/// A text in the languages of the city inside a JSON column.
#[derive(Serialize, Deserialize)]
struct LocalizedJson {
    sv: String,
    en: Option<String>,
}

impl LocalizedJson {
    fn of<T: AsRef<str>>(text: &Localized<T>) -> Self {
        Self {
            sv: text.sv.as_ref().to_owned(),
            en: text.en.as_ref().map(|en| en.as_ref().to_owned()),
        }
    }
}

fn english<T: AsRef<str>>(text: &Localized<T>) -> Option<&str> {
    text.en.as_ref().map(AsRef::as_ref)
}

fn codes<T>(values: &[T], code: impl Fn(&T) -> &str) -> Vec<String> {
    values.iter().map(|value| code(value).to_owned()).collect()
}

fn area_codes(values: &[AreaCode]) -> Vec<String> {
    codes(values, AreaCode::as_str)
}

/// An `UPDATE` that must hit hit its row.
fn hit(
    table: &'static str,
    row: &impl ToString,
    done: &sqlx::postgres::PgQueryResult,
) -> Result<(), Inconsistent> {
    if done.rows_affected() == 1 {
        return Ok(());
    }
    Err(Inconsistent {
        table,
        column: "version",
        row: row.to_string(),
    })
}

/// The pattern by which a name in lower case contains `part`: what a person types is no pattern.
pub(crate) fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for one in part.to_lowercase().chars() {
        if matches!(one, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(one);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn what_a_person_types_is_no_pattern() {
        assert_eq!(containing("Å 100%_\\"), "%å 100\\%\\_\\\\%");
    }
}
