//! An issuer for a trial, made and used by the program itself.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use handslag_platform::{
    auth::{
        Principal, Role,
        keys::{Keys, Source},
        token::Verifier,
    },
    clock::Clock,
};

use crate::process::Home;

/// What a verb prints, if it succeeds.
fn run(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_handslag"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stderr))
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// As a service that was given these keys reads the token.
async fn read(jwks: PathBuf, issuer: &str, token: &str) -> Option<Principal> {
    let keys = Keys::new(Source::File(jwks), None).expect("keys");
    let verifier = Verifier::new(keys, issuer, "handslag", Clock::system());
    verifier
        .verify(token)
        .await
        .ok()
        .map(|known| (*known).clone())
}

#[tokio::test]
async fn tokens_of_a_trial_issuer_are_read_with_its_keys_alone() {
    let home = Home::new("issuer");
    let (one, other) = (home.path().join("one"), home.path().join("other"));
    let token = |folder: &Path, more: &[&str]| {
        let arguments = [
            "token",
            "--role",
            "operator",
            "--issuer-folder",
            text(folder),
        ];
        run(&[&arguments, more].concat())
    };
    let refused = token(&one, &[]).expect_err("no keys yet");
    assert!(
        refused.contains("make one with `handslag issuer --folder"),
        "{refused}"
    );
    assert!(!one.exists(), "a token makes no issuer");

    for folder in [&one, &other] {
        let said = run(&["issuer", "--folder", text(folder)]).expect("made");
        assert!(said.contains(text(&folder.join("jwks.json"))), "{said}");
    }
    let key = one.join("issuer-key.hex");
    let mode = std::fs::metadata(&key)
        .expect("the key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&key).expect("the key");
    run(&["issuer", "--folder", text(&one)]).expect("again");
    assert_eq!(std::fs::read(&key).expect("the key"), before);

    let usual = "https://handslag.local";
    let signed = token(&one, &[]).expect("a token");
    let jwks = one.join("jwks.json");
    let principal = read(jwks.clone(), usual, &signed).await.expect("read");
    assert!(principal.has(Role::Operator));
    assert!(
        read(other.join("jwks.json"), usual, &signed)
            .await
            .is_none()
    );

    // Services that were told another issuer read no other's tokens.
    let city = "https://id.example.se";
    assert!(read(jwks.clone(), city, &signed).await.is_none());
    let signed = token(&one, &["--issuer", city]).expect("a token");
    assert!(read(jwks, city, &signed).await.is_some());
}
