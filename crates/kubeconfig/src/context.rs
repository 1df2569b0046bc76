//! The parts of a kubeconfig that are read, as client-go reads them
//! (`tools/clientcmd/api/v1`): null is the empty value, and unknown keys are ignored.
//! Never stores a credential: only whether there is one.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// The file that holds it.
    pub file: PathBuf,
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
    #[serde(deserialize_with = "or_empty")]
    pub server: String,
    /// The name in the certificate, if it is not the host's.
    pub tls_server_name: Option<String>,
    /// Accept any certificate.
    #[serde(deserialize_with = "or_empty")]
    pub insecure_skip_tls_verify: bool,
    /// A PEM file, as client-go resolves it.
    pub certificate_authority: Option<PathBuf>,
    /// Base64 of PEM; wins over the file.
    pub certificate_authority_data: Option<String>,
    /// A proxy for this cluster only.
    pub proxy_url: Option<String>,
    /// Settings of other programs, by their names.
    pub extensions: Option<Vec<Extension>>,
}

/// The cluster's settings for exec plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

impl ClusterEntry {
    /// What kubectl passes to the plugin where `provideClusterInfo` is set.
    pub fn exec_settings(&self) -> Option<&Value> {
        let mut extensions = self.extensions.iter().flatten();
        extensions.find(|known| known.name == EXTENSION)?.extension.as_ref()
    }
}

/// A named setting.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Extension {
    #[serde(deserialize_with = "or_empty")]
    name: String,
    extension: Option<Value>,
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
    #[serde(deserialize_with = "or_empty")]
    pub command: String,
    /// As written.
    pub args: Option<Vec<String>>,
    /// As written.
    pub api_version: Option<String>,
    /// As written.
    pub interactive_mode: Option<String>,
    /// Whether kubectl passes the cluster's settings to the plugin.
    #[serde(deserialize_with = "or_empty")]
    pub provide_cluster_info: bool,
    env: Option<Vec<Variable>>,
    /// All other keys; see [`ExecEntry::unknown_keys`].
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Variable {
    #[serde(deserialize_with = "or_empty")]
    name: String,
    #[serde(deserialize_with = "or_empty")]
    value: String,
}

impl ExecEntry {
    /// The variables that it sets.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().flatten().map(|known| (known.name.as_str(), known.value.as_str()))
    }

    /// Keys that client-go does not know, and so ignores.
    pub fn unknown_keys(&self) -> impl Iterator<Item = &str> {
        self.other.keys().map(String::as_str).filter(|key| *key != "installHint")
    }
}

/// One file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Content {
    pub(crate) current_context: Option<String>,
    pub(crate) contexts: Option<Vec<NamedContext>>,
    pub(crate) clusters: Option<Vec<NamedCluster>>,
    pub(crate) users: Option<Vec<NamedUser>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NamedContext {
    #[serde(deserialize_with = "or_empty")]
    pub(crate) name: String,
    #[serde(deserialize_with = "or_empty")]
    pub(crate) context: ContextFields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ContextFields {
    #[serde(deserialize_with = "or_empty")]
    pub(crate) user: String,
    #[serde(deserialize_with = "or_empty")]
    pub(crate) cluster: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NamedCluster {
    #[serde(deserialize_with = "or_empty")]
    pub(crate) name: String,
    #[serde(deserialize_with = "or_empty")]
    pub(crate) cluster: ClusterEntry,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NamedUser {
    #[serde(deserialize_with = "or_empty")]
    pub(crate) name: String,
    #[serde(deserialize_with = "or_empty")]
    pub(crate) user: UserFields,
}

/// Go's `encoding/json`: null leaves the empty value.
fn or_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Only the presence of a credential matters: the values are never stored.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct UserFields {
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
    #[serde(deserialize_with = "or_empty")]
    name: String,
}

impl UserFields {
    /// The entry, as the file at `file` has it.
    pub(crate) fn entry(&self, file: PathBuf) -> UserEntry {
        let is = |present: &Option<Present>| present.as_ref().is_some_and(|present| present.0);
        let other_credentials = [
            ("token", is(&self.token)),
            ("tokenFile", is(&self.token_file)),
            ("username", is(&self.username)),
            ("client-certificate", is(&self.client_certificate)),
            ("client-certificate-data", is(&self.client_certificate_data)),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
        .collect();
        UserEntry {
            file,
            other_credentials,
            auth_provider: self.auth_provider.as_ref().map(|provider| provider.name.clone()),
            exec: self.exec.clone(),
        }
    }
}
