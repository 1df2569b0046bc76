//! `version`: prints the program's version.
//! Never uses the network.

use clap::{ArgMatches, Command};
use login_common::exec_credential::ExecApiVersion;
use serde::Serialize;

use crate::{output, report::Failure, system::System};

/// The commit that was built, if the build passed it in; reading it from git would make the program
/// depend on more than its sources.
const COMMIT: Option<&str> = option_env!("KUBECTL_LOGIN_COMMIT");

/// Its arguments.
pub fn definition() -> Command {
    Command::new("version").about("Print the version").arg(output::argument())
}

/// Prints it.
pub fn run(_: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let facts = Facts::of_this_program();
    let format = output::Format::of(matches);
    Ok(output::print(format, "Version", &facts, |wide, _| facts.text(wide))?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'static str>,
    os: &'static str,
    architecture: &'static str,
    keyring: bool,
    exec_api_versions: [&'static str; 2],
}

impl Facts {
    fn of_this_program() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT,
            os: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            keyring: cfg!(feature = "keyring"),
            exec_api_versions: ExecApiVersion::ALL.map(ExecApiVersion::as_str),
        }
    }

    fn text(&self, wide: bool) -> String {
        let first = format!("kubectl-login {}\n", self.version);
        if !wide {
            return first;
        }
        let pairs = [
            ("commit", self.commit.unwrap_or("not said")),
            ("system", &format!("{}/{}", self.os, self.architecture)),
            ("keyring", if self.keyring { "built in" } else { "left out" }),
            ("answers", &self.exec_api_versions.join(", ")),
        ];
        first + &output::aligned(&pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_the_version() {
        let facts = Facts::of_this_program();
        assert_eq!(facts.text(false), format!("kubectl-login {}\n", facts.version));
        assert!(facts.text(true).contains("answers: client.authentication.k8s.io/v1, "));
        let json = serde_json::to_value(&facts).unwrap();
        assert_eq!(json["execApiVersions"][0], "client.authentication.k8s.io/v1");
    }
}
