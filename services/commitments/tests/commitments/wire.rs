//! What each RPC looks like on the wire.

use handslag_proto::commitments::v1 as proto;
use handslag_proto::commitments::v1::ActionState;
use prost_reflect::DynamicMessage;

use crate::town::{
    Town, acceptance, account, action, agreement, approval, city, day, discussion, extension,
    later, nobody, partial, plan, proposal, publication, refusal, report, round, sector,
};

/// The message as JSON in one line, ids masked.
fn shown(name: &str, message: &impl prost::Message) -> String {
    let name = format!("handslag.commitments.v1.{name}");
    let descriptor = handslag_proto::pool().get_message_by_name(&name).unwrap();
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    let json = serde_json::to_string_pretty(&message).unwrap();
    let mut shown = String::new();
    for (index, part) in json.split('/').enumerate() {
        let id = part.get(..26).filter(|id| {
            id.bytes()
                .all(|one| matches!(one, b'a'..=b'z' | b'2'..=b'7'))
        });
        if index > 0 {
            shown.push('/');
        }
        shown.push_str(if id.is_some() { "{id}" } else { "" });
        shown.push_str(if id.is_some() { &part[26..] } else { part });
    }
    shown
}

#[tokio::test]
async fn commitments_look_as_documented() {
    let town = Town::start("wire-commitments").await;
    let answer = town
        .done(&city(), {
            let mut one = proposal(&["parties/city", "parties/sector"]);
            one.legal_basis = 1;
            one.diversity = 1;
            one
        })
        .await;
    insta::assert_snapshot!(shown("ProposeCommitmentResponse", &answer), @r#"
    {
      "commitment": {
        "name": "commitments/{id}",
        "agreement": "agreements/{id}",
        "text": "Exempel: en dialogkonferens varje år",
        "principles": [
          "dialog"
        ],
        "area": "areas/social",
        "proposer": "parties/city",
        "bearers": [
          {
            "party": "parties/city",
            "answer": "ANSWER_PENDING"
          },
          {
            "party": "parties/sector",
            "answer": "ANSWER_PENDING"
          }
        ],
        "state": "COMMITMENT_STATE_PROPOSED",
        "legalBasis": "LEGAL_BASIS_SOL",
        "diversity": "DIVERSITY_PROVIDERS",
        "example": true,
        "etag": "\"1\""
      }
    }
    "#);
    let name = answer.commitment.clone().unwrap().name;
    let answer = town.done(&city(), acceptance(&city(), &name)).await;
    insta::assert_snapshot!(shown("AcceptCommitmentResponse", &answer), @r#"
    {
      "commitment": {
        "name": "commitments/{id}",
        "agreement": "agreements/{id}",
        "text": "Exempel: en dialogkonferens varje år",
        "principles": [
          "dialog"
        ],
        "area": "areas/social",
        "proposer": "parties/city",
        "bearers": [
          {
            "party": "parties/city",
            "answer": "ANSWER_ACCEPTED",
            "answeredAt": "2026-09-01T08:00:00Z"
          },
          {
            "party": "parties/sector",
            "answer": "ANSWER_PENDING"
          }
        ],
        "state": "COMMITMENT_STATE_PROPOSED",
        "legalBasis": "LEGAL_BASIS_SOL",
        "diversity": "DIVERSITY_PROVIDERS",
        "example": true,
        "etag": "\"2\""
      }
    }
    "#);
    let answer = town.done(&sector(), refusal(&sector(), &name)).await;
    insta::assert_snapshot!(shown("DeclineCommitmentResponse", &answer), @r#"
    {
      "commitment": {
        "name": "commitments/{id}",
        "agreement": "agreements/{id}",
        "text": "Exempel: en dialogkonferens varje år",
        "principles": [
          "dialog"
        ],
        "area": "areas/social",
        "proposer": "parties/city",
        "bearers": [
          {
            "party": "parties/city",
            "answer": "ANSWER_ACCEPTED",
            "answeredAt": "2026-09-01T08:00:00Z"
          },
          {
            "party": "parties/sector",
            "answer": "ANSWER_DECLINED",
            "answeredAt": "2026-09-01T08:00:00Z",
            "reason": "Det räcker inte medlen till"
          }
        ],
        "state": "COMMITMENT_STATE_DECLINED",
        "legalBasis": "LEGAL_BASIS_SOL",
        "diversity": "DIVERSITY_PROVIDERS",
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::GetCommitmentRequest { name })
        .await;
    insta::assert_snapshot!(shown("GetCommitmentResponse", &answer), @r#"
    {
      "commitment": {
        "name": "commitments/{id}",
        "agreement": "agreements/{id}",
        "text": "Exempel: en dialogkonferens varje år",
        "principles": [
          "dialog"
        ],
        "area": "areas/social",
        "proposer": "parties/city",
        "bearers": [
          {
            "party": "parties/city",
            "answer": "ANSWER_ACCEPTED",
            "answeredAt": "2026-09-01T08:00:00Z"
          },
          {
            "party": "parties/sector",
            "answer": "ANSWER_DECLINED",
            "answeredAt": "2026-09-01T08:00:00Z",
            "reason": "Det räcker inte medlen till"
          }
        ],
        "state": "COMMITMENT_STATE_DECLINED",
        "legalBasis": "LEGAL_BASIS_SOL",
        "diversity": "DIVERSITY_PROVIDERS",
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::ListCommitmentsRequest::default())
        .await;
    insta::assert_snapshot!(shown("ListCommitmentsResponse", &answer), @r#"
    {
      "commitments": [
        {
          "name": "commitments/{id}",
          "agreement": "agreements/{id}",
          "text": "Exempel: en dialogkonferens varje år",
          "principles": [
            "dialog"
          ],
          "area": "areas/social",
          "proposer": "parties/city",
          "bearers": [
            {
              "party": "parties/city",
              "answer": "ANSWER_ACCEPTED",
              "answeredAt": "2026-09-01T08:00:00Z"
            },
            {
              "party": "parties/sector",
              "answer": "ANSWER_DECLINED",
              "answeredAt": "2026-09-01T08:00:00Z",
              "reason": "Det räcker inte medlen till"
            }
          ],
          "state": "COMMITMENT_STATE_DECLINED",
          "legalBasis": "LEGAL_BASIS_SOL",
          "diversity": "DIVERSITY_PROVIDERS",
          "example": true,
          "etag": "\"3\""
        }
      ],
      "totalSize": 1
    }
    "#);
    town.bed.end().await;
}

#[tokio::test]
async fn plans_and_actions_look_as_documented() {
    let town = Town::start("wire-plans").await;
    let answer = town.done(&city(), plan()).await;
    insta::assert_snapshot!(shown("DraftActionPlanResponse", &answer), @r#"
    {
      "actionPlan": {
        "name": "actionPlans/{id}",
        "agreement": "agreements/{id}",
        "title": {
          "sv": "Exempelplan 2026"
        },
        "startsOn": {
          "year": 2026,
          "month": 1,
          "day": 1
        },
        "endsOn": {
          "year": 2026,
          "month": 12,
          "day": 31
        },
        "state": "ACTION_PLAN_STATE_DRAFT",
        "approvals": [
          {
            "party": "parties/city"
          },
          {
            "party": "parties/sector"
          }
        ],
        "example": true,
        "etag": "\"1\""
      }
    }
    "#);
    let name = answer.action_plan.clone().unwrap().name;
    let commitment = town.binding().await;
    let answer = town.done(&city(), action(&name, &commitment)).await;
    insta::assert_snapshot!(shown("AddActionResponse", &answer), @r#"
    {
      "action": {
        "name": "actions/{id}",
        "actionPlan": "actionPlans/{id}",
        "title": "Bjud in till konferensen",
        "commitments": [
          "commitments/{id}"
        ],
        "owner": "parties/sector",
        "dueOn": {
          "year": 2026,
          "month": 10,
          "day": 31
        },
        "state": "ACTION_STATE_PLANNED",
        "example": true,
        "etag": "\"1\""
      }
    }
    "#);
    let made = answer.action.clone().unwrap().name;
    let answer = town.done(&city(), approval(&city(), &name)).await;
    insta::assert_snapshot!(shown("ApproveActionPlanResponse", &answer), @r#"
    {
      "actionPlan": {
        "name": "actionPlans/{id}",
        "agreement": "agreements/{id}",
        "title": {
          "sv": "Exempelplan 2026"
        },
        "startsOn": {
          "year": 2026,
          "month": 1,
          "day": 1
        },
        "endsOn": {
          "year": 2026,
          "month": 12,
          "day": 31
        },
        "state": "ACTION_PLAN_STATE_DRAFT",
        "approvals": [
          {
            "party": "parties/city",
            "approvedAt": "2026-09-01T08:00:00Z"
          },
          {
            "party": "parties/sector"
          }
        ],
        "actionCount": 1,
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::GetActionPlanRequest { name })
        .await;
    insta::assert_snapshot!(shown("GetActionPlanResponse", &answer), @r#"
    {
      "actionPlan": {
        "name": "actionPlans/{id}",
        "agreement": "agreements/{id}",
        "title": {
          "sv": "Exempelplan 2026"
        },
        "startsOn": {
          "year": 2026,
          "month": 1,
          "day": 1
        },
        "endsOn": {
          "year": 2026,
          "month": 12,
          "day": 31
        },
        "state": "ACTION_PLAN_STATE_DRAFT",
        "approvals": [
          {
            "party": "parties/city",
            "approvedAt": "2026-09-01T08:00:00Z"
          },
          {
            "party": "parties/sector"
          }
        ],
        "actionCount": 1,
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::ListActionPlansRequest::default())
        .await;
    insta::assert_snapshot!(shown("ListActionPlansResponse", &answer), @r#"
    {
      "actionPlans": [
        {
          "name": "actionPlans/{id}",
          "agreement": "agreements/{id}",
          "title": {
            "sv": "Exempelplan 2026"
          },
          "startsOn": {
            "year": 2026,
            "month": 1,
            "day": 1
          },
          "endsOn": {
            "year": 2026,
            "month": 12,
            "day": 31
          },
          "state": "ACTION_PLAN_STATE_DRAFT",
          "approvals": [
            {
              "party": "parties/city",
              "approvedAt": "2026-09-01T08:00:00Z"
            },
            {
              "party": "parties/sector"
            }
          ],
          "actionCount": 1,
          "example": true,
          "etag": "\"3\""
        }
      ]
    }
    "#);
    let answer = town
        .done(&sector(), report(&made, ActionState::InProgress, 40))
        .await;
    insta::assert_snapshot!(shown("ReportProgressResponse", &answer), @r#"
    {
      "action": {
        "name": "actions/{id}",
        "actionPlan": "actionPlans/{id}",
        "title": "Bjud in till konferensen",
        "commitments": [
          "commitments/{id}"
        ],
        "owner": "parties/sector",
        "dueOn": {
          "year": 2026,
          "month": 10,
          "day": 31
        },
        "state": "ACTION_STATE_IN_PROGRESS",
        "percent": 40,
        "reports": [
          {
            "reportedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "state": "ACTION_STATE_IN_PROGRESS",
            "percent": 40
          }
        ],
        "example": true,
        "etag": "\"2\""
      }
    }
    "#);
    let answer = town.done(&sector(), later(&made, day(2026, 11, 30))).await;
    insta::assert_snapshot!(shown("MoveActionDeadlineResponse", &answer), @r#"
    {
      "action": {
        "name": "actions/{id}",
        "actionPlan": "actionPlans/{id}",
        "title": "Bjud in till konferensen",
        "commitments": [
          "commitments/{id}"
        ],
        "owner": "parties/sector",
        "dueOn": {
          "year": 2026,
          "month": 11,
          "day": 30
        },
        "state": "ACTION_STATE_IN_PROGRESS",
        "percent": 40,
        "reports": [
          {
            "reportedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "state": "ACTION_STATE_IN_PROGRESS",
            "percent": 40
          }
        ],
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::GetActionRequest { name: made })
        .await;
    insta::assert_snapshot!(shown("GetActionResponse", &answer), @r#"
    {
      "action": {
        "name": "actions/{id}",
        "actionPlan": "actionPlans/{id}",
        "title": "Bjud in till konferensen",
        "commitments": [
          "commitments/{id}"
        ],
        "owner": "parties/sector",
        "dueOn": {
          "year": 2026,
          "month": 11,
          "day": 30
        },
        "state": "ACTION_STATE_IN_PROGRESS",
        "percent": 40,
        "reports": [
          {
            "reportedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "state": "ACTION_STATE_IN_PROGRESS",
            "percent": 40
          }
        ],
        "example": true,
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::ListActionsRequest::default())
        .await;
    insta::assert_snapshot!(shown("ListActionsResponse", &answer), @r#"
    {
      "actions": [
        {
          "name": "actions/{id}",
          "actionPlan": "actionPlans/{id}",
          "title": "Bjud in till konferensen",
          "commitments": [
            "commitments/{id}"
          ],
          "owner": "parties/sector",
          "dueOn": {
            "year": 2026,
            "month": 11,
            "day": 30
          },
          "state": "ACTION_STATE_IN_PROGRESS",
          "percent": 40,
          "reports": [
            {
              "reportedOn": {
                "year": 2026,
                "month": 9,
                "day": 1
              },
              "state": "ACTION_STATE_IN_PROGRESS",
              "percent": 40
            }
          ],
          "example": true,
          "etag": "\"3\""
        }
      ],
      "totalSize": 1
    }
    "#);
    town.bed.end().await;
}

#[tokio::test]
async fn follow_ups_and_deliberations_look_as_documented() {
    let town = Town::start("wire-rounds").await;
    let answer = town.done(&city(), round(2025)).await;
    insta::assert_snapshot!(shown("OpenFollowUpResponse", &answer), @r#"
    {
      "followUp": {
        "name": "followUps/{id}",
        "agreement": "agreements/{id}",
        "year": 2025,
        "accountsDueOn": {
          "year": 2026,
          "month": 9,
          "day": 30
        },
        "state": "FOLLOW_UP_STATE_OPEN",
        "accounts": [
          {
            "party": "parties/city",
            "state": "ACCOUNT_STATE_MISSING"
          },
          {
            "party": "parties/sector",
            "state": "ACCOUNT_STATE_MISSING"
          }
        ],
        "etag": "\"1\""
      }
    }
    "#);
    let name = answer.follow_up.clone().unwrap().name;
    let answer = town
        .done(&city(), extension(&name, day(2026, 10, 15)))
        .await;
    insta::assert_snapshot!(shown("MoveAccountDeadlineResponse", &answer), @r#"
    {
      "followUp": {
        "name": "followUps/{id}",
        "agreement": "agreements/{id}",
        "year": 2025,
        "accountsDueOn": {
          "year": 2026,
          "month": 10,
          "day": 15
        },
        "state": "FOLLOW_UP_STATE_OPEN",
        "accounts": [
          {
            "party": "parties/city",
            "state": "ACCOUNT_STATE_MISSING"
          },
          {
            "party": "parties/sector",
            "state": "ACCOUNT_STATE_MISSING"
          }
        ],
        "etag": "\"2\""
      }
    }
    "#);
    let answer = town.done(&city(), account(&city(), &name)).await;
    insta::assert_snapshot!(shown("SubmitAccountResponse", &answer), @r#"
    {
      "followUp": {
        "name": "followUps/{id}",
        "agreement": "agreements/{id}",
        "year": 2025,
        "accountsDueOn": {
          "year": 2026,
          "month": 10,
          "day": 15
        },
        "state": "FOLLOW_UP_STATE_OPEN",
        "accounts": [
          {
            "party": "parties/city",
            "state": "ACCOUNT_STATE_SUBMITTED",
            "summary": "Exempel: ett gott år",
            "submittedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "example": true
          },
          {
            "party": "parties/sector",
            "state": "ACCOUNT_STATE_MISSING"
          }
        ],
        "etag": "\"3\""
      }
    }
    "#);
    let answer = town.done(&city(), publication(&name)).await;
    insta::assert_snapshot!(shown("PublishFollowUpResponse", &answer), @r#"
    {
      "followUp": {
        "name": "followUps/{id}",
        "agreement": "agreements/{id}",
        "year": 2025,
        "accountsDueOn": {
          "year": 2026,
          "month": 10,
          "day": 15
        },
        "state": "FOLLOW_UP_STATE_PUBLISHED",
        "accounts": [
          {
            "party": "parties/city",
            "state": "ACCOUNT_STATE_SUBMITTED",
            "summary": "Exempel: ett gott år",
            "submittedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "example": true
          },
          {
            "party": "parties/sector",
            "state": "ACCOUNT_STATE_MISSING"
          }
        ],
        "publishedAt": "2026-09-01T08:00:00Z",
        "etag": "\"4\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::GetFollowUpRequest { name })
        .await;
    insta::assert_snapshot!(shown("GetFollowUpResponse", &answer), @r#"
    {
      "followUp": {
        "name": "followUps/{id}",
        "agreement": "agreements/{id}",
        "year": 2025,
        "accountsDueOn": {
          "year": 2026,
          "month": 10,
          "day": 15
        },
        "state": "FOLLOW_UP_STATE_PUBLISHED",
        "accounts": [
          {
            "party": "parties/city",
            "state": "ACCOUNT_STATE_SUBMITTED",
            "summary": "Exempel: ett gott år",
            "submittedOn": {
              "year": 2026,
              "month": 9,
              "day": 1
            },
            "example": true
          },
          {
            "party": "parties/sector",
            "state": "ACCOUNT_STATE_MISSING"
          }
        ],
        "publishedAt": "2026-09-01T08:00:00Z",
        "etag": "\"4\""
      }
    }
    "#);
    let answer = town
        .done(&nobody(), proto::ListFollowUpsRequest::default())
        .await;
    insta::assert_snapshot!(shown("ListFollowUpsResponse", &answer), @r#"
    {
      "followUps": [
        {
          "name": "followUps/{id}",
          "agreement": "agreements/{id}",
          "year": 2025,
          "accountsDueOn": {
            "year": 2026,
            "month": 10,
            "day": 15
          },
          "state": "FOLLOW_UP_STATE_PUBLISHED",
          "accounts": [
            {
              "party": "parties/city",
              "state": "ACCOUNT_STATE_SUBMITTED",
              "summary": "Exempel: ett gott år",
              "submittedOn": {
                "year": 2026,
                "month": 9,
                "day": 1
              },
              "example": true
            },
            {
              "party": "parties/sector",
              "state": "ACCOUNT_STATE_MISSING"
            }
          ],
          "publishedAt": "2026-09-01T08:00:00Z",
          "etag": "\"4\""
        }
      ]
    }
    "#);
    let answer = town
        .done(&city(), discussion("farsta", partial(2013, 4, 0)))
        .await;
    insta::assert_snapshot!(shown("RecordDeliberationResponse", &answer), @r#"
    {
      "deliberation": {
        "name": "deliberations/{id}",
        "agreement": "agreements/{id}",
        "districtBoard": "districtBoards/farsta",
        "heldOn": {
          "year": 2013,
          "month": 4
        },
        "paragraph": "§ 12"
      }
    }
    "#);
    let answer = town
        .done(
            &nobody(),
            proto::ListDeliberationsRequest {
                agreement: agreement(1),
                as_of: None,
            },
        )
        .await;
    insta::assert_snapshot!(shown("ListDeliberationsResponse", &answer), @r#"
    {
      "districts": [
        {
          "districtBoard": "districtBoards/alvsjo",
          "title": {
            "sv": "alvsjo"
          },
          "state": "DELIBERATION_STATE_NOT_YET"
        },
        {
          "districtBoard": "districtBoards/farsta",
          "title": {
            "sv": "farsta"
          },
          "state": "DELIBERATION_STATE_DISCUSSED",
          "deliberations": [
            {
              "name": "deliberations/{id}",
              "agreement": "agreements/{id}",
              "districtBoard": "districtBoards/farsta",
              "heldOn": {
                "year": 2013,
                "month": 4
              },
              "paragraph": "§ 12"
            }
          ]
        },
        {
          "districtBoard": "districtBoards/hagersten",
          "title": {
            "sv": "hagersten"
          },
          "state": "DELIBERATION_STATE_NOT_YET"
        }
      ]
    }
    "#);
    town.bed.end().await;
}
