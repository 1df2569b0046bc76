//! What the tests share: certificates, a server, a fake issuer, reviews and tokens.
//! Never asserts what the server does: the tests do.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use login_common::{Secret, UnixTime, names::IssuerUrl};
use login_issuer::{Issuer, NewClient, NewUser, store::SqliteStore};
use login_protocols::jose::{SigningKey, public_key_set};
use login_review::{ClaimMapping, Guard, IssuerPolicy, Policy, PrefixedClaim};
use login_server::{
    Listeners,
    config::{
        Bundle, Limits, ServerConfig, document::IssuerSection, load::embedded_policy, published,
    },
    evidence::{key_sets::KeySetIntervals, result_cache::ResultCacheSettings},
    reload::Watched,
    run,
    serve::{Answering, Arriving, Caller, Phase, serve},
    system::{
        clock::Clock,
        files::{Readers, write},
        signals::Signal,
        tracked_files::TrackedFiles,
    },
    telemetry::audit::AuditSettings,
    tls::{self, ClientCertificate, ServingTls, TlsFiles},
};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// An authority and certificates that it signed, as files.
pub(crate) struct Pki {
    pub(crate) folder: tempfile::TempDir,
    authority: rcgen::Issuer<'static, KeyPair>,
    pub(crate) authority_pem: String,
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::counting_until(4096)
    }

    /// An authority whose own certificate expires at the beginning of `year`.
    pub(crate) fn counting_until(year: i32) -> Self {
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority_pem = params.self_signed(&key).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("ca.crt"), authority_pem.as_bytes(), Readers::Everyone).unwrap();
        Self { folder, authority: rcgen::Issuer::new(params, key), authority_pem }
    }

    /// Another authority, which has expired.
    pub(crate) fn expired_authority() -> String {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    /// One whose authority is the server's own certificate, as `openssl req -x509` makes it.
    pub(crate) fn of_itself() -> (Self, ServingTls) {
        let mut pki = Self::new();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        let key = KeyPair::generate().unwrap();
        pki.authority_pem = params.self_signed(&key).unwrap().pem();
        let tls = pki.serving(&pki.authority_pem, &key.serialize_pem(), None);
        (pki, tls)
    }

    pub(crate) fn authority_file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Certificate and key in PEM form, for 127.0.0.1, for server and client use.
    pub(crate) fn issue(&self) -> (String, String) {
        self.issue_until(4096)
    }

    pub(crate) fn issue_until(&self, year: i32) -> (String, String) {
        self.issue_between(2000, year)
    }

    pub(crate) fn issue_between(&self, from: i32, until: i32) -> (String, String) {
        self.issued(CertificateParams::default(), from, until)
    }

    /// A certificate with this common name.
    pub(crate) fn issue_to(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        self.issued(params, 2000, 4096)
    }

    fn issued(&self, mut params: CertificateParams, from: i32, until: i32) -> (String, String) {
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.authority).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn server_tls(
        &self,
        client_authority: Option<(&Path, ClientCertificate)>,
    ) -> ServingTls {
        let (certificate, key) = self.issue();
        self.serving(&certificate, &key, client_authority)
    }

    fn serving(
        &self,
        certificate: &str,
        key: &str,
        client_authority: Option<(&Path, ClientCertificate)>,
    ) -> ServingTls {
        let place = |name: &str| self.folder.path().join(name);
        write(&place("server.crt"), certificate.as_bytes(), Readers::Everyone).unwrap();
        write(&place("server.key"), key.as_bytes(), Readers::OwnerOnly).unwrap();
        let files = TlsFiles {
            certificate: place("server.crt"),
            key: place("server.key"),
            client_authority: client_authority.map(|(path, demand)| (path.to_owned(), demand)),
        };
        ServingTls::new(tls::prepare(&files, &TrackedFiles::default()).unwrap())
    }

    /// A client that trusts this authority only, and follows no redirect.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.authority_pem.as_bytes()).unwrap();
        reqwest::Client::builder()
            .tls_certs_only([root])
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .no_proxy()
    }
}

/// A server under test; it stops when dropped.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) health_url: String,
    pub(crate) address: SocketAddr,
    signals: Option<mpsc::Sender<Signal>>,
    running: JoinHandle<()>,
}

impl TestServer {
    /// Starts `config` on ports of its own.
    pub(crate) async fn start(config: ServerConfig) -> Self {
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::start_on(config, main).await
    }

    pub(crate) async fn start_on(config: ServerConfig, main: TcpListener) -> Self {
        let health = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = main.local_addr().unwrap();
        let health_url = format!("http://{}", health.local_addr().unwrap());
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let (signals, heard) = mpsc::channel(8);
        let running = tokio::spawn(async move {
            let listeners = Listeners { main, health: Some(health) };
            run(config, listeners, heard).await.unwrap();
        });
        let url = format!("{scheme}://{address}");
        Self { url, health_url, address, signals: Some(signals), running }
    }

    /// Sends the stop signal; the server drains.
    pub(crate) fn signal(&mut self) {
        drop(self.signals.take());
    }

    pub(crate) async fn send(&self, signal: Signal) {
        self.signals.as_ref().unwrap().send(signal).await.unwrap();
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) {
        self.running.await.unwrap();
    }

    /// Sends the stop signal and waits until the server has ended.
    pub(crate) async fn stop(mut self) {
        self.signal();
        self.running.await.unwrap();
    }

    /// What Prometheus would get.
    pub(crate) async fn metrics(&self) -> String {
        let response = plain_client().get(format!("{}/metrics", self.health_url)).send().await;
        response.unwrap().text().await.unwrap()
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_finished()
    }
}

/// A configuration for `issuers`, over plain HTTP.
pub(crate) fn config(issuers: Vec<IssuerPolicy>) -> ServerConfig {
    ServerConfig {
        tls: None,
        client_certificate: ClientCertificate::NotAsked,
        caller_tokens: None,
        bundle: Bundle {
            policy: Policy::new(issuers, Guard::default()),
            remotes: Vec::new(),
            published_client: None,
        },
        api_audiences: None,
        issuer: None,
        state_dir: None,
        key_set_intervals: KeySetIntervals {
            interval: Duration::from_millis(300),
            first_back_off: Duration::from_millis(100),
            longest_back_off: Duration::from_millis(200),
            timeout: Duration::from_secs(5),
            ..KeySetIntervals::default()
        },
        result_cache: ResultCacheSettings::default(),
        audit: AuditSettings::default(),
        traces: None,
        limits: Limits::default(),
        clock: CLOCK,
        watched: Watched::default(),
    }
}

/// A server with the embedded issuer, user `alice` and client `ci`, over TLS.
pub(crate) struct EmbeddedServer {
    pub(crate) server: TestServer,
    pub(crate) pki: Pki,
    pub(crate) client: reqwest::Client,
    pub(crate) machine_secret: Secret,
}

impl EmbeddedServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(SqliteStore::in_memory().unwrap()).await
    }

    pub(crate) async fn start_with(store: SqliteStore) -> Self {
        Self::start_changed(store, |_, _| ()).await
    }

    /// The same with another configuration, which may name the issuer.
    pub(crate) async fn start_changed(
        store: SqliteStore,
        change: impl FnOnce(&mut ServerConfig, &IssuerSection),
    ) -> Self {
        let pki = Pki::new();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", main.local_addr().unwrap());
        let mut section = IssuerSection::new(IssuerUrl::parse(&url).unwrap());
        section.settings.device_poll_interval = Duration::from_secs(1);
        let issuer = Issuer::open(section.settings.clone(), Box::new(store), CLOCK.now()).unwrap();
        let user = NewUser {
            name: "alice".to_owned(),
            password: Secret::new(PASSWORD),
            groups: vec!["developers".to_owned()],
        };
        issuer.administration().add_user(&user, CLOCK.now()).unwrap();
        let machine = NewClient {
            id: login_common::names::ClientId::parse("ci").unwrap(),
            groups: vec!["deployers".to_owned()],
        };
        let (_, machine_secret) =
            issuer.administration().add_client(&machine, CLOCK.now()).unwrap();
        let mut config = config(vec![embedded_policy(&section)]);
        config.tls = Some(pki.server_tls(None));
        config.issuer = Some(Arc::new(issuer));
        config.bundle.published_client = published::of_embedded(&section.settings.issuer);
        change(&mut config, &section);
        let client = pki.client().build().unwrap();
        let server = TestServer::start_on(config, main).await;
        Self { server, pki, client, machine_secret }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }
}

/// An OpenID provider's discovery document and keys, served over https.
pub(crate) struct IssuerElsewhere {
    pub(crate) url: String,
    pub(crate) pki: Pki,
    pub(crate) shown: Arc<Shown>,
    key: SigningKey,
    phase: watch::Sender<Phase>,
}

/// What the issuer serves, and how often it was asked.
pub(crate) struct Shown {
    url: String,
    key_set: Mutex<(StatusCode, Vec<u8>)>,
    discovery: Mutex<Option<Value>>,
    delay: Mutex<Duration>,
    headers: Mutex<http::HeaderMap>,
    moved: Mutex<Vec<(&'static str, String)>>,
    other: Mutex<Option<(&'static str, String)>>,
    held: watch::Sender<bool>,
    pub(crate) begun: AtomicUsize,
    pub(crate) key_set_requests: AtomicUsize,
    pub(crate) unchanged_answers: AtomicUsize,
}

impl Shown {
    pub(crate) fn show(&self, status: StatusCode, key_set: impl Into<Vec<u8>>) {
        *self.key_set.lock().unwrap() = (status, key_set.into());
    }

    pub(crate) fn show_keys(&self, keys: &[&SigningKey]) {
        self.show(StatusCode::OK, public_key_set(keys).to_string());
    }

    pub(crate) fn show_discovery(&self, document: Value) {
        *self.discovery.lock().unwrap() = Some(document);
    }

    /// Sets the headers of key sets. With `etag`, a client that has that version receives 304.
    pub(crate) fn show_headers(&self, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        });
        *self.headers.lock().unwrap() = headers.collect();
    }

    /// Redirects requests for `path`; what was at a path is also below `/moved`.
    pub(crate) fn move_away(&self, path: &'static str, to: impl Into<String>) {
        self.moved.lock().unwrap().push((path, to.into()));
    }

    /// Serves `document` at one more path.
    pub(crate) fn show_at(&self, path: &'static str, document: String) {
        *self.other.lock().unwrap() = Some((path, document));
    }

    pub(crate) fn wait_before_answering(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// Holds all answers back until they are released.
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Waits until the first request has arrived; its answer may still be held back.
    pub(crate) async fn is_asked(&self) {
        until("the issuer is asked", async || self.begun.load(Ordering::SeqCst) > 0).await;
    }

    pub(crate) fn requests(&self) -> usize {
        self.key_set_requests.load(Ordering::SeqCst)
    }
}

impl Answering for Shown {
    async fn answer(
        self: Arc<Self>,
        _: Caller,
        request: Request<Arriving>,
    ) -> Response<Full<Bytes>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        self.held.subscribe().wait_for(|held| !held).await.unwrap();
        let path = request.uri().path();
        let moved = self.moved.lock().unwrap().iter().find(|(from, _)| *from == path).cloned();
        if let Some((_, to)) = moved {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            let to = http::HeaderValue::from_str(&to).unwrap();
            response.headers_mut().insert(http::header::LOCATION, to);
            return response;
        }
        let path = path.strip_prefix("/moved").unwrap_or(path);
        let (mut status, mut body) = match path {
            "/.well-known/openid-configuration" => {
                let usual = json!({
                    "issuer": self.url,
                    "authorization_endpoint": format!("{}/authorize", self.url),
                    "token_endpoint": format!("{}/token", self.url),
                    "jwks_uri": format!("{}/keys", self.url),
                });
                let document = self.discovery.lock().unwrap().clone().unwrap_or(usual);
                (StatusCode::OK, document.to_string().into_bytes())
            }
            "/keys" => {
                self.key_set_requests.fetch_add(1, Ordering::SeqCst);
                self.key_set.lock().unwrap().clone()
            }
            path => match &*self.other.lock().unwrap() {
                Some((other, document)) if *other == path => {
                    (StatusCode::OK, document.clone().into_bytes())
                }
                _ => (StatusCode::NOT_FOUND, Vec::new()),
            },
        };
        let headers = self.headers.lock().unwrap().clone();
        let known = request.headers().get(http::header::IF_NONE_MATCH);
        if known.is_some() && known == headers.get(http::header::ETAG) {
            self.unchanged_answers.fetch_add(1, Ordering::SeqCst);
            (status, body) = (StatusCode::NOT_MODIFIED, Vec::new());
        }
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        if path == "/keys" {
            *response.headers_mut() = headers;
        }
        if status.is_redirection() {
            let location = http::HeaderValue::from_str(&format!("{}/keys2", self.url)).unwrap();
            response.headers_mut().insert(http::header::LOCATION, location);
        }
        response
    }
}

impl IssuerElsewhere {
    pub(crate) async fn start() -> Self {
        let pki = Pki::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let key = SigningKey::generate().unwrap();
        let shown = Arc::new(Shown {
            url: url.clone(),
            key_set: Mutex::new((StatusCode::OK, public_key_set(&[&key]).to_string().into_bytes())),
            discovery: Mutex::default(),
            delay: Mutex::default(),
            headers: Mutex::default(),
            moved: Mutex::default(),
            other: Mutex::default(),
            held: watch::Sender::new(false),
            begun: AtomicUsize::new(0),
            key_set_requests: AtomicUsize::new(0),
            unchanged_answers: AtomicUsize::new(0),
        });
        let (phase, watching) = watch::channel(Phase::Serving);
        let tls = pki.server_tls(None);
        let answering = Arc::clone(&shown);
        tokio::spawn(serve(listener, Some(tls), CLOCK, Limits::default(), answering, watching));
        Self { url, pki, shown, key, phase }
    }

    /// Stops: connections are cut and refused from now on.
    pub(crate) async fn stop(&self) {
        self.phase.send_replace(Phase::Cut);
        let address = self.url.trim_start_matches("https://");
        until("no connection is accepted", async || TcpStream::connect(address).await.is_err())
            .await;
    }

    /// The policy: username from `sub`, groups from `groups`, audience `cluster`.
    pub(crate) fn policy(&self) -> IssuerPolicy {
        let claim = |claim: &str, prefix: &str| PrefixedClaim {
            claim: claim.to_owned(),
            prefix: prefix.to_owned(),
        };
        let mapping = ClaimMapping::of_claims(claim("sub", "ext:"), Some(claim("groups", "")));
        let issuer = IssuerUrl::parse(&self.url).unwrap();
        let mut policy = IssuerPolicy::new(issuer, vec!["cluster".to_owned()], mapping);
        policy.certificate_authority_pem = Some(self.pki.authority_pem.clone());
        policy
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Claims of a good token that is valid for ten minutes.
    pub(crate) fn claims(&self) -> Value {
        let now = now();
        json!({"iss": self.url, "sub": "bob", "aud": "cluster", "groups": ["testers"],
               "iat": now, "exp": now + 600, "jti": "j1"})
    }

    pub(crate) fn token(&self) -> String {
        self.key.sign("JWT", &self.claims()).unwrap()
    }

    pub(crate) fn token_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.key.sign("JWT", &claims).unwrap()
    }
}

/// Waits until `condition` holds, for half a minute at most.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "in vain: {what}");
}

/// The host's clock, which `pass` sets forward in the runtime of one test.
pub(crate) const CLOCK: Clock = Clock::reading(|| {
    #[expect(clippy::disallowed_methods, reason = "the same moment by both of the host's clocks")]
    static BEGIN: LazyLock<(Duration, std::time::Instant)> = LazyLock::new(|| {
        (Duration::from_millis(Clock::HOST.milliseconds()), std::time::Instant::now())
    });
    let (since_epoch, begin) = *BEGIN;
    since_epoch + tokio::time::Instant::now().into_std().duration_since(begin)
});

/// Lets `time` pass at once for all that runs in the test's runtime: servers, stubs and clients.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Waits until a server has stored a key set in its state directory `folder`: reviews do not wait
/// for the disk.
pub(crate) async fn key_set_is_stored(folder: &Path) {
    until("the key set is stored", async || {
        let files = std::fs::read_dir(folder.join("key-sets")).into_iter().flatten();
        files.flatten().any(|file| file.path().extension().is_some_and(|kind| kind == "json"))
    })
    .await;
}

pub(crate) fn now() -> i64 {
    CLOCK.now().max(UnixTime::from_seconds(0)).as_seconds()
}

/// A TokenReview as kube-apiserver sends it.
pub(crate) fn question(version: &str, token: &str, audiences: &[&str]) -> String {
    let question = json!({
        "kind": "TokenReview",
        "apiVersion": format!("authentication.k8s.io/{version}"),
        "metadata": {"creationTimestamp": null},
        "spec": {"token": token, "audiences": audiences},
        "status": {"user": {}},
    });
    format!("{question}\n")
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) version: http::Version,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Said {
    pub(crate) async fn by(response: reqwest::Response) -> Self {
        let (status, version) = (response.status().as_u16(), response.version());
        let headers = response.headers().clone();
        let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
        Self { status, version, headers, body }
    }

    pub(crate) fn username(&self) -> Option<&str> {
        self.body["status"]["user"]["username"].as_str()
    }

    /// Whether this is the only form of a definite refusal.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status == 200
            && self.body["kind"] == "TokenReview"
            && self.body["status"] == json!({"authenticated": false})
    }
}

/// Requests a review of `token` at `url`, in v1.
pub(crate) async fn ask(client: &reqwest::Client, url: &str, token: &str) -> Said {
    post(client, url, question("v1", token, &[])).await
}

pub(crate) async fn post(client: &reqwest::Client, url: &str, body: String) -> Said {
    let response = client
        .post(format!("{url}/authenticate?timeout=30s"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    Said::by(response).await
}

/// A client for plain HTTP.
pub(crate) fn plain_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}
