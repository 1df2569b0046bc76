//! The user entries of kubeconfigs that run kubectl-login: finds, builds and changes them.
//! Never runs what a kubeconfig names.
//!
//! Reading order: this file (the user that `login` without options signs in), `entry` (our user
//! entry), `foreign` (those of other programs), `change` (applies edits to files), and `difference`
//! (the diff for the user). The crate `kubeconfig` reads files and edits texts.

pub mod change;
pub mod difference;
pub mod entry;
mod fault;
pub mod foreign;

use std::ffi::OsString;

use kubeconfig::{
    Places,
    files::{Files, FilesToChange},
};
use serde_json::Value;

pub use fault::KubeconfigError;

use crate::{
    options::{arguments, typed::Typed},
    system::{environment::Environment, kubeconfig_file},
};

fn places(environment: &dyn Environment, named: Option<&str>) -> Places {
    Places::of(named, environment.variable("KUBECONFIG"), environment.home())
}

/// Reads `named`, or else the kubeconfigs that kubectl would read.
pub fn read(environment: &dyn Environment, named: Option<&str>) -> Result<Files, KubeconfigError> {
    Ok(Files::read(&places(environment, named), &kubeconfig_file::read)?)
}

/// Reads the same kubeconfigs for a change.
pub fn read_to_change(
    environment: &dyn Environment,
    named: Option<&str>,
) -> Result<FilesToChange, KubeconfigError> {
    Ok(FilesToChange::read(&places(environment, named), &kubeconfig_file::read)?)
}

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

/// The user of `context`, or else of the current one, in the kubeconfigs that [`read`] reads.
pub fn current_user(
    environment: &dyn Environment,
    context: Option<&str>,
    kubeconfig: Option<&str>,
) -> Result<User, KubeconfigError> {
    let files = read(environment, kubeconfig)?;
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
