//! The `exec` entry of a kubeconfig that runs kubectl-login, as both programs write it.
//! Never contains a secret: every user of the machine can read it in the process list.

use serde_json::{Value, json};
use thiserror::Error;

use crate::{lists, secret_text};

/// kubectl shows this if the program is missing.
pub const INSTALL_HINT: &str = "kubectl-login is not installed. Put the program kubectl-login \
                                into a folder of your PATH, then try again.";

/// An `exec` entry.
pub struct ExecEntry {
    /// `v1` or `v1beta1`.
    pub api_version: String,
    /// The options after `get-token`.
    pub arguments: Vec<String>,
    /// The environment variables.
    pub environment: Vec<(String, String)>,
    /// kubectl shows this if the program is missing.
    pub install_hint: String,
    /// Whether kubectl passes the cluster's settings to the plugin.
    pub provide_cluster_info: bool,
}

impl ExecEntry {
    /// An entry with these options and defaults for everything else.
    pub fn new(arguments: Vec<String>) -> Self {
        Self {
            api_version: "v1".to_owned(),
            arguments,
            environment: Vec::new(),
            install_hint: INSTALL_HINT.to_owned(),
            provide_cluster_info: false,
        }
    }

    /// The entry as the value of `exec`.
    pub fn to_value(&self) -> Value {
        let arguments: Vec<&str> =
            std::iter::once("get-token").chain(self.arguments.iter().map(String::as_str)).collect();
        let mut value = json!({
            "apiVersion": format!("client.authentication.k8s.io/{}", self.api_version),
            // The bare name: kubectl's allow-list names it, and the program may move on the PATH.
            "command": "kubectl-login",
            "args": arguments,
            "interactiveMode": "IfAvailable",
            "installHint": self.install_hint,
            "provideClusterInfo": self.provide_cluster_info,
        });
        if let (false, Value::Object(fields)) = (self.environment.is_empty(), &mut value) {
            let variables: Vec<Value> = self
                .environment
                .iter()
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect();
            fields.insert("env".to_owned(), Value::from(variables));
        }
        value
    }
}

/// An option of `get-token` whose value is or may contain a secret.
pub struct SecretOption {
    /// Its names, without dashes.
    pub names: &'static [&'static str],
    /// What its values hold.
    pub holds: Holds,
    /// What to use instead of a kubeconfig.
    pub instead: &'static str,
}

/// What the values of an option hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A secret.
    Secret,
    /// `NAME=VALUE` pairs; the name says whether the value is a secret.
    Pairs,
    /// A text that may contain addresses.
    Text,
}

/// All of them.
pub const SECRET_OPTIONS: [SecretOption; 4] = [
    SecretOption {
        names: &["client-secret", "oidc-client-secret"],
        holds: Holds::Secret,
        instead: "use `--client-secret-file` or `--client-secret-command`, or the variable \
                  `KUBECTL_LOGIN_CLIENT_SECRET`",
    },
    SecretOption {
        names: &["password"],
        holds: Holds::Secret,
        instead: "leave it out to be asked, or set the variable `KUBECTL_LOGIN_PASSWORD`",
    },
    SecretOption {
        names: &["request-header", "oidc-request-header"],
        holds: Holds::Pairs,
        instead: "set the variable `KUBECTL_LOGIN_REQUEST_HEADER`, or write it below `issuers:` \
                  into the configuration file",
    },
    SecretOption {
        names: &["authorization-parameter", "oidc-auth-request-extra-params"],
        holds: Holds::Pairs,
        instead: "set the variable `KUBECTL_LOGIN_AUTHORIZATION_PARAMETER`, or write it below \
                  `issuers:` into the configuration file",
    },
];

/// A secret would be written to a kubeconfig.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`--{option}` has no place in a kubeconfig")]
pub struct SecretInEntry {
    /// The option, without dashes.
    pub option: String,
    /// What to use instead.
    pub instead: &'static str,
}

/// Checks the value of an option, which is named without dashes: it may be neither a secret nor
/// contain one, such as a header that authenticates, or a password in a URL.
pub fn check(option: &str, value: &str) -> Result<(), SecretInEntry> {
    let known = SECRET_OPTIONS.iter().find(|known| known.names.contains(&option));
    let is_secret = match known.map_or(Holds::Text, |known| known.holds) {
        Holds::Secret => true,
        Holds::Pairs => {
            let pairs = lists::pairs(value).unwrap_or_default();
            pairs.iter().any(|(name, value)| secret_text::is_secret_pair(name, value))
        }
        Holds::Text => false,
    };
    if !is_secret && secret_text::credentials_in_addresses(value).is_empty() {
        return Ok(());
    }
    let instead = known.map_or("leave the password out of the address", |known| known.instead);
    Err(SecretInEntry { option: option.to_owned(), instead })
}

/// Checks arguments: `--option=value`, or an option and its value behind it.
pub fn check_all<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<(), SecretInEntry> {
    let mut pending = None;
    for argument in arguments {
        match (argument.strip_prefix("--"), pending.take()) {
            (Some(option), before) => {
                // The value of `before` is missing: it is a secret all the same, by its name.
                before.map_or(Ok(()), |before| check(before, ""))?;
                match option.split_once('=') {
                    Some((option, value)) => check(option, value)?,
                    None => pending = Some(option),
                }
            }
            (None, option) => check(option.unwrap_or("arg"), argument)?,
        }
    }
    pending.map_or(Ok(()), |option| check(option, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_refused_and_named_by_its_option() {
        for (arguments, expected) in [
            (&["--client-secret=hunter2"][..], Some("client-secret")),
            (&["--oidc-client-secret", "hunter2"], Some("oidc-client-secret")),
            (&["--password", "--verbose"], Some("password")),
            (&["--password"], Some("password")),
            (&["--request-header=Authorization=Bearer hunter2hunter"], Some("request-header")),
            (&["--request-header", "X-Tenant=a,X-Api-Key=hunter2"], Some("request-header")),
            (&["--oidc-request-header=Cookie=hunter2"], Some("oidc-request-header")),
            (&["--request-header=X-Odd=Basic aHVudGVyMjpodW50ZXIy"], Some("request-header")),
            (
                &["--authorization-parameter=client_secret_2=hunter2"],
                Some("authorization-parameter"),
            ),
            (
                &["--oidc-auth-request-extra-params=client_secret_2=hunter2"],
                Some("oidc-auth-request-extra-params"),
            ),
            (&["--redirect-url=https://user:hunter2@localhost/"], Some("redirect-url")),
            (&["--redirect-url", "https://user:hunter2@localhost/"], Some("redirect-url")),
            (&["--request-header=X-Tenant=a"], None),
            (&["--request-header", "X-Tenant=a", "--verbose"], None),
            (&["--authorization-parameter=prompt=login,acr_values=high"], None),
            (&["--redirect-url=http://localhost:8000/"], None),
            (&["--issuer-url=https://id.example/a@b", "--client-secret-file=/s"], None),
            (&["-v=1", "--scope", "a,b"], None),
        ] {
            let refused = check_all(arguments.iter().copied()).err();
            let shown = refused.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(!shown.contains("hunter2"), "{shown}");
            let option = refused.map(|refused| refused.option);
            assert_eq!(option.as_deref(), expected, "{arguments:?}");
        }
    }
}
