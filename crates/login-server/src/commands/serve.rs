//! `serve`: reads and checks everything, binds the sockets, runs until a signal.
//! Never serves plain HTTP to anybody but this machine, and never starts half configured.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use login_issuer::Issuer;

use super::{ConfigurationFiles, administration::open_store, bind, runtime};
use crate::{
    Listeners,
    config::{Limits, ServerConfig, load::Loaded},
    evidence::key_sets::KeySetPace,
    report::Failure,
    run,
    system::{clock, files, signals},
    telemetry::{self, LogFormat},
    tls::{self, ClientCertificate},
};

#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    files: ConfigurationFiles,
    /// Where `/authenticate` and the embedded issuer are served
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Where `/livez` and `/readyz` are served, in plain HTTP
    #[arg(long, value_name = "ADDRESS:PORT")]
    health_listen: Option<SocketAddr>,
    /// The certificate chain in PEM form, the server's own certificate first
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// Demand a client certificate of this authority from whoever asks `/authenticate`
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    client_ca_file: Option<PathBuf>,
    /// What must survive a restart: key sets, and the embedded issuer's database
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// kube-apiserver's own `--api-audiences`; without it `status.audiences` is left out
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    api_audiences: Vec<String>,
    /// Serve plain HTTP, on loopback only
    #[arg(long, conflicts_with = "tls_cert_file")]
    insecure_http: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let loaded = self.files.load()?;
        let client_certificate = match (&self.client_ca_file, &loaded.issuer) {
            (None, _) => ClientCertificate::NotAsked,
            (Some(_), None) => ClientCertificate::Required,
            (Some(_), Some(_)) => ClientCertificate::RequiredForReviews,
        };
        let tls = self.tls(client_certificate)?;
        let issuer = self.issuer(&loaded)?;
        if let Some(folder) = &self.state_dir {
            files::make_private_folder(folder).map_err(|fault| {
                Failure::runtime("could not use the state folder")
                    .because(&fault)
                    .hint("check `--state-dir`")
            })?;
        }
        let _logging = telemetry::start(self.log_format);
        if self.insecure_http {
            tracing::warn!("serving plain HTTP; tokens and passwords are readable on this machine");
        }
        let config = ServerConfig {
            tls,
            client_certificate,
            policy: loaded.policy,
            api_audiences: (!self.api_audiences.is_empty()).then_some(self.api_audiences),
            issuer,
            published_client: loaded.published_client,
            state_dir: self.state_dir,
            key_set_pace: KeySetPace::default(),
            result_cache: loaded.result_cache,
            audit: loaded.audit,
            limits: Limits::default(),
        };
        runtime()?.block_on(async {
            let shutdown = signals::termination()
                .map_err(|fault| Failure::runtime("could not watch signals").because(&fault))?;
            let main = bind(self.listen).await?;
            let health = match self.health_listen {
                Some(address) => Some(bind(address).await?),
                None => None,
            };
            run(config, Listeners { main, health }, shutdown)
                .await
                .map_err(|fault| Failure::runtime("could not start").because(&fault))
        })
    }

    fn tls(
        &self,
        client_certificate: ClientCertificate,
    ) -> Result<Option<Arc<rustls::ServerConfig>>, Failure> {
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
        let authority = self.client_ca_file.as_deref().map(|path| (path, client_certificate));
        tls::server_config(certificate, key, authority)
            .map(Some)
            .map_err(|fault| Failure::configuration("could not prepare TLS").because(&fault))
    }

    fn issuer(&self, loaded: &Loaded) -> Result<Option<Arc<Issuer>>, Failure> {
        let Some(settings) = &loaded.issuer else { return Ok(None) };
        let Some(folder) = &self.state_dir else {
            return Err(Failure::configuration(
                "the embedded issuer needs a place for its database",
            )
            .hint("give `--state-dir`"));
        };
        let store = open_store(folder)?;
        Issuer::open(settings.clone(), Box::new(store), clock::now())
            .map(|issuer| Some(Arc::new(issuer)))
            .map_err(|fault| {
                Failure::runtime("could not start the embedded issuer").because(&fault)
            })
    }
}
