//! A job's identity token, from the place where the job runs: one file per source.
//! Never asks a user, never touches a terminal, a browser or a keyring, never shows a token.
//!
//! Reading order: `auto` (which source, if none is named), `taken` (which job it is, known before
//! the cache is searched), one file per source, `token_service` (shared by two of them), `token`
//! (the result of every source), `failure`.

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
mod lookup;
mod names;
mod place;
mod taken;
mod token;

pub use auto::offered_here;
pub use failure::IdentityError;
pub use lookup::{at_once, find};
pub use place::Place;
pub use taken::Taken;
pub use token::IdentityToken;

use crate::{
    flows::moments::Moments,
    options::target::{IdentityOptions, SourceKind},
    system::System,
};

/// Gets the token, for `audience` where its source allows a choice. Uses the text that was taken
/// when the source was asked for the job's identity.
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
        SourceKind::GithubActions => return github_actions::obtain(system, audience).await,
        SourceKind::AzurePipelines => return azure_pipelines::obtain(system).await,
        _ => {}
    }
    let taken = match &options.taken {
        Some(taken) => taken.clone(),
        None => find(system.environment, options).await?,
    };
    let Some((text, place)) = taken.found() else {
        return Err(IdentityError::nowhere(system.environment));
    };
    let moments = Moments { requested_at: system.clock.now(), issuer_date: None };
    let token = IdentityToken::read(text.expose(), place.clone(), moments)?;
    if kind == SourceKind::Spiffe { spiffe::checked(token) } else { Ok(token) }
}
