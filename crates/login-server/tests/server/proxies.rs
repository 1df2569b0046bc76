//! Proxies of the environment: which requests go through one, and which never do.
//! The proxy never answers: it only records the requests.

#![expect(clippy::disallowed_methods, reason = "tests write the program's input")]

use std::{
    fs,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::{
    elsewhere::Elsewhere,
    process::Serve,
    reload::accepting,
    support::{IssuerElsewhere, ask, now, plain_client, until},
};

/// A proxy that closes every connection, and stores what was requested.
struct Proxy {
    url: String,
    heard: Arc<Mutex<String>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<String>>::default();
        let hearing = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 4096];
                let length = stream.read(&mut asked).await.unwrap_or_default();
                hearing.lock().unwrap().push_str(&String::from_utf8_lossy(&asked[..length]));
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_stays_on_this_machine_is_never_asked_through_a_proxy() {
    let (proxy, issuer) = (Proxy::start().await, IssuerElsewhere::start().await);
    let (server, groups) = (Elsewhere::in_the_clear().await, Elsewhere::start().await);
    server.script.say_json(&json!({"active": true, "sub": "jane", "aud": "cluster"}));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let authorities = format!("{}{}", issuer.pki.authority_pem, groups.pki.authority_pem);
    let authorities = authorities.trim_end().replace('\n', "\n        ");
    let mapping = "claimMappings: {username: {claim: sub, prefix: \"ext:\"}, \
                   groups: {claim: groups, prefix: \"\"}}";
    let entry = |url: &str| {
        format!(
            "- issuer:\n    url: {url}\n    audiences: [cluster]\n    certificateAuthority: |\n        \
             {authorities}\n  {mapping}\n"
        )
    };
    let head = accepting(&[]);
    // An issuer on another host shows that the proxy is used at all.
    let text = format!("{head}{}{}", entry(&issuer.url), entry("https://id.example"));
    let authentication = file("authentication.yaml", &text);
    let secret = file("secret", "s3cret");
    let telemetry = if cfg!(feature = "otel") {
        format!("telemetry: {{otlpEndpoint: \"{}/v1/traces\", sampling: 1}}\n", server.url)
    } else {
        String::new()
    };
    let own = format!(
        "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n{telemetry}\
         issuers:\n- url: {}\n  distributedClaims: {{endpoints: [\"{}/groups\"]}}\n\
         introspection:\n- url: {}/introspect\n  clientID: kube\n  clientSecretFile: {secret}\n  \
         audiences: [cluster]\n  {mapping}\n",
        issuer.url, groups.url, server.url
    );
    let own = file("own.yaml", &own);
    let environment: Vec<(&str, &str)> =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
            .iter()
            .map(|name| (*name, proxy.url.as_str()))
            .collect();
    let serve = Serve::start_in(&environment, authentication.as_ref(), &["--config", &own]);
    let url = serve.address("listening").await;
    let client = plain_client();

    assert_eq!(ask(&client, &url, "opaque-token").await.username(), Some("ext:jane"));
    let mut claims = issuer.claims();
    claims.as_object_mut().unwrap().remove("groups");
    claims["_claim_names"] = json!({"groups": "src1"});
    claims["_claim_sources"] = json!({"src1": {"endpoint": format!("{}/groups", groups.url)}});
    let kept = json!({"iss": issuer.url, "aud": "cluster", "exp": now() + 300, "groups": ["ops"]});
    groups.script.say(200, "application/jwt", issuer.key().sign("JWT", &kept).unwrap());
    let token = issuer.key().sign("JWT", &claims).unwrap();
    let said = ask(&client, &url, &token).await;
    assert_eq!(said.body["status"]["user"]["groups"], json!(["ops"]), "{said:?}");
    if cfg!(feature = "otel") {
        until("spans arrive", async || server.script.requests() > 1).await;
    }
    until("the proxy is asked", async || !proxy.heard().is_empty()).await;
    let heard = proxy.heard();
    assert!(heard.contains("CONNECT id.example:443"), "{heard}");
    for local in ["127.0.0.1", "POST", "GET", "opaque-token", "s3cret"] {
        assert!(!heard.contains(local), "{local}: {heard}");
    }
}
