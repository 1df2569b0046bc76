//! `completion`: the script that teaches a shell our commands and options.
//! Never reads the kubeconfig or asks an issuer.

use crate::options::command_line;

/// The script.
pub fn script(shell: clap_complete::Shell) -> String {
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
        for shell in clap_complete::Shell::value_variants() {
            let script = script(*shell);
            for word in ["get-token", "login", "version", "issuer-url"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
