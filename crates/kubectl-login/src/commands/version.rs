//! `version`: what this program is.
//! Never asks anybody.

use clap::{Arg, ArgMatches, Command};

use crate::{
    report::Failure,
    system::{System, stdout},
};

/// Its arguments.
pub fn definition() -> Command {
    Command::new("version").about("Print the version").arg(
        Arg::new("output")
            .short('o')
            .long("output")
            .value_name("FORMAT")
            .value_parser(["text", "json"])
            .default_value("text")
            .help("How to print it"),
    )
}

/// Prints it.
pub fn run(_: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let json = matches.get_one::<String>("output").is_some_and(|format| format == "json");
    stdout::answer(&text(json))
}

/// One line of text, or one of JSON.
fn text(json: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        let facts = serde_json::json!({
            "version": version,
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "execApiVersions": login_common::exec_credential::ExecApiVersion::ALL
                .map(login_common::exec_credential::ExecApiVersion::as_str),
        });
        format!("{facts}\n")
    } else {
        format!("kubectl-login {version}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_version() {
        assert_eq!(text(false), format!("kubectl-login {}\n", env!("CARGO_PKG_VERSION")));
        let json: serde_json::Value = serde_json::from_str(&text(true)).unwrap();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(json["execApiVersions"][0], "client.authentication.k8s.io/v1");
    }
}
