//! The identity that a place gives to a job, as a token: one file per source.
//! Never asks a person, never touches a terminal, a browser or a keyring, never shows a token.
//!
//! Reading order: `auto` (which source, when none is named), one file per source, `token_service`
//! (what two of them share), `token` (what every source ends with), `failure`.

mod auto;

pub mod azure_pipelines;
mod command;
mod file;
pub mod github_actions;
pub mod gitlab;
pub mod kubernetes;
mod spiffe;
mod token_service;
mod variable;

mod failure;
mod token;

pub use auto::offered_here;
pub use failure::IdentityError;
pub use token::{IdentityToken, Place};

use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::System,
};

/// Gets the token, for `audience` where its source lets us say so. Read anew each time: files are
/// replaced under our hands, and services sign for minutes only.
pub async fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
    audience: &str,
) -> Result<IdentityToken, IdentityError> {
    let kind = match options.kind {
        SourceKind::Auto => auto::find(options, system.environment)?,
        named => named,
    };
    system.terminal.detail(&format!("kubectl-login: taking the identity `{}`", kind.as_str()));
    match kind {
        SourceKind::GithubActions => github_actions::obtain(system, audience).await,
        SourceKind::AzurePipelines => azure_pipelines::obtain(system).await,
        SourceKind::Gitlab => gitlab::obtain(system, options),
        SourceKind::Kubernetes => kubernetes::obtain(system, options),
        SourceKind::Spiffe => spiffe::obtain(system, options),
        SourceKind::File => file::obtain(system, options),
        SourceKind::Variable => variable::obtain(system, options),
        SourceKind::Command => command::obtain(system, options).await,
        SourceKind::Auto => Err(IdentityError::nowhere(system.environment)),
    }
}
