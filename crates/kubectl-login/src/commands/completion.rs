//! `completion`: the script that teaches a shell our commands and options.
//! Never reads the kubeconfig or asks an issuer.

use clap::{Arg, ArgMatches, Command};
use clap_complete::Shell;

use super::command_line;
use crate::{
    report::Failure,
    system::{System, stdout},
};

/// Its arguments.
pub fn definition() -> Command {
    Command::new("completion").about("Print the completion script of a shell").arg(
        Arg::new("shell")
            .required(true)
            .value_name("SHELL")
            .value_parser(clap::value_parser!(Shell)),
    )
}

/// Prints the script.
pub fn run(_: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    stdout::answer(&script(matches.get_one("shell").copied().unwrap_or(Shell::Bash)))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line::command(), "kubectl-login", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in ["get-token", "login", "version", "issuer-url"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
