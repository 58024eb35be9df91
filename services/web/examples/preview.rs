//! The pages with stand-in data, for looking at them: `cargo run -p handslag-web --example
//! preview`.
#![expect(
    clippy::expect_used,
    reason = "a tool for the eye: what fails is shown and ends it"
)]
#![expect(dead_code, reason = "shares the stand-in of the tests")]

#[path = "../tests/web/fixtures.rs"]
mod fixtures;
#[path = "../tests/web/stub.rs"]
mod stub;

#[tokio::main]
async fn main() {
    let stub = stub::start(&[]).await;
    let url = stub.url();
    let running = handslag_web::start(handslag_web::Config {
        address: "127.0.0.1:7480".parse().expect("an address"),
        admin_address: None,
        registry: url.clone(),
        commitments: url.clone(),
        notifications: url.clone(),
        reporting: url,
        tls: handslag_web::TlsConfig::default(),
    })
    .await
    .expect("the front starts");
    eprintln!("http://{}", running.address());
    tokio::signal::ctrl_c().await.expect("a signal");
    running.stop().await;
}
