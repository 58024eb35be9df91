//! The yearly rounds with their accounts.

use std::collections::HashMap;

use handslag_platform::etag::Version;
use handslag_platform::text::{Code, LongText};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{StoreError, before, expect_hit, inconsistent, positions};
use crate::domain::follow_up::{Account, FollowUp, Submission};
use crate::domain::names::{AgreementId, FollowUpId, PartyCode};

/// Writes a new round, and says whether it did: an agreement has one a year.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, round: &FollowUp) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO follow_up (id, agreement, year, accounts_due_on, version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT follow_up_once_a_year DO NOTHING",
        round.id.0,
        round.agreement.0,
        round.year,
        round.accounts_due_on,
        round.version.0,
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let parties = round
        .accounts
        .iter()
        .map(|account| account.party.code().to_owned());
    sqlx::query!(
        "INSERT INTO follow_up_account (follow_up, position, party)
         SELECT $1, position, party FROM unnest($2::int[], $3::text[]) AS new (position, party)",
        round.id.0,
        &positions(&round.accounts),
        &parties.collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(true)
}

/// Writes a moved last day or the publication.
///
/// # Errors
/// The database's, and when the row is not at the version before.
pub async fn update(tx: &mut PgConnection, round: &FollowUp) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE follow_up SET accounts_due_on = $3, published_at = $4, version = $5
         WHERE id = $1 AND version = $2",
        round.id.0,
        before(round.version),
        round.accounts_due_on,
        round.published_at,
        round.version.0,
    )
    .execute(tx)
    .await?;
    expect_hit(&done, "follow_up", round.id)
}

/// Writes the account that a party handed in.
///
/// # Errors
/// The database's, and when there is an account already.
pub async fn update_account(
    tx: &mut PgConnection,
    round: &FollowUp,
    party: &PartyCode,
) -> Result<(), StoreError> {
    let account = round
        .accounts
        .iter()
        .find(|account| account.party == *party);
    let Some(submission) = account.and_then(|account| account.submission.as_ref()) else {
        return Err(inconsistent("follow_up_account", "party", round.id));
    };
    let done = sqlx::query!(
        "UPDATE follow_up_account SET summary = $3, submitted_on = $4, after_publication = $5,
             light = $6, example = $7
         WHERE follow_up = $1 AND party = $2 AND summary IS NULL",
        round.id.0,
        party.code(),
        submission.summary.as_str(),
        submission.submitted_on,
        submission.after_publication,
        submission.light,
        submission.example,
    )
    .execute(tx)
    .await?;
    expect_hit(&done, "follow_up_account", round.id)
}

/// Reads one round and holds its row until the transaction ends.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn lock(tx: &mut PgConnection, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, agreement, year, accounts_due_on, published_at, version
         FROM follow_up WHERE id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(with_accounts(tx, row.into_iter().collect()).await?.pop())
}

/// Reads one round.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(conn: &mut PgConnection, id: FollowUpId) -> Result<Option<FollowUp>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, agreement, year, accounts_due_on, published_at, version
         FROM follow_up WHERE id = $1",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?;
    Ok(with_accounts(conn, row.into_iter().collect()).await?.pop())
}

/// Reads a page, newest year first.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn list(
    conn: &mut PgConnection,
    agreement: Option<AgreementId>,
    after: Option<(i32, FollowUpId)>,
    most: i64,
) -> Result<Vec<FollowUp>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, agreement, year, accounts_due_on, published_at, version
         FROM follow_up
         WHERE ($1::uuid IS NULL OR agreement = $1)
             AND ($2::int IS NULL OR (year, id) < ($2, $3::uuid))
         ORDER BY year DESC, id DESC LIMIT $4",
        agreement.map(|id| id.0),
        after.map(|(year, _)| year),
        after.map(|(_, id)| id.0),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_accounts(conn, rows).await
}

async fn with_accounts(
    conn: &mut PgConnection,
    rows: Vec<Row>,
) -> Result<Vec<FollowUp>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let stored = sqlx::query_as!(
        AccountRow,
        "SELECT follow_up, party, summary, submitted_on, after_publication, light, example
         FROM follow_up_account WHERE follow_up = ANY($1) ORDER BY follow_up, position",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut accounts: HashMap<Uuid, Vec<Account>> = HashMap::new();
    for row in stored {
        accounts
            .entry(row.follow_up)
            .or_default()
            .push(row.account()?);
    }
    let rounds = rows.into_iter().map(|row| FollowUp {
        id: FollowUpId(row.id),
        agreement: AgreementId(row.agreement),
        year: row.year,
        accounts_due_on: row.accounts_due_on,
        accounts: accounts.remove(&row.id).unwrap_or_default(),
        published_at: row.published_at,
        version: Version(row.version),
    });
    Ok(rounds.collect())
}

struct Row {
    id: Uuid,
    agreement: Uuid,
    year: i32,
    accounts_due_on: Date,
    published_at: Option<OffsetDateTime>,
    version: i64,
}

struct AccountRow {
    follow_up: Uuid,
    party: String,
    summary: Option<String>,
    submitted_on: Option<Date>,
    after_publication: bool,
    light: bool,
    example: bool,
}

impl AccountRow {
    fn account(self) -> Result<Account, StoreError> {
        let wrong = |column| inconsistent("follow_up_account", column, self.follow_up);
        let party = Code::parse(&self.party)
            .map(PartyCode)
            .map_err(|_| wrong("party"))?;
        let submission = match (&self.summary, self.submitted_on) {
            (Some(summary), Some(submitted_on)) => Some(Submission {
                summary: LongText::parse(summary).map_err(|_| wrong("summary"))?,
                submitted_on,
                after_publication: self.after_publication,
                light: self.light,
                example: self.example,
            }),
            _ => None,
        };
        Ok(Account { party, submission })
    }
}
