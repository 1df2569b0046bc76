//! Reads kubeconfigs: the user entry that runs kubectl-login, and changes that lose nothing.
//! Never runs what a kubeconfig names.
//!
//! Reading order: this file (the user that `login` without options signs in), `files` (the reader)
//! with `context` (what it reads), `entry` (our user entry), `edit` (a change as data), `change` (applies it), and
//! `difference` (the diff for the user).

pub mod change;
pub mod difference;
pub mod edit;
pub mod entry;
mod fault;
pub mod files;
pub mod foreign;

pub mod context;

use std::ffi::OsString;

use serde_json::Value;

pub use fault::KubeconfigError;

use crate::{
    options::{arguments, typed::Typed},
    system::environment::Environment,
};
use files::Files;

/// What `login` needs of a user entry.
pub struct User {
    /// The entry's name.
    pub name: String,
    /// The file that holds it.
    pub file: String,
    /// The options in `exec.args`.
    pub typed: Typed,
    /// `exec.env`.
    pub environment: Vec<(String, String)>,
    /// The cluster's settings, if `provideClusterInfo` passes them on.
    pub cluster_config: Option<Value>,
}

/// The user of `context`, or else of the current one, in the kubeconfigs that [`Files::read`] reads.
pub fn current_user(
    environment: &dyn Environment,
    context: Option<&str>,
    kubeconfig: Option<&str>,
) -> Result<User, KubeconfigError> {
    let files = Files::read(environment, kubeconfig)?;
    let missing = |what: String| KubeconfigError::Missing(what);
    let wanted = context
        .or_else(|| files.current_context())
        .ok_or_else(|| missing("a current context".to_owned()))?;
    let context = files.context(wanted).ok_or_else(|| missing(format!("a context `{wanted}`")))?;
    let name = context.user_name;
    let user = context.user.ok_or_else(|| missing(format!("a user `{name}`")))?;
    let file = user.file.display().to_string();
    let exec = user
        .exec
        .filter(|exec| entry::is_kubectl_login(&exec.command))
        .ok_or_else(|| KubeconfigError::OtherUser { user: name.clone(), file: file.clone() })?;
    let arguments: Vec<OsString> = exec.args.iter().flatten().map(OsString::from).collect();
    let unusable = |problem: String| KubeconfigError::Arguments {
        user: name.clone(),
        file: file.clone(),
        problem,
    };
    let arguments = arguments::without_plugin(&arguments);
    if arguments.first().is_none_or(|first| first != "get-token") {
        return Err(unusable("they do not begin with `get-token`".to_owned()));
    }
    let typed =
        arguments::of_get_token(arguments).map_err(|error| unusable(arguments::fault(&error)))?;
    let cluster = context.cluster.filter(|_| exec.provide_cluster_info);
    let cluster_config = cluster.and_then(|cluster| cluster.exec_settings().cloned());
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let environment = exec.variables().map(owned).collect();
    Ok(User { name, file, typed, environment, cluster_config })
}

#[cfg(test)]
mod tests;
