//! The identity provider's keys, from an address that changes and fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use handslag_platform::auth::keys::{Keys, Source};
use handslag_platform::auth::token::Verifier;
use handslag_platform::auth::{Principal, Role};
use handslag_platform::clock::Clock;
use handslag_platform::dev_issuer::{AUDIENCE, DevIssuer, ISSUER};
use handslag_platform::testing::{MORNING, Mount};

#[derive(Clone, Default)]
struct Provider {
    keys: Arc<Mutex<String>>,
    fails: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

async fn answer(State(provider): State<Provider>) -> Result<String, StatusCode> {
    provider.asked.fetch_add(1, Ordering::SeqCst);
    if provider.fails.load(Ordering::SeqCst) {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(provider.keys.lock().unwrap().clone())
}

impl Provider {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/jwks", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/jwks", get(answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn publish(&self, issuer: &DevIssuer) {
        *self.keys.lock().unwrap() = issuer.jwks();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn token(issuer: &DevIssuer) -> String {
    let principal = Principal::of("somebody").with_role(Role::Auditor);
    issuer
        .token(&principal, MORNING, time::Duration::hours(1))
        .unwrap()
}

fn verifier(address: String, pause: Duration) -> Verifier {
    let keys = Keys::new(Source::Address(address), None)
        .unwrap()
        .with_pause(pause);
    Verifier::new(keys, ISSUER, AUDIENCE, Clock::fixed(MORNING))
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_first_seen_and_an_outage_is_none_of_ours() {
    let (old, new) = (DevIssuer::ephemeral(), DevIssuer::ephemeral());
    let provider = Provider::default();
    provider.publish(&old);
    let verifier = verifier(provider.start().await, Duration::ZERO);
    assert_eq!(
        verifier.verify(&token(&old)).await.unwrap().subject,
        "somebody"
    );
    assert_eq!(provider.asked(), 1, "known keys are not fetched again");
    verifier.verify(&token(&old)).await.unwrap();
    assert_eq!(provider.asked(), 1);

    provider.publish(&new);
    verifier.verify(&token(&new)).await.unwrap();
    assert_eq!(
        verifier.verify(&token(&old)).await.unwrap_err().reason,
        "TOKEN_INVALID"
    );

    provider.fails.store(true, Ordering::SeqCst);
    assert_eq!(
        verifier.verify(&token(&old)).await.unwrap_err().reason,
        "TOKEN_INVALID"
    );
    verifier.verify(&token(&new)).await.unwrap();
}

#[tokio::test]
async fn unknown_keys_do_not_drive_our_requests() {
    let provider = Provider::default();
    provider.publish(&DevIssuer::ephemeral());
    let verifier = verifier(provider.start().await, Duration::from_secs(30));
    for _ in 0..20 {
        let stranger = token(&DevIssuer::ephemeral());
        assert_eq!(
            verifier.verify(&stranger).await.unwrap_err().reason,
            "TOKEN_INVALID"
        );
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn without_any_keys_the_caller_is_told_to_try_again() {
    let provider = Provider::default();
    provider.fails.store(true, Ordering::SeqCst);
    let verifier = verifier(provider.start().await, Duration::from_secs(30));
    let fault = verifier
        .verify(&token(&DevIssuer::ephemeral()))
        .await
        .unwrap_err();
    assert_eq!(fault.reason, "KEYS_UNAVAILABLE");
}

#[tokio::test]
async fn a_file_of_keys_is_read_anew_for_a_token_of_an_unknown_key() {
    let (former, new) = (DevIssuer::ephemeral(), DevIssuer::ephemeral());
    let mount = Mount::new(&[("jwks.json", &former.jwks())]).unwrap();
    let source = Source::File(mount.path("jwks.json"));
    let keys = Keys::new(source, None).unwrap().with_pause(Duration::ZERO);
    let verifier = Verifier::new(keys, ISSUER, AUDIENCE, Clock::fixed(MORNING));
    verifier.verify(&token(&former)).await.unwrap();
    verifier.verify(&token(&new)).await.unwrap_err();
    mount.exchange(&[("jwks.json", &new.jwks())]).unwrap();
    verifier.verify(&token(&new)).await.unwrap();
    verifier.verify(&token(&former)).await.unwrap_err();
}

/// Keys from a file that can be exchanged, and the clock that tokens are held against.
fn known_keys(issuer: &DevIssuer) -> (Mount, Verifier, Clock) {
    let mount = Mount::new(&[("jwks.json", &issuer.jwks())]).unwrap();
    let source = Source::File(mount.path("jwks.json"));
    let keys = Keys::new(source, None).unwrap().with_pause(Duration::ZERO);
    let clock = Clock::fixed(MORNING);
    let verifier = Verifier::new(keys, ISSUER, AUDIENCE, clock.clone());
    (mount, verifier, clock)
}

async fn refused(verifier: &Verifier, token: &str) -> &'static str {
    verifier.verify(token).await.unwrap_err().reason
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_known_any_more() {
    let issuer = DevIssuer::ephemeral();
    let (_mount, verifier, clock) = known_keys(&issuer);
    let token = token(&issuer);
    assert!(verifier.known(&token).is_none());
    verifier.verify(&token).await.unwrap();
    assert_eq!(verifier.known(&token).unwrap().subject, "somebody");
    let expiry = MORNING + time::Duration::hours(1);
    let leeway = time::Duration::seconds(handslag_platform::auth::token::LEEWAY_SECONDS);
    clock.set(expiry + leeway - time::Duration::seconds(1));
    verifier.verify(&token).await.unwrap();
    clock.set(expiry + leeway);
    assert!(verifier.known(&token).is_none());
    assert_eq!(refused(&verifier, &token).await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_token_goes_with_the_key_set_that_it_was_verified_with() {
    let (former, new) = (DevIssuer::ephemeral(), DevIssuer::ephemeral());
    let (mount, verifier, _) = known_keys(&former);
    let token_of_former = token(&former);
    verifier.verify(&token_of_former).await.unwrap();
    assert!(verifier.known(&token_of_former).is_some());
    mount.exchange(&[("jwks.json", &new.jwks())]).unwrap();
    // The first token of the new key makes it read.
    verifier.verify(&token(&new)).await.unwrap();
    assert!(verifier.known(&token_of_former).is_none());
    assert_eq!(refused(&verifier, &token_of_former).await, "TOKEN_INVALID");
}

#[tokio::test(start_paused = true)]
async fn a_known_token_does_not_keep_a_withdrawn_key_alive() {
    let (former, new) = (DevIssuer::ephemeral(), DevIssuer::ephemeral());
    let (mount, verifier, _) = known_keys(&former);
    let token = token(&former);
    verifier.verify(&token).await.unwrap();
    mount.exchange(&[("jwks.json", &new.jwks())]).unwrap();
    tokio::time::advance(Duration::from_secs(599)).await;
    verifier.verify(&token).await.unwrap();
    // Nobody else calls, and yet the keys are looked at again when they are old.
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(verifier.known(&token).is_none());
    assert_eq!(refused(&verifier, &token).await, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_token_that_was_refused_is_looked_at_anew() {
    let issuer = DevIssuer::ephemeral();
    let (_mount, verifier, clock) = known_keys(&issuer);
    let token = token(&issuer);
    clock.set(MORNING + time::Duration::hours(2));
    assert_eq!(refused(&verifier, &token).await, "TOKEN_EXPIRED");
    assert!(verifier.known(&token).is_none());
    clock.set(MORNING);
    verifier.verify(&token).await.unwrap();
}
