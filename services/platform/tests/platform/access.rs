//! Who gets in.

use handslag_platform::auth::{Principal, Role};
use handslag_platform::dev_issuer::DevIssuer;
use handslag_platform::testing::Bed;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{GetSubscriberRequest, RegisterSubscriberRequest};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use time::Duration;
use tonic::Request;
use tonic_types::StatusExt as _;

use crate::probe::Probe;

fn reader() -> Principal {
    Principal::of("a-system").with_role(Role::SystemReader)
}

fn board(district: &str) -> Principal {
    Principal::of("a-board")
        .with_role(Role::DistrictBoard)
        .with_district(district)
}

async fn answer(bed: &Bed, authorization: Option<&str>) -> String {
    let mut request = Request::new(GetSubscriberRequest {
        name: "me".to_owned(),
    });
    if let Some(value) = authorization {
        request
            .metadata_mut()
            .insert("authorization", value.parse().unwrap());
    }
    match NotificationsServiceClient::new(bed.channel())
        .get_subscriber(request)
        .await
    {
        Ok(response) => response.into_inner().subscriber.unwrap().name,
        Err(status) => outcome(&status),
    }
}

fn outcome(status: &tonic::Status) -> String {
    let reason = status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default();
    format!("{:?} {reason}", status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_read_only_when_everything_about_it_is_right() {
    let bed = Bed::start::<Probe>("access-tokens").await;
    let now = bed.clock().now();
    let issuer = bed.issuer();
    let good = issuer.claims(&reader(), now, Duration::hours(1)).unwrap();
    let changed = |change: fn(&mut handslag_platform::auth::token::Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        format!("Bearer {}", issuer.sign(&claims).unwrap())
    };
    let expired = issuer
        .token(&reader(), now - Duration::hours(2), Duration::hours(1))
        .unwrap();
    let barely = issuer.token(
        &reader(),
        now - Duration::seconds(90),
        Duration::seconds(60),
    );
    let stranger = DevIssuer::ephemeral().sign(&good).unwrap();
    let hmac = jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &good,
        &EncodingKey::from_secret(issuer.jwks().as_bytes()),
    )
    .unwrap();
    let encode = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    let claims = serde_json::to_string(&good).unwrap();
    let unsigned = format!(
        "{}.{}.",
        encode(r#"{"alg":"none","typ":"JWT"}"#),
        encode(&claims)
    );
    let right = issuer.sign(&good).unwrap();
    let (head, signature) = right.rsplit_once('.').unwrap();
    let forged = format!(
        "{}.{}.{signature}",
        head.split_once('.').unwrap().0,
        encode(&claims.replace("system-reader", "operator"),)
    );

    let cases = [
        (Some(format!("Bearer {right}")), "a-system"),
        (Some(format!("bearer {right}")), "a-system"),
        (Some(format!("Bearer {}", barely.unwrap())), "a-system"),
        (None, "Unauthenticated TOKEN_MISSING"),
        (
            Some(format!("Basic {right}")),
            "Unauthenticated TOKEN_INVALID",
        ),
        (Some("Bearer".to_owned()), "Unauthenticated TOKEN_INVALID"),
        (
            Some("Bearer a.b.c".to_owned()),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(format!("Bearer {}", "a".repeat(9_000))),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(format!("Bearer {expired}")),
            "Unauthenticated TOKEN_EXPIRED",
        ),
        (
            Some(changed(|claims| {
                claims.aud = serde_json::from_str("\"other\"").unwrap();
            })),
            "Unauthenticated TOKEN_WRONG_AUDIENCE",
        ),
        (
            Some(changed(|claims| {
                claims.aud = serde_json::from_str(r#"["x","handslag"]"#).unwrap();
            })),
            "a-system",
        ),
        (
            Some(changed(|claims| {
                claims.iss = "https://elsewhere".to_owned();
            })),
            "Unauthenticated TOKEN_WRONG_ISSUER",
        ),
        (
            Some(changed(|claims| claims.nbf = Some(claims.exp))),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(changed(|claims| claims.sub = "anonymous".to_owned())),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(changed(|claims| claims.roles = vec!["mayor".to_owned()])),
            "PermissionDenied ROLE_NOT_ALLOWED",
        ),
        (
            Some(changed(|claims| {
                claims.roles = vec!["organisation".to_owned()];
            })),
            "PermissionDenied ROLE_NOT_ALLOWED",
        ),
        (
            Some(format!("Bearer {stranger}")),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(format!("Bearer {hmac}")),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(format!("Bearer {unsigned}")),
            "Unauthenticated TOKEN_INVALID",
        ),
        (
            Some(format!("Bearer {forged}")),
            "Unauthenticated TOKEN_INVALID",
        ),
    ];
    for (index, (authorization, expected)) in cases.iter().enumerate() {
        let got = answer(&bed, authorization.as_deref()).await;
        assert_eq!(&got, expected, "case {index}");
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_writes_only_its_own_part() {
    let bed = Bed::start::<Probe>("access-own").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    let request = |district: &str| RegisterSubscriberRequest {
        request_id: uuid::Uuid::from_bytes(handslag_platform::id::random_bytes()).to_string(),
        display_name: "a board".to_owned(),
        district_board: district.to_owned(),
    };
    let own = bed.request(&board("farsta"), request("districtBoards/farsta"));
    client.register_subscriber(own).await.unwrap();
    for other in [
        "districtBoards/skarpnack",
        "",
        "farsta/x",
        "districtBoards/farsta/",
    ] {
        let foreign = bed.request(&board("farsta"), request(other));
        let refused = client.register_subscriber(foreign).await.unwrap_err();
        assert_eq!(
            outcome(&refused),
            "PermissionDenied NOT_YOUR_OWN",
            "{other:?}"
        );
    }
    let officer = Principal::of("an-officer").with_role(Role::CityOfficer);
    let any = bed.request(&officer, request("districtBoards/skarpnack"));
    client.register_subscriber(any).await.unwrap();
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_rule_is_reachable_by_nobody() {
    let bed = Bed::start::<Probe>("access-unknown").await;
    let mut grpc = tonic::client::Grpc::new(bed.channel());
    grpc.ready().await.unwrap();
    let path =
        http::uri::PathAndQuery::from_static("/handslag.notifications.v1.NotificationsService/X");
    let codec = tonic_prost::ProstCodec::<GetSubscriberRequest, GetSubscriberRequest>::default();
    let request = bed.request(&reader(), GetSubscriberRequest::default());
    let refused = grpc.unary(request, path, codec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unimplemented);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer_without_a_token() {
    let bed = Bed::start::<Probe>("access-health").await;
    bed.eventually(|| async {
        let mut client = tonic_health::pb::health_client::HealthClient::new(bed.channel());
        let request = tonic_health::pb::HealthCheckRequest::default();
        let answer = client.check(request).await.unwrap().into_inner();
        answer.status() == tonic_health::pb::health_check_response::ServingStatus::Serving
    })
    .await;
    bed.end().await;
}
