//! The kubeconfig with which kube-apiserver reaches this server.
//! Never holds a secret: it refers to certificates and keys by path.

use std::path::PathBuf;

use clap::Args;
use located_yaml::write::document;
use login_common::names::{is_confidential, without_secrets};
use serde_json::json;
use url::Url;

use super::yaml::{mapping, path};
use crate::report::Failure;

#[derive(Args, Debug)]
pub(crate) struct WebhookKubeconfig {
    /// The URL kube-apiserver posts to, such as `https://127.0.0.1:8443/authenticate`
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The authority of this server's certificate, by its path on the control plane host
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// The certificate kube-apiserver shows, if this server has `--client-ca-file`
    #[arg(long, value_name = "FILE", requires = "client_key")]
    pub(crate) client_certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub(crate) client_key: Option<PathBuf>,
}

impl WebhookKubeconfig {
    pub(crate) fn render(&self) -> Result<String, Failure> {
        // A password in a URL would be a secret in this file.
        let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none();
        let url = Url::parse(&self.server).ok().filter(is_confidential).filter(is_plain);
        let url = url.ok_or_else(|| {
            let server = without_secrets(&self.server);
            Failure::configuration(format!("`--server {server}` is not a usable URL"))
                .hint("it looks like `https://login.example.com/authenticate`; plain http is for loopback only")
        })?;
        // kube-apiserver drops a query and a trailing slash; any other path would lead nowhere.
        if url.path() != "/authenticate" || url.query().is_some() {
            return Err(Failure::configuration(format!(
                "`--server {}` does not end with `/authenticate`",
                without_secrets(&self.server)
            )));
        }
        let cluster = mapping([
            ("server", Some(&self.server)),
            ("certificate-authority", self.certificate_authority.as_deref().map(path).transpose()?),
        ]);
        let user = mapping([
            ("client-certificate", self.client_certificate.as_deref().map(path).transpose()?),
            ("client-key", self.client_key.as_deref().map(path).transpose()?),
        ]);
        let context = json!({ "cluster": "login-server", "user": "kube-apiserver" });
        Ok(document(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "login-server", "cluster": cluster }],
            "contexts": [{ "name": "webhook", "context": context }],
            "current-context": "webhook",
            "users": [{ "name": "kube-apiserver", "user": user }],
        })))
    }
}
