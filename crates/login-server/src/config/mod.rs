//! A server's configuration, and the files that an operator writes it in.
//! Never half valid: a configuration is checked as a whole, and all faults are reported at once.
//!
//! `limits` are the bounds; `document` is this program's own YAML file; `load` joins it with
//! Kubernetes' `AuthenticationConfiguration` into a policy; `published` is the published client,
//! `running` what only a restart changes, `exposure` warns about how the server is exposed.

pub(crate) mod authenticators;
pub mod document;
pub(crate) mod duration;
pub mod exposure;
pub mod limits;
pub mod load;
pub mod published;
pub mod running;

use std::{path::PathBuf, sync::Arc};

use login_common::client_configuration::ClientConfiguration;
use login_issuer::Issuer;
use login_review::Policy;

pub use limits::Limits;

use crate::{
    callers,
    evidence::{
        key_sets::KeySetIntervals, remote_authenticators::RemoteParty,
        result_cache::ResultCacheSettings,
    },
    reload::Watched,
    system::clock::Clock,
    telemetry::{audit::AuditSettings, traces::TraceSettings},
    tls::{ClientCertificate, ServingTls},
};

/// What a reload replaces as a whole.
#[derive(Debug)]
pub struct Bundle {
    /// Issuers and the guard over their names; the embedded issuer is first, if there is one.
    pub policy: Policy,
    /// The parties of the policy's remote authenticators, in its order.
    pub remotes: Vec<RemoteParty>,
    /// The client configuration for users that know only the server's address.
    pub published_client: Option<ClientConfiguration>,
}

/// Everything that [`crate::run`] needs. Files are read and checked before it is built.
pub struct ServerConfig {
    /// None serves plain HTTP; the code that sets it has made sure that this is loopback.
    pub tls: Option<ServingTls>,
    /// Whether callers need a client certificate.
    pub client_certificate: ClientCertificate,
    /// Tokens that identify callers without a certificate.
    pub caller_tokens: Option<callers::Tokens>,
    /// What a reload replaces.
    pub bundle: Bundle,
    /// kube-apiserver's `--api-audiences`, if the operator named them.
    pub api_audiences: Option<Vec<String>>,
    /// The embedded issuer, if there is one.
    pub issuer: Option<Arc<Issuer>>,
    /// Where key sets are stored across restarts.
    pub state_dir: Option<PathBuf>,
    /// How often issuers are asked for keys.
    pub key_set_intervals: KeySetIntervals,
    /// How many answers are cached, and for how long.
    pub result_cache: ResultCacheSettings,
    /// Which decisions are recorded, and where.
    pub audit: AuditSettings,
    /// Where traces are sent, if any.
    pub traces: Option<TraceSettings>,
    /// How long the server waits, and how much it accepts.
    pub limits: Limits,
    /// The files to watch for changes.
    pub watched: Watched,
    /// The time by which the server works.
    pub clock: Clock,
}
