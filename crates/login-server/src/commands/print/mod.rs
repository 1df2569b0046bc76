//! `print`: the files that connect kube-apiserver, kubeadm and kubectl to this server.
//! Never writes a file: stdout is YAML and nothing else.

mod authentication_config;
mod exec_entry;
mod kubeadm_patch;
mod kubeconfig;
mod static_token;
mod webhook_kubeconfig;
mod yaml;

use clap::Subcommand;

pub(super) use authentication_config::AuthenticationConfig;
pub(super) use exec_entry::{ExecApi, ExecEntry};
pub(super) use webhook_kubeconfig::WebhookKubeconfig;

use crate::report::{Failure, print};

#[derive(Debug, Subcommand)]
pub(super) enum Print {
    /// For kube-apiserver's `--authentication-token-webhook-config-file`
    WebhookKubeconfig(WebhookKubeconfig),
    /// The `users:` entry of a kubeconfig that runs kubectl-login
    ExecEntry(ExecEntry),
    /// A whole kubeconfig to hand out: cluster, context, and a user entry that runs kubectl-login
    Kubeconfig(kubeconfig::Kubeconfig),
    /// For kube-apiserver's `--authentication-config`: what may be asked without credentials
    AuthenticationConfig(AuthenticationConfig),
    /// A kubeadm `ClusterConfiguration` that gives kube-apiserver these files
    KubeadmPatch(kubeadm_patch::KubeadmPatch),
    /// A line for the file of `staticTokens.hashedFile`; its token goes to stderr, once
    StaticToken(static_token::StaticToken),
}

impl Print {
    pub(super) fn run(self) -> Result<(), Failure> {
        print(&match self {
            Self::WebhookKubeconfig(file) => file.render()?,
            Self::ExecEntry(file) => file.render()?,
            Self::Kubeconfig(file) => file.render()?,
            Self::AuthenticationConfig(file) => file.render()?,
            Self::KubeadmPatch(file) => file.render()?,
            Self::StaticToken(line) => line.render()?,
        })
    }
}
