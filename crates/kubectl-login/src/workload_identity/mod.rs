//! A job's identity token, from the place where the job runs: one file per source.
//! Never asks a user, never touches a terminal, a browser or a keyring, never shows a token.
//!
//! Reading order: `sources` (the table, its columns in `source`), `auto` (which one, if none is named), `taken` (which job it is, known before
//! the cache is searched), one file per source, `token_service` (shared by two of them), `token`
//! (the result of every source), `failure`.

mod auto;

// recipe: identity source
pub mod azure_pipelines;
mod command;
mod file;
pub mod github_actions;
pub mod gitlab;
pub mod kubernetes;
mod spiffe;
mod token_service;
mod variable;

mod advice;
mod failure;
mod lookup;
mod place;
mod source;
mod sources;
mod taken;
mod token;

pub use advice::hint;
pub use auto::offered_here;
pub use failure::IdentityError;
pub use lookup::{at_once, find};
pub use place::Place;
pub use taken::Taken;
pub use token::IdentityToken;

use crate::{flows::moments::Moments, options::target::IdentityOptions, system::System};
use source::Read;

/// Gets the token, for `audience` where its source allows a choice. Uses the text that was taken
/// when the source was asked for the job's identity.
pub async fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
    audience: &str,
) -> Result<IdentityToken, IdentityError> {
    let source = auto::source(options, system.environment)?;
    let name = source.kind.as_str();
    system.terminal.detail(&format!("kubectl-login: taking the identity `{name}`"));
    let check = match &source.read {
        Read::Service { ask, .. } => return ask(system, audience).await,
        Read::Token { check, .. } => check,
    };
    let taken = match &options.taken {
        Some(taken) => taken.clone(),
        None => find(system.environment, options).await?,
    };
    let Some((text, place)) = taken.found() else {
        return Err(auto::nowhere(system.environment));
    };
    let moments = Moments { requested_at: system.clock.now(), issuer_date: None };
    check(IdentityToken::read(text.expose(), place.clone(), moments)?)
}
