//! Files that change under a running server: certificates, client CA, configuration, tokens.
//! Never waits for a fixed time: each case waits for its condition, with a bound.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write files in every way a file can be written"
)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use login_server::{
    callers::Tokens,
    config::{ServerConfig, load::load, running::Running},
    evidence::result_cache::ResultCacheSettings,
    reload::{ConfigurationFiles, PollInterval, Watched},
    start::Services,
    system::tracked_files::TrackedFiles,
    telemetry::audit::AuditSettings,
    tls::{self, ClientCertificate, ServingTls, TlsFiles},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::time::timeout;

use crate::support::{
    IssuerElsewhere, Pki, Said, TestServer, ask, config, plain_client, question, until,
};

const QUICK: PollInterval =
    PollInterval { glance: Duration::from_millis(20), read: Duration::from_millis(500) };

/// An `AuthenticationConfiguration` that accepts these issuers.
pub(crate) fn accepting(issuers: &[&IssuerElsewhere]) -> String {
    let entry = |issuer: &&IssuerElsewhere| {
        let authority = issuer.pki.authority_pem.trim_end().replace('\n', "\n        ");
        format!(
            "- issuer:\n    url: {}\n    audiences: [cluster]\n    certificateAuthority: |\n        \
             {authority}\n  claimMappings: {{username: {{claim: sub, prefix: \"ext:\"}}}}\n",
            issuer.url,
        )
    };
    let entries: String = issuers.iter().map(entry).collect();
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n{entries}"
    )
}

/// A server that watches the `AuthenticationConfiguration` at `path`.
fn watching(path: &Path) -> ServerConfig {
    watching_both(None, path)
}

pub(crate) fn watching_both(own: Option<&Path>, path: &Path) -> ServerConfig {
    let files = TrackedFiles::default();
    let loaded = load(&files, own, Some(path)).unwrap();
    let running = Running {
        issuer: None,
        result_cache: ResultCacheSettings::default(),
        audit: AuditSettings::default(),
        traces: None,
    };
    let mut config = config(Vec::new());
    config.bundle.policy = loaded.bundle.policy;
    config.watched = Watched {
        configuration: Some(ConfigurationFiles {
            configuration: own.map(Path::to_owned),
            authentication: Some(path.to_owned()),
            revocations: loaded.revocations_file,
            running,
            seen: files.into_seen(),
        }),
        interval: QUICK,
        ..Watched::default()
    };
    config
}

pub(crate) async fn readiness(server: &TestServer) -> (u16, String) {
    let url = format!("{}/readyz?verbose", server.health_url);
    let said = plain_client().get(url).send().await.unwrap();
    (said.status().as_u16(), said.text().await.unwrap())
}

pub(crate) fn is_bob(said: &Said) -> bool {
    said.username() == Some("ext:bob")
}

#[tokio::test]
async fn a_new_configuration_comes_into_force_and_a_wrong_one_does_not() {
    let (one, two) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&one])).unwrap();
    let server = TestServer::start(watching(&path)).await;
    let client = plain_client();
    let says = async |token: &str| ask(&client, &server.url, token).await;
    assert!(is_bob(&says(&one.token()).await) && says(&two.token()).await.is_refusal());

    fs::write(&path, accepting(&[&one, &two])).unwrap();
    // A new token each time, so that no cached answer is returned.
    until("the second issuer", async || is_bob(&says(&two.token()).await)).await;
    assert!(is_bob(&says(&one.token()).await));

    // Half a file, as an editor leaves it for a moment.
    let whole = accepting(&[&two]);
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    until("the fault is told", async || readiness(&server).await.1.contains("[!] configuration"))
        .await;
    assert_eq!(readiness(&server).await.0, 200);
    assert!(is_bob(&says(&one.token()).await) && is_bob(&says(&two.token()).await));
    fs::write(&path, &whole).unwrap();
    until("the first issuer is gone", async || says(&one.token()).await.is_refusal()).await;
    assert!(is_bob(&says(&two.token()).await));
    assert!(!readiness(&server).await.1.contains("[!] configuration"));

    // Deleted, and unreadable: nothing changes.
    fs::remove_file(&path).unwrap();
    until("the fault is told", async || readiness(&server).await.1.contains("[!] configuration"))
        .await;
    assert!(is_bob(&says(&two.token()).await));
    fs::write(&path, &whole).unwrap();
    until("all is well", async || !readiness(&server).await.1.contains("[!] configuration")).await;
}

#[tokio::test]
async fn files_that_a_configuration_names_are_watched_too() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (tokens, revoked) = (place("tokens.csv"), place("revoked.yaml"));
    fs::write(place("authentication.yaml"), accepting(&[&issuer])).unwrap();
    let own = |more: &str| {
        format!(
            "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
             staticTokens: {{file: {}}}\nrevocations: {{file: {}}}\n{more}",
            tokens.display(),
            revoked.display()
        )
    };
    fs::write(place("own.yaml"), own("")).unwrap();
    fs::write(&tokens, "old-0123456789abcdefghij,robot,1\n").unwrap();
    fs::write(&revoked, "[]\n").unwrap();
    let server =
        TestServer::start(watching_both(Some(&place("own.yaml")), &place("authentication.yaml")))
            .await;
    let client = plain_client();
    let says = async |token: &str| ask(&client, &server.url, token).await;
    let token = issuer.token();
    assert!(is_bob(&says(&token).await));
    assert_eq!(says("old-0123456789abcdefghij").await.username(), Some("robot"));

    fs::write(&tokens, "new-0123456789abcdefghij,robot,1\n").unwrap();
    until("the new token", async || {
        says("new-0123456789abcdefghij").await.username() == Some("robot")
    })
    .await;
    assert!(says("old-0123456789abcdefghij").await.is_refusal());
    // The earlier answer is cached, and must not be returned.
    fs::write(&revoked, format!("- {{issuer: \"{}\", jti: j1}}\n", issuer.url)).unwrap();
    until("the revocation", async || says(&token).await.is_refusal()).await;
    assert!(is_bob(&says(&issuer.token_with("jti", "j2".into())).await));

    // Settings that need a restart keep their values, and the rest of the file takes effect.
    fs::write(
        place("own.yaml"),
        own("resultCache: {maxBytes: 0}\nissuer: {url: \"https://x.example\"}\n"),
    )
    .unwrap();
    fs::write(&revoked, "[]\n").unwrap();
    until("the end of the revocation", async || is_bob(&says(&token).await)).await;
    let said = client.get(format!("{}/jwks", server.url)).send().await.unwrap();
    assert_eq!(said.status().as_u16(), 404);
}

/// Two issuers, of which one is accepted at first, and a list that revokes nothing.
struct Revoking {
    one: IssuerElsewhere,
    two: IssuerElsewhere,
    folder: tempfile::TempDir,
    server: TestServer,
}

impl Revoking {
    async fn start() -> Self {
        let (one, two) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("authentication.yaml"), accepting(&[&one])).unwrap();
        fs::write(place("list.yaml"), "[]\n").unwrap();
        let own = Self::naming(folder.path(), Some("list.yaml"));
        fs::write(place("own.yaml"), own).unwrap();
        let (own, kubernetes) = (place("own.yaml"), place("authentication.yaml"));
        let server = TestServer::start(watching_both(Some(&own), &kubernetes)).await;
        Self { one, two, folder, server }
    }

    /// The configuration that names `list`.
    fn naming(folder: &Path, list: Option<&str>) -> String {
        let key =
            list.map(|list| format!("revocations: {{file: {}}}\n", folder.join(list).display()));
        let head = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
        format!("{head}{}", key.unwrap_or_default())
    }

    fn name(&self, list: Option<&str>) {
        self.write("own.yaml", &Self::naming(self.folder.path(), list));
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Whether the token of the first issuer with this `jti` is good.
    async fn is_good(&self, jti: &str) -> bool {
        let token = self.one.token_with("jti", jti.into());
        is_bob(&ask(&plain_client(), &self.server.url, &token).await)
    }

    async fn tells(&self, line: &str) {
        until(line, async || readiness(&self.server).await.1.contains(line)).await;
    }
}

#[tokio::test]
async fn a_revocation_counts_although_another_file_has_a_fault() {
    let revoking = Revoking::start().await;
    // This answer is in the cache.
    let token = revoking.one.token();
    let says = async || ask(&plain_client(), &revoking.server.url, &token).await;
    assert!(is_bob(&says().await) && is_bob(&says().await));
    revoking.write("authentication.yaml", "kind: [");
    revoking.tells("[!] configuration").await;
    revoking.write("list.yaml", "- {jti: j1}\n");
    until("the revocation", async || says().await.is_refusal()).await;
    revoking.tells("[+] revocations ok").await;
    revoking.tells("[!] configuration").await;
    assert!(revoking.is_good("j2").await);
    // The configuration is repaired, and the revocation made meanwhile stays in force.
    revoking.write("authentication.yaml", &accepting(&[&revoking.one, &revoking.two]));
    let two = revoking.two.token_with("jti", "j2".into());
    let client = plain_client();
    until("two", async || is_bob(&ask(&client, &revoking.server.url, &two).await)).await;
    assert!(says().await.is_refusal());
}

#[tokio::test]
async fn a_faulty_list_leaves_the_last_one_in_force_and_holds_nothing_up() {
    let revoking = Revoking::start().await;
    revoking.write("list.yaml", "- {jti: j1}\n");
    until("the revocation", async || !revoking.is_good("j1").await).await;
    for faulty in ["- {jti: j1}\n- {}\n", "- {jti: j1", "\u{0}", ""] {
        revoking.write("list.yaml", faulty);
        revoking.tells("[!] revocations").await;
        revoking.write("authentication.yaml", &accepting(&[&revoking.one, &revoking.two]));
        let two = revoking.two.token_with("jti", "j2".into());
        let client = plain_client();
        until("two", async || is_bob(&ask(&client, &revoking.server.url, &two).await)).await;
        assert!(!revoking.is_good("j1").await && revoking.is_good("j2").await, "{faulty:?}");
        revoking.tells("[+] configuration ok").await;
        revoking.tells("[!] revocations").await;
        revoking.write("authentication.yaml", &accepting(&[&revoking.one]));
        until("one", async || ask(&client, &revoking.server.url, &two).await.is_refusal()).await;
        revoking.write("list.yaml", "- {jti: j1}\n");
        revoking.tells("[+] revocations ok").await;
    }
    fs::remove_file(revoking.folder.path().join("list.yaml")).unwrap();
    revoking.tells("[!] revocations").await;
    assert!(!revoking.is_good("j1").await && revoking.is_good("j2").await);
    revoking.write("list.yaml", "[]\n");
    until("the end of the revocation", async || revoking.is_good("j1").await).await;
}

#[tokio::test]
async fn a_configuration_may_name_another_list_and_none() {
    let revoking = Revoking::start().await;
    revoking.write("list.yaml", "- {jti: j1}\n");
    until("the list", async || !revoking.is_good("j1").await).await;
    // A new list must be valid; otherwise the old one stays, with all other settings.
    revoking.write("other.yaml", "- {}\n");
    revoking.name(Some("other.yaml"));
    revoking.tells("[!] configuration").await;
    assert!(!revoking.is_good("j1").await && revoking.is_good("j2").await);
    revoking.write("other.yaml", "- {jti: j2}\n");
    until("the other", async || !revoking.is_good("j2").await).await;
    assert!(revoking.is_good("j1").await);
    // From now on the server watches the other list, and not the first one.
    revoking.write("list.yaml", "- {jti: j3}\n");
    revoking.write("other.yaml", "- {jti: j4}\n");
    until("its change", async || !revoking.is_good("j4").await).await;
    assert!(revoking.is_good("j2").await && revoking.is_good("j3").await);
    revoking.write("authentication.yaml", "kind: [");
    revoking.tells("[!] configuration").await;
    revoking.write("other.yaml", "- {jti: j5}\n");
    until("its next change", async || !revoking.is_good("j5").await).await;
    revoking.write("authentication.yaml", &accepting(&[&revoking.one]));
    revoking.name(None);
    until("none", async || revoking.is_good("j5").await).await;
    until("nothing to tell", async || !readiness(&revoking.server).await.1.contains("revocations"))
        .await;
}

#[tokio::test]
async fn a_config_map_is_replaced_by_turning_a_link() {
    let (one, two) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    // As the kubelet does: the file is a link into `..data`, which is a link to a folder.
    for (version, issuer) in [("..one", &one), ("..two", &two)] {
        fs::create_dir(place(version)).unwrap();
        fs::write(place(version).join("authentication.yaml"), accepting(&[issuer])).unwrap();
    }
    symlink("..one", place("..data")).unwrap();
    symlink("..data/authentication.yaml", place("authentication.yaml")).unwrap();
    let server = TestServer::start(watching(&place("authentication.yaml"))).await;
    let client = plain_client();
    assert!(is_bob(&ask(&client, &server.url, &one.token()).await));
    symlink("..two", place("..data_tmp")).unwrap();
    fs::rename(place("..data_tmp"), place("..data")).unwrap();
    until("the other issuer", async || is_bob(&ask(&client, &server.url, &two.token()).await))
        .await;
    assert!(ask(&client, &server.url, &one.token()).await.is_refusal());
}

#[tokio::test]
async fn no_request_fails_while_the_configuration_changes() {
    let (one, two) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&one])).unwrap();
    let server = TestServer::start(watching(&path)).await;
    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking = (0..4).map(|number| {
        let (is_over, asked) = (Arc::clone(&is_over), Arc::clone(&asked));
        let (client, url, issuer) = (plain_client(), server.url.clone(), Arc::new(one.token()));
        tokio::spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                let said = ask(&client, &url, &issuer).await;
                assert!(is_bob(&said), "{number}: {said:?}");
                asked.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    let client = plain_client();
    for _ in 0..5 {
        fs::write(&path, accepting(&[&one, &two])).unwrap();
        until("two", async || is_bob(&ask(&client, &server.url, &two.token()).await)).await;
        fs::write(&path, accepting(&[&one])).unwrap();
        until("one", async || ask(&client, &server.url, &two.token()).await.is_refusal()).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for task in asking {
        task.await.unwrap();
    }
    assert!(0 < asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_does_not_hold_a_change_up() {
    let (one, dead) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    dead.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&one])).unwrap();
    let server = TestServer::start(watching(&path)).await;
    let client = plain_client();
    assert!(is_bob(&ask(&client, &server.url, &one.token()).await));
    fs::write(&path, accepting(&[&dead])).unwrap();
    until("the removal", async || ask(&client, &server.url, &one.token()).await.is_refusal()).await;
    assert_eq!(ask(&client, &server.url, &dead.token()).await.status, 503);
    fs::write(&path, accepting(&[&one, &dead])).unwrap();
    until("the return", async || is_bob(&ask(&client, &server.url, &one.token()).await)).await;
    until("the dead one is told", async || {
        let (status, text) = readiness(&server).await;
        status == 200 && text.contains(&format!("[!] issuer {}", dead.url))
    })
    .await;
}

#[tokio::test]
async fn a_thousand_changes_leave_nothing_behind() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        ["a.yaml", "b.yaml"].iter().map(|name| folder.path().join(name)).collect();
    fs::write(&paths[0], accepting(&[&issuer])).unwrap();
    // No server listens there, so its tasks always wait for something.
    let dead = accepting(&[&issuer]).replace(&issuer.url, "https://127.0.0.1:1");
    fs::write(&paths[1], dead).unwrap();
    let read = |path: &Path| load(&TrackedFiles::default(), None, Some(path)).unwrap();
    let mut config = config(Vec::new());
    config.bundle = read(&paths[0]).bundle;
    let configurations = Arc::clone(&Services::new(config).unwrap().main.configurations);
    configurations.current().keys.keep_fresh();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for number in 1..=1_000 {
        configurations.replace(read(&paths[number % 2]).bundle);
    }
    assert_eq!(configurations.current().generation, 1_000);
    until("the tasks of old configurations end", async || tasks() <= before + 10).await;
}

#[tokio::test]
async fn a_file_that_may_not_be_read_any_more_changes_nothing() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&issuer])).unwrap();
    let server = TestServer::start(watching(&path)).await;
    let client = plain_client();
    assert!(is_bob(&ask(&client, &server.url, &issuer.token()).await));
    // The superuser may read every file, but a folder cannot be read as one.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    until("the fault is told", async || readiness(&server).await.1.contains("[!] configuration"))
        .await;
    assert!(is_bob(&ask(&client, &server.url, &issuer.token()).await));
}

/// The certificate that a new connection receives.
async fn shown(address: std::net::SocketAddr, pki: &Pki) -> CertificateDer<'static> {
    let stream = handshake(address, pki, None).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

type Stream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

async fn handshake(
    address: std::net::SocketAddr,
    pki: &Pki,
    version: Option<&'static rustls::SupportedProtocolVersion>,
) -> Result<Stream, std::io::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pki.authority_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = match version {
        Some(version) => builder.with_protocol_versions(&[version]),
        None => builder.with_safe_default_protocol_versions(),
    };
    let mut config = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = tokio::net::TcpStream::connect(address).await?;
    connector.connect("127.0.0.1".try_into().unwrap(), stream).await
}

/// Whether a server refuses a client that supports nothing newer than `version` (`0x0301` is TLS
/// 1.0). rustls supports neither 1.0 nor 1.1, so the hello is written by hand (RFC 4346 §7.4.1.2).
async fn refuses(address: std::net::SocketAddr, version: u16) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let version = version.to_be_bytes();
    let suites = [0xc0, 0x13, 0xc0, 0x14, 0xc0, 0x09, 0xc0, 0x0a, 0x00, 0x2f, 0x00, 0x35];
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    hello.extend([0, 0, u8::try_from(suites.len()).unwrap()]);
    hello.extend(suites);
    hello.extend([1, 0]);
    let length = u16::try_from(hello.len()).unwrap();
    let mut record = vec![22];
    record.extend(version);
    record.extend((length + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend(length.to_be_bytes());
    record.extend(hello);
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(&record).await.unwrap();
    let mut answer = [0; 7];
    match timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.unwrap() {
        // A fatal (2) alert (21), and no ServerHello.
        Ok(_) => answer[0] == 21 && answer[5] == 2,
        Err(_) => true,
    }
}

/// The properties of TLS that must hold at any time.
async fn is_well_configured(address: std::net::SocketAddr, pki: &Pki) {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = handshake(address, pki, Some(version)).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    }
    assert!(refuses(address, 0x0301).await && refuses(address, 0x0302).await);
}

struct Certificates {
    folder: tempfile::TempDir,
    files: TlsFiles,
}

impl Certificates {
    fn new(pki: &Pki, client_authority: Option<(PathBuf, ClientCertificate)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let files =
            TlsFiles { certificate: place("tls.crt"), key: place("tls.key"), client_authority };
        let this = Self { folder, files };
        this.replace(pki.issue());
        this
    }

    fn replace(&self, (certificate, key): (String, String)) {
        fs::write(&self.files.certificate, certificate).unwrap();
        fs::write(&self.files.key, key).unwrap();
    }

    fn serve(&self, config: &mut ServerConfig) {
        let files = TrackedFiles::default();
        let prepared = tls::prepare(&self.files, &files).unwrap();
        config.tls = Some(ServingTls::new(prepared));
        config.watched.tls = Some((self.files.clone(), files.into_seen()));
        config.watched.interval = QUICK;
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[tokio::test]
async fn certificate_and_key_are_replaced_together_when_they_match() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let certificates = Certificates::new(&pki, None);
    let mut config = config(vec![issuer.policy()]);
    certificates.serve(&mut config);
    let server = TestServer::start(config).await;
    is_well_configured(server.address, &pki).await;
    let first = shown(server.address, &pki).await;
    // An earlier connection stays open.
    let client = pki.client().build().unwrap();
    assert!(is_bob(&ask(&client, &server.url, &issuer.token()).await));

    let (certificate, key) = pki.issue();
    fs::write(&certificates.files.certificate, &certificate).unwrap();
    until("the mismatch is told", async || readiness(&server).await.1.contains("[!] tls")).await;
    assert_eq!(shown(server.address, &pki).await, first);
    fs::write(&certificates.files.key, &key).unwrap();
    until("the pair", async || shown(server.address, &pki).await == der(&certificate)).await;
    is_well_configured(server.address, &pki).await;
    assert!(is_bob(&ask(&client, &server.url, &issuer.token()).await));

    for wrong in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        fs::write(&certificates.files.certificate, wrong).unwrap();
        until("told", async || readiness(&server).await.1.contains("[!] tls")).await;
        assert_eq!(shown(server.address, &pki).await, der(&certificate));
        fs::write(&certificates.files.certificate, &certificate).unwrap();
        until("well", async || !readiness(&server).await.1.contains("[!] tls")).await;
    }
    drop(certificates.folder);
    until("their loss is told", async || readiness(&server).await.1.contains("[!] tls")).await;
    assert_eq!(shown(server.address, &pki).await, der(&certificate));
}

#[tokio::test]
async fn a_certificate_out_of_its_time_does_not_replace_one_that_works() {
    let issuer = IssuerElsewhere::start().await;
    for (from, until_year) in [(2000, 2024), (2990, 2999)] {
        let pki = Pki::new();
        let certificates = Certificates::new(&pki, None);
        let mut config = config(vec![issuer.policy()]);
        certificates.serve(&mut config);
        let server = TestServer::start(config).await;
        let first = shown(server.address, &pki).await;
        certificates.replace(pki.issue_between(from, until_year));
        until("told", async || readiness(&server).await.1.contains("[!] tls")).await;
        assert_eq!(shown(server.address, &pki).await, first);
    }
}

#[tokio::test]
async fn another_client_authority_counts_from_the_next_handshake_on() {
    let issuer = IssuerElsewhere::start().await;
    let (pki, next) = (Pki::new(), Pki::new());
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    fs::write(&authority, &pki.authority_pem).unwrap();
    let demand = ClientCertificate::Required;
    let certificates = Certificates::new(&pki, Some((authority.clone(), demand)));
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    certificates.serve(&mut config);
    let server = TestServer::start(config).await;
    let client = |by: &Pki| {
        let (certificate, key) = by.issue();
        let identity =
            reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
        pki.client().identity(identity).build().unwrap()
    };
    let is_served = async |by: &Pki| {
        let asked = client(by)
            .post(format!("{}/authenticate", server.url))
            .header("content-type", "application/json")
            .body(question("v1", &issuer.token(), &[]))
            .send();
        asked.await.is_ok()
    };
    assert!(is_served(&pki).await && !is_served(&next).await);
    fs::write(&authority, &next.authority_pem).unwrap();
    until("the next authority", async || is_served(&next).await).await;
    assert!(!is_served(&pki).await);
}

#[tokio::test]
async fn tokens_of_callers_are_replaced() {
    const OLD: &str = "old-0123456789abcdefghij";
    const NEW: &str = "new-0123456789abcdefghij";
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    fs::write(&path, OLD).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let files = TrackedFiles::default();
    let mut config = config(vec![issuer.policy()]);
    config.caller_tokens = Some(Tokens::read(&path, &files).unwrap());
    config.watched.caller_tokens = Some((path.clone(), files.into_seen()));
    config.watched.interval = QUICK;
    let server = TestServer::start(config).await;
    let client = plain_client();
    let status = async |token: &str| {
        let asked = client
            .post(format!("{}/authenticate", server.url))
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(question("v1", &issuer.token(), &[]))
            .send();
        asked.await.unwrap().status().as_u16()
    };
    assert_eq!((status(OLD).await, status(NEW).await), (200, 401));
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.status, 401);
    fs::write(&path, format!("{OLD}\n{NEW}\n")).unwrap();
    until("both", async || status(NEW).await == 200).await;
    assert_eq!(status(OLD).await, 200);
    fs::write(&path, "short\n").unwrap();
    until("told", async || readiness(&server).await.1.contains("[!] caller_tokens")).await;
    assert_eq!((status(OLD).await, status(NEW).await), (200, 200));
    fs::write(&path, NEW).unwrap();
    until("the new one alone", async || status(OLD).await == 401).await;
    assert_eq!(status(NEW).await, 200);
    // The last token is removed, in each possible way: no token admits a caller any more.
    for nothing in ["", "# none\n", "\n"] {
        fs::write(&path, nothing).unwrap();
        until("none", async || status(NEW).await == 401).await;
        assert_eq!(ask(&client, &server.url, &issuer.token()).await.status, 401);
        fs::write(&path, NEW).unwrap();
        until("the return", async || status(NEW).await == 200).await;
    }
}

#[tokio::test]
async fn a_client_authority_is_removed_although_the_one_beside_it_has_expired() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    let expired = Pki::expired_authority();
    fs::write(&authority, format!("{}{expired}", pki.authority_pem)).unwrap();
    let demand = ClientCertificate::Required;
    let certificates = Certificates::new(&pki, Some((authority.clone(), demand)));
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    certificates.serve(&mut config);
    let server = TestServer::start(config).await;
    let (certificate, key) = pki.issue();
    let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    let is_served = async || {
        // A new connection each time.
        let client = pki.client().identity(identity.clone()).build().unwrap();
        let asked = client
            .post(format!("{}/authenticate", server.url))
            .header("content-type", "application/json")
            .body(question("v1", &issuer.token(), &[]))
            .send();
        asked.await.is_ok()
    };
    assert!(is_served().await);
    fs::write(&authority, expired).unwrap();
    until("the removal", async || !is_served().await).await;
}
