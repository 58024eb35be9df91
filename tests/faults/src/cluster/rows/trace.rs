//! One trace from a command to all that hear of it, as a backend outside of the cluster sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::FutureExt as _;
use handslag_platform::id;
use handslag_proto::common::v1::LocalizedText;
use handslag_proto::registry::v1::CreateAreaRequest;
use handslag_proto::registry::v1::registry_service_client::RegistryServiceClient;
use handslag_runner::import::Callers as _;
use handslag_runner::issuer::{Issuer, LocalCallers};
use handslag_runner::ports::SERVICES;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use tokio::net::TcpListener;

use super::{Row, Said, Stage};
use crate::client;
use crate::cluster::entrances;

/// How long until the last consumer's span must be there: spans are sent every few seconds.
const SEEN_MOST: Duration = Duration::from_secs(40);
/// The span that the caller says it is in; the trace is drawn.
const PARENT: &str = "00f067aa0ba902b7";

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "trace",
        what: "the spans of one command in a backend of OTLP: of the service that took it and of the three that hear",
        aim: "one trace through four services",
        run: |stage| trace(stage).boxed(),
    }]
}

/// Names of spans by the service that sent them, of each trace by its number in hexadecimal digits.
type Traces = Arc<Mutex<BTreeMap<String, BTreeMap<String, BTreeSet<String>>>>>;

async fn trace(stage: &mut Stage) -> Result<Said> {
    let traces = Traces::default();
    let address = backend(stage, Arc::clone(&traces)).await?;
    let sets = [
        format!("otlpEndpoint=http://{address}"),
        format!("networkPolicy.otlp.port={}", address.port()),
    ];
    let installer = stage.installer.clone();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    installer.release(None, &installer.options.tag, &sets)?;
    installer.ready().await?;
    let number = id::new().simple().to_string();
    create_area(stage, &number).await?;
    let seen = || {
        let traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.get(&number).cloned().unwrap_or_default()
    };
    let everywhere = || {
        Ok(SERVICES
            .iter()
            .all(|name| seen().contains_key(&sender(name))))
    };
    let found = installer
        .kube
        .until("spans of all four services", SEEN_MOST, everywhere)
        .await;
    installer.release(None, &installer.options.tag, &[])?;
    installer.ready().await?;
    let text = seen()
        .into_iter()
        .map(|(service, names)| {
            let names: Vec<String> = names.into_iter().collect();
            format!("{service}: {}", names.join(", "))
        })
        .collect::<Vec<_>>()
        .join("; ");
    Ok(match found {
        Ok(()) => Said::Held(text),
        Err(error) => Said::Failed(format!("{error:#}, but of {text}")),
    })
}

/// What a service calls itself towards a backend.
fn sender(service: &str) -> String {
    format!("handslag-{service}")
}

/// A backend on this machine, at the address by which the cluster's nodes reach it.
async fn backend(stage: &Stage, traces: Traces) -> Result<SocketAddr> {
    let (_, node) = stage.nodes.first().context("the cluster has no node")?;
    let listener = TcpListener::bind((entrances::own_address(*node)?, 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/v1/traces", post(receive))
        .with_state(traces);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn receive(State(traces): State<Traces>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
    for of_one in request.resource_spans {
        let attributes = of_one
            .resource
            .map(|one| one.attributes)
            .unwrap_or_default();
        let service = attributes.into_iter().find_map(|attribute| {
            let value = attribute.value?.value?;
            match value {
                Value::StringValue(name) if attribute.key == "service.name" => Some(name),
                _ => None,
            }
        });
        let service = service.unwrap_or_default();
        for span in of_one.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let number = span.trace_id.iter().map(|byte| format!("{byte:02x}"));
            let of_service = traces.entry(number.collect()).or_default();
            let names = of_service.entry(service.clone()).or_default();
            names.insert(span.name);
        }
    }
    StatusCode::OK
}

/// A command that the three other services hear of, in a trace of the caller's.
async fn create_area(stage: &Stage, trace: &str) -> Result<()> {
    let channel = client::channel(stage.entrances.address("registry")?)?;
    let mut registry = RegistryServiceClient::new(channel);
    let mut request = tonic::Request::new(CreateAreaRequest {
        request_id: id::new().to_string(),
        area_id: format!("trace-{}", &trace[trace.len() - 8..]),
        title: Some(LocalizedText {
            sv: "Prov: ett spår".to_owned(),
            en: "Test: a trace".to_owned(),
        }),
    });
    let callers = LocalCallers::new(Issuer::open(&stage.folder)?);
    let token = format!("Bearer {}", callers.token("operator")?);
    let metadata = request.metadata_mut();
    metadata.insert("authorization", token.parse()?);
    metadata.insert("traceparent", format!("00-{trace}-{PARENT}-01").parse()?);
    registry.create_area(request).await?;
    Ok(())
}
