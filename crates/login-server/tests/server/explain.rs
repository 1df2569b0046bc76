//! `explain`: its verdict is the server's, it names the check that failed, and it never shows a
//! token. Both sides judge the same tokens.

#![expect(clippy::disallowed_methods, reason = "tests start the program and write its input")]

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use http::StatusCode;
use login_common::{Secret, names::IssuerUrl};
use login_protocols::jose::{Algorithm, KeySet, SigningKey};
use login_review::{ClaimMapping, IssuerPolicy, KeySource, PrefixedClaim, Verdict};
use login_server::{
    commands::explain::{examine, question},
    start::Services,
};
use serde_json::{Value, json};

use crate::support::{
    CLOCK, IssuerElsewhere, TestServer, ask, config, key_set_is_stored, now, plain_client,
};

/// Tokens of every kind, each with a name.
fn tokens(issuer: &IssuerElsewhere) -> Vec<(&'static str, String)> {
    let good = issuer.token();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let stranger = SigningKey::generate().unwrap();
    let with = |name, value| issuer.token_with(name, value);
    let now = now();
    vec![
        ("good", good.clone()),
        ("tampered", format!("{head}.{flipped}{}", &signature[1..])),
        ("empty", String::new()),
        ("opaque", "garbage".to_owned()),
        ("bootstrap", "abcdef.0123456789abcdef".to_owned()),
        ("too long", "x".repeat(70_000)),
        ("unknown key", stranger.sign("JWT", &issuer.claims()).unwrap()),
        ("logout token", issuer.key().sign("logout+jwt", &issuer.claims()).unwrap()),
        ("foreign", with("iss", json!("https://elsewhere.example"))),
        ("service account", with("iss", json!("kubernetes/serviceaccount"))),
        ("expired", with("exp", json!(now - 180))),
        ("expired in words", with("exp", json!("never"))),
        ("without end", with("exp", json!(null))),
        ("not yet valid", with("nbf", json!(now + 3_600))),
        ("issued in the future", with("iat", json!(now + 300))),
        ("for somebody else", with("aud", json!("vault"))),
        ("for nobody", with("aud", json!([]))),
        ("reserved group", with("groups", json!(["system:masters"]))),
        ("group shape", with("groups", json!({"a": 1}))),
        ("groups elsewhere", {
            let mut claims = issuer.claims();
            claims.as_object_mut().unwrap().remove("groups");
            claims["_claim_names"] = json!({"groups": "src"});
            claims["_claim_sources"] = json!({"src": {"endpoint": "https://x.example/"}});
            issuer.key().sign("JWT", &claims).unwrap()
        }),
        ("blank name", with("sub", json!(""))),
    ]
}

#[tokio::test]
async fn the_verdict_is_the_servers() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let services = Services::new(config(vec![issuer.policy()])).unwrap();
    let (judge, in_force) = (&services.main.reviews.judge, services.main.configurations.current());
    let client = plain_client();
    for (what, token) in tokens(&issuer) {
        let said = ask(&client, &server.url, &token).await;
        let asked = question(Secret::new(token), Vec::new());
        let examined = examine(judge, &in_force, &asked, CLOCK.now()).await;
        match examined.verdict {
            Verdict::Accepted { identity, .. } => {
                assert_eq!(said.username(), Some(identity.username.as_str()), "{what}");
            }
            Verdict::Refused(_) => assert!(said.is_refusal(), "{what}: {said:?}"),
            Verdict::CannotTell(_) => assert_eq!(said.status, 503, "{what}: {said:?}"),
        }
    }
}

/// One file of the attack corpus.
fn corpus(file: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/attacks");
    let text = std::fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn the_verdict_on_every_attack_is_the_servers() {
    let attacked = corpus("issuer");
    let texts = |name: &str| -> Vec<String> {
        attacked[name].as_array().unwrap().iter().map(|t| t.as_str().unwrap().into()).collect()
    };
    let claim = |name: &str| PrefixedClaim { claim: name.into(), prefix: String::new() };
    let mapping = ClaimMapping::of_claims(claim("sub"), Some(claim("groups")));
    let url = IssuerUrl::parse(attacked["issuer"].as_str().unwrap()).unwrap();
    let mut entry = IssuerPolicy::new(url, texts("audiences"), mapping);
    entry.algorithms =
        texts("algorithms").iter().map(|name| Algorithm::parse(name).unwrap()).collect();
    let keys = KeySet::parse(attacked["jwks"].to_string().as_bytes()).unwrap();
    entry.key_source = KeySource::Inline(keys);
    let server = TestServer::start(config(vec![entry.clone()])).await;
    let services = Services::new(config(vec![entry])).unwrap();
    let (judge, in_force) = (&services.main.reviews.judge, services.main.configurations.current());
    let client = plain_client();
    let mut seen = 0;
    for file in ["algorithms", "headers", "encodings", "documents", "signatures", "claims"] {
        for case in corpus(file)["cases"].as_array().unwrap() {
            let (name, token) = (&case["name"], case["token"].as_str().unwrap());
            let said = ask(&client, &server.url, token).await;
            let asked = question(Secret::new(token), Vec::new());
            let examined = examine(judge, &in_force, &asked, CLOCK.now()).await;
            let told = match &examined.verdict {
                Verdict::Accepted { .. } => "accepted",
                Verdict::Refused(reason) => reason.as_str(),
                Verdict::CannotTell(outage) => outage.as_str(),
            };
            assert_eq!(told, case["expected"], "{name}");
            assert_eq!(said.is_refusal(), told != "accepted", "{name}: {said:?}");
            seen += 1;
        }
    }
    assert!(seen >= 100, "{seen} attacks");
}

/// A folder with the configuration for `issuer`, and the key set that a server stored.
async fn stored(issuer: &IssuerElsewhere) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = issuer.pki.authority_pem.replace('\n', "\n      ");
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n\
         - issuer:\n    url: \"{}\"\n    audiences: [cluster]\n    certificateAuthority: |\n      {authority}\n  \
         claimMappings:\n    username: {{claim: sub, prefix: \"ext:\"}}\n    \
         groups: {{claim: groups, prefix: \"\"}}\n",
        issuer.url
    );
    std::fs::write(folder.path().join("kubernetes.yaml"), text).unwrap();
    let mut config = config(vec![issuer.policy()]);
    config.state_dir = Some(folder.path().to_owned());
    let server = TestServer::start(config).await;
    ask(&plain_client(), &server.url, &issuer.token()).await;
    key_set_is_stored(folder.path()).await;
    server.stop().await;
    folder
}

struct Told {
    code: i32,
    stdout: String,
    stderr: String,
}

fn explain(folder: &Path, token: &str, arguments: &[&str]) -> Told {
    let mut child = Command::new(env!("CARGO_BIN_EXE_login-server"))
        .arg("explain")
        .arg("--authentication-config")
        .arg(folder.join("kubernetes.yaml"))
        .args(arguments)
        .env("LOGIN_SERVER_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may have ended before it read its input.
    drop(child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    let told = Told { code, stdout: text(output.stdout), stderr: text(output.stderr) };
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!told.stdout.contains(part) && !told.stderr.contains(part), "{}", told.stdout);
    }
    told
}

#[tokio::test]
async fn each_check_is_told_offline_with_what_is_stored() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let state = folder.path().to_str().unwrap();
    issuer.stop().await;
    let told = |token: &str| explain(folder.path(), token, &["--state-dir", state]);

    let good = told(&issuer.token());
    assert_eq!((good.code, good.stderr.as_str()), (0, ""), "{}", good.stdout);
    for line in ["signature       pass", "verdict         accepted    for ", "\"ext:bob\""] {
        assert!(good.stdout.contains(line), "{line}\n{}", good.stdout);
    }
    assert!(!good.stdout.contains('\u{1b}'), "colours in a pipe");
    assert!(!good.stdout.contains("not reached"), "{}", good.stdout);

    let mut claims = issuer.claims();
    (claims["iat"], claims["exp"]) = (json!(now() - 780), json!(now() - 180));
    let expired = told(&issuer.key().sign("JWT", &claims).unwrap());
    assert_eq!(expired.code, 1);
    for line in [
        "times           fail        its time is over: ",
        "expired 3 min ago",
        "signature       would pass",
        "verdict         refused     expired",
        "next: sign in again",
    ] {
        assert!(expired.stdout.contains(line), "{line}\n{}", expired.stdout);
    }

    let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
    let unknown = told(&stranger);
    assert_eq!(unknown.code, 4, "{}", unknown.stdout);
    assert!(unknown.stdout.contains("--online"), "{}", unknown.stdout);

    // Without the folder there are no keys, and no issuer is asked for them.
    let without = explain(folder.path(), &issuer.token(), &[]);
    assert_eq!(without.code, 4, "{}", without.stdout);
    assert!(without.stdout.contains("audience        would pass"), "{}", without.stdout);
}

#[tokio::test]
async fn a_refusal_is_told_at_its_step_with_what_of_the_token_is_the_reason() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let state = folder.path().to_str().unwrap();
    issuer.stop().await;
    let file = folder.path().join("kubernetes.yaml");
    let configuration = std::fs::read_to_string(&file).unwrap();
    let with = |name, value| issuer.token_with(name, value);
    let required = "  - {claim: email_verified, requiredValue: \"true\"}";
    let rule = "  - {expression: \"'groups' in claims\"}";
    let other_rule = "  - {expression: \"claims.iss == 'x'\", message: not from x}";
    let header = "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsieCJdfQ.e30.AAAA";
    for (rules, token, lines) in [
        (
            "",
            with("aud", json!(["cluster", 5])),
            ["audience        fail", "`aud`", "times           pass"],
        ),
        ("", with("exp", json!("never")), ["times           fail", "`exp`", "refused     claims"]),
        (
            "",
            "x".repeat(70_000),
            ["shape           fail", "70000 bytes, and 65536 are allowed", "`maxTokenBytes`"],
        ),
        ("", header.to_owned(), ["header          fail", "`crit`", "refused     header"]),
        (
            "",
            "abc.def.ghi".to_owned(),
            [
                "pass        three parts, as a JWT has, of 11 bytes",
                "header          fail",
                "header",
            ],
        ),
        (
            "",
            with("iss", json!("https://kubernetes.default.svc.cluster-b.example")),
            ["issuer          fail", "service account", "`discoveryURL`"],
        ),
        (
            required,
            with("email_verified", json!(true)),
            [
                "rules           fail",
                "`email_verified` must be the text `true`, and is a boolean",
                "mapping         pass",
            ],
        ),
        (
            rule,
            issuer.token(),
            ["rules           fail", "`'groups' in claims`", "mapping         pass"],
        ),
        (other_rule, issuer.token(), ["rules           fail", "not from x", "claim_rule"]),
    ] {
        let rules =
            if rules.is_empty() { "" } else { &format!("  claimValidationRules:\n{rules}\n") };
        std::fs::write(&file, format!("{configuration}{rules}")).unwrap();
        let told = explain(folder.path(), &token, &["--state-dir", state]);
        assert_eq!(told.code, 1, "{}{}", told.stdout, told.stderr);
        for line in lines {
            assert!(told.stdout.contains(line), "{line}\n{}", told.stdout);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn online_asks_the_issuer_and_json_tells_the_same() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let mut claims = issuer.claims();
    claims["aud"] = json!("vault");
    claims["sub"] = json!("secret-person");
    let next = Arc::new(SigningKey::generate().unwrap());
    issuer.shown.show_keys(&[issuer.key(), &next]);
    let token = next.sign("JWT", &claims).unwrap();
    let path = folder.path().to_owned();
    let run = move |arguments: &'static [&'static str]| {
        let (path, token) = (path.clone(), token.clone());
        tokio::task::spawn_blocking(move || explain(&path, &token, arguments))
    };
    let told = run(&["--online", "-o", "json"]).await.unwrap();
    assert_eq!(told.code, 1, "{} {}", told.stdout, told.stderr);
    assert!(told.stdout.contains("secret-person"), "the supposed user has a name");
    let json: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(json["outcome"], "refused");
    assert_eq!(json["reason"], "wrong_audience");
    assert!(json.get("claims").is_none());
    let check = |name: &str| {
        let checks = json["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap().clone()
    };
    assert_eq!(check("times")["result"], "pass");
    assert_eq!(check("audience")["reason"], "wrong_audience");
    assert_eq!(
        (&check("signature")["result"], &check("signature")["supposed"]),
        (&json!("pass"), &json!(true))
    );
    assert_eq!(json["supposedUser"]["username"], "ext:secret-person");

    let with_claims = run(&["--online", "--show-claims", "-o", "json"]).await.unwrap();
    let json: Value = serde_json::from_str(&with_claims.stdout).unwrap();
    assert_eq!(json["claims"]["aud"], "vault");
}

/// A 1024-bit key, which is too weak to be accepted.
fn weak_key() -> Value {
    json!({ "kty": "RSA", "kid": "weak", "e": "AQAB", "n": format!("w{}", "A".repeat(170)) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn online_says_why_there_are_no_keys_and_which_of_a_set_are_not_used() {
    let elsewhere =
        json!({ "issuer": "https://id.example", "jwks_uri": "https://id.example/keys" });
    let encryption = json!({ "kty": "RSA", "kid": "enc", "use": "enc", "e": "AQAB", "n": "AQAB" });
    for (what, expected) in [
        ("another issuer", "write exactly `https://id.example`"),
        ("redirect", "which is not followed"),
        ("weak keys", "none of the 1 keys of the key set can verify a token: `weak`: the RSA"),
        ("no document", "answered 500 instead of 200"),
        ("one weak key", "1 key is known; of others `weak`: the RSA"),
        ("one for encryption", "1 key is known; of others `enc`: `use` is neither"),
    ] {
        let issuer = IssuerElsewhere::start().await;
        let folder = stored(&issuer).await;
        let own = issuer.key().public_jwk();
        let set = |keys: &[&Value]| json!({ "keys": keys }).to_string();
        match what {
            "another issuer" => issuer.shown.show_discovery(elsewhere.clone()),
            "redirect" => issuer.shown.move_away("/keys", "http://127.0.0.1:1/"),
            "weak keys" => issuer.shown.show(StatusCode::OK, set(&[&weak_key()])),
            "no document" => issuer.shown.show(StatusCode::INTERNAL_SERVER_ERROR, ""),
            "one weak key" => issuer.shown.show(StatusCode::OK, set(&[&own, &weak_key()])),
            _ => issuer.shown.show(StatusCode::OK, set(&[&own, &encryption])),
        }
        let (path, token) = (folder.path().to_owned(), issuer.token());
        let run = move || explain(&path, &token, &["--online"]);
        let told = tokio::task::spawn_blocking(run).await.unwrap();
        assert!(told.stdout.contains(expected), "{what}: {}", told.stdout);
        let has_keys = what.starts_with("one ");
        assert_eq!(told.stdout.contains("next: mend what"), !has_keys, "{}", told.stdout);
        assert!(!told.stdout.contains("check that this machine reaches it"), "{}", told.stdout);
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(explain(folder.path(), "x", &[]).code, 2);
    assert_eq!(explain(folder.path(), "x", &["--colour", "blue"]).code, 2);
}

#[tokio::test]
async fn a_state_folder_that_is_misspelled_is_told() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let missing = folder.path().join("typo");
    let arguments = ["--state-dir", missing.to_str().unwrap()];
    let told = explain(folder.path(), &issuer.token(), &arguments);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{}", told.stderr);
    assert!(told.stderr.contains("there is no state folder `"), "{}", told.stderr);
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_token_without_an_end_is_accepted_without_one() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let own = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
               staticTokens: {file: tokens.csv}\n";
    std::fs::write(folder.path().join("own.yaml"), own).unwrap();
    std::fs::write(folder.path().join("tokens.csv"), "0123456789abcdefghijklmnop,jane,1\n")
        .unwrap();
    let own = folder.path().join("own.yaml");
    let arguments = ["--config", own.to_str().unwrap()];
    let told = explain(folder.path(), "0123456789abcdefghijklmnop", &arguments);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    let line = "verdict         accepted    without an end\n";
    assert!(told.stdout.contains(line), "{}", told.stdout);
    let arguments = [&arguments[..], &["-o", "json"]].concat();
    let told = explain(folder.path(), "0123456789abcdefghijklmnop", &arguments);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["outcome"], "accepted");
    assert!(told["expiresAt"].is_null(), "{told}");
}

#[tokio::test]
async fn a_database_that_cannot_be_read_is_no_refusal() {
    let issuer = IssuerElsewhere::start().await;
    let folder = stored(&issuer).await;
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("issuer.db"), "no database").unwrap();
    let own = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
               issuer: {url: \"https://login.example.com\"}\n";
    std::fs::write(place("own.yaml"), own).unwrap();
    let (own, state) = (place("own.yaml"), folder.path().to_str().unwrap());
    let arguments = ["--config", own.to_str().unwrap(), "--state-dir", state];
    let told = explain(folder.path(), &issuer.token(), &arguments);
    assert_eq!((told.code, told.stdout.as_str()), (4, ""), "{}", told.stderr);
    assert!(told.stderr.contains("could not open the issuer's database in `"), "{}", told.stderr);
    assert_eq!(std::fs::read(place("issuer.db")).unwrap(), b"no database");
}
