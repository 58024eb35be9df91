//! Events that come twice, and read models that are built anew.

use std::time::Duration;

use futures_util::StreamExt as _;
use handslag_proto::reporting::v1::{
    GetSignatoriesOverTimeRequest, GetSignatoriesOverTimeResponse,
};
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use crate::town::{AGEING, SOCIAL, Town, agreement};

async fn everything(
    town: &Town,
) -> (
    Vec<handslag_proto::reporting::v1::BoardSection>,
    GetSignatoriesOverTimeResponse,
) {
    let mut sections = Vec::new();
    for year in [2010, 2012, 2013, 2014, 2026] {
        for board in [SOCIAL, AGEING] {
            sections.push(town.section(board, year).await);
        }
    }
    let request = GetSignatoriesOverTimeRequest {
        agreement: agreement(),
        ..Default::default()
    };
    (sections, town.curve(request).await)
}

#[tokio::test]
async fn a_rebuilt_read_model_is_the_same() {
    let town = Town::with_the_record("rebuild").await;
    let before = everything(&town).await;
    handslag_reporting::rebuild(town.bed.database().pool())
        .await
        .expect("a rebuild");
    town.heard().await;
    assert_eq!(everything(&town).await, before);
    town.bed.end().await;
}

#[tokio::test]
async fn events_that_come_twice_leave_the_figures_right() {
    let town = Town::bare("twice").await;
    // The exchange is there once something was heard.
    town.joins(9, "invited", crate::town::partial(2012, 1, 10), false)
        .await;
    town.heard().await;
    let connection =
        Connection::connect(town.bed.amqp_url(), ConnectionProperties::default()).await;
    let connection = connection.expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .expect("confirms");
    let options = QueueDeclareOptions {
        exclusive: true,
        ..Default::default()
    };
    let none = FieldTable::default;
    channel
        .queue_declare("copy".into(), options, none())
        .await
        .expect("a queue");
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(
            "copy".into(),
            "handslag.events".into(),
            "#".into(),
            bind,
            none(),
        )
        .await
        .expect("a binding");

    town.joins(1, "decided", crate::town::partial(2012, 6, 18), false)
        .await;
    town.joins(1, "signed", crate::town::partial(2012, 9, 20), false)
        .await;
    town.joins(2, "signed", crate::town::partial(2012, 9, 20), false)
        .await;
    town.proposes(
        11,
        &[],
        false,
        time::macros::datetime!(2013-04-10 10:00 UTC),
    )
    .await;
    town.heard().await;

    let options = BasicConsumeOptions {
        no_ack: true,
        ..Default::default()
    };
    let mut copies = channel
        .basic_consume("copy".into(), "".into(), options, none())
        .await
        .expect("copies");
    let mut again = 0;
    while again < 4 {
        let copy = tokio::time::timeout(Duration::from_secs(20), copies.next()).await;
        let copy = copy
            .expect("a copy in time")
            .expect("a copy")
            .expect("a copy");
        if !copy.routing_key.as_str().contains(".v1.") {
            continue;
        }
        let key = copy.routing_key.clone();
        let options = BasicPublishOptions::default();
        channel
            .basic_publish(
                "handslag.events".into(),
                key,
                options,
                &copy.data,
                copy.properties,
            )
            .await
            .expect("published")
            .await
            .expect("confirmed");
        again += 1;
    }
    // Behind the copies in the same queues: once they are heard, the copies have been.
    town.joins(3, "signed", crate::town::partial(2012, 10, 1), false)
        .await;
    town.proposes(
        12,
        &[],
        false,
        time::macros::datetime!(2013-04-10 10:00 UTC),
    )
    .await;
    town.heard().await;
    let rows: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM signatory_change) + (SELECT count(*) FROM commitment_change)",
    )
    .fetch_one(town.bed.database().pool())
    .await
    .expect("a count");
    assert_eq!(rows, 7);
    connection.close(200, "done".into()).await.expect("closed");
    town.bed.end().await;
}
