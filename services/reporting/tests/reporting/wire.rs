//! What each RPC answers, as JSON, so that a change of the wire is seen.

use handslag_proto::reporting::v1::{
    CreateReportRequest, GetBoardSectionRequest, GetCommitmentFiguresRequest, GetReportRequest,
    GetSignatoriesOverTimeRequest, ListReportsRequest, ReportFormat,
};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::town::{SOCIAL, Town, agreement, day, fresh};

/// A message as JSON with what differs from run to run left out.
fn shown(name: &str, message: &impl Message) -> String {
    let descriptor = handslag_proto::pool()
        .get_message_by_name(&format!("handslag.reporting.v1.{name}"))
        .expect("a message of the contract");
    let message =
        DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).expect("decodes");
    let mut value = serde_json::to_value(&message).expect("JSON");
    hide("", &mut value);
    serde_json::to_string_pretty(&value).expect("text")
}

fn hide(field: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(field, value)| hide(field, value)),
        Value::Array(values) => values.iter_mut().for_each(|value| hide(field, value)),
        Value::String(text) => {
            *text = match field {
                "nextPageToken" => "(token)".to_owned(),
                "sizeBytes" | "content" => "(content)".to_owned(),
                _ => text.split('/').map(hide_id).collect::<Vec<_>>().join("/"),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hide_id(segment: &str) -> &str {
    if handslag_platform::id::decode(segment).is_some() {
        "(id)"
    } else {
        segment
    }
}

macro_rules! answer {
    ($town:expr, $method:ident, $request:expr) => {
        $town
            .client()
            .$method($request)
            .await
            .expect(stringify!($method))
            .into_inner()
    };
}

#[tokio::test]
async fn what_each_question_is_answered() {
    let town = Town::with_the_record("wire").await;
    let request = GetSignatoriesOverTimeRequest {
        agreement: agreement(),
        from: day(2013, 1, 1),
        to: day(2013, 12, 31),
        exclude_examples: false,
    };
    let curve = answer!(town, get_signatories_over_time, request);
    insta::assert_snapshot!(shown("GetSignatoriesOverTimeResponse", &curve), @r#"
    {
      "freshness": {
        "asOf": "2026-03-02T09:30:00Z",
        "events": "26"
      },
      "points": [
        {
          "day": {
            "day": 1,
            "month": 1,
            "year": 2013
          },
          "decided": 4,
          "signed": 3
        },
        {
          "day": {
            "day": 15,
            "month": 3,
            "year": 2013
          },
          "decided": 4,
          "signed": 4
        },
        {
          "day": {
            "day": 31,
            "month": 12,
            "year": 2013
          },
          "decided": 4,
          "signed": 4
        }
      ],
      "reportedFigures": [
        {
          "measure": "took_part",
          "reportedOn": {
            "year": 2010
          },
          "source": {
            "document": "Kontorens gemensamma tjänsteutlåtande"
          },
          "value": 100
        },
        {
          "measure": "signed_at_ceremony",
          "reportedOn": {
            "month": 9,
            "year": 2012
          },
          "source": {
            "document": "Kontorens gemensamma tjänsteutlåtande"
          },
          "value": 60
        },
        {
          "measure": "decided_to_join",
          "reportedOn": {
            "month": 1,
            "year": 2013
          },
          "source": {
            "document": "Kontorens gemensamma tjänsteutlåtande"
          },
          "value": 70
        },
        {
          "measure": "decided_to_join",
          "reportedOn": {
            "day": 31,
            "month": 1,
            "year": 2013
          },
          "source": {
            "document": "Kontorens gemensamma tjänsteutlåtande"
          },
          "value": 72
        }
      ]
    }
    "#);
    let request = GetCommitmentFiguresRequest {
        agreement: agreement(),
        area: "areas/social".to_owned(),
        exclude_examples: false,
    };
    let figures = answer!(town, get_commitment_figures, request);
    insta::assert_snapshot!(shown("GetCommitmentFiguresResponse", &figures), @r#"
    {
      "actions": [
        {
          "state": "planned"
        },
        {
          "count": 1,
          "state": "in_progress"
        },
        {
          "state": "done"
        },
        {
          "state": "cancelled"
        }
      ],
      "commitments": [
        {
          "count": 1,
          "state": "proposed"
        },
        {
          "count": 1,
          "state": "binding"
        },
        {
          "state": "declined"
        }
      ],
      "freshness": {
        "asOf": "2026-03-02T09:30:00Z",
        "events": "26"
      },
      "overdueActions": 1
    }
    "#);
    let request = GetBoardSectionRequest {
        board: SOCIAL.to_owned(),
        year: 2013,
    };
    let section = answer!(town, get_board_section, request);
    insta::assert_snapshot!(shown("GetBoardSectionResponse", &section), @r#"
    {
      "section": {
        "accounts": [
          {
            "missing": true,
            "party": "parties/sektorn",
            "title": {
              "sv": "Den idéburna sektorn"
            }
          },
          {
            "late": true,
            "party": "parties/staden",
            "summary": "Nämnden har bjudit in till dialog.",
            "title": {
              "sv": "Stockholms stad"
            }
          }
        ],
        "actions": [
          {
            "state": "planned"
          },
          {
            "count": 1,
            "state": "in_progress"
          },
          {
            "state": "done"
          },
          {
            "state": "cancelled"
          }
        ],
        "agreement": "agreements/(id)",
        "agreementTitle": {
          "sv": "Överenskommelsen"
        },
        "areas": [
          "areas/social"
        ],
        "board": "boards/socialnamnden",
        "boardTitle": {
          "sv": "Socialnämnden"
        },
        "commitments": [
          {
            "count": 1,
            "state": "proposed"
          },
          {
            "count": 1,
            "state": "binding"
          },
          {
            "state": "declined"
          }
        ],
        "containsExamples": true,
        "curve": [
          {
            "day": {
              "day": 1,
              "month": 1,
              "year": 2013
            },
            "decided": 4,
            "signed": 3
          },
          {
            "day": {
              "day": 15,
              "month": 3,
              "year": 2013
            },
            "decided": 4,
            "signed": 4
          },
          {
            "day": {
              "day": 31,
              "month": 12,
              "year": 2013
            },
            "decided": 4,
            "signed": 4
          }
        ],
        "freshness": {
          "asOf": "2026-03-02T09:30:00Z",
          "events": "26"
        },
        "reportedFigures": [
          {
            "measure": "decided_to_join",
            "reportedOn": {
              "month": 1,
              "year": 2013
            },
            "source": {
              "document": "Kontorens gemensamma tjänsteutlåtande"
            },
            "value": 70
          },
          {
            "measure": "decided_to_join",
            "reportedOn": {
              "day": 31,
              "month": 1,
              "year": 2013
            },
            "source": {
              "document": "Kontorens gemensamma tjänsteutlåtande"
            },
            "value": 72
          }
        ],
        "signedAtEnd": 4,
        "signedAtStart": 3,
        "year": 2013
      }
    }
    "#);
    town.bed.end().await;
}

#[tokio::test]
async fn what_each_step_of_a_report_is_answered() {
    let town = Town::start("wire-reports").await;
    let request = CreateReportRequest {
        request_id: fresh(),
        board: SOCIAL.to_owned(),
        year: 2012,
        format: ReportFormat::Html.into(),
    };
    let ordered = answer!(town, create_report, request);
    insta::assert_snapshot!(shown("CreateReportResponse", &ordered), @r#"
    {
      "report": {
        "board": "boards/socialnamnden",
        "createdAt": "2026-09-01T08:00:00Z",
        "etag": "\"1\"",
        "format": "REPORT_FORMAT_HTML",
        "freshness": {
          "asOf": "2026-03-02T09:30:00Z",
          "events": "12"
        },
        "name": "reports/(id)",
        "state": "REPORT_STATE_RUNNING",
        "year": 2012
      }
    }
    "#);
    let name = ordered.report.expect("a report").name;
    town.ready(&name).await;
    let read = answer!(town, get_report, GetReportRequest { name: name.clone() });
    insta::assert_snapshot!(shown("GetReportResponse", &read), @r#"
    {
      "report": {
        "board": "boards/socialnamnden",
        "createdAt": "2026-09-01T08:00:00Z",
        "etag": "\"2\"",
        "format": "REPORT_FORMAT_HTML",
        "freshness": {
          "asOf": "2026-03-02T09:30:00Z",
          "events": "12"
        },
        "name": "reports/(id)",
        "sizeBytes": "(content)",
        "state": "REPORT_STATE_READY",
        "year": 2012
      }
    }
    "#);
    let request = ListReportsRequest {
        page_size: 1,
        ..Default::default()
    };
    let listed = answer!(town, list_reports, request);
    insta::assert_snapshot!(shown("ListReportsResponse", &listed), @r#"
    {
      "reports": [
        {
          "board": "boards/socialnamnden",
          "createdAt": "2026-09-01T08:00:00Z",
          "etag": "\"2\"",
          "format": "REPORT_FORMAT_HTML",
          "freshness": {
            "asOf": "2026-03-02T09:30:00Z",
            "events": "12"
          },
          "name": "reports/(id)",
          "sizeBytes": "(content)",
          "state": "REPORT_STATE_READY",
          "year": 2012
        }
      ]
    }
    "#);
    let piece = town.download(&name).await.remove(0);
    insta::assert_snapshot!(shown("DownloadReportResponse", &piece), @r#"
    {
      "content": "(content)",
      "fileName": "handslag-socialnamnden-2012.html",
      "mediaType": "text/html; charset=utf-8"
    }
    "#);
    town.bed.end().await;
}
