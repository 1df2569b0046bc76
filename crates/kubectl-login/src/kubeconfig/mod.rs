//! Reads kubeconfigs: the user entry that runs kubectl-login, and changes that lose nothing.
//! Never runs what a kubeconfig names.
//!
//! Reading order: this file (the user that `login` without options signs in), `find` (which file
//! has what), `entry` (our user entry), `edit` (a change as data), `change` (applies it), and below
//! them `rewrite`, `syntax`, `render` (texts) and `difference` (the diff for the user).

pub mod change;
pub mod difference;
pub mod edit;
pub mod entry;
mod fault;
pub mod find;
pub mod foreign;
mod render;
mod rewrite;
mod syntax;

pub mod context;

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

pub use fault::KubeconfigError;

use crate::{
    options::{arguments, typed::Typed},
    system::environment::Environment,
    system::file,
    yaml,
};

/// Maximum file size in bytes.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// The cluster's settings for exec plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

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

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    current_context: Option<String>,
    #[serde(default)]
    contexts: Option<Vec<NamedContext>>,
    #[serde(default)]
    users: Option<Vec<NamedUser>>,
    #[serde(default)]
    clusters: Option<Vec<NamedCluster>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    #[serde(default)]
    context: Option<Context>,
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    user: String,
    #[serde(default)]
    cluster: String,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: Option<UserFields>,
}

#[derive(Deserialize)]
struct UserFields {
    #[serde(default)]
    exec: Option<Exec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exec {
    #[serde(default)]
    command: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<Variable>>,
    #[serde(default)]
    provide_cluster_info: bool,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default)]
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    extensions: Option<Vec<Extension>>,
}

#[derive(Deserialize)]
struct Extension {
    name: String,
    #[serde(default)]
    extension: Option<Value>,
}

/// Renders a new kubeconfig.
pub fn written(value: &Value) -> String {
    render::block(value, 0, "\n") + "\n"
}

/// The user of `context`, or else of the current one, in `kubeconfig` or else in the files of
/// `KUBECONFIG` or else in `~/.kube/config`. As in kubectl, the first file that has something wins.
pub fn current_user(
    environment: &dyn Environment,
    context: Option<&str>,
    kubeconfig: Option<&str>,
) -> Result<User, KubeconfigError> {
    let files: Vec<(PathBuf, File)> = read_all(environment, kubeconfig)?;
    let missing = |what: String| KubeconfigError::Missing(what);
    let wanted = context
        .or_else(|| {
            files
                .iter()
                .filter_map(|(_, file)| file.current_context.as_deref())
                .find(|name| !name.is_empty())
        })
        .ok_or_else(|| missing("a current context".to_owned()))?;
    let context = files
        .iter()
        .flat_map(|(_, file)| file.contexts.iter().flatten())
        .find(|entry| entry.name == wanted)
        .and_then(|entry| entry.context.as_ref())
        .ok_or_else(|| missing(format!("a context `{wanted}`")))?;
    let (path, user) = files
        .iter()
        .flat_map(|(path, file)| file.users.iter().flatten().map(move |user| (path, user)))
        .find(|(_, entry)| entry.name == context.user)
        .ok_or_else(|| missing(format!("a user `{}`", context.user)))?;
    let (name, file) = (user.name.clone(), path.display().to_string());
    let exec = user
        .user
        .as_ref()
        .and_then(|fields| fields.exec.as_ref())
        .filter(|exec| entry::is_kubectl_login(&exec.command))
        .ok_or_else(|| KubeconfigError::OtherUser { user: name.clone(), file: file.clone() })?;
    let arguments: Vec<std::ffi::OsString> =
        exec.args.iter().flatten().map(std::ffi::OsString::from).collect();
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
    let cluster_config = files
        .iter()
        .filter(|_| exec.provide_cluster_info)
        .flat_map(|(_, file)| file.clusters.iter().flatten())
        .find(|entry| entry.name == context.cluster)
        .and_then(|entry| entry.cluster.as_ref())
        .and_then(|cluster| cluster.extensions.as_ref())
        .and_then(|extensions| extensions.iter().find(|known| known.name == EXTENSION))
        .and_then(|known| known.extension.clone());
    let environment = exec
        .env
        .iter()
        .flatten()
        .map(|variable| (variable.name.clone(), variable.value.clone()))
        .collect();
    Ok(User { name, file, typed, environment, cluster_config })
}

/// Reads every kubeconfig into `T`.
fn read_all<T: DeserializeOwned + Default>(
    environment: &dyn Environment,
    kubeconfig: Option<&str>,
) -> Result<Vec<(PathBuf, T)>, KubeconfigError> {
    let named = environment.variable("KUBECONFIG").filter(|list| !list.is_empty());
    let (paths, must_exist) = match (kubeconfig, named) {
        (Some(path), _) => (vec![PathBuf::from(path)], true),
        // kubectl skips files of the list that do not exist.
        (None, Some(list)) => (std::env::split_paths(&list).collect(), false),
        (None, None) => {
            let home = environment.home().map(|home| home.join(".kube").join("config"));
            (home.into_iter().collect(), false)
        }
    };
    let mut files = Vec::new();
    for path in paths {
        match read(&path) {
            Ok(file) => files.push((path, file)),
            Err(KubeconfigError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, KubeconfigError> {
    let failed = |source| KubeconfigError::Read { path: path.to_owned(), source };
    let text = file::read_text(path, MAX_LENGTH).map_err(failed)?;
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    yaml::read_as_kubectl(&text)
        .map_err(|source| KubeconfigError::Malformed { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
