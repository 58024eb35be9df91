//! The pages as a reader gets them: what they say, what they say when something is wrong, and what
//! they never do.

#![expect(
    clippy::expect_used,
    reason = "in a test an expectation is the assertion"
)]

mod fixtures;
mod stub;

use handslag_web::{Config, Running, start};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

struct Front {
    running: Running,
    stub: stub::Stub,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Front {
    async fn start(away: &'static [&'static str]) -> Self {
        let stub = stub::start(away).await;
        let url = stub.url();
        let running = start(Config {
            address: "127.0.0.1:0".parse().expect("an address"),
            admin_address: Some("127.0.0.1:0".parse().expect("an address")),
            registry: url.clone(),
            commitments: url.clone(),
            notifications: url.clone(),
            reporting: url,
            tls: handslag_web::TlsConfig::default(),
        })
        .await
        .expect("the front starts");
        Self { running, stub }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
        ))
        .await
    }

    async fn post(&self, path: &str, form: &str, headers: &str) -> Answer {
        let length = form.len();
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{form}"
        ))
        .await
    }

    async fn send(&self, request: String) -> Answer {
        exchange(self.running.address(), request).await
    }
}

async fn exchange(address: std::net::SocketAddr, request: String) -> Answer {
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the front listens");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an answer");
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .expect("a status");
    Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn every_page_answers_with_a_title_and_the_headers_that_bound_it() {
    let front = Front::start(&[]).await;
    let one = |path: &str, kind, n| format!("{path}/{}", fixtures::id(kind, n));
    let mut pages: Vec<String> = [
        "/",
        "/overenskommelsen",
        "/organisationer",
        "/ataganden",
        "/handlingsplan",
        "/uppfoljning",
        "/stadsdelar",
        "/rapporter",
        "/om",
        "/tillganglighet",
        "/driftlage",
        "/en",
    ]
    .map(String::from)
    .into();
    pages.push(one("/overenskommelsen", 'a', 0));
    pages.push(one("/organisationer", 'o', 3));
    pages.push(one("/ataganden", 'c', 0));
    pages.push(one("/handlingsplan", 'h', 0));
    for path in pages {
        let answer = front.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(
            answer
                .head
                .contains("content-security-policy: default-src 'none'"),
            "{path}"
        );
        assert!(
            answer.head.contains("x-content-type-options: nosniff"),
            "{path}"
        );
        assert!(
            answer.body.contains("<title>") && answer.body.matches("<h1").count() == 1,
            "{path}"
        );
        assert!(!answer.body.contains("<script"), "{path}");
        assert!(
            !answer.body.contains(" style="),
            "{path}: the policy forbids inline style"
        );
    }
    front.running.stop().await;
}

#[tokio::test]
async fn what_others_wrote_cannot_become_part_of_the_page() {
    let front = Front::start(&[]).await;
    let page = front
        .get(&format!("/organisationer/{}", fixtures::id('o', 0)))
        .await;
    assert!(page.body.contains("&#60;script&#62;") || page.body.contains("&lt;script&gt;"));
    let search = front.get("/organisationer?q=%22%3E%3Cscript%3E").await;
    assert_eq!(search.status, 200);
    assert!(!search.body.contains("<script"));
}

#[tokio::test]
async fn every_step_of_the_proceedings_is_shown_though_they_come_in_pages() {
    let front = Front::start(&[]).await;
    let page = front.get("/overenskommelsen").await.body;
    for proceeding in fixtures::proceedings() {
        assert!(page.contains(&handslag_web::view::text(proceeding.title.as_ref())));
    }
    assert!(page.contains("juni 2012"), "the precision of the source");
    assert!(page.contains("Kom in efter sista dag, togs emot"));
    assert!(page.contains("Utvidga till kultur och idrott"));
}

#[tokio::test]
async fn counted_and_reported_figures_stand_apart() {
    let front = Front::start(&[]).await;
    let page = front.get("/").await.body;
    assert!(page.contains("<span class=\"big-number\">72</span>"));
    assert!(page.contains("omkring 100") && page.contains("Tjänsteutlåtande 2013"));
    assert!(page.contains("exempelorganisationer"));
}

#[tokio::test]
async fn a_search_finds_pages_walk_and_a_foreign_token_is_refused() {
    let front = Front::start(&[]).await;
    let first = front.get("/organisationer?q=exempel").await.body;
    assert!(first.contains("72\u{a0}organisationer"));
    assert!(
        first.contains("/organisationer?q=exempel&#38;sida=25"),
        "a link to the next page"
    );
    let second = front.get("/organisationer?q=exempel&sida=25").await.body;
    assert!(second.contains("Till första sidan"));
    for wrong in ["sida=hej", "roll=kung", "omrade=%2e%2e", "q=a%00b"] {
        let refused = front.get(&format!("/organisationer?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert!(
            refused.body.contains("Frågan går inte att besvara"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let front = Front::start(&[]).await;
    let strange = format!("/organisationer/{}", fixtures::id('z', 9));
    for path in [
        "/finns-inte",
        "/organisationer/abc",
        &strange,
        "/assets/../main.rs",
        "/assets/x",
    ] {
        let answer = front.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Sidan finns inte"), "{path}");
    }
    assert_eq!(front.post("/om", "", "").await.status, 405);
}

#[tokio::test]
async fn a_missing_account_is_shown_as_missing_and_a_board_is_never_judged() {
    let front = Front::start(&[]).await;
    let rounds = front.get("/uppfoljning").await.body;
    assert!(rounds.contains("Saknas: Den idéburna sektorn."));
    let districts = front.get("/stadsdelar").await.body;
    assert!(districts.contains("Ännu inte") && districts.contains("Diskuterat av en föregångare"));
    assert!(
        districts.contains("(Älvsjö)"),
        "a predecessor's discussion names it"
    );
}

#[tokio::test]
async fn the_same_order_sent_twice_makes_one_report() {
    let front = Front::start(&[]).await;
    let page = front.get("/rapporter").await;
    assert!(page.head.contains("cache-control: no-store"));
    let marker = "name=\"request_id\" value=\"";
    let from = page.body.find(marker).expect("an identity") + marker.len();
    let request_id = &page.body[from..from + 36];
    let form = format!("request_id={request_id}&board=socialnamnden&year=2012&format=pdf");
    let first = front
        .post("/rapporter", &form, "Origin: http://web\r\n")
        .await;
    let second = front
        .post("/rapporter", &form, "Origin: http://web\r\n")
        .await;
    assert_eq!((first.status, second.status), (303, 303));
    let place = |a: &Answer| {
        a.head
            .lines()
            .find_map(|l| l.strip_prefix("location: ").map(str::to_owned))
            .expect("place")
    };
    assert_eq!(place(&first), place(&second));
    assert_eq!(front.stub.ordered.lock().expect("lock").len(), 1);
    assert!(
        front
            .get(&place(&first))
            .await
            .body
            .contains("Rapporten är klar")
    );
    let file = front.get(&format!("{}/fil", place(&first))).await;
    assert!(file.head.contains("content-type: application/pdf"));
    assert!(file.head.contains("filename=\"socialnamnden-2012.pdf\""));
    assert!(
        file.head.contains("sandbox"),
        "a report is shown as a stranger"
    );
    assert!(
        file.body.contains("%PDF") && file.body.contains("%%EOF"),
        "every piece"
    );
}

#[tokio::test]
async fn an_order_from_another_site_or_with_nonsense_is_refused() {
    let front = Front::start(&[]).await;
    let form = "request_id=x&board=socialnamnden&year=2012&format=pdf";
    let foreign = front
        .post("/rapporter", form, "Origin: https://evil.example\r\n")
        .await;
    assert_eq!(foreign.status, 403);
    for wrong in [
        "",
        "request_id=x&board=&year=2012&format=pdf",
        "request_id=x&board=a&year=x&format=pdf",
    ] {
        assert_eq!(
            front.post("/rapporter", wrong, "").await.status,
            400,
            "{wrong}"
        );
    }
    assert!(front.stub.ordered.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_service_that_is_away_takes_its_own_pages_and_no_others() {
    let front = Front::start(&["GetSignatoriesOverTime", "ListCommitments", "ListAreas"]).await;
    let start = front.get("/").await;
    assert_eq!(start.status, 200);
    assert!(
        start
            .body
            .contains("Kurvan över anslutna kan inte visas just nu")
    );
    assert!(
        start
            .body
            .contains("Namn på parter och områden kan inte hämtas just nu")
    );
    let away = front.get("/ataganden").await;
    assert_eq!(away.status, 503);
    assert!(away.head.contains("retry-after: 15"));
    assert!(
        away.body
            .contains("åtaganden och handlingsplan svarar inte")
    );
    assert_eq!(front.get("/uppfoljning").await.status, 200);
    assert!(front.get("/driftlage").await.body.contains("Svarar inte"));
}

#[tokio::test]
async fn the_admin_port_tells_that_it_lives_and_is_ready() {
    let front = Front::start(&[]).await;
    let admin = front.running.admin_address().expect("an admin port");
    for path in ["/live", "/ready"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n");
        assert_eq!(exchange(admin, request).await.status, 200);
    }
    let style = front.get("/assets/style.css").await;
    assert!(style.head.contains("cache-control: public, max-age=86400"));
}
