//! Answers kubectl's completion request: the words that may stand at the cursor.
//! Never fails, never writes to stderr, never uses the network: the user is typing.

use std::{collections::BTreeSet, ffi::OsString, fmt::Write as _};

use clap::{Arg, Command, ValueHint};

use super::known;
use crate::{
    commands::command_line,
    report::Failure,
    system::{System, stdout},
};

/// Prints the answer; `words` are those after the program's name.
pub fn answer(system: &System<'_>, words: &[OsString]) -> Result<(), Failure> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut program = command_line::command();
    // Adds `--help` and the like.
    program.build();
    let candidates = of(&program, &words, |argument| known::values(system, argument));
    Ok(stdout::answer(&candidates.render())?)
}

/// Cobra's `ShellCompDirective`: what a shell does besides showing the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// Completes file names if there are no candidates.
    Files = 0,
    /// Does nothing else.
    NoFiles = 4,
    /// Completes directory names.
    Directories = 16,
}

/// The words that may stand at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidates {
    /// Word and explanation.
    words: Vec<(String, String)>,
    directive: Directive,
}

impl Candidates {
    fn new(words: Vec<(String, String)>, directive: Directive) -> Self {
        Self { words, directive }
    }

    /// One candidate per line, its explanation after a tab; the directive on the last line.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for (word, explanation) in &self.words {
            let _ = if explanation.is_empty() {
                writeln!(text, "{word}")
            } else {
                writeln!(text, "{word}\t{explanation}")
            };
        }
        let _ = writeln!(text, ":{}", self.directive as u8);
        text
    }
}

/// The candidates for the last of `words`, which may be empty; the others are complete. `known`
/// returns the values of an argument that depend on this host.
pub fn of(program: &Command, words: &[String], known: impl Fn(&str) -> Vec<String>) -> Candidates {
    let (current, complete) =
        words.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
    let place = Place::after(program, complete);
    if let Some(argument) = place.awaited {
        return values(argument, current, "", &known);
    }
    if place.only_positionals {
        return positional(&place, current, &known);
    }
    if let Some((option, value)) = current.split_once('=')
        && let Some(argument) = option_named(place.command, option)
    {
        return values(argument, value, &format!("{option}="), &known);
    }
    if current.starts_with('-') {
        let options = place.command.get_arguments().filter(|argument| !argument.is_hide_set());
        let words = options
            .filter_map(|argument| Some((format!("--{}", argument.get_long()?), help(argument))))
            .filter(|(word, _)| word.starts_with(current))
            .collect();
        return Candidates::new(words, Directive::NoFiles);
    }
    if place.may_name_command {
        let words = program
            .get_subcommands()
            .filter(|command| !command.is_hide_set() && command.get_name().starts_with(current))
            .map(|command| (command.get_name().to_owned(), first_line(command.get_about())))
            .collect();
        return Candidates::new(words, Directive::NoFiles);
    }
    positional(&place, current, &known)
}

/// The position of the cursor.
struct Place<'a> {
    /// The command whose arguments may stand here.
    command: &'a Command,
    /// Whether a command may still be named.
    may_name_command: bool,
    /// The option whose value stands here.
    awaited: Option<&'a Arg>,
    /// How many positional arguments precede it.
    positionals: usize,
    /// `--` was seen.
    only_positionals: bool,
}

impl<'a> Place<'a> {
    fn after(program: &'a Command, complete: &[String]) -> Self {
        // The default command is `login`.
        let login = program.find_subcommand("login").unwrap_or(program);
        let mut place = Self {
            command: login,
            may_name_command: true,
            awaited: None,
            positionals: 0,
            only_positionals: false,
        };
        for word in complete {
            if place.awaited.take().is_some() {
                continue;
            }
            if place.only_positionals {
                place.positionals += 1;
            } else if word == "--" {
                place.only_positionals = true;
            } else if word.len() > 1 && word.starts_with('-') {
                place.may_name_command = false;
                place.awaited = option_named(place.command, word).filter(|argument| {
                    argument.get_action().takes_values() && !argument.is_require_equals_set()
                });
            } else if place.may_name_command
                && let Some(command) = program.find_subcommand(word)
            {
                place.command = command;
                place.may_name_command = false;
            } else {
                place.may_name_command = false;
                place.positionals += 1;
            }
        }
        place
    }
}

fn option_named<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let mut arguments = command.get_arguments();
    if let Some(long) = word.strip_prefix("--") {
        return arguments.find(|argument| {
            let aliases = argument.get_all_aliases().unwrap_or_default();
            argument.get_long() == Some(long) || aliases.contains(&long)
        });
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let short = letters.next().filter(|_| letters.next().is_none())?;
    arguments.find(|argument| argument.get_short() == Some(short))
}

fn positional(
    place: &Place<'_>,
    current: &str,
    known: &impl Fn(&str) -> Vec<String>,
) -> Candidates {
    place
        .command
        .get_positionals()
        .nth(place.positionals)
        .map_or(Candidates::new(Vec::new(), Directive::NoFiles), |argument| {
            values(argument, current, "", known)
        })
}

fn values(
    argument: &Arg,
    current: &str,
    before: &str,
    known: &impl Fn(&str) -> Vec<String>,
) -> Candidates {
    let possible = argument.get_possible_values();
    let named = possible.iter().filter(|value| !value.is_hide_set()).map(|value| {
        let help = value.get_help().map(|help| first_line(Some(help)));
        (value.get_name().to_owned(), help.unwrap_or_default())
    });
    let mut seen = BTreeSet::new();
    let found = known(argument.get_id().as_str());
    let words: Vec<_> = named
        .chain(found.into_iter().map(|word| (word, String::new())))
        // A word with a line break would read as two.
        .filter(|(word, _)| word.starts_with(current) && !word.contains(char::is_control))
        .filter(|(word, _)| seen.insert(word.clone()))
        .map(|(word, help)| (format!("{before}{word}"), help))
        .collect();
    let directive = match argument.get_value_hint() {
        ValueHint::FilePath | ValueHint::AnyPath => Directive::Files,
        ValueHint::DirPath => Directive::Directories,
        _ => Directive::NoFiles,
    };
    Candidates::new(words, directive)
}

fn help(argument: &Arg) -> String {
    let text = first_line(argument.get_help());
    text.split(" [variable: ").next().unwrap_or_default().to_owned()
}

fn first_line(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::COMMANDS;

    fn asked(line: &str) -> Candidates {
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        let mut program = command_line::command();
        program.build();
        of(&program, &words, |argument| match argument {
            "context" => vec!["dev".to_owned(), "prod".to_owned(), "prod".to_owned()],
            "flow" => vec!["auto".to_owned(), "device".to_owned()],
            "account" => vec!["a\nb".to_owned()],
            _ => Vec::new(),
        })
    }

    fn words(line: &str) -> Vec<String> {
        asked(line).words.into_iter().map(|(word, _)| word).collect()
    }

    #[test]
    fn the_words_fit_the_place_of_the_cursor() {
        for (line, expected) in [
            ("logi", &["login"][..]),
            ("get-token --flo", &["--flow"]),
            ("get-token --flow ", &["auto", "device"]),
            ("get-token --grant-type d", &["device"]),
            ("get-token --flow=d", &["--flow=device"]),
            ("login --context ", &["dev", "prod"]),
            // The default command is `login`.
            ("--context p", &["prod"]),
            ("--context dev --contex", &["--context"]),
            ("version -o ", &["text", "wide", "json", "yaml"]),
            ("version --output=j", &["--output=json"]),
            ("completion z", &["zsh"]),
            ("completion zsh ", &[]),
            ("get-token --account ", &[]),
            ("get-token --skip-open-browser --flow dev", &["device"]),
            ("get-token -- --fl", &[]),
            ("nonsense --fl", &["--flow"]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
        for all in ["", "get-token --"] {
            let listed = COMMANDS.iter().filter(|entry| !(entry.definition)().is_hide_set());
            assert!(words(all).len() >= listed.count(), "{all}");
        }
        assert!(!words("").contains(&"__complete".to_owned()));
        assert!(!words("get-token --").contains(&"--no-keyring".to_owned()), "it is hidden");
    }

    #[test]
    fn a_shell_may_add_the_names_of_files_where_one_is_wanted() {
        for (line, expected) in [
            ("get-token --certificate-authority ", Directive::Files),
            ("get-token --token-cache-dir=", Directive::Directories),
            ("get-token --issuer-url ", Directive::NoFiles),
            ("man ", Directive::Directories),
            ("", Directive::NoFiles),
        ] {
            assert_eq!(asked(line).directive, expected, "{line}");
        }
    }

    #[test]
    fn the_last_line_is_the_directive() {
        let text = asked("versio").render();
        assert_eq!(text, "version\tPrint the version\n:4\n");
        assert_eq!(asked("get-token --flow d").render(), "device\n:4\n");
    }
}
