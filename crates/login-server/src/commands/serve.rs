//! `serve`: reads and checks everything, binds the sockets, runs until a signal.
//! Never serves the main listener over plain HTTP except on loopback, and never starts with half a
//! configuration.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use login_issuer::Issuer;

use super::{
    administration::{has_no_database, new_database, open_store},
    bind, runtime,
};
use crate::{
    Listeners,
    callers::Tokens,
    config::{Limits, ServerConfig, duration, exposure, load::Loaded, running::Running},
    evidence::key_sets::KeySetIntervals,
    reload::{ConfigurationFiles, Watched},
    report::Failure,
    run,
    start::StartError,
    system::{clock::Clock, descriptors, files, ownership, signals, tracked_files::TrackedFiles},
    telemetry::{self, LogFormat},
    tls::{self, ClientCertificate, ServingTls, TlsFiles},
};

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    files: super::ConfigurationFiles,
    /// Where `/authenticate` and the embedded issuer are served
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are served, in plain HTTP and without authentication
    #[arg(long, value_name = "ADDRESS:PORT")]
    health_listen: Option<SocketAddr>,
    /// The certificate chain in PEM form, the server's own certificate first
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// Demand a client certificate of this authority from callers of `/authenticate`
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    client_ca_file: Option<PathBuf>,
    /// Of those certificates, only the ones with such a common name (CN) count; alternative names
    /// do not, as for kube-apiserver's `--requestheader-allowed-names`
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', requires = "client_ca_file", value_parser = name)]
    client_allowed_names: Vec<String>,
    /// Demand one of the bearer tokens in this file from callers of `/authenticate`; with
    /// `--client-ca-file` either is enough
    #[arg(long, value_name = "FILE")]
    caller_token_file: Option<PathBuf>,
    /// What must survive a restart: key sets, and the embedded issuer's database
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// kube-apiserver's own `--api-audiences`; without it `status.audiences` is left out
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = name)]
    api_audiences: Vec<String>,
    /// Serve plain HTTP, on loopback only
    #[arg(long, conflicts_with = "tls_cert_file")]
    insecure_http: bool,
    /// After SIGTERM, say "not ready" for so long before connections are refused, such as
    /// `10s` [default: 5s with `--health-listen`, else 0s]
    #[arg(long, value_name = "TIME", value_parser = delay)]
    shutdown_delay: Option<Duration>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let files = TrackedFiles::default();
        let loaded = self.files.load_through(&files)?;
        if loaded.accepts_nobody() {
            return Err(Failure::configuration(
                "no issuer and no other source of tokens is configured",
            )
            .hint("a running server goes on without one; a starting one has nothing to do"));
        }
        let mut watched = Watched {
            configuration: Some(ConfigurationFiles {
                configuration: self.files.config.clone(),
                authentication: self.files.authentication_config.clone(),
                revocations: loaded.revocations_file.clone(),
                running: Running {
                    issuer: loaded.issuer.clone(),
                    result_cache: loaded.result_cache,
                    audit: loaded.audit.clone(),
                    traces: loaded.traces.clone(),
                },
                seen: files.into_seen(),
            }),
            ..Watched::default()
        };
        let caller_tokens = self.caller_tokens(&mut watched)?;
        let client_certificate = match (&self.client_ca_file, &loaded.issuer) {
            (None, _) => ClientCertificate::NotAsked,
            (Some(_), None) if caller_tokens.is_none() => ClientCertificate::Required,
            (Some(_), _) => ClientCertificate::RequiredForReviews,
        };
        let tls = self.tls(client_certificate, &mut watched)?;
        let is_new =
            loaded.issuer.is_some() && self.state_dir.as_deref().is_some_and(has_no_database);
        let issuer = self.issuer(&loaded)?;
        if let Some(folder) = &self.state_dir {
            files::make_private_folder(folder).map_err(|fault| {
                Failure::runtime("could not use the state folder").because(&fault).hint(
                    ownership::mend(folder).unwrap_or_else(|| "check `--state-dir`".to_owned()),
                )
            })?;
        }
        let _logging = telemetry::start(self.log_format);
        if let Some(folder) = self.state_dir.as_deref().filter(|_| is_new) {
            tracing::warn!("{}", new_database(folder));
        }
        let is_guarded =
            client_certificate != ClientCertificate::NotAsked || caller_tokens.is_some();
        if let Some(warning) = exposure::open_to_everybody(self.listen, is_guarded) {
            tracing::warn!("{warning}");
        }
        if let Some(section) = &loaded.issuer
            && let Some(prepared) = tls.as_ref().map(ServingTls::current)
            && let Some(shown) = &prepared.shown
            && let Some(warning) = exposure::not_covered(&section.settings.issuer, shown)
        {
            tracing::warn!("{warning}");
        }
        if self.insecure_http {
            tracing::warn!("serving plain HTTP; tokens and passwords are readable on this machine");
        }
        let config = ServerConfig {
            tls,
            client_certificate,
            caller_tokens,
            bundle: loaded.bundle,
            api_audiences: (!self.api_audiences.is_empty()).then_some(self.api_audiences),
            issuer,
            state_dir: self.state_dir,
            key_set_intervals: KeySetIntervals::default(),
            result_cache: loaded.result_cache,
            audit: loaded.audit,
            traces: loaded.traces,
            limits: Limits {
                shutdown_delay: self.shutdown_delay.unwrap_or_else(|| {
                    // Load balancers and probes need time to see that `/readyz` fails.
                    Duration::from_secs(if self.health_listen.is_some() { 5 } else { 0 })
                }),
                ..Limits::default().within(descriptors::raise_limit())
            },
            clock: Clock::HOST,
            watched,
        };
        let runtime = runtime()?;
        let ended = runtime.block_on(async {
            let signals = signals::listen()
                .map_err(|fault| Failure::runtime("could not watch signals").because(&fault))?;
            let main = bind(self.listen).await?;
            let health = match self.health_listen {
                Some(address) => Some(bind(address).await?),
                None => None,
            };
            run(config, Listeners { main, health }, signals).await.map_err(|fault| match fault {
                StartError::Audit(fault) => Failure::configuration("could not use `audit.file`")
                    .because(&fault)
                    .hint("let this process write there, or name another file"),
                fault => Failure::runtime("could not start").because(&fault),
            })
        });
        // A hanging file system read never ends; dropping the runtime would wait for it.
        runtime.shutdown_timeout(LEFT_FOR_FILES);
        ended
    }

    fn caller_tokens(&self, watched: &mut Watched) -> Result<Option<Tokens>, Failure> {
        let Some(path) = &self.caller_token_file else { return Ok(None) };
        let files = TrackedFiles::default();
        let tokens = Tokens::read(path, &files).map_err(|fault| {
            Failure::configuration("could not read the tokens of callers").because(&fault)
        })?;
        if tokens.is_empty() {
            let path = path.display();
            return Err(Failure::configuration(format!(
                "`--caller-token-file {path}` has no token"
            ))
            .hint("write one of at least 22 characters a line, or leave the option out"));
        }
        watched.caller_tokens = Some((path.clone(), files.into_seen()));
        Ok(Some(tokens))
    }

    fn tls(
        &self,
        client_certificate: ClientCertificate,
        watched: &mut Watched,
    ) -> Result<Option<ServingTls>, Failure> {
        let (Some(certificate), Some(key)) = (&self.tls_cert_file, &self.tls_private_key_file)
        else {
            if !self.insecure_http {
                return Err(Failure::configuration("there is no certificate to serve TLS with")
                    .hint("give `--tls-cert-file` and `--tls-private-key-file`; for a try on this machine there is `login-server dev`"));
            }
            if !self.listen.ip().is_loopback() {
                let address = self.listen;
                return Err(Failure::configuration(format!(
                    "`--insecure-http` is for loopback only, and `--listen {address}` is not"
                )));
            }
            return Ok(None);
        };
        let place = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authority: self.client_ca_file.clone().map(|path| (path, client_certificate)),
        };
        let files = TrackedFiles::default();
        let prepared = tls::prepare(&place, &files)
            .map_err(|fault| Failure::configuration("could not prepare TLS").because(&fault))?;
        watched.tls = Some((place, files.into_seen()));
        Ok(Some(ServingTls::new(prepared).allowing(self.client_allowed_names.clone())))
    }

    fn issuer(&self, loaded: &Loaded) -> Result<Option<Arc<Issuer>>, Failure> {
        let Some(section) = &loaded.issuer else { return Ok(None) };
        let Some(folder) = &self.state_dir else {
            return Err(Failure::configuration(
                "the embedded issuer needs a place for its database",
            )
            .hint("give `--state-dir`"));
        };
        let store = open_store(folder)?;
        Issuer::open(section.settings.clone(), Box::new(store), Clock::HOST.now())
            .map(|issuer| Some(Arc::new(issuer)))
            .map_err(|fault| {
                Failure::runtime("could not start the embedded issuer").because(&fault)
            })
    }
}

/// How long file reads and writes may take after the last response.
const LEFT_FOR_FILES: Duration = Duration::from_secs(2);

/// Longer than any sensible grace period.
const LONGEST_DELAY: Duration = Duration::from_mins(10);

/// An item of a list; it is empty if a shell variable has no value.
fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("must not be empty; leave the option out where there is nothing".to_owned());
    }
    Ok(text.to_owned())
}

fn delay(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Some(delay) if delay <= LONGEST_DELAY => Ok(delay),
        Some(_) => Err("is longer than 10m".to_owned()),
        None => Err("is not a duration such as `0s`, `5s` or `1m`".to_owned()),
    }
}
