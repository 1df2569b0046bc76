//! Kubernetes' `AuthenticationConfiguration`: anonymous requests only for what kubelets, joining
//! nodes and other clusters request without credentials, and an entry for an issuer if one is
//! named.
//! Never allows other anonymous requests. (`--anonymous-auth=false` instead would break probes.)

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use located_yaml::write::scalar;
use login_common::names::{ClientId, IssuerUrl};

use super::yaml::Document;
use crate::{config::authenticators::authorities, report::Failure, system::files};

#[derive(Args, Debug, Default)]
pub(crate) struct AuthenticationConfig {
    /// `v1` for Kubernetes 1.34 and later, `v1beta1` for 1.32 and 1.33
    #[arg(long, value_enum, default_value_t)]
    pub(crate) api_version: ConfigurationApi,
    /// Accept tokens of this issuer
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub(crate) issuer_url: Option<String>,
    /// What must stand in their `aud`
    #[arg(long, value_name = "ID", requires = "issuer_url")]
    pub(crate) client_id: Option<String>,
    /// The authority of the issuer's certificate; its content is copied
    #[arg(long, value_name = "FILE", requires = "issuer_url")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// The claim that becomes the username
    #[arg(long, value_name = "CLAIM", default_value = "sub")]
    pub(crate) username_claim: String,
    /// Put before every username
    #[arg(long, value_name = "TEXT", default_value = "oidc:")]
    pub(crate) username_prefix: String,
    /// The claim that becomes the groups
    #[arg(long, value_name = "CLAIM", default_value = "groups")]
    pub(crate) groups_claim: String,
    /// Put before every group
    #[arg(long, value_name = "TEXT", default_value = "oidc:")]
    pub(crate) groups_prefix: String,
}

/// A version of `apiserver.config.k8s.io` that has `anonymous.conditions`.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ConfigurationApi {
    #[default]
    V1,
    V1beta1,
}

impl ConfigurationApi {
    fn head(self) -> String {
        let (version, servers) = match self {
            Self::V1 => ("v1", "1.34 and later; `--api-version v1beta1` is for 1.32 and 1.33"),
            Self::V1beta1 => ("v1beta1", "1.32 and later; from 1.34 on `v1` is the one to use"),
        };
        format!(
            "apiVersion: apiserver.config.k8s.io/{version}\nkind: AuthenticationConfiguration\n\
             # For kube-apiserver's `--authentication-config`, Kubernetes {servers}.\n\
             {REST_OF_HEAD}"
        )
    }
}

// kubeadm's `join` reads the ConfigMap before it has credentials. RBAC still decides what an
// anonymous request may read.
const REST_OF_HEAD: &str = "\
#
# What may be asked without credentials: exactly these paths. RBAC still decides about each of them.
# Everything else is answered 401 to who shows nothing, also /version, /metrics, /livez/ping and the
# like, and every other path of the API. Add a path here if something of yours asks it.
#
# kube-apiserver does not start with this file beside `--anonymous-auth` (true or false), since it
# says the same, nor beside any `--oidc-…` flag, whose issuer belongs under `jwt` then. Take those
# flags out of its manifest together with this change; without `--anonymous-auth`, and if you have no
# `--oidc-…` flags to replace, you can also leave this whole file out: the webhook works without it.
anonymous:
  enabled: true
  conditions:
  # kubelet and load balancers
  - path: /livez
  - path: /readyz
  - path: /healthz
  # `kubeadm join`, and `kubeadm init` for further control planes
  - path: /api/v1/namespaces/kube-public/configmaps/cluster-info
  # other clusters and clouds that verify tokens of service accounts; only where RBAC lets everybody
  # read them (role `system:service-account-issuer-discovery`)
  - path: /.well-known/openid-configuration
  - path: /openid/v1/jwks
";

/// login-server refuses these names anyway; kube-apiserver accepts whatever the mapping yields.
const RULES: [&str; 5] = [
    "  userValidationRules:",
    "  - expression: \"!user.username.startsWith('system:')\"",
    "    message: \"usernames that begin with system: belong to Kubernetes\"",
    "  - expression: \"user.groups.all(group, !group.startsWith('system:'))\"",
    "    message: \"groups that begin with system: belong to Kubernetes\"",
];

impl AuthenticationConfig {
    pub(crate) fn render(&self) -> Result<String, Failure> {
        let (Some(issuer), Some(client)) = (&self.issuer_url, &self.client_id) else {
            return Ok(self.api_version.head());
        };
        IssuerUrl::parse(issuer).map_err(|fault| {
            Failure::configuration("`--issuer-url` is not usable").because(&fault)
        })?;
        ClientId::parse(client).map_err(|fault| {
            Failure::configuration("`--client-id` is not usable").because(&fault)
        })?;
        let mut file = Document::beginning(&self.api_version.head());
        file.line("jwt:");
        file.line("- issuer:");
        file.line(&format!("    url: {}", scalar(issuer)));
        file.line("    audiences:");
        file.line(&format!("    - {}", scalar(client)));
        if let Some(path) = &self.certificate_authority {
            let pem = files::read_text(path, 1024 * 1024).map_err(|fault| {
                Failure::configuration("could not read the certificate authority").because(&fault)
            })?;
            authorities(path, &pem).map_err(|fault| {
                Failure::configuration(format!("no server would take this authority: {fault}"))
            })?;
            file.line("    certificateAuthority: |");
            file.block(&pem, 6);
        }
        file.line("  claimMappings:");
        for (target, claim, prefix) in [
            ("username", &self.username_claim, &self.username_prefix),
            ("groups", &self.groups_claim, &self.groups_prefix),
        ] {
            file.line(&format!("    {target}:"));
            file.line(&format!("      claim: {}", scalar(claim)));
            file.line(&format!("      prefix: {}", scalar(prefix)));
        }
        for line in RULES {
            file.line(line);
        }
        Ok(file.into_text())
    }
}
