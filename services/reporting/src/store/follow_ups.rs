//! Yearly rounds and the parties' accounts.

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::reference::bare;
use super::{Result, inconsistent};
use crate::domain::names::{AgreementId, PartyCode, Title};
use crate::domain::section::{Account, Written};

/// Stores a round that was opened; its last day is noted apart.
///
/// # Errors
/// The database's.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: Uuid,
    agreement: AgreementId,
    year: i32,
    parties: &[PartyCode],
) -> Result<()> {
    let parties: Vec<_> = parties
        .iter()
        .map(|party| party.as_str().to_owned())
        .collect();
    sqlx::query!(
        "INSERT INTO follow_up (id, agreement, year, parties) VALUES ($1, $2, $3, $4)",
        id,
        agreement.0,
        year,
        &parties
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a round's last day for accounts.
///
/// # Errors
/// The database's.
pub(crate) async fn note_deadline(
    conn: &mut PgConnection,
    id: Uuid,
    version: i64,
    due_on: Date,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO follow_up_deadline (follow_up, version, due_on) VALUES ($1, $2, $3)",
        id,
        version,
        due_on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a round was published.
///
/// # Errors
/// The database's.
pub(crate) async fn note_publication(conn: &mut PgConnection, id: Uuid, on: Date) -> Result<()> {
    sqlx::query!(
        // A round may be published again with an account that was missing: the first day stands.
        "INSERT INTO follow_up_publication (follow_up, published_on) VALUES ($1, $2)
         ON CONFLICT (follow_up) DO NOTHING",
        id,
        on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores what a party handed in; handing in again replaces it.
///
/// # Errors
/// The database's.
pub(crate) async fn put_account(
    conn: &mut PgConnection,
    id: Uuid,
    party: &PartyCode,
    written: &Written,
    submitted_on: Date,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO account (follow_up, party, summary, late, submitted_on, example)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (follow_up, party)
         DO UPDATE SET summary = excluded.summary, late = excluded.late,
                       submitted_on = excluded.submitted_on, example = excluded.example",
        id,
        party.as_str(),
        written.summary,
        written.late,
        submitted_on,
        written.example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The accounts that the rounds of an agreement for a year ask for or have got, by party.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn accounts(
    conn: &mut PgConnection,
    agreement: AgreementId,
    year: i32,
) -> Result<Vec<Account>> {
    let rows = sqlx::query!(
        r#"WITH round AS (SELECT id, parties FROM follow_up WHERE agreement = $1 AND year = $2),
                owing AS (SELECT id, unnest(parties) AS party FROM round
                          UNION SELECT follow_up, party FROM account
                                WHERE follow_up IN (SELECT id FROM round))
           SELECT owing.party AS "party!", title_sv AS "title_sv?", title_en AS "title_en?",
                  summary AS "summary?", late AS "late?", example AS "example?"
           FROM owing
           LEFT JOIN party ON party.code = owing.party
           LEFT JOIN account ON account.follow_up = owing.id AND account.party = owing.party
           ORDER BY owing.party, owing.id"#,
        agreement.0,
        year
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let party = PartyCode::from_code(&row.party)
                .ok_or_else(|| inconsistent("follow_up", "parties", &row.party))?;
            let title = row
                .title_sv
                .zip(row.title_en)
                .map(|(sv, en)| Title { sv, en });
            let written =
                row.summary
                    .zip(row.late)
                    .zip(row.example)
                    .map(|((summary, late), example)| Written {
                        summary,
                        late,
                        example,
                    });
            Ok(Account {
                title: title.unwrap_or_else(|| bare(party.as_str())),
                party,
                written,
            })
        })
        .collect()
}
