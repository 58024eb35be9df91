//! A register of any size.
//!
//! # Design notes
//! What there is one of (areas, parties, the agreement) comes by calls, as it does in life. The
//! organisations come by SQL, a million in the time of some thousand calls: each with a number, a
//! decision and a signature.

use std::net::SocketAddr;

use anyhow::Context as _;
use handslag_platform::database::begin;
use handslag_platform::id;
use handslag_proto::common::v1::{LocalizedText, PartialDate};
use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sqlx::PgPool;
use uuid::Uuid;

use crate::stage::{Stage, channels, with_bearer};

/// Rows of one statement: it stays below the time that a statement may take.
const ROWS_AT_ONCE: i64 = 50_000;

/// What calls refer to.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    /// Resource name of the agreement.
    pub(crate) agreement: String,
    /// Its id.
    pub(crate) agreement_id: Uuid,
    /// How many organisations there are, numbered from 0.
    pub(crate) organisations: i64,
}

impl Stock {
    /// Enters everything into the registry at this address, whose database `pool` is of.
    pub(crate) async fn fill(
        stage: &Stage,
        registry: SocketAddr,
        pool: &PgPool,
        organisations: i64,
    ) -> anyhow::Result<Self> {
        let agreement = agreement(stage, registry).await?;
        let agreement_id = agreement
            .strip_prefix("agreements/")
            .and_then(id::decode)
            .context("the agreement has another name")?;
        for numbers in batches(organisations) {
            fill_registry(pool, agreement_id, numbers).await?;
        }
        sqlx::query("ANALYZE").execute(pool).await?;
        Ok(Self {
            agreement,
            agreement_id,
            organisations,
        })
    }

    /// The same relations as reporting would know them from the events.
    pub(crate) async fn fill_reporting(&self, pool: &PgPool) -> anyhow::Result<()> {
        sqlx::query(
            "INSERT INTO agreement (id, title_sv, title_en, kind, parties, areas)
             VALUES ($1, 'Överenskommelsen', '', 'framework', '{city,sector}', '{social}')",
        )
        .bind(self.agreement_id)
        .execute(pool)
        .await?;
        for numbers in batches(self.organisations) {
            let ids: Vec<Uuid> = numbers.map(organisation_id).collect();
            sqlx::query(
                "INSERT INTO signatory_change
                     (agreement, organisation, version, state, certain_on, example)
                 SELECT $1, id, step.version, step.state,
                        date '2012-06-01' + (number % 900)::integer + step.version, false
                 FROM unnest($2::uuid[]) WITH ORDINALITY AS one (id, number),
                      (VALUES (1, 'decided'), (2, 'signed')) AS step (version, state)",
            )
            .bind(self.agreement_id)
            .bind(&ids)
            .execute(pool)
            .await?;
        }
        sqlx::query("ANALYZE").execute(pool).await?;
        Ok(())
    }
}

/// The id of an organisation: in the order of the numbers, as ids are in the order of birth. The
/// scripts of pgbench make the same: twelve hexadecimal digits behind [`ID_PREFIX`].
pub(crate) fn organisation_id(number: i64) -> Uuid {
    const FIRST: u128 = 0x0192_0000_0000_7000_8000_0000_0000_0000;
    Uuid::from_u128(FIRST + u128::from(number.unsigned_abs()))
}

/// The beginning of all ids of [`organisation_id`], as text.
pub(crate) const ID_PREFIX: &str = "01920000-0000-7000-8000-";

/// The resource name of an organisation.
pub(crate) fn organisation(number: i64) -> String {
    format!("organisations/{}", id::encode(organisation_id(number)))
}

/// The organisation number of an organisation.
pub(crate) fn organisation_number(number: i64) -> String {
    let nine = format!("802{number:06}");
    format!("{nine}{}", checksum(&nine))
}

/// The name of an organisation. Names are not in the order of ids: the numbers go around.
pub(crate) fn display_name(number: i64) -> String {
    format!("Föreningen {:07} i Stockholm", number * 7_919 % 1_000_003)
}

/// The digit that makes nine others an organisation number (Luhn).
fn checksum(nine: &str) -> u32 {
    let sum: u32 = nine
        .bytes()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    (10 - sum % 10) % 10
}

fn batches(count: i64) -> impl Iterator<Item = std::ops::Range<i64>> {
    (0..)
        .map(|batch| batch * ROWS_AT_ONCE)
        .take_while(move |first| *first < count)
        .map(move |first| first..(first + ROWS_AT_ONCE).min(count))
}

async fn fill_registry(
    pool: &PgPool,
    agreement: Uuid,
    numbers: std::ops::Range<i64>,
) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = numbers.clone().map(organisation_id).collect();
    let names: Vec<String> = numbers.clone().map(display_name).collect();
    let digits: Vec<String> = numbers.map(organisation_number).collect();
    let mut tx = begin(pool).await?;
    sqlx::query(
        "INSERT INTO organisation (id, display_name, kind, level, roles, areas, notes, example,
                                   version)
         SELECT id, name, 'association', 'local', '{provider}', '{social}', '[]', false, 1
         FROM unnest($1::uuid[], $2::text[]) AS one (id, name)",
    )
    .bind(&ids)
    .bind(&names)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO organisation_number (organisation, number, valid)
         SELECT id, number, daterange(NULL, NULL)
         FROM unnest($1::uuid[], $2::text[]) AS one (id, number)",
    )
    .bind(&ids)
    .bind(&digits)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO signatory (agreement, organisation, state, version)
         SELECT $1, id, 'signed', 2 FROM unnest($2::uuid[]) AS one (id)",
    )
    .bind(agreement)
    .bind(&ids)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO signatory_step (agreement, organisation, number, state, edition,
                                     effective_on, effective_from)
         SELECT $1, id, step.number, step.state, step.edition, '2012-08-01', '2012-08-01'
         FROM unnest($2::uuid[]) AS one (id),
              (VALUES (1, 'decided', NULL), (2, 'signed', 1)) AS step (number, state, edition)",
    )
    .bind(agreement)
    .bind(&ids)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Creates what an agreement needs, and adopts it; answers its resource name.
async fn agreement(stage: &Stage, registry: SocketAddr) -> anyhow::Result<String> {
    let channel = channels(registry, 1)?.remove(0);
    let mut client = RegistryServiceClient::new(channel);
    let bearer = stage.bearer()?;
    let title = |sv: &str| {
        Some(LocalizedText {
            sv: sv.to_owned(),
            en: String::new(),
        })
    };
    let request_id = || id::new().to_string();
    let area = proto::CreateAreaRequest {
        request_id: request_id(),
        area_id: "social".to_owned(),
        title: title("Socialt"),
    };
    client.create_area(with_bearer(&bearer, area)).await?;
    for code in ["city", "sector"] {
        let party = proto::CreatePartyRequest {
            request_id: request_id(),
            party_id: code.to_owned(),
            title: title(code),
        };
        client.create_party(with_bearer(&bearer, party)).await?;
    }
    let draft = proto::DraftAgreementRequest {
        request_id: request_id(),
        kind: proto::AgreementKind::Framework.into(),
        title: title("Överenskommelsen"),
        parties: vec!["parties/city".to_owned(), "parties/sector".to_owned()],
        principles: vec![proto::Principle {
            code: "dialog".to_owned(),
            title: title("Dialog"),
        }],
        areas: vec!["areas/social".to_owned()],
        term_years: 4,
        max_extensions: 1,
    };
    let drafted = client.draft_agreement(with_bearer(&bearer, draft)).await?;
    let agreement = drafted.into_inner().agreement.context("no agreement")?;
    let adoption = proto::AdoptAgreementRequest {
        request_id: request_id(),
        agreement: agreement.name.clone(),
        decided_on: Some(PartialDate {
            year: 2012,
            month: 6,
            day: 0,
        }),
        decided_by: "Kommunfullmäktige".to_owned(),
        ..Default::default()
    };
    client
        .adopt_agreement(with_bearer(&bearer, adoption))
        .await?;
    Ok(agreement.name)
}

#[cfg(test)]
mod tests {
    use handslag_registry::domain::organisation_number::OrganisationNumber;

    use super::{ID_PREFIX, batches, organisation_id, organisation_number};

    #[test]
    fn the_registry_takes_every_number() {
        for number in [0, 7, 99, 123_456, 999_999] {
            let text = organisation_number(number);
            OrganisationNumber::parse(&text).expect("a valid number");
        }
    }

    #[test]
    fn the_scripts_make_the_same_ids() {
        let id = organisation_id(0x2af).to_string();
        assert_eq!(id, format!("{ID_PREFIX}{:012x}", 0x2af));
    }

    #[test]
    fn batches_cover_everything_once() {
        let all: Vec<i64> = batches(120_000).flatten().collect();
        assert_eq!(all, (0..120_000).collect::<Vec<_>>());
        assert_eq!(batches(0).count(), 0);
    }
}
