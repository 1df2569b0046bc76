//! The `users:` entry of a kubeconfig that runs kubectl-login.
//! Never writes a secret into it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use located_yaml::write::document;
use login_common::{
    exec_entry,
    names::{ClientId, IssuerUrl},
};
use serde_json::{Value, json};

use super::yaml::path;
use crate::report::Failure;

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
        let users = self.users()?;
        Ok(document(&json!({ "apiVersion": "v1", "kind": "Config", "users": users })))
    }

    /// The value of `users` with this entry.
    pub(super) fn users(&self) -> Result<Value, Failure> {
        IssuerUrl::parse(&self.issuer_url).map_err(|fault| {
            Failure::configuration("`--issuer-url` is not usable").because(&fault)
        })?;
        ClientId::parse(&self.client_id).map_err(|fault| {
            Failure::configuration("`--client-id` is not usable").because(&fault)
        })?;
        let mut arguments = vec![
            format!("--issuer-url={}", self.issuer_url),
            format!("--client-id={}", self.client_id),
        ];
        if let Some(authority) = &self.certificate_authority {
            arguments.push(format!("--certificate-authority={}", path(authority)?));
        }
        arguments.extend(self.flow.iter().map(|flow| format!("--flow={flow}")));
        arguments.extend(self.arguments.iter().cloned());
        exec_entry::check_all(arguments.iter().map(String::as_str))
            .map_err(|refused| Failure::configuration(refused.to_string()).hint(refused.instead))?;
        let version = match self.api_version {
            ExecApi::V1 => "v1",
            ExecApi::V1beta1 => "v1beta1",
        };
        let exec = exec_entry::ExecEntry {
            api_version: version.to_owned(),
            ..exec_entry::ExecEntry::new(arguments)
        };
        Ok(json!([{ "name": self.user, "user": { "exec": exec.to_value() } }]))
    }
}
