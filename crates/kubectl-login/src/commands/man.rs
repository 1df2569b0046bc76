//! `man`: writes the manual pages into an existing directory.
//! Never touches other files there.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use clap::{Arg, ArgMatches, Command};

use super::{command_line, examples};
use crate::{
    report::{Failure, NotWritten},
    system::System,
};

/// What each exit code means, for every command.
const EXIT_CODES: [(&str, &str); 5] = [
    ("0", "Done."),
    ("1", "A sign-in was refused or failed."),
    ("2", "The usage or the configuration is wrong."),
    ("3", "A sign-in is needed, and no user can be asked."),
    ("4", "Something that is needed cannot be reached."),
];

const FILES: [(&str, &str); 3] = [
    (
        "$XDG_CONFIG_HOME/kubectl-login/config.yaml",
        "Options that hold for every call, by their names (macOS: ~/Library/Application \
         Support/kubectl-login, Windows: %APPDATA%\\kubectl-login; $KUBECTL_LOGIN_CONFIG names \
         another).",
    ),
    (
        "$KUBECACHEDIR/kubectl-login, $XDG_CACHE_HOME/kubectl-login",
        "Tokens and sessions; --token-cache-dir names another place.",
    ),
    ("$KUBECONFIG, ~/.kube/config", "Where `setup`, `login` and `convert` write user entries."),
];

/// Its arguments.
pub fn definition() -> Command {
    Command::new("man").about("Write the manual pages into a directory").arg(
        Arg::new("directory")
            .required(true)
            .value_name("DIRECTORY")
            .value_hint(clap::ValueHint::DirPath)
            .help("Must exist"),
    )
}

/// Writes the pages.
pub fn run(_: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    write(matches.get_one::<String>("directory").map_or("", String::as_str))
}

/// `kubectl-login.1` and one page per command.
fn write(directory: &str) -> Result<(), Failure> {
    let directory = Path::new(directory);
    let mut command = command_line::documented();
    // Gives the commands their full names.
    command.build();
    let mut pages = vec![("kubectl-login".to_owned(), command.clone())];
    for sub in command.get_subcommands() {
        let name = format!("kubectl-login-{}", sub.get_name());
        pages.push((name.clone(), sub.clone()));
    }
    for (name, command) in pages {
        let path = directory.join(format!("{name}.1"));
        let mut page = Vec::new();
        render(command, &mut page)
            .and_then(|()| File::create(&path)?.write_all(&page))
            .map_err(|source| NotWritten { what: format!("`{}`", path.display()), source })?;
    }
    Ok(())
}

/// The sections that clap generates, and those that a manual page has besides.
fn render(command: Command, page: &mut Vec<u8>) -> io::Result<()> {
    let examples = examples::of(command.get_name());
    // Examples get a section of their own.
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let help = help.split("Examples:").next().unwrap_or_default().trim().to_owned();
    clap_mangen::Man::new(command.after_help(help)).render(page)?;
    let mut text = String::new();
    section(&mut text, "EXIT STATUS", &EXIT_CODES);
    section(&mut text, "FILES", &FILES);
    section(&mut text, "EXAMPLES", examples);
    page.write_all(text.as_bytes())
}

fn section(text: &mut String, title: &str, items: &[(&str, &str)]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, ".SH \"{title}\"");
    for (item, meaning) in items {
        let _ = writeln!(text, ".TP\n{}\n{}", escaped(item), escaped(meaning));
    }
}

/// Escapes for troff: a backslash begins a command, and so does a dot or an apostrophe that begins
/// a line.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_per_command() {
        let scratch = tempfile::tempdir().unwrap();
        write(scratch.path().to_str().unwrap()).unwrap();
        for name in ["kubectl-login", "kubectl-login-get-token", "kubectl-login-login"] {
            let page = std::fs::read_to_string(scratch.path().join(format!("{name}.1"))).unwrap();
            for section in [".SH NAME", ".SH \"EXIT STATUS\"", ".SH \"FILES\""] {
                assert!(page.contains(section), "{name}: {section}");
            }
        }
        let page = std::fs::read_to_string(scratch.path().join("kubectl-login-login.1")).unwrap();
        assert!(page.contains("kubectl\\-login login \\-\\-flow device"), "{page}");
        assert!(page.contains("jwt\\-bearer"), "the values of `--flow`: {page}");
        assert!(write(scratch.path().join("missing/directory").to_str().unwrap()).is_err());
    }
}
