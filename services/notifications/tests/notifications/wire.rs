//! What each RPC answers, as JSON, so that a change of the wire is seen.

use handslag_proto::notifications::v1::{
    AckNotificationsRequest, GetSubscriberRequest, ListNotificationsRequest,
    ListSubscribersRequest, ListSubscriptionsRequest, PreviewSubscriptionRequest,
    PullNotificationsRequest, RegisterSubscriberRequest, StreamNotificationsRequest,
    SubscribeRequest, SubscriptionFilter, UnsubscribeRequest,
};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::town::{Town, board, fresh};

/// A message as JSON with what differs from run to run left out.
fn shown(name: &str, message: &impl Message) -> String {
    let descriptor = handslag_proto::pool()
        .get_message_by_name(&format!("handslag.notifications.v1.{name}"))
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
                "eventId" => "(uuid)".to_owned(),
                "nextCursor" | "resumeToken" | "nextPageToken" => "(token)".to_owned(),
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
    ($town:expr, $method:ident, $request:expr) => {{
        let request = $town.bed.request(&board("farsta"), $request);
        $town
            .client()
            .$method(request)
            .await
            .expect(stringify!($method))
            .into_inner()
    }};
}

#[tokio::test]
async fn what_each_rpc_answers() {
    let town = Town::start("wire").await;
    let register = RegisterSubscriberRequest {
        request_id: fresh(),
        display_name: "Farsta stadsdelsnämnd".into(),
        district_board: "districtBoards/farsta".into(),
    };
    let registered = answer!(town, register_subscriber, register);
    insta::assert_snapshot!(shown("RegisterSubscriberResponse", &registered), @r#"
    {
      "subscriber": {
        "displayName": "Farsta stadsdelsnämnd",
        "districtBoard": "districtBoards/farsta",
        "etag": "\"1\"",
        "name": "subscribers/(id)"
      }
    }
    "#);
    let name = registered.subscriber.expect("a subscriber").name;
    let read = answer!(
        town,
        get_subscriber,
        GetSubscriberRequest { name: name.clone() }
    );
    insta::assert_snapshot!(shown("GetSubscriberResponse", &read), @r#"
    {
      "subscriber": {
        "displayName": "Farsta stadsdelsnämnd",
        "districtBoard": "districtBoards/farsta",
        "etag": "\"1\"",
        "name": "subscribers/(id)"
      }
    }
    "#);
    let listed = answer!(town, list_subscribers, ListSubscribersRequest::default());
    insta::assert_snapshot!(shown("ListSubscribersResponse", &listed), @r#"
    {
      "subscribers": [
        {
          "displayName": "Farsta stadsdelsnämnd",
          "districtBoard": "districtBoards/farsta",
          "etag": "\"1\"",
          "name": "subscribers/(id)"
        }
      ]
    }
    "#);
    let subscribe = SubscribeRequest {
        request_id: fresh(),
        subscriber: name.clone(),
        filter: Some(SubscriptionFilter {
            event_types: vec!["se.handslag.commitments.".into()],
            areas: vec!["areas/social".into()],
            agreements: vec![],
            district_boards: vec!["districtBoards/farsta".into()],
            minimum_severity: 1,
        }),
    };
    let subscribed = answer!(town, subscribe, subscribe);
    insta::assert_snapshot!(shown("SubscribeResponse", &subscribed), @r#"
    {
      "subscription": {
        "active": true,
        "etag": "\"1\"",
        "filter": {
          "areas": [
            "areas/social"
          ],
          "districtBoards": [
            "districtBoards/farsta"
          ],
          "eventTypes": [
            "se.handslag.commitments."
          ],
          "minimumSeverity": "SEVERITY_INFO"
        },
        "name": "subscribers/(id)/subscriptions/(id)"
      }
    }
    "#);
    let listed = answer!(
        town,
        list_subscriptions,
        ListSubscriptionsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    insta::assert_snapshot!(shown("ListSubscriptionsResponse", &listed), @r#"
    {
      "subscriptions": [
        {
          "active": true,
          "etag": "\"1\"",
          "filter": {
            "areas": [
              "areas/social"
            ],
            "districtBoards": [
              "districtBoards/farsta"
            ],
            "eventTypes": [
              "se.handslag.commitments."
            ],
            "minimumSeverity": "SEVERITY_INFO"
          },
          "name": "subscribers/(id)/subscriptions/(id)"
        }
      ]
    }
    "#);
    town.deliberate("farsta").await;
    town.wait_for(&name, 1).await;
    let preview = PreviewSubscriptionRequest {
        subscriber: name.clone(),
        filter: None,
        limit: 1,
    };
    let preview = answer!(town, preview_subscription, preview);
    insta::assert_snapshot!(shown("PreviewSubscriptionResponse", &preview), @r#"
    {
      "examined": 15,
      "notifications": [
        {
          "districtBoard": "districtBoards/farsta",
          "eventId": "(uuid)",
          "eventType": "se.handslag.commitments.deliberation.recorded.v1",
          "link": "/stadsdelar",
          "occurredAt": "2026-09-01T08:00:00Z",
          "severity": "SEVERITY_INFO",
          "subject": "deliberations/(id)",
          "subjectVersion": "1",
          "title": {
            "en": "farsta district board: the board discussed the principles of the agreement.",
            "sv": "farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer."
          }
        }
      ]
    }
    "#);
    let inbox = answer!(
        town,
        list_notifications,
        ListNotificationsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    insta::assert_snapshot!(shown("ListNotificationsResponse", &inbox), @r#"
    {
      "notifications": [
        {
          "districtBoard": "districtBoards/farsta",
          "eventId": "(uuid)",
          "eventType": "se.handslag.commitments.deliberation.recorded.v1",
          "link": "/stadsdelar",
          "name": "subscribers/(id)/notifications/1",
          "occurredAt": "2026-09-01T08:00:00Z",
          "position": "1",
          "severity": "SEVERITY_INFO",
          "subject": "deliberations/(id)",
          "subjectVersion": "1",
          "title": {
            "en": "farsta district board: the board discussed the principles of the agreement.",
            "sv": "farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer."
          }
        }
      ],
      "unacknowledgedCount": 1
    }
    "#);
    let pulled = answer!(
        town,
        pull_notifications,
        PullNotificationsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    insta::assert_snapshot!(shown("PullNotificationsResponse", &pulled), @r#"
    {
      "nextCursor": "(token)",
      "notifications": [
        {
          "districtBoard": "districtBoards/farsta",
          "eventId": "(uuid)",
          "eventType": "se.handslag.commitments.deliberation.recorded.v1",
          "link": "/stadsdelar",
          "name": "subscribers/(id)/notifications/1",
          "occurredAt": "2026-09-01T08:00:00Z",
          "position": "1",
          "severity": "SEVERITY_INFO",
          "subject": "deliberations/(id)",
          "subjectVersion": "1",
          "title": {
            "en": "farsta district board: the board discussed the principles of the agreement.",
            "sv": "farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer."
          }
        }
      ]
    }
    "#);
    let stream = StreamNotificationsRequest {
        subscriber: name.clone(),
        resume_token: String::new(),
    };
    let mut stream = answer!(town, stream_notifications, stream);
    let item = stream.message().await.expect("goes on").expect("an item");
    insta::assert_snapshot!(shown("StreamNotificationsResponse", &item), @r#"
    {
      "notification": {
        "districtBoard": "districtBoards/farsta",
        "eventId": "(uuid)",
        "eventType": "se.handslag.commitments.deliberation.recorded.v1",
        "link": "/stadsdelar",
        "name": "subscribers/(id)/notifications/1",
        "occurredAt": "2026-09-01T08:00:00Z",
        "position": "1",
        "severity": "SEVERITY_INFO",
        "subject": "deliberations/(id)",
        "subjectVersion": "1",
        "title": {
          "en": "farsta district board: the board discussed the principles of the agreement.",
          "sv": "farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer."
        }
      },
      "resumeToken": "(token)"
    }
    "#);
    drop(stream);
    let acknowledged = answer!(
        town,
        ack_notifications,
        AckNotificationsRequest {
            subscriber: name,
            up_to_position: 1
        }
    );
    insta::assert_snapshot!(shown("AckNotificationsResponse", &acknowledged), @r#"
    {
      "acknowledgedUpTo": "1"
    }
    "#);
    let end = UnsubscribeRequest {
        request_id: fresh(),
        subscription: subscribed.subscription.expect("a subscription").name,
        etag: String::new(),
    };
    let ended = answer!(town, unsubscribe, end);
    insta::assert_snapshot!(shown("UnsubscribeResponse", &ended), @r#"
    {
      "subscription": {
        "etag": "\"2\"",
        "filter": {
          "areas": [
            "areas/social"
          ],
          "districtBoards": [
            "districtBoards/farsta"
          ],
          "eventTypes": [
            "se.handslag.commitments."
          ],
          "minimumSeverity": "SEVERITY_INFO"
        },
        "name": "subscribers/(id)/subscriptions/(id)"
      }
    }
    "#);
    town.bed.end().await;
}
