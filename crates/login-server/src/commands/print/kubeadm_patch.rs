//! A kubeadm `ClusterConfiguration` that passes the files to kube-apiserver and mounts them.
//! Never mounts more of the host than the folders of these files, and never writably.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use located_yaml::write::scalar;

use super::yaml::{Document, path};
use crate::report::Failure;

#[derive(Args, Debug)]
pub(crate) struct KubeadmPatch {
    /// The file of `print webhook-kubeconfig`, by its path on the control plane host
    #[arg(long, value_name = "FILE")]
    webhook_kubeconfig: PathBuf,
    /// The file of `print authentication-config`, by its path on the control plane host
    #[arg(long, value_name = "FILE")]
    authentication_config: Option<PathBuf>,
    /// The version of TokenReview that kube-apiserver sends
    #[arg(long, value_enum, default_value_t)]
    webhook_version: WebhookVersion,
    /// `v1beta4` for kubeadm 1.31 and later, `v1beta3` for earlier ones
    #[arg(long, value_enum, default_value_t)]
    api_version: KubeadmApi,
}

/// The two write arguments in different forms.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum KubeadmApi {
    #[default]
    V1beta4,
    V1beta3,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WebhookVersion {
    #[default]
    V1,
    V1beta1,
}

const HEAD: &str = "\
kind: ClusterConfiguration
# For a new cluster: `kubeadm init --config` takes this file as it is. For one that runs: add this to
# the ConfigMap `kubeadm-config` in kube-system, put the files on every control plane host, and run
# `kubeadm init phase control-plane apiserver --config` there with the whole configuration.
# The folders below are mounted read-only, with all that is in them.
";

impl KubeadmPatch {
    pub(crate) fn render(&self) -> Result<String, Failure> {
        let files = [Some(&self.webhook_kubeconfig), self.authentication_config.as_ref()];
        let mut folders = BTreeSet::new();
        for file in files.into_iter().flatten() {
            folders.insert(folder_of(file)?);
        }
        let version = match self.webhook_version {
            WebhookVersion::V1 => "v1",
            WebhookVersion::V1beta1 => "v1beta1",
        };
        let mut arguments = vec![
            ("authentication-token-webhook-config-file", scalar(path(&self.webhook_kubeconfig)?)),
            ("authentication-token-webhook-version", scalar(version)),
            // kube-apiserver accepts an expired or revoked token that much longer; the default is
            // two minutes.
            ("authentication-token-webhook-cache-ttl", scalar("30s")),
        ];
        if let Some(file) = &self.authentication_config {
            arguments.push(("authentication-config", scalar(path(file)?)));
        }
        let version = match self.api_version {
            KubeadmApi::V1beta4 => "v1beta4",
            KubeadmApi::V1beta3 => "v1beta3",
        };
        let mut patch =
            Document::beginning(&format!("apiVersion: kubeadm.k8s.io/{version}\n{HEAD}"));
        patch.line("apiServer:");
        patch.line("  extraArgs:");
        for (name, value) in arguments {
            match self.api_version {
                KubeadmApi::V1beta4 => {
                    patch.line(&format!("  - name: {name}"));
                    patch.line(&format!("    value: {value}"));
                }
                KubeadmApi::V1beta3 => patch.line(&format!("    {name}: {value}")),
            }
        }
        patch.line("  extraVolumes:");
        for (number, folder) in folders.into_iter().enumerate() {
            let folder = scalar(path(folder)?);
            patch.line(&format!("  - name: login-server-{number}"));
            patch.line(&format!("    hostPath: {folder}"));
            patch.line(&format!("    mountPath: {folder}"));
            patch.line("    readOnly: true");
            patch.line("    pathType: Directory");
        }
        Ok(patch.into_text())
    }
}

fn folder_of(file: &Path) -> Result<&Path, Failure> {
    // kube-apiserver runs in a container, where a relative path means nothing.
    match file.parent() {
        Some(folder) if file.is_absolute() && folder != Path::new("/") => Ok(folder),
        _ => Err(Failure::configuration(format!(
            "`{}` is not an absolute path in a folder of its own",
            file.display()
        ))
        .hint("put the files into a folder such as `/etc/kubernetes/login`")),
    }
}
