//! Reports from the order to the download.

use std::process::Command;

use handslag_platform::database::begin;
use handslag_platform::id as ids;
use handslag_proto::reporting::v1::{
    CreateReportRequest, ListReportsRequest, ReportFormat, ReportState,
};
use time::Duration;
use tonic::Code;

use crate::town::{AGEING, SOCIAL, Town, fresh, reason};

#[tokio::test]
async fn a_page_is_made_as_of_its_order() {
    let town = Town::with_the_record("page").await;
    let ordered = town.order(SOCIAL, 2013, ReportFormat::Html).await;
    assert_eq!(ordered.state(), ReportState::Running);
    town.joins(9, "signed", crate::town::partial(2013, 12, 1), false)
        .await;
    town.heard().await;
    let ready = town.ready(&ordered.name).await;
    assert_eq!(ready.freshness, ordered.freshness, "as of the order");
    assert_ne!(ready.etag, ordered.etag);
    let pieces = town.download(&ordered.name).await;
    assert_eq!(pieces[0].media_type, "text/html; charset=utf-8");
    assert_eq!(pieces[0].file_name, "handslag-socialnamnden-2013.html");
    let page = String::from_utf8(pieces[0].content.clone()).expect("text");
    assert_eq!(i64::try_from(page.len()).expect("a size"), ready.size_bytes);
    for part in [
        "<html lang=\"sv\">",
        "Undertecknat: 4",
        "Redovisning saknas",
        "Inkom efter sista dagen",
        "Exempeldata",
        "Uppgifter ur andra källor",
        "oavsett om de har anslutit sig eller inte",
    ] {
        assert!(page.contains(part), "{part}");
    }
    town.bed.end().await;
}

#[tokio::test]
async fn a_document_is_tagged_and_can_be_read() {
    let town = Town::with_the_record("document").await;
    let ordered = town.order(SOCIAL, 2013, ReportFormat::Pdf).await;
    let ready = town.ready(&ordered.name).await;
    let content = town.download(&ordered.name).await.remove(0).content;
    assert_eq!(
        i64::try_from(content.len()).expect("a size"),
        ready.size_bytes
    );
    assert!(content.starts_with(b"%PDF-"));
    let raw = String::from_utf8_lossy(&content);
    for part in ["/StructTreeRoot", "/Lang", "pdfuaid:part"] {
        assert!(raw.contains(part), "{part}");
    }
    let path = std::env::temp_dir().join(format!("handslag-{}.pdf", ids::encode(ids::new())));
    std::fs::write(&path, &content).expect("a file");
    // A second opinion where the machine has one.
    if let Ok(output) = Command::new("pdftotext").arg(&path).arg("-").output() {
        let text = String::from_utf8_lossy(&output.stdout);
        for part in [
            "Redovisning saknas",
            "Exempeldata",
            "Nämnden har bjudit in till dialog.",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
    if let Ok(output) = Command::new("pdfinfo").arg(&path).output() {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Samverkan med den idéburna sektorn 2013"));
        assert!(
            text.lines()
                .any(|line| line.starts_with("Tagged:") && line.ends_with("yes"))
        );
    }
    std::fs::remove_file(&path).expect("removed");
    town.bed.end().await;
}

#[tokio::test]
async fn a_large_report_comes_in_pieces_of_at_most_one_mebibyte() {
    let town = Town::start("pieces").await;
    let name = town.order(SOCIAL, 2012, ReportFormat::Html).await.name;
    town.ready(&name).await;
    sqlx::raw_sql(
        "UPDATE report_content SET content = decode(repeat('616263646566', 437000), 'hex');
         UPDATE report SET size_bytes = (SELECT length(content) FROM report_content)",
    )
    .execute(town.bed.database().pool())
    .await
    .expect("a large report");
    let pieces = town.download(&name).await;
    let sizes: Vec<_> = pieces.iter().map(|piece| piece.content.len()).collect();
    assert_eq!(sizes, [1_048_576, 1_048_576, 524_848]);
    assert!(pieces[1..].iter().all(|piece| piece.media_type.is_empty()));
    let whole: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.content).collect();
    assert_eq!(whole, b"abcdef".repeat(437_000));
    town.bed.end().await;
}

#[tokio::test]
async fn the_same_order_twice_is_one_report() {
    let town = Town::start("order-twice").await;
    let order = CreateReportRequest {
        request_id: fresh(),
        board: SOCIAL.to_owned(),
        year: 2012,
        format: ReportFormat::Html.into(),
    };
    let first = town
        .client()
        .create_report(order.clone())
        .await
        .expect("an order")
        .into_inner();
    let name = first.report.clone().expect("a report").name;
    town.ready(&name).await;
    let again = town
        .client()
        .create_report(order.clone())
        .await
        .expect("an order")
        .into_inner();
    assert_eq!(again, first);
    let other = CreateReportRequest {
        year: 2013,
        ..order
    };
    let refused = town
        .client()
        .create_report(other)
        .await
        .expect_err("another body");
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    town.bed.end().await;
}

#[tokio::test]
async fn lists_page_through_newest_first_and_keep_to_their_question() {
    let town = Town::start("list").await;
    let mut ordered = Vec::new();
    for (board, year) in [(SOCIAL, 2012), (AGEING, 2012), (SOCIAL, 2013)] {
        ordered.insert(0, town.order(board, year, ReportFormat::Html).await.name);
        town.bed
            .clock()
            .set(town.bed.clock().now() + Duration::seconds(1));
    }
    let mut seen = Vec::new();
    let mut question = ListReportsRequest {
        page_size: 2,
        ..Default::default()
    };
    loop {
        let page = town
            .client()
            .list_reports(question.clone())
            .await
            .expect("a page")
            .into_inner();
        seen.extend(page.reports.into_iter().map(|report| report.name));
        if page.next_page_token.is_empty() {
            break;
        }
        question.page_token = page.next_page_token;
    }
    assert_eq!(seen, ordered);
    let narrower = ListReportsRequest {
        board: SOCIAL.to_owned(),
        year: 2013,
        ..Default::default()
    };
    let page = town
        .client()
        .list_reports(narrower.clone())
        .await
        .expect("a page")
        .into_inner();
    assert_eq!(page.reports.len(), 1);
    let foreign = ListReportsRequest {
        page_token: question.page_token,
        ..narrower
    };
    let refused = town
        .client()
        .list_reports(foreign)
        .await
        .expect_err("another question");
    assert_eq!(refused.code(), Code::InvalidArgument);
    town.bed.end().await;
}

#[tokio::test]
async fn a_report_is_removed_after_thirty_days() {
    let town = Town::start("old").await;
    let old = town.order(SOCIAL, 2012, ReportFormat::Html).await.name;
    town.ready(&old).await;
    town.bed
        .clock()
        .set(town.bed.clock().now() + Duration::days(31));
    // The next order wakes the task.
    let new = town.order(SOCIAL, 2012, ReportFormat::Html).await.name;
    town.ready(&new).await;
    town.bed
        .eventually(|| async {
            let list = town
                .client()
                .list_reports(ListReportsRequest::default())
                .await;
            let names = list.expect("a list").into_inner().reports;
            names.iter().map(|report| &report.name).eq([&new])
        })
        .await;
    town.bed.end().await;
}

#[tokio::test]
async fn only_so_many_reports_wait_at_once() {
    let town = Town::start("busy").await;
    // Nothing can be finished while this is held.
    let mut held = begin(town.bed.database().pool())
        .await
        .expect("a transaction");
    sqlx::query("LOCK TABLE report_content")
        .execute(&mut *held)
        .await
        .expect("a lock");
    let mut last = None;
    for _ in 0..20 {
        last = Some(town.order(SOCIAL, 2012, ReportFormat::Html).await.name);
    }
    let name = last.expect("orders");
    let request = handslag_proto::reporting::v1::DownloadReportRequest { name: name.clone() };
    let mut stream = town
        .client()
        .download_report(request)
        .await
        .expect("a stream")
        .into_inner();
    let refused = stream.message().await.expect_err("not ready");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "REPORT_NOT_READY");
    let one_more = CreateReportRequest {
        request_id: fresh(),
        board: SOCIAL.to_owned(),
        year: 2012,
        format: ReportFormat::Html.into(),
    };
    let refused = town
        .client()
        .create_report(one_more.clone())
        .await
        .expect_err("too many");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "REPORTS_BUSY");
    held.rollback().await.expect("let go");
    town.ready(&name).await;
    town.client()
        .create_report(one_more)
        .await
        .expect("room again");
    town.bed.end().await;
}
