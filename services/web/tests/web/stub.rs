//! A stand-in for the four services: answers what the pages ask from fixed data, on one port.
//!
//! # Design notes
//! The pages are tested with the real services by the stories; this stand-in exists for what those
//! cannot show, such as a page per error, and for looking at the pages without a database. It
//! speaks plain gRPC by path, so that the hundred methods which no page calls need no body here.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::Request, response::Response};
use bytes::{BufMut, Bytes, BytesMut};
use handslag_proto::{commitments::v1 as c, registry::v1 as r, reporting::v1 as rep};
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;

use crate::fixtures::{self, id};

/// A running stand-in; ends with the runtime.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    /// Reports by the identity that ordered them.
    pub(crate) ordered: Arc<Mutex<BTreeMap<String, rep::Report>>>,
}

impl Stub {
    /// URL of all four services.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Starts a stand-in; methods whose name is in `away` answer that they are not there.
pub(crate) async fn start(away: &'static [&'static str]) -> Stub {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let ordered = Arc::new(Mutex::new(BTreeMap::new()));
    let state = Arc::clone(&ordered);
    let router =
        Router::new().fallback(move |request: Request| answer(request, away, Arc::clone(&state)));
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_routes(tonic::service::Routes::from(router))
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    Stub { address, ordered }
}

type Ordered = Arc<Mutex<BTreeMap<String, rep::Report>>>;

async fn answer(request: Request, away: &[&str], ordered: Ordered) -> Response {
    let method = request
        .uri()
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let body = request
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let question = body.slice(5..);
    let result = if away.contains(&method.as_str()) {
        Err(Status::unavailable("away"))
    } else {
        reply(&method, question, &ordered)
    };
    match result {
        Ok(messages) => framed(messages),
        Err(status) => status.into_http(),
    }
}

fn framed(messages: Vec<Vec<u8>>) -> Response {
    let mut frames: Vec<Result<http_body::Frame<Bytes>, std::convert::Infallible>> = Vec::new();
    for message in messages {
        let mut frame = BytesMut::with_capacity(message.len() + 5);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len()).expect("small"));
        frame.put_slice(&message);
        frames.push(Ok(http_body::Frame::data(frame.freeze())));
    }
    let trailers = [(
        "grpc-status".parse().expect("name"),
        "0".parse().expect("value"),
    )];
    frames.push(Ok(http_body::Frame::trailers(
        trailers.into_iter().collect(),
    )));
    Response::builder()
        .header("content-type", "application/grpc")
        .body(Body::new(StreamBody::new(tokio_stream::iter(frames))))
        .expect("a response")
}

fn one(message: &impl Message) -> Result<Vec<Vec<u8>>, Status> {
    Ok(vec![message.encode_to_vec()])
}

fn read<T: Message + Default>(question: Bytes) -> T {
    T::decode(question).expect("a question of the contract")
}

fn reply(method: &str, question: Bytes, ordered: &Ordered) -> Result<Vec<Vec<u8>>, Status> {
    match method {
        "ListAreas" => one(&r::ListAreasResponse {
            areas: fixtures::areas(),
            ..Default::default()
        }),
        "ListParties" => one(&r::ListPartiesResponse {
            parties: fixtures::parties(),
            ..Default::default()
        }),
        "ListBoards" => one(&r::ListBoardsResponse {
            boards: fixtures::boards(),
            ..Default::default()
        }),
        "ListDistrictBoards" => one(&r::ListDistrictBoardsResponse {
            district_boards: fixtures::district_boards(),
            ..Default::default()
        }),
        "ListAgreements" => one(&r::ListAgreementsResponse {
            agreements: vec![fixtures::agreement()],
            ..Default::default()
        }),
        "GetAgreement" => {
            let name = read::<r::GetAgreementRequest>(question).name;
            let agreement = Some(fixtures::agreement()).filter(|a| a.name == name);
            one(&r::GetAgreementResponse {
                agreement: Some(agreement.ok_or_else(missing)?),
            })
        }
        "ListProceedings" => proceedings(&read(question)),
        "ListProposals" => one(&r::ListProposalsResponse {
            proposals: fixtures::proposals(),
            ..Default::default()
        }),
        "ListFigures" => one(&r::ListFiguresResponse {
            figures: fixtures::figures(),
            ..Default::default()
        }),
        "ListOrganisations" => organisations(&read(question)),
        "GetOrganisation" => {
            let name = read::<r::GetOrganisationRequest>(question).name;
            let found = fixtures::organisations()
                .into_iter()
                .find(|o| o.name == name);
            one(&r::GetOrganisationResponse {
                organisation: Some(found.ok_or_else(missing)?),
            })
        }
        "GetSignatory" => {
            let name = read::<r::GetSignatoryRequest>(question).name;
            let found = fixtures::signatories().into_iter().find(|s| s.name == name);
            one(&r::GetSignatoryResponse {
                signatory: Some(found.ok_or_else(missing)?),
            })
        }
        "ListSignatories" => signatories(&read(question)),
        "ListSubscribers" => Err(Status::unauthenticated("a token is needed")),
        _ => reply_of_the_others(method, question, ordered),
    }
}

fn reply_of_the_others(
    method: &str,
    question: Bytes,
    ordered: &Ordered,
) -> Result<Vec<Vec<u8>>, Status> {
    match method {
        "ListCommitments" => {
            let commitments = fixtures::commitments();
            let total_size = i32::try_from(commitments.len()).expect("few");
            one(&c::ListCommitmentsResponse {
                commitments,
                total_size,
                ..Default::default()
            })
        }
        "GetCommitment" => {
            let name = read::<c::GetCommitmentRequest>(question).name;
            let found = fixtures::commitments().into_iter().find(|x| x.name == name);
            one(&c::GetCommitmentResponse {
                commitment: Some(found.ok_or_else(missing)?),
            })
        }
        "ListActionPlans" => one(&c::ListActionPlansResponse {
            action_plans: vec![fixtures::plan()],
            ..Default::default()
        }),
        "GetActionPlan" => {
            let name = read::<c::GetActionPlanRequest>(question).name;
            let plan = Some(fixtures::plan()).filter(|plan| plan.name == name);
            one(&c::GetActionPlanResponse {
                action_plan: Some(plan.ok_or_else(missing)?),
            })
        }
        "ListActions" => one(&c::ListActionsResponse {
            actions: fixtures::actions(),
            ..Default::default()
        }),
        "ListFollowUps" => one(&c::ListFollowUpsResponse {
            follow_ups: fixtures::follow_ups(),
            ..Default::default()
        }),
        "ListDeliberations" => one(&c::ListDeliberationsResponse {
            districts: fixtures::deliberations(),
        }),
        "GetSignatoriesOverTime" => one(&fixtures::over_time()),
        "ListReports" => {
            let reports = ordered.lock().expect("lock").values().cloned().collect();
            one(&rep::ListReportsResponse {
                reports,
                ..Default::default()
            })
        }
        "CreateReport" => create(read(question), ordered),
        "GetReport" => {
            let name = read::<rep::GetReportRequest>(question).name;
            let reports = ordered.lock().expect("lock");
            let report = reports
                .values()
                .find(|r| r.name == name)
                .ok_or_else(missing)?;
            one(&rep::GetReportResponse {
                report: Some(report.clone()),
            })
        }
        "DownloadReport" => {
            let name = read::<rep::DownloadReportRequest>(question).name;
            let page = ordered.lock().expect("lock").values().any(|report| {
                report.name == name && report.format == i32::from(rep::ReportFormat::Html)
            });
            let (content, media_type, ending) = if page {
                ("<!DOCTYPE html>\n", "text/html; charset=utf-8", "html")
            } else {
                ("%PDF-1.7\n", "application/pdf", "pdf")
            };
            let first = rep::DownloadReportResponse {
                content: content.into(),
                media_type: media_type.into(),
                file_name: format!("socialn\u{e4}mnden-2012.{ending}"),
            };
            let second = rep::DownloadReportResponse {
                content: b"%%EOF\n".to_vec(),
                ..Default::default()
            };
            Ok(vec![first.encode_to_vec(), second.encode_to_vec()])
        }
        _ => Err(Status::unimplemented(method.to_owned())),
    }
}

fn missing() -> Status {
    Status::not_found("nothing by that name")
}

/// Two to a page, so that a page which forgets to walk shows too few.
fn proceedings(request: &r::ListProceedingsRequest) -> Result<Vec<Vec<u8>>, Status> {
    let (proceedings, next_page_token) = cut(fixtures::proceedings(), &request.page_token, 2)?;
    one(&r::ListProceedingsResponse {
        proceedings,
        next_page_token,
    })
}

fn organisations(request: &r::ListOrganisationsRequest) -> Result<Vec<Vec<u8>>, Status> {
    let filter = request.filter.clone().unwrap_or_default();
    let query = filter.query.to_lowercase();
    let matching: Vec<r::Organisation> = fixtures::organisations()
        .into_iter()
        .filter(|o| o.display_name.to_lowercase().contains(&query) || o.number == filter.query)
        .filter(|o| filter.kind == 0 || o.kind == filter.kind)
        .filter(|o| !(filter.exclude_examples && o.example))
        .collect();
    let total_size = i32::try_from(matching.len()).expect("few");
    let size = usize::try_from(request.page_size).expect("a size");
    let (organisations, next_page_token) = cut(matching, &request.page_token, size)?;
    one(&r::ListOrganisationsResponse {
        organisations,
        next_page_token,
        total_size,
    })
}

fn signatories(request: &r::ListSignatoriesRequest) -> Result<Vec<Vec<u8>>, Status> {
    let matching: Vec<r::Signatory> = fixtures::signatories()
        .into_iter()
        .filter(|s| request.states.is_empty() || request.states.contains(&s.state))
        .filter(|s| !(request.exclude_examples && s.example))
        .collect();
    let total_size = i32::try_from(matching.len()).expect("few");
    one(&r::ListSignatoriesResponse {
        signatories: matching,
        total_size,
        ..Default::default()
    })
}

fn cut<T>(mut all: Vec<T>, token: &str, size: usize) -> Result<(Vec<T>, String), Status> {
    let from = if token.is_empty() {
        0
    } else {
        token
            .parse()
            .map_err(|_| Status::invalid_argument("not a token of this list"))?
    };
    let next = if from + size < all.len() {
        (from + size).to_string()
    } else {
        String::new()
    };
    Ok((all.drain(..).skip(from).take(size).collect(), next))
}

fn create(request: rep::CreateReportRequest, ordered: &Ordered) -> Result<Vec<Vec<u8>>, Status> {
    let mut reports = ordered.lock().expect("lock");
    let number = reports.len();
    let report = reports
        .entry(request.request_id)
        .or_insert_with(|| rep::Report {
            name: format!("reports/{}", id('r', number)),
            board: request.board,
            year: request.year,
            format: request.format,
            state: rep::ReportState::Ready.into(),
            size_bytes: 48_211,
            created_at: Some(fixtures::at(1_340_000_000)),
            ..Default::default()
        });
    one(&rep::CreateReportResponse {
        report: Some(report.clone()),
    })
}
