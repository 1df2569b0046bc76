//! A complete kubeconfig to hand out: the cluster, a user entry that runs kubectl-login, a context.
//! Never holds a credential: each user signs in with it.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use located_yaml::write::document;
use login_common::{names::without_secrets, pem};
use serde_json::json;
use url::Url;

use super::{exec_entry::ExecEntry, yaml::mapping};
use crate::{report::Failure, system::files};

/// Bundles of authorities are smaller than this.
const MAX_LENGTH: u64 = 1024 * 1024;

#[derive(Args, Debug)]
pub(crate) struct Kubeconfig {
    /// kube-apiserver, as users reach it, such as `https://k8s.example.com:6443`
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// The authority of kube-apiserver's certificate; its content goes into the file
    #[arg(long, value_name = "FILE")]
    pub(crate) cluster_certificate_authority: Option<PathBuf>,
    /// The name of the cluster and its context
    #[arg(long, value_name = "NAME", default_value = "kubernetes")]
    pub(crate) cluster: String,
    #[command(flatten)]
    pub(crate) entry: ExecEntry,
}

impl Kubeconfig {
    pub(crate) fn render(&self) -> Result<String, Failure> {
        let shown = without_secrets(&self.server);
        let url = Url::parse(&self.server).ok().filter(|url| {
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
        });
        if url.is_none() {
            return Err(Failure::configuration(format!("`--server {shown}` is not a usable URL"))
                .hint("it looks like `https://k8s.example.com:6443`; kubectl sends no token over http"));
        }
        let authority = self.authority()?;
        let cluster = mapping([
            ("server", Some(&self.server)),
            ("certificate-authority-data", authority.as_deref()),
        ]);
        let context = json!({ "cluster": self.cluster, "user": self.entry.user });
        Ok(document(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": self.cluster, "cluster": cluster }],
            "contexts": [{ "name": self.cluster, "context": context }],
            "current-context": self.cluster,
            "users": self.entry.users()?,
        })))
    }

    fn authority(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.cluster_certificate_authority else { return Ok(None) };
        let unusable = format!("`--cluster-certificate-authority {}`", path.display());
        let text = files::read(path, MAX_LENGTH).map_err(|fault| {
            Failure::configuration(format!("{unusable} cannot be read")).because(&fault)
        })?;
        let certificates = pem::certificates(&text).map_err(|fault| {
            Failure::configuration(format!("{unusable} cannot be used")).because(&fault)
        })?;
        if certificates.is_empty() {
            return Err(Failure::configuration(format!("{unusable} holds no PEM certificates")));
        }
        // Only the certificates: a private key in the same file would be handed out.
        let certificates = certificates.iter().map(|(_, certificate)| certificate);
        Ok(Some(STANDARD.encode(pem::text_of(certificates))))
    }
}
