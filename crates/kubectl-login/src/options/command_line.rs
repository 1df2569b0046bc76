//! The command line as clap sees it: commands, help, completion. Built from the options' table.
//! Never runs a command.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::{
    table::{OPTIONS, Row, Shape},
    typed::Typed,
};

/// What the user wants done.
pub enum Invocation {
    /// `get-token`
    GetToken(Typed),
    /// `login`
    Login {
        /// The options of the target, if any were typed.
        typed: Typed,
        /// `--context`
        context: Option<String>,
        /// `--kubeconfig`
        kubeconfig: Option<String>,
    },
    /// `version`
    Version {
        /// `-o json`
        json: bool,
    },
    /// `completion`
    Completion(clap_complete::Shell),
    /// `man`
    Man {
        /// Where the pages go.
        directory: String,
    },
}

/// The whole command line.
pub fn command() -> Command {
    Command::new("kubectl-login")
        .about("Sign in to Kubernetes once; kubectl, helm, k9s and CI jobs just work after that")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .infer_long_args(false)
        .disable_help_subcommand(true)
        .after_help("Run without a command it is `login`.")
        .subcommand(
            with_options(Command::new("get-token")).about(
                "Print an ExecCredential with a token; what a kubeconfig's `exec` entry runs",
            ),
        )
        .subcommand(
            with_options(Command::new("login"))
                .about("Sign in now, with these options or those of the current context's user")
                .arg(
                    Arg::new("context").long("context").value_name("NAME").help(
                        "The kubeconfig context whose user signs in [default: the current one]",
                    ),
                )
                .arg(
                    Arg::new("kubeconfig")
                        .long("kubeconfig")
                        .value_name("FILE")
                        .help("The kubeconfig to read [default: $KUBECONFIG or ~/.kube/config]"),
                ),
        )
        .subcommand(
            Command::new("version").about("Print the version").arg(
                Arg::new("output")
                    .short('o')
                    .long("output")
                    .value_name("FORMAT")
                    .value_parser(["text", "json"])
                    .default_value("text")
                    .help("How to print it"),
            ),
        )
        .subcommand(
            Command::new("completion").about("Print the completion script of a shell").arg(
                Arg::new("shell")
                    .required(true)
                    .value_name("SHELL")
                    .value_parser(clap::value_parser!(clap_complete::Shell)),
            ),
        )
        .subcommand(
            Command::new("man").about("Write the manual pages into a directory").arg(
                Arg::new("directory").required(true).value_name("DIRECTORY").help("Must exist"),
            ),
        )
}

fn with_options(command: Command) -> Command {
    command.args(OPTIONS.iter().map(argument)).arg(
        Arg::new("verbose")
            .short('v')
            .long("verbose")
            .action(ArgAction::Count)
            .help("Say on stderr what is done"),
    )
}

fn argument(row: &'static Row) -> Arg {
    let argument = Arg::new(row.long)
        .long(row.long)
        .aliases(row.aliases)
        .help(format!("{} [variable: {}]", row.help, row.variable));
    match row.shape {
        Shape::Switch => argument.action(ArgAction::SetTrue),
        Shape::Value => argument.value_name(row.value_name).action(ArgAction::Set),
        Shape::List => argument.value_name(row.value_name).action(ArgAction::Append),
    }
}

/// Reads arguments, without the program's name.
pub fn parse(arguments: &[OsString]) -> Result<Invocation, clap::Error> {
    let first = arguments.first().and_then(|word| word.to_str());
    let asks_about_program = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    let names_no_command = first.is_none_or(|word| word.starts_with('-')) && !asks_about_program;
    let program = OsString::from("kubectl-login");
    let login = OsString::from("login");
    let words =
        std::iter::once(&program).chain(names_no_command.then_some(&login)).chain(arguments.iter());
    let matches = command().try_get_matches_from(words)?;
    Ok(match matches.subcommand() {
        Some(("get-token", matches)) => Invocation::GetToken(typed(matches)),
        Some(("login", matches)) => Invocation::Login {
            typed: typed(matches),
            context: matches.get_one("context").cloned(),
            kubeconfig: matches.get_one("kubeconfig").cloned(),
        },
        Some(("version", matches)) => Invocation::Version {
            json: matches.get_one::<String>("output").is_some_and(|format| format == "json"),
        },
        Some(("completion", matches)) => Invocation::Completion(
            matches.get_one("shell").copied().unwrap_or(clap_complete::Shell::Bash),
        ),
        Some(("man", matches)) => {
            Invocation::Man { directory: matches.get_one("directory").cloned().unwrap_or_default() }
        }
        _ => {
            return Err(
                command().error(clap::error::ErrorKind::MissingSubcommand, "a command is missing")
            );
        }
    })
}

fn typed(matches: &ArgMatches) -> Typed {
    let mut typed = Typed::with_verbosity(matches.get_count("verbose"));
    for row in OPTIONS {
        match row.shape {
            Shape::Switch => {
                if matches.get_flag(row.long) {
                    typed.push(row.name, String::new());
                }
            }
            Shape::Value | Shape::List => {
                for value in matches.get_many::<String>(row.long).into_iter().flatten() {
                    typed.push(row.name, value.clone());
                }
            }
        }
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Invocation, clap::Error> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn clap_finds_no_fault_with_the_definition() {
        command().debug_assert();
    }

    #[test]
    fn without_a_command_it_is_login() {
        assert!(matches!(read(""), Ok(Invocation::Login { typed, .. }) if typed.is_empty()));
        assert!(
            matches!(read("--issuer-url x"), Ok(Invocation::Login { typed, .. }) if !typed.is_empty())
        );
        assert!(matches!(read("login --context dev"),
            Ok(Invocation::Login { context: Some(name), .. }) if name == "dev"));
    }

    #[test]
    fn questions_about_the_program_are_not_errors() {
        for line in ["--help", "-h", "--version", "get-token --help", "login -h"] {
            assert_eq!(read(line).err().unwrap().exit_code(), 0, "{line}");
        }
        for line in ["nonsense", "get-token --nonsense", "version -o yaml", "completion tcsh"] {
            assert_eq!(read(line).err().unwrap().exit_code(), 2, "{line}");
        }
    }
}
