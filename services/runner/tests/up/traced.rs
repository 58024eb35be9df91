//! One trace runs through a command, its event and its consumers, as a real OTLP receiver sees it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use handslag_runner::{
    import::Callers,
    issuer::{Issuer, LocalCallers},
    state::CityState,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::process::{Home, Up, eventually, read};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

type Spans = Arc<Mutex<Vec<(String, String)>>>;

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_runs_from_the_command_to_every_consumer() {
    let spans = Spans::default();
    let receiver = receiver(Arc::clone(&spans)).await;
    let home = Home::new("traced");
    let mut up = Up::start(&home, 7_740, &[("HANDSLAG_OTLP_ENDPOINT", receiver)]);
    up.wait_for("Handslag is up");

    let agreement = read(&home, "registry.ListAgreements", serde_json::json!({}))
        .await
        .expect("agreements")["agreements"][0]["name"]
        .clone();
    propose_a_proposal(&home, agreement.as_str().expect("a name")).await;

    eventually("the trace has a span of each station", || async {
        let seen: BTreeSet<String> = {
            let spans = spans.lock().expect("spans");
            spans
                .iter()
                .filter(|(trace, _)| trace == TRACE)
                .map(|(_, name)| name.clone())
                .collect()
        };
        let has = |part: &str| seen.iter().any(|name| name.contains(part));
        (has("RecordProceeding") && has("publish event") && has("apply event")).then_some(())
    })
    .await;
    up.interrupt();
}

async fn receiver(spans: Spans) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new()
        .route("/v1/traces", post(receive))
        .with_state(spans);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn receive(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP");
    let mut spans = spans.lock().expect("spans");
    for span in request
        .resource_spans
        .into_iter()
        .flat_map(|one| one.scope_spans)
        .flat_map(|one| one.spans)
    {
        let trace: String = span
            .trace_id
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        spans.push((trace, span.name));
    }
}

/// A command that notifications and reporting hear of, under a trace of the caller's.
async fn propose_a_proposal(home: &Home, agreement: &str) {
    use handslag_proto::{common::v1 as common, registry::v1 as registry};
    let state = CityState::load(home.path()).expect("a city");
    let callers = LocalCallers::new(Issuer::existing(home.path()).expect("the issuer"));
    let channel = tonic::transport::Endpoint::from_shared(state.grpc["registry"].clone())
        .expect("an address")
        .connect()
        .await
        .expect("connected");
    let mut client = registry::registry_service_client::RegistryServiceClient::new(channel);
    let mut request = tonic::Request::new(registry::RecordProceedingRequest {
        request_id: handslag_platform::id::new().to_string(),
        agreement: agreement.to_owned(),
        kind: registry::ProceedingKind::Meeting.into(),
        held_on: Some(common::PartialDate {
            year: 2013,
            month: 3,
            day: 1,
        }),
        title: Some(common::LocalizedText {
            sv: "Spårat möte".to_owned(),
            en: String::new(),
        }),
        summary: Some(common::LocalizedText {
            sv: "Ett möte som följs.".to_owned(),
            en: String::new(),
        }),
        source: Some(common::Source {
            document: "Prov".to_owned(),
            place: String::new(),
        }),
        ..Default::default()
    });
    let metadata = request.metadata_mut();
    metadata.insert(
        "traceparent",
        format!("00-{TRACE}-00f067aa0ba902b7-01")
            .parse()
            .expect("a header"),
    );
    let token = callers.token("operator").expect("a token");
    metadata.insert(
        "authorization",
        format!("Bearer {token}").parse().expect("a header"),
    );
    client.record_proceeding(request).await.expect("answered");
}
