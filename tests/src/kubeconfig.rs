//! Kubeconfig files for the tests, written as JSON, which is YAML.
//! Never used to check what our own programs print: tests use those files as printed.

use std::path::PathBuf;

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value, json};

use crate::certificates::Pair;
use crate::scratch::{Scratch, read};

/// One cluster, one user, one context.
#[derive(Clone)]
pub struct Kubeconfig {
    /// `https://127.0.0.1:PORT`.
    pub server: String,
    /// The certificate authority of the server.
    pub certificate_authority_pem: String,
    /// The user.
    pub user: User,
    /// More fields of the cluster entry, such as `insecure-skip-tls-verify`.
    pub more: Map<String, Value>,
}

/// How the user signs in.
#[derive(Clone)]
pub enum User {
    /// Without credentials.
    Nobody,
    /// By client certificate.
    Certificate(Pair),
    /// By an exec plugin: the whole `exec` entry.
    Exec(Value),
    /// With the entry of this name in another file of `KUBECONFIG`.
    Elsewhere(String),
}

impl Kubeconfig {
    /// The same with another field of the cluster entry.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.more.insert(field.to_owned(), value);
        self
    }

    /// The same with settings for the plugin in the cluster entry (the `exec` extension).
    #[must_use]
    pub fn with_settings(self, settings: &Value) -> Self {
        let name = "client.authentication.k8s.io/exec";
        self.with("extensions", json!([{ "name": name, "extension": settings }]))
    }

    /// Writes it to `FILE` in the scratch folder.
    pub fn write(&self, scratch: &Scratch, file: &str) -> Result<PathBuf> {
        let user = match &self.user {
            User::Nobody => json!({}),
            User::Certificate(pair) => json!({
                "client-certificate-data": BASE64_STANDARD.encode(read(&pair.certificate)?),
                "client-key-data": BASE64_STANDARD.encode(read(&pair.key)?),
            }),
            User::Exec(entry) => json!({ "exec": entry }),
            User::Elsewhere(_) => Value::Null,
        };
        let (name, users) = match &self.user {
            User::Elsewhere(name) => (name.as_str(), json!([])),
            _ => ("test", json!([{ "name": "test", "user": user }])),
        };
        let authority = BASE64_STANDARD.encode(&self.certificate_authority_pem);
        let mut cluster = self.more.clone();
        cluster.insert("server".to_owned(), json!(self.server));
        if !cluster.contains_key("insecure-skip-tls-verify") {
            cluster.insert("certificate-authority-data".to_owned(), json!(authority));
        }
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "test", "cluster": cluster }],
            "users": users,
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": name } }],
            "current-context": "test",
        });
        scratch.file(file, config.to_string())
    }
}
