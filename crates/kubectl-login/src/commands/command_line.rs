//! The command line as a whole: the program, its commands, help.
//! Never runs a command.

use std::{ffi::OsString, path::Path};

use clap::{ArgMatches, Command, builder::PossibleValuesParser};
use thiserror::Error;

use super::{COMMANDS, Entry, completion::known, examples};
use crate::{
    options::arguments,
    report::{Fault, Reported},
    system::{environment::Environment, program},
};

/// The name of int128/kubelogin as kubectl's plugin; a link by that name may be ours.
const KUBELOGIN: &str = "kubectl-oidc_login";

/// How the user started us; usage texts repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// `kubectl-login`
    Program,
    /// `kubectl login`: kubectl ran us as its plugin.
    Plugin,
    /// `kubectl oidc-login`: the same under int128/kubelogin's name.
    Kubelogin,
}

impl Invocation {
    /// kubectl starts a plugin by its absolute path (`HandlePluginCommand` in kubectl's
    /// `plugin.go`), shells by the word that was typed; newer kubectls also set `KUBECTL_PATH`.
    pub fn of(first_word: Option<&OsString>, environment: &dyn Environment) -> Self {
        let name = first_word.and_then(|word| program::name_of(word));
        if name == Some(KUBELOGIN) {
            return Self::Kubelogin;
        }
        let is_whole_path = first_word.is_some_and(|word| {
            Path::new(word).is_absolute() && program::name_of(word) == Some("kubectl-login")
        });
        if is_whole_path || environment.has("KUBECTL_PATH") { Self::Plugin } else { Self::Program }
    }

    /// As typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "kubectl-login",
            Self::Plugin => "kubectl login",
            Self::Kubelogin => "kubectl oidc-login",
        }
    }
}

/// The whole command line.
pub fn command() -> Command {
    command_for(Invocation::Program)
}

fn command_for(invocation: Invocation) -> Command {
    Command::new("kubectl-login")
        .bin_name(invocation.as_str())
        .about("Sign in to Kubernetes once; kubectl, helm, k9s and CI jobs just work after that")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .infer_long_args(false)
        .disable_help_subcommand(true)
        .after_help("Run without a command it is `login`.")
        .subcommands(COMMANDS.iter().map(|entry| with_examples((entry.definition)())))
}

fn with_examples(command: Command) -> Command {
    let before = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let below = examples::below(command.get_name(), &before);
    command.after_help(below)
}

/// The whole command line as completion scripts and manual pages show it: with the usual values of
/// each option. The program itself accepts more spellings, those of int128/kubelogin.
pub fn documented() -> Command {
    command().mut_subcommands(|command| {
        command.mut_args(|argument| match known::choices_of(argument.get_id().as_str()) {
            Some(choices) => argument.value_parser(PossibleValuesParser::new(choices)),
            None => argument,
        })
    })
}

/// Parses arguments, without the program's name, into a command and its matches.
pub fn parse(
    invocation: Invocation,
    arguments: &[OsString],
) -> Result<(&'static Entry, ArgMatches), clap::Error> {
    let is_command =
        |word: &str| COMMANDS.iter().any(|entry| (entry.definition)().get_name() == word);
    let arguments = arguments::spelled_out(arguments::without_plugin(arguments), &is_command);
    let first = arguments.first().and_then(|word| word.to_str());
    let asks_about_program = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    let names_no_command = first.is_none_or(|word| word.starts_with('-')) && !asks_about_program;
    let words = ["kubectl-login"]
        .into_iter()
        .chain(names_no_command.then_some("login"))
        .map(OsString::from)
        .chain(arguments);
    let mut matches = command_for(invocation).try_get_matches_from(words)?;
    let found = matches.remove_subcommand().and_then(|(name, matches)| {
        let mut known = COMMANDS.iter();
        known.find(|entry| (entry.definition)().get_name() == name).map(|entry| (entry, matches))
    });
    found.ok_or_else(|| {
        command().error(clap::error::ErrorKind::MissingSubcommand, "a command is missing")
    })
}

/// A command line that clap refuses.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct CommandLineError(String);

impl Reported for CommandLineError {
    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("`kubectl-login --help` lists commands and options".into())
    }
}

/// clap's message without its usage text, in our style.
pub fn failure(error: &clap::Error) -> CommandLineError {
    let text = error.render().to_string();
    let message = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    CommandLineError(message.strip_prefix("error: ").unwrap_or(&message).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn read(line: &str) -> Result<(String, ArgMatches), clap::Error> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(Invocation::Program, &words)
            .map(|(entry, matches)| ((entry.definition)().get_name().to_owned(), matches))
    }

    #[test]
    fn claps_words_become_one_error() {
        let words = ["get-token", "--isuer-url", "x"].map(Into::into);
        let error = parse(Invocation::Program, &words).err().unwrap();
        let report = Report::from(&failure(&error).into());
        assert!(
            report.error.starts_with("unexpected argument '--isuer-url' found"),
            "{}",
            report.error
        );
        assert_eq!(report.fault, Fault::Usage);
    }

    #[test]
    fn clap_finds_no_fault_with_the_definition() {
        command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_login() {
        for line in ["", "--issuer-url x", "login --context dev", "-v2", "-v 1", "-v https://a"] {
            assert_eq!(read(line).unwrap().0, "login", "{line}");
        }
        let (_, matches) = read("--issuer-url x").unwrap();
        assert!(!arguments::typed(&matches).is_empty());
    }

    #[test]
    fn kubelogins_command_lines_are_understood() {
        for (line, command) in [
            ("oidc-login get-token --oidc-issuer-url x", "get-token"),
            ("-v 1 get-token", "get-token"),
            ("--log_file /x -v=1 status", "status"),
            ("oidc-login clean --token-cache-dir /x", "clean"),
            ("clean", "clean"),
        ] {
            assert_eq!(read(line).unwrap().0, command, "{line}");
        }
    }

    #[test]
    fn usage_repeats_what_was_typed() {
        use crate::system::environment::{NoEnvironment, Overlay};
        let new_kubectl = [("KUBECTL_PATH".to_owned(), "/usr/bin/kubectl".to_owned())];
        let new_kubectl = Overlay { variables: &new_kubectl, below: &NoEnvironment };
        let absolute = if cfg!(windows) { r"C:\\b\\kubectl-login.exe" } else { "/b/kubectl-login" };
        for (word, environment, expected) in [
            ("kubectl-login", &NoEnvironment as &dyn Environment, Invocation::Program),
            ("./kubectl-login", &NoEnvironment, Invocation::Program),
            (absolute, &NoEnvironment, Invocation::Plugin),
            ("/b/kubectl-oidc_login", &NoEnvironment, Invocation::Kubelogin),
            ("kubectl-oidc_login", &new_kubectl, Invocation::Kubelogin),
            ("kubectl-login", &new_kubectl, Invocation::Plugin),
        ] {
            assert_eq!(Invocation::of(Some(&word.into()), environment), expected, "{word}");
        }
        for invocation in [Invocation::Program, Invocation::Plugin, Invocation::Kubelogin] {
            for (line, command) in [("--help", ""), ("get-token --help", " get-token")] {
                let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
                let help = parse(invocation, &words).err().unwrap().render().to_string();
                let usage = format!("Usage: {}{command} ", invocation.as_str());
                assert!(help.contains(&usage), "{help}");
            }
        }
    }

    #[test]
    fn questions_about_the_program_are_not_errors() {
        for line in ["--help", "-h", "--version", "get-token --help", "login -h"] {
            assert_eq!(read(line).err().unwrap().exit_code(), 0, "{line}");
        }
        for line in ["nonsense", "get-token --nonsense", "version -o table", "completion tcsh"] {
            assert_eq!(read(line).err().unwrap().exit_code(), 2, "{line}");
        }
    }
}
