//! Searches the memory of a server for secrets, after every secret was used.
//! A secret that was only shown must not be there; a secret that the server needs again is there.

#![expect(clippy::disallowed_methods, reason = "tests start the program and write its input")]

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::json;
use url::Url;

use crate::{
    elsewhere::Elsewhere,
    process::Serve,
    secrets::{INTROSPECTION_SECRET, configuration, forms, run},
    sign_in::{CHALLENGE, REDIRECT, VERIFIER, field},
    support::{PASSWORD, Pki, Said, ask, now, plain_client, until},
};

/// Bytes of a secret that are searched for: so much of it is as bad as all of it.
const PIECE: usize = 16;
const PAGE: usize = 4096;
const CALLER: &str = "token-of-the-caller-0123456789abcdefghij";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_only_shown_is_not_kept() {
    let (pki, elsewhere) = (Pki::new(), Elsewhere::start().await);
    elsewhere.script.say_json(&json!({
        "active": true, "sub": "42", "username": "jane", "aud": "cluster", "exp": now() + 600,
    }));
    let folder = pki.folder.path();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (own, state, callers) = (configuration(folder, &elsewhere), path("state"), path("callers"));
    let password = format!("{PASSWORD}\n");
    run(&["user", "add", "alice", "--password-file", "-", "--state-dir", &state], &password);
    let added = run(&["client", "add", "ci", "--state-dir", &state], "");
    let machine_secret = added.lines().next().unwrap();
    fs::write(&callers, CALLER).unwrap();
    drop(pki.server_tls(None));
    let options = [
        ["--config", &own],
        ["--state-dir", &state],
        ["--listen", "127.0.0.1:0"],
        ["--health-listen", "127.0.0.1:0"],
        ["--tls-cert-file", &path("server.crt")],
        ["--tls-private-key-file", &path("server.key")],
        ["--caller-token-file", &callers],
    ];
    let server = Serve::start_with(&[], options.as_flattened());
    let health = server.address("listening for health").await;
    let url = server.address("listening ").await.replace("http:", "https:");

    let mut shown = Shown::default();
    shown.add("password", PASSWORD);
    shown.add("client secret", machine_secret);
    shown.add("token of a caller", CALLER);
    for version in [1, 2] {
        for _ in 0..2 {
            let client = || match version {
                1 => pki.client().http1_only(),
                _ => pki.client(),
            };
            use_everything(&client, &url, machine_secret, &mut shown).await;
        }
    }
    until("every connection has ended", async || {
        let metrics = plain_client().get(format!("{health}/metrics")).send().await.unwrap();
        metrics.text().await.unwrap().contains("\nlogin_server_connections_open 0\n")
    })
    .await;
    shown.add("kept: secret for the introspection endpoint", INTROSPECTION_SECRET);
    match shown.found_in(server.id()) {
        Ok(found) => {
            let kept = BTreeSet::from(["kept: secret for the introspection endpoint"]);
            assert_eq!(found, kept);
        }
        Err(fault) => leave_out(&fault),
    }
}

/// A user, a client and a caller of the webhook present all their secrets.
async fn use_everything(
    client: &impl Fn() -> reqwest::ClientBuilder,
    url: &str,
    machine_secret: &str,
    shown: &mut Shown,
) {
    let browser = client().build().unwrap();
    let send = async |request: reqwest::RequestBuilder| request.send().await.unwrap();
    let parameters = [
        ("response_type", "code"),
        ("client_id", "kubectl-login"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid offline_access"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let page = Url::parse_with_params(&format!("{url}/authorize"), parameters).unwrap();
    let page = send(browser.get(page)).await.text().await.unwrap();
    let ticket = field(&page, "ticket");
    let form = [("ticket", ticket.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let answer = send(browser.post(format!("{url}/authorize")).form(&form)).await;
    let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let (_, code) = location.query_pairs().find(|(name, _)| name == "code").unwrap();
    let token = browser.post(format!("{url}/token"));
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubectl-login"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let granted = Said::by(send(token.try_clone().unwrap().form(&exchange)).await).await.body;
    let refresh = granted["refresh_token"].as_str().unwrap();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "kubectl-login"),
        ("refresh_token", refresh),
    ];
    let renewed = Said::by(send(token.try_clone().unwrap().form(&fields)).await).await.body;
    let form = [("grant_type", "client_credentials")];
    let machine = token.form(&form).basic_auth("ci", Some(machine_secret));
    let machine = Said::by(send(machine).await).await.body;

    let id_token = renewed["id_token"].as_str().unwrap();
    let access_token = machine["access_token"].as_str().unwrap();
    let opaque = format!("opaque-token-{}", &refresh[4..]);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {CALLER}").parse().unwrap());
    let caller = client().default_headers(headers).build().unwrap();
    for (token, username) in
        [(id_token, "alice"), (access_token, "client:ci"), (opaque.as_str(), "as:jane")]
    {
        // Once judged, once from the cache.
        for _ in 0..2 {
            assert_eq!(ask(&caller, url, token).await.username(), Some(username));
        }
    }
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    shown.add("code", &code);
    shown.add("refresh token", refresh);
    shown.add("second refresh token", renewed["refresh_token"].as_str().unwrap());
    shown.add("ID token", &signature(id_token));
    shown.add("access token", &signature(access_token));
    shown.add("opaque token", &opaque);
}

/// Pieces of secrets, each with a name.
#[derive(Default)]
struct Shown(Vec<(&'static str, Vec<u8>)>);

impl Shown {
    fn add(&mut self, name: &'static str, secret: &str) {
        for form in forms(secret) {
            let form = form.as_bytes();
            let size = PIECE.min(form.len());
            for begin in [0, (form.len() - size) / 2, form.len() - size] {
                self.0.push((name, form[begin..begin + size].to_vec()));
            }
        }
    }

    /// The names of those that are in the writable memory of the process: heap, stacks, variables.
    fn found_in(&self, process: u32) -> io::Result<BTreeSet<&'static str>> {
        let memory = File::open(format!("/proc/{process}/mem"))?;
        let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
        // Most positions are ruled out by their first two bytes.
        let mut begins = vec![false; 1 << 16];
        let begin = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
        for (_, piece) in &self.0 {
            begins[begin(piece)] = true;
        }
        let mut found = BTreeSet::new();
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            // Some ranges belong to the kernel and cannot be read.
            if !rest.starts_with("rw") || memory.read_exact_at(&mut bytes, from).is_err() {
                continue;
            }
            for (page, content) in bytes.chunks(PAGE).enumerate() {
                if content == [0; PAGE] {
                    continue;
                }
                for place in page * PAGE..page * PAGE + content.len() {
                    let rest = &bytes[place..];
                    if 2 <= rest.len() && begins[begin(rest)] {
                        let here = self.0.iter().filter(|(_, piece)| rest.starts_with(piece));
                        found.extend(here.map(|(name, _)| *name));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// Without root the test may not read another process: reports that, and fails in CI, where no test
/// may be left out.
fn leave_out(fault: &io::Error) {
    let line = format!("what_was_only_shown_is_not_kept: no look into a process: {fault}\n");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "left out: {line}");
    let told = match std::env::var_os("LOGIN_TEST_SKIPPED") {
        Some(path) => OpenOptions::new()
            .append(true)
            .create(true)
            .open(Path::new(&path))
            .and_then(|mut file| file.write_all(line.as_bytes())),
        // Not through the macros, whose output the harness captures.
        None => io::stderr().write_all(format!("skipped {line}").as_bytes()),
    };
    told.unwrap();
}
