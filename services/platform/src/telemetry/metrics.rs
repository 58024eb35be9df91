//! What a running service counts, in Prometheus' text format.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use sqlx::PgPool;

use crate::messaging::{self, status::Reading};
use crate::tls;

/// Bounds of the latency histogram, in seconds: from a read of one row to the longest call.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// A number of messaging's: its name, what it says, and how it is read.
type Figure<N> = (&'static str, &'static str, fn(&Reading) -> N);

const GAUGES: [Figure<i64>; 9] = [
    (
        "handslag.relay.leader",
        "1 when this replica leads the relay",
        |now| i64::from(now.leader),
    ),
    (
        "handslag.relay.holes",
        "Missing numbers of the log that may still come",
        |now| now.holes,
    ),
    (
        "handslag.relay.unconfirmed",
        "Events sent and not confirmed",
        |now| i64::try_from(now.unconfirmed).unwrap_or(i64::MAX),
    ),
    (
        "handslag.outbox.age.ms",
        "Age of the oldest unpublished event, in milliseconds",
        |now| now.outbox_age_ms,
    ),
    (
        "handslag.inbox.parked",
        "Events that wait for their predecessors",
        |now| now.parked,
    ),
    (
        "handslag.inbox.agreed.age.ms",
        "How long ago messaging last agreed with its producers, the longest, in milliseconds",
        |now| now.agreed_age_ms,
    ),
    (
        "handslag.inbox.differing",
        "Producers whose digest says something else than what was heard of them here",
        |now| now.differing,
    ),
    ("handslag.dead.letters.now", "Dead letters", |now| {
        now.dead_letters
    }),
    (
        "handslag.audit.broken",
        "1 when the log says something else than when it was sealed",
        |now| i64::from(now.audit_broken),
    ),
];

const COUNTERS: [Figure<u64>; 7] = [
    (
        "handslag.relay.published",
        "Events confirmed by the broker",
        |now| now.published_total,
    ),
    (
        "handslag.relay.replayed",
        "Events sent again on request",
        |now| now.replayed_total,
    ),
    (
        "handslag.inbox.applied",
        "Events that had their effect",
        |now| now.applied_total,
    ),
    (
        "handslag.inbox.duplicates",
        "Events that had had their effect before",
        |now| now.duplicates_total,
    ),
    ("handslag.dead.letters", "Dead letters recorded", |now| {
        now.dead_letters_total
    }),
    (
        "handslag.inbox.foreign",
        "Messages of another incarnation, which were put aside",
        |now| now.foreign_total,
    ),
    (
        "handslag.audit.checked",
        "Seals of the log that were looked at again and hold",
        |now| now.audit_checked_total,
    ),
];

/// The metrics of one running service.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
    calls: Counter<u64>,
    seconds: Histogram<f64>,
    peers_refused: Counter<u64>,
}

/// Why a connection ended before its first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerRefused {
    /// Too many others had not called yet.
    Crowded,
    /// It did not call in time.
    Late,
}

impl PeerRefused {
    const fn name(self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::Late => "late",
        }
    }
}

/// A histogram of durations, by the value of one attribute. Clones share it.
#[derive(Clone, Debug)]
pub struct Durations {
    seconds: Histogram<f64>,
    attribute: &'static str,
}

impl Durations {
    /// Counts one.
    pub fn record(&self, value: &'static str, took: Duration) {
        let attribute = KeyValue::new(self.attribute, value);
        self.seconds.record(took.as_secs_f64(), &[attribute]);
    }
}

impl Metrics {
    /// The metrics of a service; each running service has its own.
    ///
    /// # Errors
    /// When the exporter cannot be registered.
    pub fn new(service: &'static str) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .context("the metrics' exporter cannot be made")?;
        let resource = Resource::builder()
            .with_service_name(format!("handslag-{service}"))
            .build();
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(exporter)
            .build();
        let meter = provider.meter("handslag");
        let calls = meter
            .u64_counter("handslag.rpc.calls")
            .with_description("Calls answered, by method and gRPC code")
            .build();
        let seconds = meter
            .f64_histogram("handslag.rpc.duration")
            .with_unit("s")
            .with_description("Time until a call was answered, or its stream began, by method")
            .with_boundaries(SECONDS.to_vec())
            .build();
        let peers_refused = meter
            .u64_counter("handslag.peers.refused")
            .with_description("Connections that were closed before their first call, by reason")
            .build();
        Ok(Self {
            registry,
            provider,
            calls,
            seconds,
            peers_refused,
        })
    }

    /// Where other parts of the service make their instruments.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.provider.meter("handslag")
    }

    /// Counts an answered call.
    pub(crate) fn call(&self, method: &'static str, code: tonic::Code, took: Duration) {
        let method = KeyValue::new("method", method);
        self.seconds
            .record(took.as_secs_f64(), std::slice::from_ref(&method));
        self.calls
            .add(1, &[method, KeyValue::new("code", format!("{code:?}"))]);
    }

    /// Counts a connection that was closed before its first call.
    pub(crate) fn peer_refused(&self, why: PeerRefused) {
        self.peers_refused
            .add(1, &[KeyValue::new("reason", why.name())]);
    }

    /// How long something took, in seconds, by the value of one attribute. `name` is the whole name.
    #[must_use]
    pub fn durations(
        &self,
        name: &'static str,
        description: &'static str,
        attribute: &'static str,
        bounds: &[f64],
    ) -> Durations {
        let seconds = self
            .meter()
            .f64_histogram(name)
            .with_unit("s")
            .with_description(description)
            .with_boundaries(bounds.to_vec())
            .build();
        Durations { seconds, attribute }
    }

    /// Shows whether the process may be sent work.
    pub fn observe_ready(&self, ready: impl Fn() -> bool + Send + Sync + 'static) {
        let _registered = self
            .meter()
            .i64_observable_gauge("handslag.ready")
            .with_description("1 when this process may be sent work")
            .with_callback(move |gauge| gauge.observe(i64::from(ready()), &[]))
            .build();
    }

    /// Shows how much of a pool is in use.
    pub(crate) fn observe_pool(&self, pool: &PgPool) {
        let open = pool.clone();
        let in_use = pool.clone();
        let most = u64::from(pool.options().get_max_connections());
        let meter = self.meter();
        let _registered = meter
            .u64_observable_gauge("handslag.database.connections.open")
            .with_description("Open connections to the database")
            .with_callback(move |gauge| gauge.observe(u64::from(open.size()), &[]))
            .build();
        let _registered = meter
            .u64_observable_gauge("handslag.database.connections.most")
            .with_description("Connections to the database that there may be")
            .with_callback(move |gauge| gauge.observe(most, &[]))
            .build();
        let _registered = meter
            .u64_observable_gauge("handslag.database.connections.used")
            .with_description("Connections to the database that somebody holds")
            .with_callback(move |gauge| {
                let idle = u64::try_from(in_use.num_idle()).unwrap_or(u64::MAX);
                gauge.observe(u64::from(in_use.size()).saturating_sub(idle), &[]);
            })
            .build();
    }

    /// Shows how long a certificate is valid, and whether newer files were refused.
    pub fn observe_certificate(&self, state: &Arc<tls::State>) {
        let (expires, refused) = (Arc::clone(state), Arc::clone(state));
        let meter = self.meter();
        let _registered = meter
            .i64_observable_gauge("handslag.tls.certificate.expiry")
            .with_description("When the certificate in use ends to be valid, in seconds since 1970")
            .with_callback(move |gauge| {
                if let Some(expires) = expires.expires() {
                    gauge.observe(expires, &[]);
                }
            })
            .build();
        let _registered = meter
            .i64_observable_gauge("handslag.tls.certificate.refused")
            .with_description("1 when changed files cannot be used and the former stay in use")
            .with_callback(move |gauge| gauge.observe(i64::from(refused.refused()), &[]))
            .build();
    }

    /// Shows what messaging counts.
    pub(crate) fn observe_messaging(&self, source: &Arc<messaging::Metrics>) {
        let meter = self.meter();
        for (name, description, read) in GAUGES {
            let source = Arc::clone(source);
            let _registered = meter
                .i64_observable_gauge(name)
                .with_description(description)
                .with_callback(move |gauge| gauge.observe(read(&source.read()), &[]))
                .build();
        }
        for (name, description, read) in COUNTERS {
            let source = Arc::clone(source);
            let _registered = meter
                .u64_observable_counter(name)
                .with_description(description)
                .with_callback(move |counter| counter.observe(read(&source.read()), &[]))
                .build();
        }
    }

    /// Everything, in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub fn text(&self) -> anyhow::Result<String> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}
