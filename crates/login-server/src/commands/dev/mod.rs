//! `dev`: authority, certificate, embedded issuer, a user and a client, on loopback, without
//! configuration.
//! Never for production: the authority's key is stored beside the certificate, and passwords in
//! files.
//!
//! `authority` creates the certificates, `people` the user and the client, `files` writes what
//! clients read.

mod authority;
mod files;
mod people;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use login_common::{client_configuration::ClientConfiguration, names::IssuerUrl};
use login_issuer::Issuer;
use login_review::{Guard, Policy};

use self::files::Announcement;
use super::{Output, administration::open_store, bind, runtime};
use crate::{
    Listeners,
    config::{
        Bundle, Limits, ServerConfig, document::IssuerSection, load::embedded_policy, published,
    },
    evidence::{key_sets::KeySetIntervals, result_cache::ResultCacheSettings},
    reload::Watched,
    report::{Failure, print},
    run,
    system::{clock::Clock, files::make_private_folder, signals, tracked_files::TrackedFiles},
    telemetry::{self, LogFormat, audit::AuditSettings},
    tls::{self, ClientCertificate, ServingTls, TlsFiles},
};

#[derive(Args, Debug)]
pub(super) struct Dev {
    /// Where `/authenticate` and the issuer are served; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where `/livez` and `/readyz` are served, in plain HTTP
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    health_listen: SocketAddr,
    /// Keep authority, certificate, database and secrets here; without it they end with the process
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// How long ID tokens and access tokens live, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    token_lifetime: u64,
    /// How to tell where everything is
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Dev {
    pub(super) fn run(self) -> Result<(), Failure> {
        let _logging = telemetry::start(self.log_format);
        // Removed when this function returns.
        let temporary = match &self.state_dir {
            Some(_) => None,
            None => Some(private_temporary_folder().map_err(|fault| {
                Failure::runtime("could not make a temporary folder").because(&fault)
            })?),
        };
        let folder = match (&self.state_dir, &temporary) {
            (Some(folder), _) => folder.as_path(),
            (None, Some(temporary)) => temporary.path(),
            (None, None) => Path::new("."),
        };
        make_private_folder(folder)
            .map_err(|fault| Failure::runtime("could not use the state folder").because(&fault))?;
        let folder = folder
            .canonicalize()
            .map_err(|fault| Failure::runtime("could not find the state folder").because(&fault))?;
        runtime()?.block_on(self.serve(&folder))
    }

    async fn serve(&self, folder: &Path) -> Result<(), Failure> {
        let signals = signals::listen()
            .map_err(|fault| Failure::runtime("could not watch signals").because(&fault))?;
        let main = bind(self.listen).await?;
        let health = bind(self.health_listen).await?;
        // Only now is the port known, which the issuer's URL contains.
        let address = reachable(&main)?;
        let health_address = reachable(&health)?;
        let url = format!("https://{address}");
        let announcement = Announcement::new(folder, &url, &format!("http://{health_address}"));
        let config = self.config(folder, &url, address.ip(), &announcement)?;
        announcement.write_files()?;
        match self.output {
            Output::Text => print(&announcement.for_people())?,
            Output::Json => print(&format!("{}\n", announcement.as_json()))?,
        }
        run(config, Listeners { main, health: Some(health) }, signals)
            .await
            .map_err(|fault| Failure::runtime("could not start").because(&fault))
    }

    fn config(
        &self,
        folder: &Path,
        url: &str,
        address: IpAddr,
        announcement: &Announcement,
    ) -> Result<ServerConfig, Failure> {
        let certificates = authority::prepare(folder, address)?;
        let place = TlsFiles {
            certificate: certificates.certificate.clone(),
            key: certificates.key.clone(),
            client_authority: None,
        };
        let tls = tls::prepare(&place, &TrackedFiles::default())
            .map_err(|fault| Failure::runtime("could not prepare TLS").because(&fault))?;
        let url = IssuerUrl::parse(url)
            .map_err(|fault| Failure::runtime("could not name the issuer").because(&fault))?;
        // A client that can read it trusts the authority already, and needs no copy of its file.
        let published_client = published::of_embedded(&url).map(|client| ClientConfiguration {
            certificate_authority_data: published::authority(
                &certificates.authority,
                &TrackedFiles::default(),
            )
            .ok(),
            ..client
        });
        let mut section = IssuerSection::new(url);
        section.settings.token_lifetime = Duration::from_secs(self.token_lifetime);
        let store = open_store(folder)?;
        let issuer = Issuer::open(section.settings.clone(), Box::new(store), Clock::HOST.now())
            .map_err(|fault| Failure::runtime("could not start the issuer").because(&fault))?;
        people::prepare(&issuer.administration(), announcement)?;
        Ok(ServerConfig {
            tls: Some(ServingTls::new(tls)),
            client_certificate: ClientCertificate::NotAsked,
            caller_tokens: None,
            bundle: Bundle {
                policy: Policy::new(vec![embedded_policy(&section)], Guard::default()),
                remotes: Vec::new(),
                published_client,
            },
            api_audiences: None,
            issuer: Some(Arc::new(issuer)),
            state_dir: Some(folder.to_owned()),
            key_set_intervals: KeySetIntervals::default(),
            result_cache: ResultCacheSettings::default(),
            audit: AuditSettings::default(),
            traces: None,
            limits: Limits::default(),
            clock: Clock::HOST,
            watched: Watched::default(),
        })
    }
}

fn private_temporary_folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("login-server-dev-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// The address at which this host reaches the listener.
fn reachable(listener: &tokio::net::TcpListener) -> Result<SocketAddr, Failure> {
    let mut address = listener
        .local_addr()
        .map_err(|fault| Failure::runtime("could not learn the port").because(&fault))?;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    Ok(address)
}
