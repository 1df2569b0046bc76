//! What a server was built from, and so is watched for changes.
//! Never reads a file.

use std::{path::PathBuf, time::Duration};

use super::watched_group::SeenFiles;
use crate::{config::running::Running, tls::TlsFiles};

/// What to watch for changes; nothing by default.
#[derive(Debug, Default)]
pub struct Watched {
    /// The configuration.
    pub configuration: Option<ConfigurationFiles>,
    /// Everything for TLS, as read.
    pub tls: Option<(TlsFiles, SeenFiles)>,
    /// The file with the caller tokens, as read.
    pub caller_tokens: Option<(PathBuf, SeenFiles)>,
    /// How often to check.
    pub interval: PollInterval,
}

/// The configuration's files.
#[derive(Debug)]
pub struct ConfigurationFiles {
    /// `--config`.
    pub configuration: Option<PathBuf>,
    /// `--authentication-config`.
    pub authentication: Option<PathBuf>,
    /// The list of revocations that they name.
    pub revocations: Option<PathBuf>,
    /// The settings that only a restart changes.
    pub running: Running,
    /// Every file that was read.
    pub seen: SeenFiles,
}

/// How often files are checked.
#[derive(Clone, Copy, Debug)]
pub struct PollInterval {
    /// Between two checks of each file's place and age.
    pub glance: Duration,
    /// Between two comparisons of the content, for file systems with coarse timestamps.
    pub read: Duration,
}

impl Default for PollInterval {
    fn default() -> Self {
        Self { glance: Duration::from_secs(1), read: Duration::from_mins(1) }
    }
}
