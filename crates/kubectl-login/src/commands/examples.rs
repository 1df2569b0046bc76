//! Example command lines, by command: shown below the help and in the manual pages.
//! Never names an option that does not exist: a test parses each line as the program would.

/// A command's name, and its lines with what each is for.
type Examples = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: &[Examples] = &[
    (
        "get-token",
        &[
            (
                "What a kubeconfig's `exec` entry runs for a person",
                "kubectl-login get-token --issuer-url=https://id.example.com --client-id=kubernetes",
            ),
            (
                "In a job, with the identity that GitHub Actions gives it",
                "kubectl-login get-token --issuer-url=https://login.example.com \
                 --client-id=deploy --identity=github-actions",
            ),
        ],
    ),
    (
        "login",
        &[
            ("Sign in for the current context", "kubectl-login login"),
            (
                "Learn everything from a login-server, and let a context use it",
                "kubectl-login login https://login.example.com --context dev",
            ),
            ("On a machine without a browser", "kubectl-login login --flow device"),
        ],
    ),
    (
        "logout",
        &[
            ("End the session of the current context", "kubectl-login logout"),
            ("End every session on this machine", "kubectl-login logout --all"),
        ],
    ),
    (
        "status",
        &[
            ("Every session, with what stands in its way", "kubectl-login status -o wide"),
            ("Would the next kubectl ask for a sign-in?", "kubectl-login status --check"),
        ],
    ),
    ("whoami", &[("Who the cluster takes the token for", "kubectl-login whoami --context dev")]),
    (
        "doctor",
        &[
            ("Everything from the kubeconfig to the cluster", "kubectl-login doctor"),
            (
                "Compare the token with kube-apiserver's own file",
                "kubectl-login doctor --authentication-config authentication-config.yaml",
            ),
        ],
    ),
    (
        "setup",
        &[(
            "Show what would change in the kubeconfig",
            "kubectl-login setup --issuer-url https://id.example.com --client-id kubernetes \
             --context dev --dry-run",
        )],
    ),
    (
        "convert",
        &[("Show what would become of kubelogin's users", "kubectl-login convert --dry-run")],
    ),
    (
        "completion",
        &[
            ("For this shell", "kubectl-login completion bash"),
            ("For `kubectl login`", "kubectl-login completion --install-kubectl /usr/local/bin"),
        ],
    ),
    ("man", &[("The manual pages", "kubectl-login man /usr/local/share/man/man1")]),
    ("version", &[("For a report", "kubectl-login version -o wide")]),
];

/// The examples of a command.
pub fn of(command: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(name, _)| *name == command).map_or(&[], |(_, lines)| lines)
}

/// The examples as text below the help, after `before`.
pub fn below(command: &str, before: &str) -> String {
    let lines: Vec<String> =
        of(command).iter().map(|(what, line)| format!("  # {what}\n  {line}")).collect();
    match (before.is_empty(), lines.is_empty()) {
        (_, true) => before.to_owned(),
        (true, false) => format!("Examples:\n{}", lines.join("\n")),
        (false, false) => format!("{before}\n\nExamples:\n{}", lines.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::commands::{
        COMMANDS,
        command_line::{Invocation, parse},
    };

    #[test]
    fn every_command_has_examples_and_each_is_read_as_that_command() {
        for entry in COMMANDS {
            let definition = (entry.definition)();
            let name = definition.get_name();
            if definition.is_hide_set() {
                continue;
            }
            assert!(!of(name).is_empty(), "{name}");
            for (_, line) in of(name) {
                let words: Vec<OsString> =
                    line.split_whitespace().skip(1).map(Into::into).collect();
                let (found, _) = parse(Invocation::Program, &words)
                    .unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!((found.definition)().get_name(), name, "{line}");
            }
        }
    }
}
