//! What a server is made of, and the files an operator writes it down in.
//! Never half right: a configuration is checked whole, and every fault is reported at once.
//!
//! `limits` are the bounds; `document` is this program's own YAML file; `load` joins it with
//! Kubernetes' `AuthenticationConfiguration` into a policy; `published` is what people are told,
//! `running` what only a restart changes, `exposure` what is odd about how the server is reached.

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
        introspection::IntrospectionEndpoint, key_sets::KeySetPace,
        result_cache::ResultCacheSettings,
    },
    reload::Watched,
    telemetry::{audit::AuditSettings, traces::TraceSettings},
    tls::{ClientCertificate, ServingTls},
};

/// Everything [`crate::run`] needs. Files are read and checked before it is built.
pub struct ServerConfig {
    /// None serves plain HTTP; the caller has made sure that this is loopback.
    pub tls: Option<ServingTls>,
    /// Who may ask for reviews.
    pub client_certificate: ClientCertificate,
    /// Tokens that serve callers in place of a certificate.
    pub caller_tokens: Option<callers::Tokens>,
    /// Issuers and the guard over their names; the embedded issuer is one of them.
    pub policy: Policy,
    /// Where the introspectors of the policy are asked, in its order.
    pub introspection: Vec<IntrospectionEndpoint>,
    /// kube-apiserver's `--api-audiences`, if the operator named them.
    pub api_audiences: Option<Vec<String>>,
    /// The embedded issuer, if there is one.
    pub issuer: Option<Arc<Issuer>>,
    /// What people are told who sign in with nothing but the server's address.
    pub published_client: Option<ClientConfiguration>,
    /// Where key sets survive a restart.
    pub state_dir: Option<PathBuf>,
    /// How often issuers are asked for keys.
    pub key_set_pace: KeySetPace,
    /// How many answers are kept, and for how long.
    pub result_cache: ResultCacheSettings,
    /// What is recorded of decisions, and where.
    pub audit: AuditSettings,
    /// Where traces go, if there are to be any.
    pub traces: Option<TraceSettings>,
    /// Bounds.
    pub limits: Limits,
    /// What is looked at for changes.
    pub watched: Watched,
}
