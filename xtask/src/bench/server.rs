//! The webhook under load: repeated, new and garbage tokens, against a bare hyper server that
//! sends the same reply and against raw signature checks. Never server and load on one core: the
//! server has core 0, the load core 1.
//!
//! The unit is replies per second of processor time, which is what one core delivers and what
//! other work on the host affects least.

use super::{
    Effort, distinct,
    load::{self, Protocol},
    table::{Budget, Table},
};
use crate::{
    children::{self, Background},
    dev_server::curl,
    workspace,
};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const CORE: [&str; 3] = ["taskset", "-c", "0"];
const PATIENCE: Duration = Duration::from_mins(5);
/// So small that a token is evicted long before it is sent again.
const NO_CACHE: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\nresultCache: { maxBytes: 65536, ttl: 60s }\n";
const CACHE: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";

/// The configuration of a login-server.
pub(super) struct Service<'a> {
    /// Its own configuration, as text.
    pub(super) configuration: &'a str,
    /// The name of the `AuthenticationConfiguration` among the files of the run.
    pub(super) authentication: &'a str,
}

/// Programs, issuer and files of one run.
pub(super) struct Bench<'a> {
    pub(super) effort: &'a Effort,
    programs: BTreeMap<String, PathBuf>,
    pub(super) scratch: &'a Path,
    /// The issuer must answer when a server starts.
    _issuer: Background,
}

pub(crate) fn measure(effort: &Effort, table: &mut Table) -> Result<()> {
    let mut programs = workspace::build(&["--locked", "--release", "--package", "login-server"])?;
    programs.extend(workspace::build(&[
        "--locked",
        "--release",
        "--package",
        "login-tests",
        "--bin",
        "bare_hyper",
        "--bin",
        "bench_issuer",
        "--bin",
        "raw_signature_checks",
    ])?);
    let scratch = tempfile::Builder::new().prefix("login-server-bench-").tempdir()?;
    eprintln!("making {} tokens of each kind, and {} …", effort.tokens, effort.distinct);
    let issuer = start_issuer(&programs, effort, scratch.path())?;
    let bench = Bench { effort, programs, scratch: scratch.path(), _issuer: issuer };

    let checks = bench.raw_checks()?;
    for (name, tls, protocol) in [
        ("HTTP/1.1", false, Protocol::Http1),
        ("HTTP/2", false, Protocol::Http2),
        ("HTTP/1.1 over TLS", true, Protocol::Http1),
        ("HTTP/2 over TLS", true, Protocol::Http2),
    ] {
        let repeated = bench.repeated()?;
        let [ours, floor] = bench.rates(&plain(CACHE), tls, protocol, &repeated)?;
        table.rate(
            &format!("repeated token, {name}"),
            "bare hyper, same reply",
            [ours, floor],
            Some(Budget::AtLeast(0.8)),
        );
    }
    let mut new_es256 = None;
    for algorithm in ["ES256", "RS256", "PS256"] {
        for (name, tls) in [("HTTP/1.1", false), ("HTTP/1.1 over TLS", true)] {
            let reviews = bench.scratch.join(format!("{algorithm}.reviews"));
            let [ours, floor] = bench.rates(&plain(NO_CACHE), tls, Protocol::Http1, &reviews)?;
            let check =
                checks.get(algorithm).and_then(Value::as_f64).context("no rate of checks")?;
            // One request costs what hyper costs plus what the check costs.
            let composed = 1.0 / (1.0 / floor + 1.0 / check);
            table.rate(
                &format!("new {algorithm} token, {name}"),
                "bare hyper + raw check",
                [ours, composed],
                Some(Budget::AtLeast(0.9)),
            );
            new_es256.get_or_insert(ours);
        }
    }
    let good = new_es256.context("nothing was measured")?;
    let mapped = Service { authentication: "expressions.yaml", ..plain(NO_CACHE) };
    let reviews = bench.scratch.join("ES256.reviews");
    let [ours, _] = bench.rates(&mapped, false, Protocol::Http1, &reviews)?;
    table.rate("new ES256 token, mapped by CEL", "mapped by claims", [ours, good], None);
    let garbage = bench.scratch.join("garbage.reviews");
    let [ours, _] = bench.rates(&plain(NO_CACHE), false, Protocol::Http1, &garbage)?;
    table.rate(
        "garbage tokens, HTTP/1.1",
        "new ES256 token",
        [ours, good],
        Some(Budget::AtLeast(1.0)),
    );
    distinct::measure(&bench, table)
}

/// A login-server whose users are mapped by claims.
pub(super) const fn plain(configuration: &str) -> Service<'_> {
    Service { configuration, authentication: "authentication-config.yaml" }
}

fn start_issuer(
    programs: &BTreeMap<String, PathBuf>,
    effort: &Effort,
    scratch: &Path,
) -> Result<Background> {
    let mut command = Command::new(workspace::program(programs, "bench_issuer")?);
    command.arg(scratch).arg(effort.tokens.to_string()).arg(effort.distinct.to_string());
    let log = scratch.join("bench_issuer.log");
    let (issuer, _) =
        Background::start_and_read_line("bench_issuer", &log, &mut command, PATIENCE)?;
    Ok(issuer)
}

impl Bench<'_> {
    /// Checks per second by algorithm.
    fn raw_checks(&self) -> Result<Value> {
        let mut command = on_core(&workspace::program(&self.programs, "raw_signature_checks")?);
        command.arg((self.effort.seconds * 1000).to_string());
        Ok(serde_json::from_str(&children::text(&mut command)?)?)
    }

    /// A file with one review of a good token.
    fn repeated(&self) -> Result<PathBuf> {
        let reviews = fs::read_to_string(self.scratch.join("ES256.reviews"))?;
        let file = self.scratch.join("repeated.review");
        fs::write(&file, reviews.lines().next().context("no review")?)?;
        Ok(file)
    }

    /// Replies per second of processor time of login-server and of bare hyper, which take turns.
    fn rates(
        &self,
        service: &Service<'_>,
        tls: bool,
        protocol: Protocol,
        bodies: &Path,
    ) -> Result<[f64; 2]> {
        let (server, url) = self.start_server(service, tls)?;
        let (reply, authenticated) = self.ask_once(&url, bodies)?;
        let garbage = bodies.ends_with("garbage.reviews");
        ensure!(authenticated != garbage, "login-server answered {reply}");
        let (floor, floor_url) = self.start_floor(tls, &reply)?;
        let mut sums = [(0.0, 0.0); 2];
        for _ in 0..self.effort.rounds {
            let turns = [(&server, &url), (&floor, &floor_url)];
            for ((answered, seconds), (server, url)) in sums.iter_mut().zip(turns) {
                let before = server.processor_seconds()?;
                let count = load::answered(self.effort, protocol, url, bodies, self.scratch)?;
                *answered += f64::from(count);
                *seconds += server.processor_seconds()? - before;
            }
        }
        Ok(sums.map(|(answered, seconds)| answered / seconds))
    }

    /// Starts one and waits until it accepts a good token.
    pub(super) fn start_server(
        &self,
        service: &Service<'_>,
        tls: bool,
    ) -> Result<(Background, String)> {
        let config_file = self.scratch.join("login-server.yaml");
        fs::write(&config_file, service.configuration)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = on_core(&workspace::program(&self.programs, "login-server")?);
        command
            .arg("serve")
            .arg(format!("--listen=127.0.0.1:{port}"))
            .args(["--health-listen=127.0.0.1:0", "--shutdown-delay=0s"])
            .arg("--config")
            .arg(&config_file)
            .arg("--authentication-config")
            .arg(self.scratch.join(service.authentication))
            .arg("--state-dir")
            .arg(self.scratch.join("state"));
        if tls {
            command.arg("--tls-cert-file").arg(self.scratch.join("tls.crt"));
            command.arg("--tls-private-key-file").arg(self.scratch.join("tls.key"));
        } else {
            command.arg("--insecure-http");
        }
        let log = self.scratch.join("login-server.log");
        let mut server = Background::start("login-server serve", &log, &mut command)?;
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{port}/authenticate");
        // Ready when it accepts a valid token: it has fetched the key sets.
        let good = self.repeated()?;
        server.wait_until(PATIENCE, || self.ask_once(&url, &good).is_ok_and(|(_, yes)| yes))?;
        Ok((server, url))
    }

    fn start_floor(&self, tls: bool, reply: &str) -> Result<(Background, String)> {
        let file = self.scratch.join("reply.json");
        fs::write(&file, reply)?;
        let mut command = on_core(&workspace::program(&self.programs, "bare_hyper")?);
        command.arg(&file);
        if tls {
            command.arg(self.scratch.join("tls.crt")).arg(self.scratch.join("tls.key"));
        }
        let log = self.scratch.join("bare_hyper.log");
        Background::start_and_read_line("bare_hyper", &log, &mut command, PATIENCE)
    }

    /// The reply to the first body of the file, and whether it says authenticated.
    fn ask_once(&self, url: &str, bodies: &Path) -> Result<(String, bool)> {
        let text = fs::read_to_string(bodies)?;
        let body = self.scratch.join("one.review");
        fs::write(&body, text.lines().next().unwrap_or_default())?;
        let mut ask = curl(&self.scratch.join("tls.crt").to_string_lossy());
        ask.args(["--fail-with-body", "--header", "content-type: application/json", "--data"]);
        let reply = children::text(ask.arg(format!("@{}", body.display())).arg(url))?;
        let json: Value = serde_json::from_str(&reply)?;
        match json.pointer("/status/authenticated") {
            Some(Value::Bool(authenticated)) => Ok((reply, *authenticated)),
            None => Ok((reply, false)),
            Some(other) => bail!("`authenticated` is {other}"),
        }
    }
}

fn on_core(program: &Path) -> Command {
    let [launcher, arguments @ ..] = CORE;
    let mut command = Command::new(launcher);
    command.args(arguments).arg(program);
    command
}
