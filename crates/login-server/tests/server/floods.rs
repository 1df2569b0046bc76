//! What unauthenticated clients cause thousands of times: a few lines in the log, and a count of
//! all.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::{collections::BTreeMap, fs};

use reqwest::{Client, RequestBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    process::Serve,
    secrets::run,
    sign_in::{CHALLENGE, REDIRECT, field},
    support::{PASSWORD, Pki, plain_client, until},
};

/// Requests of each kind.
const FLOOD: usize = 100;

/// Lines of a kind: 20 for each of three intervals of ten seconds, should the host be that slow.
const LINES: usize = 60;

type Fields<'f> = &'f [(&'f str, &'f str)];

/// A form that is refused: the endpoint, the error, and the fields.
const REFUSED: [(&str, &str, Fields<'static>); 10] = [
    ("authorize", "invalid_form", &[("ticket", "forged")]),
    ("device", "invalid_request", &[]),
    ("device", "throttled", &[("user_code", "BCDF-GHJK")]),
    ("device_authorization", "invalid_client", &[("client_id", "nobody")]),
    ("device_authorization", "invalid_request", &[]),
    ("token", "unsupported_grant_type", &[("client_id", "kubectl-login"), ("grant_type", "a")]),
    (
        "token",
        "invalid_grant",
        &[
            ("client_id", "kubectl-login"),
            ("grant_type", "refresh_token"),
            ("refresh_token", "klr_unknown"),
        ],
    ),
    ("token", "invalid_client", &[("client_id", "ci"), ("client_secret", "wrong")]),
    ("revoke", "invalid_client", &[("client_id", "nobody"), ("token", "a")]),
    ("revoke", "unsupported_token_type", &[("client_id", "kubectl-login"), ("token", "a.b.c")]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_by_strangers_fills_no_log_and_each_refusal_is_counted() {
    let pki = Pki::new();
    let path = |name: &str| pki.folder.path().join(name).to_str().unwrap().to_owned();
    let text = format!(
        "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
         issuer: {{url: \"https://login.example.com\"}}\naudit: {{file: {:?}}}\n",
        path("audit.log")
    );
    fs::write(path("own.yaml"), text).unwrap();
    let state = path("state");
    let password = format!("{PASSWORD}\n");
    run(&["user", "add", "alice", "--password-file", "-", "--state-dir", &state], &password);
    let added = run(&["client", "add", "ci", "--state-dir", &state], "");
    let machine_secret = added.lines().next().unwrap();
    drop(pki.server_tls(None));
    let options = [
        ["--config", &path("own.yaml")],
        ["--state-dir", &state],
        ["--listen", "127.0.0.1:0"],
        ["--health-listen", "127.0.0.1:0"],
        ["--tls-cert-file", &path("server.crt")],
        ["--tls-private-key-file", &path("server.key")],
    ];
    let server = Serve::start_with(&[], options.as_flattened());
    let health = server.address("listening for health").await;
    let url = server.address("listening ").await.replace("http:", "https:");
    let site = Site { client: pki.client().build().unwrap(), url };

    let mut expected = BTreeMap::new();
    for (endpoint, error, fields) in REFUSED {
        site.flood(|| site.post(endpoint, fields)).await;
        expected.insert((endpoint, error), FLOOD);
    }
    let json = |path: &str| site.at(path).header("content-type", "application/json").body("{}");
    site.flood(|| json("token")).await;
    expected.insert(("token", "invalid_request"), FLOOD);
    site.flood(|| site.client.get(site.page("nobody", "code"))).await;
    expected.insert(("authorize", "invalid_request"), FLOOD);
    site.flood(|| site.client.get(site.page("kubectl-login", "token"))).await;
    expected.insert(("authorize", "unsupported_response_type"), FLOOD);
    let elsewhere = |request: RequestBuilder| request.header("sec-fetch-site", "cross-site");
    site.flood(|| elsewhere(site.post("authorize", &[("ticket", "a")]))).await;
    expected.insert(("authorize", "cross_site"), FLOOD);

    let page = site.client.get(site.page("kubectl-login", "code")).send().await.unwrap();
    let ticket = field(&page.text().await.unwrap(), "ticket");
    let form = [("ticket", ticket.as_str()), ("username", "alice"), ("password", "wrong")];
    site.flood(|| site.post("authorize", &form)).await;
    expected.insert(("authorize", "throttled"), FLOOD);
    site.flood(|| site.post("authorize", &[("ticket", &ticket), ("decision", "cancel")])).await;
    expected.insert(("authorize", "access_denied"), FLOOD);

    // Unauthenticated requests that the issuer does not refuse: reviews that are not TokenReviews,
    // and failed handshakes.
    site.flood(|| json("authenticate")).await;
    for _ in 0..FLOOD {
        let mut stranger =
            TcpStream::connect(site.url.trim_start_matches("https://")).await.unwrap();
        stranger.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        drop(stranger.read_to_end(&mut Vec::new()).await);
    }

    let metrics = plain_client().get(format!("{health}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let counted: BTreeMap<_, usize> = metrics.lines().filter_map(refusals).collect();
    let mut sums = BTreeMap::new();
    for ((endpoint, error), count) in &counted {
        // A throttled request was refused for another reason a few times before.
        let error = match error.as_str() {
            "unknown_code" | "wrong_credentials" => "throttled",
            error => error,
        };
        *sums.entry((endpoint.as_str(), error)).or_default() += count;
    }
    assert_eq!(sums, expected);
    assert_eq!(counted.len(), expected.len() + 2);

    // The line of the last refusal may not be written yet.
    until("the refusals are told", async || server.log().contains("\"access_denied\"")).await;
    let log = server.log();
    for ((endpoint, error), count) in &counted {
        let kind = format!("refused endpoint=\"{endpoint}\" error=\"{error}\" ");
        let times: Vec<_> = log.lines().filter(|line| line.contains(&kind)).map(times).collect();
        assert!((1..=LINES.min(*count)).contains(&times.len()), "{kind} {times:?}");
        assert!((times.len()..=*count).contains(&times.iter().sum()), "{kind} {times:?}");
    }
    assert!(log.contains("a request is not a TokenReview"), "{log}");
    assert!(log.lines().count() <= (counted.len() + 1) * LINES, "{log}");
    assert!(!log.contains("alice") && !log.contains("nobody"), "{log}");
    // Each successful request is logged.
    let form = [("grant_type", "client_credentials")];
    for _ in 0..FLOOD {
        let request = site.post("token", &form).basic_auth("ci", Some(machine_secret));
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    }
    until("all that was issued is told", async || {
        server.log().matches("tokens issued grant=\"client_credentials\"").count() == FLOOD
    })
    .await;
}

/// The endpoint, error and count in the line, if it has them.
fn refusals(line: &str) -> Option<((String, String), usize)> {
    let rest = line.strip_prefix("login_server_issuer_refusals_total{endpoint=\"")?;
    let (endpoint, rest) = rest.split_once("\",error=\"")?;
    let (error, count) = rest.split_once("\"} ")?;
    Some(((endpoint.to_owned(), error.to_owned()), count.parse().unwrap()))
}

fn times(line: &str) -> usize {
    let (_, rest) = line.split_once("times=").unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

struct Site {
    client: Client,
    url: String,
}

impl Site {
    fn at(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}/{path}", self.url))
    }

    fn post(&self, path: &str, fields: Fields<'_>) -> RequestBuilder {
        self.at(path).form(fields)
    }

    fn page(&self, client: &str, response_type: &str) -> String {
        format!(
            "{}/authorize?client_id={client}&redirect_uri={REDIRECT}&response_type={response_type}\
             &code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.url
        )
    }

    async fn flood(&self, request: impl Fn() -> RequestBuilder) {
        for _ in 0..FLOOD {
            let answer = request().send().await.unwrap();
            assert!(!answer.status().is_server_error(), "{answer:?}");
            answer.bytes().await.unwrap();
        }
    }
}
