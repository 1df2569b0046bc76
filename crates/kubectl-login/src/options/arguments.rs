//! Builds the clap arguments from the option table, and reads what was typed into `Typed`.
//! Never defines a command's own arguments: those are in the command's file.

use std::ffi::OsString;

use clap::{
    Arg, ArgAction, ArgMatches, Command, ValueHint,
    error::{ContextKind, ContextValue},
};

use super::{
    table::{OPTIONS, Row, Shape, is_kubelogins},
    typed::Typed,
};

/// Flags of Kubernetes' logger (klog) that int128/kubelogin accepts. They have no effect here.
const LOGGER_SWITCHES: [&str; 7] = [
    "add_dir_header",
    "alsologtostderr",
    "legacy_stderr_threshold_behavior",
    "logtostderr",
    "one_output",
    "skip_headers",
    "skip_log_headers",
];

/// The klog flags that take a value.
const LOGGER_VALUES: [&str; 7] = [
    "alsologtostderrthreshold",
    "log_backtrace_at",
    "log_dir",
    "log_file",
    "log_file_max_size",
    "stderrthreshold",
    "vmodule",
];

/// The word between `kubectl` and the arguments of int128/kubelogin.
pub const KUBELOGIN_PLUGIN: &str = "oidc-login";

/// `command` with every option of the table, and `-v`.
pub fn with_options(command: Command) -> Command {
    // As in Go programs, the last of several values wins.
    let command = command.args_override_self(true);
    with_verbosity(command.args(OPTIONS.iter().map(argument)))
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
        .help(format!("{} [variable: {}]", row.help(), row.variable))
        .value_hint(match row.value_name {
            "FILE" => ValueHint::FilePath,
            "DIRECTORY" => ValueHint::DirPath,
            "URL" => ValueHint::Url,
            "COMMAND" => ValueHint::CommandString,
            _ => ValueHint::Unknown,
        });
    match row.shape {
        // Go programs also accept `--switch=true`.
        Shape::Switch => argument
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .hide_possible_values(true)
            .default_missing_value(""),
        Shape::Value => argument.value_name(row.value_name).action(ArgAction::Set),
        Shape::List | Shape::Pairs | Shape::Each => {
            argument.value_name(row.value_name).action(ArgAction::Append)
        }
    }
}

/// Collects the table's options that were typed.
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
    let arguments = spelled_out(without_plugin(arguments), &|word| word == "get-token");
    let words = std::iter::once("kubectl-login".into()).chain(arguments);
    let matches = program.try_get_matches_from(words)?;
    Ok(matches.subcommand().map(|(_, matches)| typed(matches)).unwrap_or_default())
}

/// Describes a clap error in one line and without values, which may be secrets.
pub fn fault(error: &clap::Error) -> String {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name.as_str()),
        Some(ContextValue::Strings(names)) => names.first().map(String::as_str),
        _ => None,
    };
    // A word that is not an option may be the value of one.
    let option = named(ContextKind::InvalidArg).filter(|name| name.starts_with("--"));
    let option = option.map(|name| name.split(['=', ' ']).next().unwrap_or_default());
    let mut text = error.kind().to_string();
    if let Some(option) = option {
        text = format!("{text}: `{option}`");
    }
    if let Some(known) = named(ContextKind::SuggestedArg) {
        text = format!("{text}; did you mean `{known}`?");
    }
    text
}

/// The arguments after `oidc-login`, if they begin with that word: perhaps only the `command` of an
/// entry that ran `kubectl oidc-login get-token` was replaced.
pub fn without_plugin(arguments: &[OsString]) -> &[OsString] {
    match arguments {
        [plugin, rest @ ..] if plugin == KUBELOGIN_PLUGIN && !rest.is_empty() => rest,
        all => all,
    }
}

/// Rewrites `-v2`, `-v 2` and `--v=2`, as Kubernetes programs accept them, to `-v -v`, also before
/// the command; removes klog flags; kubelogin's spellings imply kubelogin's ports.
pub fn spelled_out(arguments: &[OsString], is_command: &dyn Fn(&str) -> bool) -> Vec<OsString> {
    let (mut words, mut levels) = (Vec::with_capacity(arguments.len()), 0_usize);
    let mut rest = arguments.iter().peekable();
    let number = |word: &str| word.parse::<usize>().ok().map(|level| level.min(9));
    while let Some(word) = rest.next() {
        let Some(text) = word.to_str() else {
            words.push(word.clone());
            continue;
        };
        if text == "--" {
            words.push(word.clone());
            words.extend(rest.by_ref().cloned());
            break;
        }
        if is_of_logger(text, &LOGGER_SWITCHES) {
            continue;
        }
        if is_of_logger(text, &LOGGER_VALUES) {
            if !text.contains('=') {
                rest.next();
            }
            continue;
        }
        let level = match text {
            "-v" | "--v" => {
                let next = rest.peek().and_then(|next| next.to_str()).and_then(number);
                if next.is_some() {
                    rest.next();
                }
                next.or(Some(1))
            }
            _ => ["--v=", "-v=", "-v"]
                .iter()
                .find_map(|begin| text.strip_prefix(begin))
                .and_then(number),
        };
        match level {
            // Before the command: our option belongs after it.
            Some(level) if words.is_empty() => levels += level,
            Some(level) => words.extend(std::iter::repeat_n(OsString::from("-v"), level)),
            None => words.push(word.clone()),
        }
    }
    let behind = words.first().and_then(|word| word.to_str()).is_some_and(is_command);
    let place = usize::from(behind);
    words.splice(place..place, std::iter::repeat_n(OsString::from("-v"), levels.min(9)));
    let has =
        |test: &dyn Fn(&str) -> bool| arguments.iter().filter_map(|word| word.to_str()).any(test);
    let ports = "--kubelogin-ports";
    if has(&is_kubelogins) && !has(&|word| word.starts_with(ports)) {
        words.push(ports.into());
    }
    words
}

fn is_of_logger(word: &str, flags: &[&str]) -> bool {
    let name = word.strip_prefix("--").unwrap_or_default();
    flags.contains(&name.split('=').next().unwrap_or_default())
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
    fn flags_of_the_logger_say_nothing_wherever_they_stand() {
        let plain = read("get-token --issuer-url a").unwrap();
        for line in [
            "get-token --log_file /dev/null --issuer-url a",
            "get-token --log_file=/dev/null --issuer-url a --vmodule x=1",
            "get-token --issuer-url a --alsologtostderr --stderrthreshold INFO",
            "get-token --legacy_stderr_threshold_behavior=true --issuer-url a",
            "--logtostderr=false get-token --issuer-url a --alsologtostderrthreshold=2",
            "oidc-login get-token --issuer-url a",
            "oidc-login --log_dir /x get-token --issuer-url a",
        ] {
            assert!(read(line).unwrap() == plain, "{line}");
        }
        for line in ["-v 2 get-token --issuer-url a", "-v2 --one_output get-token --issuer-url a"] {
            let typed = read(line).unwrap();
            assert_eq!((typed.verbosity, typed.has(Name::IssuerUrl)), (2, true), "{line}");
        }
    }

    #[test]
    fn the_last_of_several_values_counts() {
        let typed = read(
            "get-token --issuer-url a --oidc-issuer-url b --skip-open-browser \
             --skip-open-browser=false --scope a --scope b",
        )
        .unwrap();
        assert_eq!(typed.of(Name::IssuerUrl).collect::<Vec<_>>(), ["b"]);
        assert_eq!(typed.of(Name::SkipOpenBrowser).collect::<Vec<_>>(), ["false"]);
        assert_eq!(typed.of(Name::Scope).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn other_commands_and_unknown_options_are_errors() {
        for line in [
            "",
            "login",
            "get-token --nonsense",
            "get-token extra",
            "oidc-login",
            "oidc-login login",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_fault_names_the_option_and_no_value() {
        for (line, expected) in [
            (
                "get-token --issuer-ur=secret",
                "unexpected argument found: `--issuer-ur`; did you mean `--issuer-url`?",
            ),
            ("get-token secret", "unexpected argument found"),
        ] {
            let said = read(line).map_err(|error| fault(&error)).err().unwrap();
            assert_eq!(said, expected, "{line}");
            assert!(!said.contains("secret"));
        }
    }
}
