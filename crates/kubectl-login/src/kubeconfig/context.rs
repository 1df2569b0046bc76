//! Reads a context from the kubeconfigs, valid or not: its cluster and its user.
//! Never reports what is wrong with it: the caller does.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;

use super::{KubeconfigError, read_all};
use crate::system::environment::Environment;

/// The kubeconfigs in client-go's order: the first file that has an entry wins.
pub struct Files(Vec<(PathBuf, File)>);

/// A context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// The name of its user entry.
    pub user_name: String,
    /// The name of its cluster entry.
    pub cluster_name: String,
    /// The cluster's entry, if there is one.
    pub cluster: Option<ClusterEntry>,
    /// The user's entry, if there is one.
    pub user: Option<UserEntry>,
}

/// How a cluster is reached.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", default)]
pub struct ClusterEntry {
    /// URL of kube-apiserver.
    pub server: String,
    /// The name in the certificate, if it is not the host's.
    pub tls_server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_tls_verify: bool,
    /// A PEM file, as client-go resolves it.
    pub certificate_authority: Option<PathBuf>,
    /// Base64 of PEM; wins over the file.
    pub certificate_authority_data: Option<String>,
    /// A proxy for this cluster only.
    pub proxy_url: Option<String>,
}

/// How a user authenticates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserEntry {
    /// The file that holds it.
    pub file: PathBuf,
    /// Credentials beside `exec`, by the names of their fields.
    pub other_credentials: Vec<&'static str>,
    /// The name of its `auth-provider`.
    pub auth_provider: Option<String>,
    /// The plugin.
    pub exec: Option<ExecEntry>,
}

/// Which plugin runs, and how.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecEntry {
    /// As written.
    pub command: String,
    /// As written.
    pub args: Option<Vec<String>>,
    /// As written.
    pub api_version: Option<String>,
    /// As written.
    pub interactive_mode: Option<String>,
    /// Whether kubectl passes the cluster's settings to the plugin.
    pub provide_cluster_info: bool,
    /// All other keys; see [`ExecEntry::unknown_keys`].
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

impl ExecEntry {
    /// Keys that client-go does not know, and so ignores.
    pub fn unknown_keys(&self) -> impl Iterator<Item = &str> {
        const KNOWN: [&str; 2] = ["env", "installHint"];
        self.other.keys().map(String::as_str).filter(|key| !KNOWN.contains(key))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    #[serde(default)]
    context: Option<ContextFields>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContextFields {
    user: String,
    cluster: String,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default)]
    cluster: Option<ClusterEntry>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: Option<UserFields>,
}

/// Only the presence of a credential matters: the values are never stored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct UserFields {
    token: Option<Present>,
    #[serde(rename = "tokenFile")]
    token_file: Option<Present>,
    username: Option<Present>,
    client_certificate: Option<Present>,
    client_certificate_data: Option<Present>,
    auth_provider: Option<AuthProvider>,
    exec: Option<ExecEntry>,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct Present(bool);

impl From<String> for Present {
    fn from(text: String) -> Self {
        Self(!text.is_empty())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthProvider {
    name: String,
}

impl Files {
    /// Reads `named`, or else the files of `KUBECONFIG`, or else `~/.kube/config`.
    pub fn read(
        environment: &dyn Environment,
        named: Option<&str>,
    ) -> Result<Self, KubeconfigError> {
        Ok(Self(read_all(environment, named)?))
    }

    /// The files that exist.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// The name of the current context.
    pub fn current(&self) -> Option<&str> {
        let mut names = self.0.iter().filter_map(|(_, file)| file.current_context.as_deref());
        names.find(|name| !name.is_empty())
    }

    /// The names of all contexts.
    pub fn context_names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|(_, file)| file.contexts.iter().flatten())
            .map(|entry| entry.name.as_str())
    }

    /// The context `name`.
    pub fn context(&self, name: &str) -> Option<Context> {
        let fields = self
            .0
            .iter()
            .flat_map(|(_, file)| file.contexts.iter().flatten())
            .find(|entry| entry.name == name)?
            .context
            .as_ref()?;
        Some(Context {
            name: name.to_owned(),
            user_name: fields.user.clone(),
            cluster_name: fields.cluster.clone(),
            cluster: self.cluster(&fields.cluster),
            user: self.user(&fields.user),
        })
    }

    fn cluster(&self, name: &str) -> Option<ClusterEntry> {
        let (path, entry) = self
            .0
            .iter()
            .flat_map(|(path, file)| file.clusters.iter().flatten().map(move |e| (path, e)))
            .find(|(_, entry)| entry.name == name)?;
        let mut cluster = entry.cluster.clone()?;
        // client-go's `ResolveLocalPaths`: a relative path starts at the kubeconfig's folder.
        cluster.certificate_authority = cluster
            .certificate_authority
            .filter(|file| !file.as_os_str().is_empty())
            .map(|file| path.parent().map_or(file.clone(), |folder| folder.join(&file)));
        Some(cluster)
    }

    fn user(&self, name: &str) -> Option<UserEntry> {
        let (path, entry) = self
            .0
            .iter()
            .flat_map(|(path, file)| file.users.iter().flatten().map(move |e| (path, e)))
            .find(|(_, entry)| entry.name == name)?;
        let fields = entry.user.as_ref();
        let is = |present: &Option<Present>| present.as_ref().is_some_and(|present| present.0);
        let other_credentials = fields.map_or(Vec::new(), |fields| {
            [
                ("token", is(&fields.token)),
                ("tokenFile", is(&fields.token_file)),
                ("username", is(&fields.username)),
                ("client-certificate", is(&fields.client_certificate)),
                ("client-certificate-data", is(&fields.client_certificate_data)),
            ]
            .into_iter()
            .filter_map(|(name, is_there)| is_there.then_some(name))
            .collect()
        });
        Some(UserEntry {
            file: path.clone(),
            other_credentials,
            auth_provider: fields
                .and_then(|fields| Some(fields.auth_provider.as_ref()?.name.clone())),
            exec: fields.and_then(|fields| fields.exec.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
        use std::io::Write as _;
        let path = folder.join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    #[test]
    fn the_first_file_that_has_something_wins_and_oddities_are_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let first = written(
            scratch.path(),
            "first",
            "current-context: ''\nclusters:\n- name: c\n  cluster: {server: http://a, certificate-authority: ca.pem}\n",
        );
        let second = written(
            scratch.path(),
            "second",
            "current-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: u}}\n\
             - {name: y, context: {cluster: none, user: none}}\n- {name: z}\n\
             clusters:\n- {name: c, cluster: {server: https://b}}\n\
             users:\n- name: u\n  user:\n    token: abc\n    client-certificate: ''\n    \
             auth-provider: {name: oidc}\n    exec: {command: kubectl-login, apiVersion: v9}\n",
        );
        let list = std::env::join_paths([&first, Path::new("/nonexistent"), &second]).unwrap();
        let variables = [("KUBECONFIG".to_owned(), list.into_string().unwrap())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let files = Files::read(&environment, None).unwrap();
        assert_eq!(files.paths().count(), 2);
        assert_eq!(files.current(), Some("x"));
        assert_eq!(files.context_names().collect::<Vec<_>>(), ["x", "y", "z"]);
        let context = files.context("x").unwrap();
        let cluster = context.cluster.unwrap();
        assert_eq!(cluster.server, "http://a");
        assert_eq!(cluster.certificate_authority, Some(scratch.path().join("ca.pem")));
        let user = context.user.unwrap();
        assert_eq!((user.other_credentials, user.file), (vec!["token"], second));
        assert_eq!(user.auth_provider.as_deref(), Some("oidc"));
        assert_eq!(user.exec.unwrap().api_version.as_deref(), Some("v9"));
        let empty = files.context("y").unwrap();
        assert_eq!((empty.cluster, empty.user), (None, None));
        assert!(files.context("z").is_none() && files.context("nothing").is_none());
        assert!(Files::read(&environment, Some("/nonexistent")).is_err());
    }
}
