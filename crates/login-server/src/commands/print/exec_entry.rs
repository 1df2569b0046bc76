//! The `users:` entry of a kubeconfig that runs kubectl-login.
//! Never writes a secret into it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use located_yaml::write::scalar;
use login_common::names::{ClientId, IssuerUrl};

use super::yaml::{Document, path};
use crate::report::Failure;

/// Options of `get-token` whose value is or contains a secret, and what to use instead.
const SECRETS: [(&str, &str); 5] = [
    ("--client-secret", CLIENT_SECRET),
    ("--oidc-client-secret", CLIENT_SECRET),
    ("--password", "leave it out: people are asked, jobs set `KUBECTL_LOGIN_PASSWORD`"),
    ("--request-header", REQUEST_HEADER),
    ("--oidc-request-header", REQUEST_HEADER),
];
const CLIENT_SECRET: &str = "use `--arg=--client-secret-file=FILE`, or the variable \
                             `KUBECTL_LOGIN_CLIENT_SECRET`";
const REQUEST_HEADER: &str = "each person writes it into a configuration file of their own, \
                              `~/.config/kubectl-login/config.yaml`";

const INSTALL_HINT: &str = "kubectl-login is not installed. Put the program kubectl-login into a \
                            folder of your PATH, then try again.";

#[derive(Args, Debug)]
pub(crate) struct ExecEntry {
    /// The issuer, exactly as it names itself
    #[arg(long, value_name = "URL")]
    pub(crate) issuer_url: String,
    /// The client id at the issuer
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: String,
    /// The authority of the issuer's certificate, by its path on the user's machine
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// `v1`, or `v1beta1` for kubectl before 1.22
    #[arg(long, value_enum, default_value_t)]
    pub(crate) api_version: ExecApi,
    /// The name of the entry
    #[arg(long, value_name = "NAME", default_value = "kubectl-login")]
    pub(crate) user: String,
    /// How to sign in; kubectl-login chooses when this is left out
    #[arg(long, value_name = "FLOW")]
    pub(crate) flow: Option<String>,
    /// Another argument for `kubectl-login get-token`; may be given several times
    #[arg(long = "arg", value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ExecApi {
    #[default]
    V1,
    V1beta1,
}

impl ExecEntry {
    pub(crate) fn render(&self) -> Result<String, Failure> {
        let mut file = Document::beginning("apiVersion: v1\nkind: Config\n");
        self.write(&mut file)?;
        Ok(file.into_text())
    }

    /// Writes the key `users` with this entry.
    pub(super) fn write(&self, file: &mut Document) -> Result<(), Failure> {
        IssuerUrl::parse(&self.issuer_url).map_err(|fault| {
            Failure::configuration("`--issuer-url` is not usable").because(&fault)
        })?;
        ClientId::parse(&self.client_id).map_err(|fault| {
            Failure::configuration("`--client-id` is not usable").because(&fault)
        })?;
        let secret = self.arguments.iter().find_map(|argument| {
            let option = argument.split_once('=').map_or(argument.as_str(), |(option, _)| option);
            SECRETS.into_iter().find(|(secret, _)| *secret == option)
        });
        if let Some((option, advice)) = secret {
            let message = format!("a kubeconfig is no place for a secret, which `{option}` is");
            return Err(Failure::configuration(message).hint(advice));
        }
        let version = match self.api_version {
            ExecApi::V1 => "v1",
            ExecApi::V1beta1 => "v1beta1",
        };
        let mut arguments = vec![
            scalar("get-token"),
            scalar(&format!("--issuer-url={}", self.issuer_url)),
            scalar(&format!("--client-id={}", self.client_id)),
        ];
        if let Some(authority) = &self.certificate_authority {
            // Checked for UTF-8 alone, then quoted together with its flag.
            path(authority)?;
            arguments.push(scalar(&format!("--certificate-authority={}", authority.display())));
        }
        if let Some(flow) = &self.flow {
            arguments.push(scalar(&format!("--flow={flow}")));
        }
        arguments.extend(self.arguments.iter().map(|argument| scalar(argument)));
        file.line("users:");
        file.line(&format!("- name: {}", scalar(&self.user)));
        file.line("  user:");
        file.line("    exec:");
        file.line(&format!("      apiVersion: client.authentication.k8s.io/{version}"));
        file.line("      command: kubectl-login");
        file.line("      args:");
        for argument in arguments {
            file.line(&format!("      - {argument}"));
        }
        file.line("      interactiveMode: IfAvailable");
        file.line("      provideClusterInfo: false");
        file.line(&format!("      installHint: {}", scalar(INSTALL_HINT)));
        Ok(())
    }
}
