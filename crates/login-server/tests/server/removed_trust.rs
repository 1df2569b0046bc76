//! Trust that is removed ends, also when the last entry of a file is removed.
//! Never waits for a fixed time: each case waits for its condition, with a bound.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::fs;

use crate::{
    reload::{accepting, is_bob, readiness, watching_both},
    support::{IssuerElsewhere, TestServer, ask, plain_client, until},
};

#[tokio::test]
async fn what_was_trusted_last_can_be_removed() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (own, kubernetes) = (place("own.yaml"), place("authentication.yaml"));
    let head = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
    let with_tokens = format!("{head}staticTokens: {{file: tokens.csv}}\n");
    let settings =
        format!("{with_tokens}issuers: [{{url: \"{}\", maxTokenLifetime: 24h}}]\n", issuer.url);
    let static_token = "static-0123456789abcdefghij";
    fs::write(place("tokens.csv"), format!("{static_token},robot,1\n")).unwrap();
    fs::write(&own, &settings).unwrap();
    fs::write(&kubernetes, accepting(&[&issuer])).unwrap();
    let server = TestServer::start(watching_both(Some(&own), &kubernetes)).await;
    let client = plain_client();
    let (token, says) =
        (issuer.token(), async |token: &str| ask(&client, &server.url, token).await);
    // These answers are in the cache.
    for _ in 0..2 {
        assert!(is_bob(&says(&token).await));
        assert_eq!(says(static_token).await.username(), Some("robot"));
    }
    let nothing = |jwt: &str| {
        format!("apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{jwt}")
    };
    for jwt in ["jwt: []\n", "jwt:\n", "", "anonymous: {enabled: false}\n"] {
        // The settings for the issuer in the other file remain, and do not prevent the removal.
        fs::write(&kubernetes, nothing(jwt)).unwrap();
        until("the removal", async || says(&token).await.is_refusal()).await;
        assert_eq!(says(static_token).await.username(), Some("robot"));
        assert!(!readiness(&server).await.1.contains("[!] configuration"), "{jwt}");
        fs::write(&kubernetes, accepting(&[&issuer])).unwrap();
        until("the return", async || is_bob(&says(&token).await)).await;
    }
    for (text, tokens) in [
        (head, None),
        (&format!("{head}staticTokens:\n"), None),
        (&format!("{head}staticTokens: {{}}\n"), None),
        (&with_tokens, Some("")),
        (&with_tokens, Some("\n\n")),
        (&format!("{head}staticTokens: {{hashedFile: none.yaml}}\n"), Some("[]\n")),
        (&format!("{head}staticTokens: {{hashedFile: none.yaml}}\n"), Some("# none\n")),
    ] {
        fs::write(&kubernetes, nothing("jwt: []\n")).unwrap();
        if let Some(tokens) = tokens {
            fs::write(place("tokens.csv"), tokens).unwrap();
            fs::write(place("none.yaml"), tokens).unwrap();
        }
        fs::write(&own, text).unwrap();
        until("nobody", async || {
            says(static_token).await.is_refusal() && says(&token).await.is_refusal()
        })
        .await;
        fs::write(place("tokens.csv"), format!("{static_token},robot,1\n")).unwrap();
        fs::write(&own, &settings).unwrap();
        fs::write(&kubernetes, accepting(&[&issuer])).unwrap();
        until("both", async || {
            is_bob(&says(&token).await) && says(static_token).await.username() == Some("robot")
        })
        .await;
    }
}
