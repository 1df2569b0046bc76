//! The groups of files that are replaced together: configuration, TLS, tokens of callers.
//! Never decides whether a file is good: that do `config`, `tls` and `callers`.

use std::{path::PathBuf, sync::Arc};

use super::{
    Pace,
    status::Kind,
    subject::{SeenFiles, Source},
};
use crate::{
    callers,
    config::{
        load::{Loaded, load_beside},
        running::Running,
    },
    progress,
    start::State,
    system::{clock, tracked_files::TrackedFiles},
    telemetry::chain,
    tls::{self, Prepared, ServingTls, TlsFiles},
};

/// What a server was made of, and is looked at for changes. By default nothing is.
#[derive(Debug, Default)]
pub struct Watched {
    /// The configuration.
    pub configuration: Option<ConfigurationFiles>,
    /// Everything for TLS, as it was read.
    pub tls: Option<(TlsFiles, SeenFiles)>,
    /// The file with the tokens of callers, as it was read.
    pub caller_tokens: Option<(PathBuf, SeenFiles)>,
    /// How often to look.
    pub pace: Pace,
}

/// Where the configuration lies.
#[derive(Debug)]
pub struct ConfigurationFiles {
    /// `--config`.
    pub configuration: Option<PathBuf>,
    /// `--authentication-config`.
    pub authentication: Option<PathBuf>,
    /// What only a restart changes.
    pub running: Running,
    /// Everything that was read.
    pub seen: SeenFiles,
}

pub(super) struct ConfigurationSource {
    state: Arc<State>,
    configuration: Option<PathBuf>,
    authentication: Option<PathBuf>,
    running: Running,
}

impl ConfigurationSource {
    pub(super) fn new(state: Arc<State>, files: ConfigurationFiles) -> (Self, SeenFiles) {
        let ConfigurationFiles { configuration, authentication, running, seen } = files;
        (Self { state, configuration, authentication, running }, seen)
    }
}

impl Source for ConfigurationSource {
    type Read = Loaded;

    fn kind(&self) -> Kind {
        Kind::Configuration
    }

    fn read(&self, files: &TrackedFiles) -> Result<Loaded, Vec<String>> {
        let (own, kubernetes) = (self.configuration.as_deref(), self.authentication.as_deref());
        load_beside(files, own, kubernetes, Some(&self.running))
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    fn put_in_force(&mut self, loaded: Loaded) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        self.state.replace(loaded);
        progress::tell(&self.state.in_force());
    }
}

pub(super) struct TlsSource {
    pub(super) files: TlsFiles,
    pub(super) serving: ServingTls,
}

impl Source for TlsSource {
    type Read = Prepared;

    fn kind(&self) -> Kind {
        Kind::Tls
    }

    fn read(&self, files: &TrackedFiles) -> Result<Prepared, Vec<String>> {
        let prepared = tls::prepare(&self.files, files).map_err(|fault| vec![chain(&fault)])?;
        let now = clock::now();
        // At the start there is nothing better; here there is.
        if prepared.is_over(now) && !self.serving.current().is_over(now) {
            return Err(vec![format!(
                "`{}` or the client CA has expired, what is in force has not",
                self.files.certificate.display()
            )]);
        }
        Ok(prepared)
    }

    fn put_in_force(&mut self, prepared: Prepared) {
        self.serving.replace(prepared);
    }
}

pub(super) struct CallerTokenSource {
    pub(super) file: PathBuf,
    pub(super) state: Arc<State>,
}

impl Source for CallerTokenSource {
    type Read = callers::Tokens;

    fn kind(&self) -> Kind {
        Kind::CallerTokens
    }

    fn read(&self, files: &TrackedFiles) -> Result<callers::Tokens, Vec<String>> {
        callers::Tokens::read(&self.file, files).map_err(|fault| vec![chain(&fault)])
    }

    fn put_in_force(&mut self, tokens: callers::Tokens) {
        self.state.callers.replace(tokens);
    }
}
