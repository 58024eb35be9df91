//! B7: how times grow with the size of the register.
//!
//! # Design notes
//! Registers of all sizes run beside one another, each with services of its own, and take turns.
//! Each kind of call is made at an even rate, a fifth of what one caller could ask of the largest,
//! so that what is told is the call's own time and not a queue's.
//!
//! The same page by OFFSET is measured as well, straight at the database: it must be seen to fail.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use handslag_platform::Running;
use handslag_proto::registry::v1::ListSignatoriesResponse;
use handslag_proto::reporting::v1::GetSignatoriesOverTimeRequest;
use handslag_proto::reporting::v1::reporting_service_client::ReportingServiceClient;
use handslag_reporting::Reporting;
use sqlx::PgPool;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::benches::calls::{Clients, Desk, RelayIs};
use crate::figure::{Aim, Figure, median};
use crate::generator::{self, Answer};
use crate::scale::Scale;
use crate::stage::{Stage, channels};

/// Highest rate of any kind of call.
const RATE_MOST: f64 = 100.0;
/// Share of one caller's capacity.
const LOAD: f64 = 0.2;
/// Calls that tell how much one caller can ask.
const TRIALS: usize = 5;
/// Rows of a page, as a reader sees it.
const PAGE: i32 = 50;
/// Rows of a page on the way to the deep one.
const STRIDE: i32 = 500;
/// How many tenths of all lie before the deep page.
const DEPTH_TENTHS: i64 = 9;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let mut registers = Vec::new();
    for &size in &scale.sizes {
        registers.push(Register::open(stage, size).await?);
    }
    let mut figures = Vec::new();
    for kind in Kind::ALL {
        figures.push(figure(&registers, kind, scale).await?);
    }
    for register in registers {
        register.close().await?;
    }
    Ok(figures)
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FirstPage,
    DeepPage,
    LookUp,
    Write,
    Figure,
    DeepOffset,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::FirstPage,
        Self::DeepPage,
        Self::LookUp,
        Self::Write,
        Self::Figure,
        Self::DeepOffset,
    ];

    fn numerator(self) -> &'static str {
        match self {
            Self::FirstPage => "first page of the signatories, p99, slowest size",
            Self::DeepPage => "page after nine tenths of the signatories, p99, slowest size",
            Self::LookUp => "look-up by organisation number, p99, slowest size",
            Self::Write => "correction of an organisation, p99, slowest size",
            Self::Figure => "number of signatories over time, p99, slowest size",
            Self::DeepOffset => "the same deep page by OFFSET, by SQL alone, p99, slowest size",
        }
    }

    fn aim(self) -> Aim {
        match self {
            Self::DeepOffset => Aim::Above(1.5),
            _ => Aim::AtMost(1.5),
        }
    }
}

async fn figure(registers: &[Register], kind: Kind, scale: &Scale) -> anyhow::Result<Figure> {
    let largest = registers.last().context("no size is given")?;
    let (rate, calls) = pace(largest, kind, scale).await?;
    let mut pairs = Vec::new();
    let mut by_size = vec![Vec::new(); registers.len()];
    for _ in 0..scale.pairs {
        let mut round = Vec::new();
        for (register, times) in registers.iter().zip(&mut by_size) {
            let asking = register.asking.clone();
            let outcome = generator::open(rate, calls, move |_| {
                let asking = asking.clone();
                async move { asking.ask(kind).await }
            });
            let tail = outcome.await.whole()?.percentile_ms(0.99);
            round.push(tail);
            times.push(tail);
        }
        round.sort_by(f64::total_cmp);
        let (least, most) = (round.first(), round.last());
        pairs.push(
            most.copied()
                .zip(least.copied())
                .context("no size is given")?,
        );
    }
    let sizes = registers.iter().zip(&mut by_size).map(|(register, times)| {
        times.sort_by(f64::total_cmp);
        format!("{} at {}", format_ms(median(times)), register.size)
    });
    let sizes: Vec<String> = sizes.collect();
    Ok(Figure {
        bench: "B7",
        numerator: kind.numerator(),
        denominator: "the same on the fastest size",
        unit: "ms",
        pairs,
        aim: kind.aim(),
        note: format!("{}; {calls} calls at {rate:.1}/s each", sizes.join(", ")),
    })
}

fn format_ms(ms: f64) -> String {
    format!("{ms:.2} ms")
}

/// The rate that leaves the largest register mostly idle, and how many calls that makes.
async fn pace(largest: &Register, kind: Kind, scale: &Scale) -> anyhow::Result<(f64, u64)> {
    let mut times = Vec::new();
    for _ in 0..TRIALS {
        let began = Instant::now();
        let answer = largest.asking.ask(kind).await;
        ensure!(
            answer == Answer::Done,
            "{kind:?} on {}: {answer:?}",
            largest.size
        );
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let rate = (LOAD / median(&times)).min(RATE_MOST);
    let calls = generator::calls_in(rate, scale.phase).min(scale.calls);
    Ok((rate, calls))
}

/// A register of one size: a registry and reporting, filled.
struct Register {
    size: i64,
    asking: Asking,
    desk: Desk,
    reporting: Running,
}

impl Register {
    async fn open(stage: &Stage, size: i64) -> anyhow::Result<Self> {
        let name = format!("b7-{size}");
        let desk = Desk::open(stage, &name, size, RelayIs::Running).await?;
        let database = stage
            .database_of::<Reporting>(&format!("{name}-reporting"))
            .await?;
        let pool = stage.pool(&database, 1).await?;
        desk.stock.fill_reporting(&pool).await?;
        pool.close().await;
        let amqp_url = stage.vhost(&format!("{name}-reporting")).await?;
        let reporting = stage.start::<Reporting>(&database, &amqp_url).await?;
        let (deep_token, deep_offset) = deep(&desk.clients, size).await?;
        Ok(Self {
            size,
            asking: Asking {
                clients: desk.clients.clone(),
                reporting: channels(reporting.grpc_address, 1)?.remove(0),
                agreement: desk.stock.agreement.clone(),
                agreement_id: desk.stock.agreement_id,
                pool: desk.pool.clone(),
                deep_token,
                deep_offset,
            },
            desk,
            reporting,
        })
    }

    async fn close(self) -> anyhow::Result<()> {
        drop(self.asking);
        self.desk.close().await?;
        self.reporting.stop().await
    }
}

/// What a call needs of its register.
#[derive(Clone)]
struct Asking {
    clients: Clients,
    reporting: Channel,
    agreement: String,
    agreement_id: Uuid,
    pool: PgPool,
    deep_token: String,
    deep_offset: i64,
}

impl Asking {
    async fn ask(&self, kind: Kind) -> Answer {
        match kind {
            Kind::FirstPage => full(self.clients.page(0, PAGE, "").await),
            Kind::DeepPage => full(self.clients.page(0, PAGE, &self.deep_token).await),
            Kind::LookUp => self.clients.look_up(0).await,
            Kind::Write => self.clients.update(0).await,
            Kind::Figure => self.signatories_over_time().await,
            Kind::DeepOffset => self.page_by_offset().await,
        }
    }

    async fn signatories_over_time(&self) -> Answer {
        let request = GetSignatoriesOverTimeRequest {
            agreement: self.agreement.clone(),
            ..Default::default()
        };
        let mut client = ReportingServiceClient::new(self.reporting.clone());
        client.get_signatories_over_time(request).await.into()
    }

    /// What the registry refuses to do: counting rows off until the page begins.
    async fn page_by_offset(&self) -> Answer {
        let rows = sqlx::query(
            "SELECT o.id, o.display_name, o.example
             FROM signatory s JOIN organisation o ON o.id = s.organisation
             WHERE s.agreement = $1
             ORDER BY o.display_name, o.id OFFSET $2 LIMIT $3",
        )
        .bind(self.agreement_id)
        .bind(self.deep_offset)
        .bind(i64::from(PAGE) + 1)
        .fetch_all(&self.pool)
        .await;
        match rows {
            Ok(rows) if rows.is_empty() => Answer::Failed("the page is empty".to_owned()),
            Ok(_) => Answer::Done,
            Err(error) => Answer::Failed(error.to_string()),
        }
    }
}

fn full(page: Result<ListSignatoriesResponse, Status>) -> Answer {
    match page {
        Ok(page) if page.signatories.is_empty() => Answer::Failed("the page is empty".to_owned()),
        page => page.into(),
    }
}

/// Walks to the deep page; answers its token and how many rows lie before it.
async fn deep(clients: &Clients, size: i64) -> anyhow::Result<(String, i64)> {
    let mut token = String::new();
    let mut passed = 0;
    while passed < size * DEPTH_TENTHS / 10 {
        let stride = STRIDE.min(i32::try_from(size / 10)?.max(1));
        let page = clients.page(0, stride, &token).await?;
        ensure!(
            !page.next_page_token.is_empty(),
            "the list ended after {passed} of {size}"
        );
        passed += i64::from(stride);
        token = page.next_page_token;
    }
    Ok((token, passed))
}
