//! Every refusal: its code, its reason, the fields it names; and that nothing was written.

use handslag_proto::reporting::v1::{
    CreateReportRequest, GetBoardSectionRequest, GetCommitmentFiguresRequest, GetReportRequest,
    GetSignatoriesOverTimeRequest, ListReportsRequest, ReportFormat,
};
use tonic::Code;

use crate::town::{SOCIAL, Town, agreement, day, fresh, name, officer, reason, violations};

/// What was asked, what came back, and the fields with the rules that it should name.
type Case = (
    &'static str,
    tonic::Status,
    &'static [(&'static str, &'static str)],
);

macro_rules! refused {
    ($town:expr, $method:ident, $request:expr) => {
        $town
            .client()
            .$method($request)
            .await
            .expect_err(stringify!($method))
    };
}

fn check(cases: &[Case]) {
    for (asked, status, expected) in cases {
        assert_eq!(status.code(), Code::InvalidArgument, "{asked}: {status}");
        assert_eq!(reason(status), "INVALID_REQUEST", "{asked}");
        let named = violations(status);
        let named: Vec<_> = named
            .iter()
            .map(|(f, r)| (f.as_str(), r.as_str()))
            .collect();
        assert_eq!(named, *expected, "{asked}");
    }
}

fn section(board: &str, year: i32) -> GetBoardSectionRequest {
    GetBoardSectionRequest {
        board: board.to_owned(),
        year,
    }
}

fn order(board: &str, year: i32, format: i32) -> CreateReportRequest {
    CreateReportRequest {
        request_id: fresh(),
        board: board.to_owned(),
        year,
        format,
    }
}

fn figures(agreement: &str, area: &str) -> GetCommitmentFiguresRequest {
    GetCommitmentFiguresRequest {
        agreement: agreement.to_owned(),
        area: area.to_owned(),
        exclude_examples: false,
    }
}

#[tokio::test]
async fn questions_that_cannot_be_answered_name_their_fields() {
    let town = Town::start("refused-questions").await;
    let curve = |agreement: &str, from, to| GetSignatoriesOverTimeRequest {
        agreement: agreement.to_owned(),
        from,
        to,
        exclude_examples: false,
    };
    let known = agreement();
    check(&[
        (
            "nothing",
            refused!(town, get_board_section, section("", 0)),
            &[("board", "FIELD_REQUIRED"), ("year", "YEAR_OUT_OF_RANGE")],
        ),
        (
            "an area as a board",
            refused!(town, get_board_section, section("areas/social", 2012)),
            &[("board", "NAME_INVALID")],
        ),
        (
            "a board nobody knows",
            refused!(
                town,
                get_board_section,
                section("boards/idrottsnamnden", 2012)
            ),
            &[("board", "UNKNOWN_BOARD")],
        ),
        (
            "before the dialogue",
            refused!(town, get_board_section, section(SOCIAL, 2009)),
            &[("year", "YEAR_OUT_OF_RANGE")],
        ),
        (
            "the future",
            refused!(town, get_board_section, section(SOCIAL, 2027)),
            &[("year", "YEAR_OUT_OF_RANGE")],
        ),
        (
            "no agreement",
            refused!(town, get_signatories_over_time, curve("", None, None)),
            &[("agreement", "FIELD_REQUIRED")],
        ),
        (
            "a malformed name and dates that cannot be",
            refused!(
                town,
                get_signatories_over_time,
                curve("agreements/../1", day(2013, 2, 29), day(2013, 13, 1))
            ),
            &[
                ("agreement", "NAME_INVALID"),
                ("from", "DATE_INVALID"),
                ("to", "DATE_INVALID"),
            ],
        ),
        (
            "an agreement nobody knows",
            refused!(
                town,
                get_signatories_over_time,
                curve(&name("agreements", 77), None, None)
            ),
            &[("agreement", "UNKNOWN_AGREEMENT")],
        ),
        (
            "the end before the beginning",
            refused!(
                town,
                get_signatories_over_time,
                curve(&known, day(2014, 1, 1), day(2013, 1, 1))
            ),
            &[("to", "DATES_REVERSED")],
        ),
        (
            "an agreement and an area nobody knows",
            refused!(
                town,
                get_commitment_figures,
                figures(&name("agreements", 77), "areas/kultur")
            ),
            &[("agreement", "UNKNOWN_AGREEMENT"), ("area", "UNKNOWN_AREA")],
        ),
        (
            "a text of a megabyte as an area",
            refused!(
                town,
                get_commitment_figures,
                figures(&known, &"å".repeat(500_000))
            ),
            &[("area", "NAME_INVALID")],
        ),
        (
            "control characters",
            refused!(
                town,
                get_commitment_figures,
                figures(&known, "areas/so\u{0}cial")
            ),
            &[("area", "NAME_INVALID")],
        ),
    ]);
    town.bed.end().await;
}

#[tokio::test]
async fn orders_that_cannot_be_made_write_nothing() {
    let town = Town::start("refused-orders").await;
    let pdf = i32::from(ReportFormat::Pdf);
    let without_id = CreateReportRequest {
        request_id: String::new(),
        ..order(SOCIAL, 2012, pdf)
    };
    check(&[
        (
            "nothing",
            refused!(town, create_report, order("", 0, 0)),
            &[
                ("board", "FIELD_REQUIRED"),
                ("year", "YEAR_OUT_OF_RANGE"),
                ("format", "FIELD_REQUIRED"),
            ],
        ),
        (
            "a format nobody knows",
            refused!(town, create_report, order(SOCIAL, 2012, 9)),
            &[("format", "FORMAT_UNKNOWN")],
        ),
        (
            "a board nobody knows",
            refused!(
                town,
                create_report,
                order("boards/idrottsnamnden", 2012, pdf)
            ),
            &[("board", "UNKNOWN_BOARD")],
        ),
        (
            "right-to-left letters and emoji",
            refused!(town, create_report, order("boards/שלום🤝", 2012, pdf)),
            &[("board", "NAME_INVALID")],
        ),
    ]);
    let refused = refused!(town, create_report, without_id);
    assert_eq!(violations(&refused)[0].0, "request_id");
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM report")
        .fetch_one(town.bed.database().pool())
        .await
        .expect("a count");
    assert_eq!(written, 0);
    town.bed.end().await;
}

#[tokio::test]
async fn reports_that_are_not_there_are_not_found() {
    let town = Town::start("refused-reports").await;
    let nowhere = name("reports", 7);
    let status = refused!(
        town,
        get_report,
        GetReportRequest {
            name: nowhere.clone()
        }
    );
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "RESOURCE_NOT_FOUND".to_owned())
    );
    let request = handslag_proto::reporting::v1::DownloadReportRequest { name: nowhere };
    let mut stream = town
        .client()
        .download_report(request)
        .await
        .expect("a stream")
        .into_inner();
    let status = stream.message().await.expect_err("not found");
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::NotFound, "RESOURCE_NOT_FOUND".to_owned())
    );
    let list = |page_size, page_token: &str, board: &str, year| ListReportsRequest {
        board: board.to_owned(),
        year,
        page_size,
        page_token: page_token.to_owned(),
    };
    check(&[
        (
            "a malformed name",
            refused!(
                town,
                get_report,
                GetReportRequest {
                    name: "reports/1".to_owned()
                }
            ),
            &[("name", "NAME_INVALID")],
        ),
        (
            "a negative page",
            refused!(town, list_reports, list(-1, "", "", 0)),
            &[("page_size", "PAGE_SIZE_NEGATIVE")],
        ),
        (
            "a forged token",
            refused!(town, list_reports, list(0, "AAAA", "", 0)),
            &[("page_token", "PAGE_TOKEN_INVALID")],
        ),
        (
            "a board nobody knows",
            refused!(town, list_reports, list(0, "", "boards/idrottsnamnden", 0)),
            &[("board", "UNKNOWN_BOARD")],
        ),
        (
            "a year without a record",
            refused!(town, list_reports, list(0, "", "", 1999)),
            &[("year", "YEAR_OUT_OF_RANGE")],
        ),
    ]);
    town.bed.end().await;
}

#[tokio::test]
async fn anybody_may_read_and_order_and_a_bad_token_is_refused() {
    let town = Town::start("access").await;
    town.section(SOCIAL, 2012).await;
    let request = town.bed.request(&officer(), section(SOCIAL, 2012));
    town.client()
        .get_board_section(request)
        .await
        .expect("with a token");
    let mut request = tonic::Request::new(section(SOCIAL, 2012));
    request
        .metadata_mut()
        .insert("authorization", "Bearer x.y.z".parse().expect("a value"));
    let status = town
        .client()
        .get_board_section(request)
        .await
        .expect_err("no token");
    assert_eq!(status.code(), Code::Unauthenticated);
    town.bed.end().await;
}
