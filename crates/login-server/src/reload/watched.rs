//! What a server was made of, and so is looked at for changes.
//! Never reads a file.

use std::{path::PathBuf, time::Duration};

use super::subject::SeenFiles;
use crate::{config::running::Running, tls::TlsFiles};

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
    /// The list of revocations that they name.
    pub revocations: Option<PathBuf>,
    /// What only a restart changes.
    pub running: Running,
    /// Everything that was read.
    pub seen: SeenFiles,
}

/// How often files are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks at where the files lie and how old they are.
    pub glance: Duration,
    /// Between two comparisons of what is in them, for file systems that tell times coarsely.
    pub read: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { glance: Duration::from_secs(1), read: Duration::from_mins(1) }
    }
}
