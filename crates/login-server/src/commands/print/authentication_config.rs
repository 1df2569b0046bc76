//! Kubernetes' `AuthenticationConfiguration`: anonymous requests to health paths only, and an
//! entry for an issuer if one is named.
//! Never allows anonymous requests to anything else: `--anonymous-auth=false` would break probes.

use std::path::PathBuf;

use clap::Args;
use login_common::names::{ClientId, IssuerUrl};

use super::yaml::{Document, scalar};
use crate::{report::Failure, system::files};

#[derive(Args, Debug, Default)]
pub(crate) struct AuthenticationConfig {
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

const HEAD: &str = "\
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
# kubelet and load balancers probe without credentials; nobody else may.
anonymous:
  enabled: true
  conditions:
  - path: /livez
  - path: /readyz
  - path: /healthz
";

/// login-server refuses these names anyway; kube-apiserver believes whatever the mapping yields.
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
            return Ok(HEAD.to_owned());
        };
        IssuerUrl::parse(issuer).map_err(|fault| {
            Failure::configuration("`--issuer-url` is not usable").because(&fault)
        })?;
        ClientId::parse(client).map_err(|fault| {
            Failure::configuration("`--client-id` is not usable").because(&fault)
        })?;
        let mut file = Document::beginning(HEAD);
        file.line("jwt:");
        file.line("- issuer:");
        file.line(&format!("    url: {}", scalar(issuer)));
        file.line("    audiences:");
        file.line(&format!("    - {}", scalar(client)));
        if let Some(path) = &self.certificate_authority {
            let pem = files::read_text(path, 1024 * 1024).map_err(|fault| {
                Failure::configuration("could not read the certificate authority").because(&fault)
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
