//! The options as clap sees them, built from the table; what was typed as `Typed`.
//! Never a command's own arguments: those stand in the command's file.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use super::{
    table::{OPTIONS, Row, Shape, is_kubelogins},
    typed::Typed,
};

/// Flags of Kubernetes' logger that int128/kubelogin takes. They say nothing to us.
const LOGGER_FLAGS: [&str; 12] = [
    "add_dir_header",
    "alsologtostderr",
    "log_backtrace_at",
    "log_dir",
    "log_file",
    "log_file_max_size",
    "logtostderr",
    "one_output",
    "skip_headers",
    "skip_log_headers",
    "stderrthreshold",
    "vmodule",
];

/// `command` with every option of the table, and `-v`.
pub fn with_options(command: Command) -> Command {
    let ignored = LOGGER_FLAGS.into_iter().map(|flag| {
        Arg::new(flag)
            .long(flag)
            .hide(true)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    });
    with_verbosity(command.args(OPTIONS.iter().map(argument)).args(ignored))
}

/// `command` with `-v`.
pub fn with_verbosity(command: Command) -> Command {
    command.arg(
        Arg::new("verbose")
            .short('v')
            .long("verbose")
            .action(ArgAction::Count)
            .help("Say on stderr what is done, and why"),
    )
}

fn argument(row: &'static Row) -> Arg {
    let argument = Arg::new(row.long)
        .long(row.long)
        .aliases(row.aliases)
        .hide(row.hidden)
        .help(format!("{} [variable: {}]", row.help, row.variable))
        .value_hint(match row.value_name {
            "FILE" => ValueHint::FilePath,
            "DIRECTORY" => ValueHint::DirPath,
            "URL" => ValueHint::Url,
            "COMMAND" => ValueHint::CommandString,
            _ => ValueHint::Unknown,
        });
    match row.shape {
        // `--switch=true` is how Go's programs spell it, too.
        Shape::Switch => argument
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .hide_possible_values(true)
            .default_missing_value(""),
        Shape::Value => argument.value_name(row.value_name).action(ArgAction::Set),
        Shape::List | Shape::Each => argument.value_name(row.value_name).action(ArgAction::Append),
    }
}

/// What was typed of the table's options.
pub fn typed(matches: &ArgMatches) -> Typed {
    let mut typed = Typed::with_verbosity(verbosity(matches));
    for row in OPTIONS {
        for value in matches.get_many::<String>(row.long).into_iter().flatten() {
            typed.push(row.name, value.clone());
        }
    }
    typed
}

/// How often `-v` was given.
pub fn verbosity(matches: &ArgMatches) -> u8 {
    matches.try_get_one::<u8>("verbose").ok().flatten().copied().unwrap_or(0)
}

/// Reads the arguments of a kubeconfig's `exec` entry: `get-token` and options.
pub fn of_get_token(arguments: &[OsString]) -> Result<Typed, clap::Error> {
    let program = Command::new("kubectl-login")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(with_options(Command::new("get-token")));
    let words = std::iter::once("kubectl-login".into()).chain(spelled_out(arguments));
    let matches = program.try_get_matches_from(words)?;
    Ok(matches.subcommand().map(|(_, matches)| typed(matches)).unwrap_or_default())
}

/// `-v2` and `--v=2`, as Kubernetes' programs spell it, become `-v -v`; kubelogin's spellings imply
/// kubelogin's ports.
pub fn spelled_out(arguments: &[OsString]) -> Vec<OsString> {
    let mut words = Vec::with_capacity(arguments.len());
    for word in arguments {
        let level = word
            .to_str()
            .and_then(|word| {
                ["--v=", "-v=", "-v"].iter().find_map(|begin| word.strip_prefix(begin))
            })
            .and_then(|level| level.parse::<usize>().ok());
        match level {
            Some(level) => words.extend(std::iter::repeat_n(OsString::from("-v"), level.min(9))),
            None => words.push(word.clone()),
        }
    }
    let has =
        |test: &dyn Fn(&str) -> bool| arguments.iter().filter_map(|word| word.to_str()).any(test);
    let ports = "--kubelogin-ports";
    if has(&is_kubelogins) && !has(&|word| word.starts_with(ports)) {
        words.push(ports.into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::table::Name;

    fn read(line: &str) -> Result<Typed, clap::Error> {
        of_get_token(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn kubelogins_spellings_are_understood() {
        let typed = read(
            "get-token --oidc-issuer-url=https://a --skip-open-browser=true -v2 \
             --oidc-use-access-token --logtostderr --stderrthreshold=2 --listen-port 8000",
        )
        .unwrap();
        assert_eq!(typed.verbosity, 2);
        assert_eq!(typed.of(Name::SkipOpenBrowser).collect::<Vec<_>>(), ["true"]);
        assert_eq!(typed.of(Name::UseAccessToken).collect::<Vec<_>>(), [""]);
        assert_eq!(typed.of(Name::ListenPort).collect::<Vec<_>>(), ["8000"]);
    }

    #[test]
    fn levels_of_the_log_are_repeated_switches() {
        for (line, expected) in
            [("-v0", 0), ("-v", 1), ("-vv", 2), ("--v=3", 3), ("-v=1", 1), ("-v1 -v", 2)]
        {
            assert_eq!(read(&format!("get-token {line}")).unwrap().verbosity, expected, "{line}");
        }
    }

    #[test]
    fn other_commands_and_unknown_options_are_errors() {
        for line in ["", "login", "get-token --nonsense", "get-token extra"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
