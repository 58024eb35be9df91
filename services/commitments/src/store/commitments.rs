//! Commitments with their bearers.

use std::collections::HashMap;

use handslag_platform::etag::Version;
use handslag_platform::text::{Code, LongText, ShortText, parse_optional};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{StoreError, before, codes, expect_hit, inconsistent, positions};
use crate::domain::commitment::{
    Answer, Bearer, Commitment, Content, Diversity, LegalBasis, State,
};
use crate::domain::names::{
    AgreementId, AreaCode, CommitmentId, Distinct, PartyCode, PrincipleCode,
};

/// Which commitments a list is asked for; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this agreement.
    pub agreement: Option<AgreementId>,
    /// In this area.
    pub area: Option<AreaCode>,
    /// Serving this principle.
    pub principle: Option<PrincipleCode>,
    /// Borne by this party.
    pub bearer: Option<PartyCode>,
    /// In this state.
    pub state: Option<&'static str>,
    /// Leaves example data out.
    pub exclude_examples: bool,
}

/// The name of a state in the database.
#[must_use]
pub const fn state_code(state: State) -> &'static str {
    match state {
        State::Proposed => "proposed",
        State::Binding { .. } => "binding",
        State::Declined => "declined",
    }
}

/// Writes a new commitment.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, commitment: &Commitment) -> Result<(), StoreError> {
    let content = &commitment.content;
    let principles = content
        .principles
        .as_slice()
        .iter()
        .map(|one| one.code().to_owned());
    let (diversity, ground) = match &content.diversity {
        None => (None, None),
        Some(Diversity::Providers) => (Some("providers"), None),
        Some(Diversity::People { ground }) => (Some("people"), ground.as_ref()),
    };
    let legal_basis = content.legal_basis.map(|basis| match basis {
        LegalBasis::Sol => "sol",
        LegalBasis::Lss => "lss",
    });
    sqlx::query!(
        "INSERT INTO commitment (id, agreement, text, principles, area, proposer, legal_basis,
             diversity, diversity_ground, example, state, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        commitment.id.0,
        content.agreement.0,
        content.text.as_str(),
        &principles.collect::<Vec<_>>(),
        content.area.code(),
        content.proposer.code(),
        legal_basis,
        diversity,
        ground.map(ShortText::as_str),
        content.example,
        state_code(commitment.state()),
        commitment.version.0,
    )
    .execute(&mut *tx)
    .await?;
    let parties = commitment
        .bearers()
        .iter()
        .map(|bearer| bearer.party.code().to_owned());
    sqlx::query!(
        "INSERT INTO commitment_bearer (commitment, position, party, answer)
         SELECT $1, position, party, 'pending'
         FROM unnest($2::int[], $3::text[]) AS new (position, party)",
        commitment.id.0,
        &positions(commitment.bearers()),
        &parties.collect::<Vec<_>>(),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a bearer's answer.
///
/// # Errors
/// The database's, and when the row is not at the version before.
pub async fn update(
    tx: &mut PgConnection,
    commitment: &Commitment,
    party: &PartyCode,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE commitment SET state = $3, version = $4 WHERE id = $1 AND version = $2",
        commitment.id.0,
        before(commitment.version),
        state_code(commitment.state()),
        commitment.version.0,
    )
    .execute(&mut *tx)
    .await?;
    expect_hit(&done, "commitment", commitment.id)?;
    let bearer = commitment
        .bearers()
        .iter()
        .find(|bearer| bearer.party == *party);
    let (answer, at, reason) = match bearer.map(|bearer| &bearer.answer) {
        None | Some(Answer::Pending) => ("pending", None, None),
        Some(Answer::Accepted { at }) => ("accepted", Some(*at), None),
        Some(Answer::Declined { at, reason }) => ("declined", Some(*at), Some(reason.as_str())),
    };
    let done = sqlx::query!(
        "UPDATE commitment_bearer SET answer = $3, answered_at = $4, reason = $5
         WHERE commitment = $1 AND party = $2",
        commitment.id.0,
        party.code(),
        answer,
        at,
        reason,
    )
    .execute(tx)
    .await?;
    expect_hit(&done, "commitment_bearer", commitment.id)
}

/// Reads one commitment and holds its row until the transaction ends, so that its events get
/// numbers in the order of its versions.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn lock(
    tx: &mut PgConnection,
    id: CommitmentId,
) -> Result<Option<Commitment>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, agreement, text, principles, area, proposer, legal_basis, diversity,
             diversity_ground, example, version
         FROM commitment WHERE id = $1 FOR UPDATE",
        id.0
    )
    .fetch_optional(&mut *tx)
    .await?;
    Ok(with_bearers(tx, row.into_iter().collect()).await?.pop())
}

/// Reads these commitments in the order of `ids`; those that do not exist are left out.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(
    conn: &mut PgConnection,
    ids: &[CommitmentId],
) -> Result<Vec<Commitment>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, agreement, text, principles, area, proposer, legal_basis, diversity,
             diversity_ground, example, version
         FROM commitment WHERE id = ANY($1) ORDER BY array_position($1, id)",
        &ids
    )
    .fetch_all(&mut *conn)
    .await?;
    with_bearers(conn, rows).await
}

/// Reads a page, oldest first.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    after: Option<CommitmentId>,
    most: i64,
) -> Result<Vec<Commitment>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, agreement, text, principles, area, proposer, legal_basis, diversity,
             diversity_ground, example, version
         FROM commitment c
         WHERE ($1::uuid IS NULL OR agreement = $1)
             AND ($2::text IS NULL OR area = $2)
             AND ($3::text IS NULL OR $3 = ANY(principles))
             AND ($4::text IS NULL OR EXISTS (
                 SELECT FROM commitment_bearer b WHERE b.commitment = c.id AND b.party = $4))
             AND ($5::text IS NULL OR state = $5)
             AND NOT ($6 AND example)
             -- Ids are made from the time, so their order is the order of the proposals.
             AND ($7::uuid IS NULL OR id > $7)
         ORDER BY id LIMIT $8",
        filter.agreement.map(|id| id.0),
        filter.area.as_ref().map(AreaCode::code),
        filter.principle.as_ref().map(PrincipleCode::code),
        filter.bearer.as_ref().map(PartyCode::code),
        filter.state,
        filter.exclude_examples,
        after.map(|id| id.0),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_bearers(conn, rows).await
}

/// How many match in all.
///
/// # Errors
/// The database's.
pub async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM commitment c
           WHERE ($1::uuid IS NULL OR agreement = $1)
               AND ($2::text IS NULL OR area = $2)
               AND ($3::text IS NULL OR $3 = ANY(principles))
               AND ($4::text IS NULL OR EXISTS (
                   SELECT FROM commitment_bearer b WHERE b.commitment = c.id AND b.party = $4))
               AND ($5::text IS NULL OR state = $5)
               AND NOT ($6 AND example)"#,
        filter.agreement.map(|id| id.0),
        filter.area.as_ref().map(AreaCode::code),
        filter.principle.as_ref().map(PrincipleCode::code),
        filter.bearer.as_ref().map(PartyCode::code),
        filter.state,
        filter.exclude_examples,
    )
    .fetch_one(conn)
    .await
}

async fn with_bearers(
    conn: &mut PgConnection,
    rows: Vec<Row>,
) -> Result<Vec<Commitment>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let stored = sqlx::query_as!(
        BearerRow,
        "SELECT commitment, party, answer, answered_at, reason FROM commitment_bearer
         WHERE commitment = ANY($1) ORDER BY commitment, position",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut bearers: HashMap<Uuid, Vec<Bearer>> = HashMap::new();
    for row in stored {
        bearers
            .entry(row.commitment)
            .or_default()
            .push(row.bearer()?);
    }
    let each = rows.into_iter();
    each.map(|row| {
        let borne_by = bearers.remove(&row.id).unwrap_or_default();
        row.commitment(borne_by)
    })
    .collect()
}

struct Row {
    id: Uuid,
    agreement: Uuid,
    text: String,
    principles: Vec<String>,
    area: String,
    proposer: String,
    legal_basis: Option<String>,
    diversity: Option<String>,
    diversity_ground: Option<String>,
    example: bool,
    version: i64,
}

impl Row {
    fn commitment(self, bearers: Vec<Bearer>) -> Result<Commitment, StoreError> {
        let id = CommitmentId(self.id);
        let wrong = |column| move || inconsistent("commitment", column, id);
        let principles = codes(self.principles, PrincipleCode);
        let principles = principles.and_then(|all| Distinct::new(all).ok());
        let ground = parse_optional(self.diversity_ground.as_deref().unwrap_or_default());
        let ground = ground.map_err(|_| wrong("diversity_ground")())?;
        let content = Content {
            agreement: AgreementId(self.agreement),
            proposer: Code::parse(&self.proposer)
                .map(PartyCode)
                .map_err(|_| wrong("proposer")())?,
            text: LongText::parse(&self.text).map_err(|_| wrong("text")())?,
            principles: principles.ok_or_else(wrong("principles"))?,
            area: Code::parse(&self.area)
                .map(AreaCode)
                .map_err(|_| wrong("area")())?,
            legal_basis: match self.legal_basis.as_deref() {
                None => None,
                Some("sol") => Some(LegalBasis::Sol),
                Some("lss") => Some(LegalBasis::Lss),
                Some(_) => return Err(wrong("legal_basis")()),
            },
            diversity: match self.diversity.as_deref() {
                None => None,
                Some("providers") => Some(Diversity::Providers),
                Some("people") => Some(Diversity::People { ground }),
                Some(_) => return Err(wrong("diversity")()),
            },
            example: self.example,
        };
        Ok(Commitment::restore(
            id,
            content,
            Version(self.version),
            bearers,
        ))
    }
}

struct BearerRow {
    commitment: Uuid,
    party: String,
    answer: String,
    answered_at: Option<OffsetDateTime>,
    reason: Option<String>,
}

impl BearerRow {
    fn bearer(self) -> Result<Bearer, StoreError> {
        let wrong = |column| inconsistent("commitment_bearer", column, self.commitment);
        let party = Code::parse(&self.party)
            .map(PartyCode)
            .map_err(|_| wrong("party"))?;
        let answer = match (self.answer.as_str(), self.answered_at, &self.reason) {
            ("pending", None, None) => Answer::Pending,
            ("accepted", Some(at), None) => Answer::Accepted { at },
            ("declined", Some(at), Some(reason)) => {
                let reason = LongText::parse(reason).map_err(|_| wrong("reason"))?;
                Answer::Declined { at, reason }
            }
            _ => return Err(wrong("answer")),
        };
        Ok(Bearer { party, answer })
    }
}
