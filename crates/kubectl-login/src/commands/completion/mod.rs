//! `completion`: prints the completion scripts for shells and for kubectl.
//! Never reads the kubeconfig or calls an issuer; `candidates` does the former, for kubectl.

pub mod candidates;
pub(super) mod known;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgMatches, Command, ValueEnum as _, ValueHint, builder::PossibleValuesParser};
use clap_complete::Shell;

use super::command_line;
use crate::{
    report::{Failure, NotWritten},
    system::{System, file, program, stdout},
};

/// The name that kubectl runs for the completion of `kubectl login` (kubectl,
/// `plugin_completion.go`).
pub const KUBECTL_NAME: &str = "kubectl_complete-login";

/// The first argument that replaces that name where a file cannot have two names.
pub const WORD: &str = "__complete";

const KUBECTL: &str = "kubectl";

/// Our script is far shorter, and so is the text of a link.
const MAX_SCRIPT: u64 = 1000;

/// Its arguments.
pub fn definition() -> Command {
    let shells = Shell::value_variants().iter().filter_map(Shell::to_possible_value);
    let kubectl = clap::builder::PossibleValue::new(KUBECTL)
        .help("The script `kubectl_complete-login`, for `kubectl login`");
    Command::new("completion")
        .about("Print the completion script of a shell or for kubectl")
        .arg(
            Arg::new("shell")
                .required_unless_present("install-kubectl")
                .value_name("SHELL")
                .value_parser(PossibleValuesParser::new(shells.chain([kubectl]))),
        )
        .arg(
            Arg::new("install-kubectl")
                .long("install-kubectl")
                .value_name("DIRECTORY")
                .value_hint(ValueHint::DirPath)
                .conflicts_with("shell")
                .help(
                    "Put `kubectl_complete-login` into this directory, which must be on the \
                     PATH, so that shells complete `kubectl login`, too",
                ),
        )
}

/// Prints the script, or installs it.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    if let Some(directory) = matches.get_one::<String>("install-kubectl") {
        let path = install(Path::new(directory))?;
        system.terminal.say(&format!("Wrote `{}`.", path.display()));
        return Ok(());
    }
    let wanted = matches.get_one::<String>("shell").map_or("", String::as_str);
    match Shell::from_str(wanted, false) {
        Ok(shell) => stdout::answer(&script(shell))?,
        Err(_) => stdout::answer(KUBECTL_SCRIPT)?,
    }
    Ok(())
}

/// The words to complete, if the program was started for completion.
pub fn asked<'a>(name: Option<&OsString>, arguments: &'a [OsString]) -> Option<&'a [OsString]> {
    if name.is_some_and(|name| program::name_of(name) == Some(KUBECTL_NAME)) {
        return Some(arguments);
    }
    arguments.split_first().filter(|(first, _)| *first == WORD).map(|(_, words)| words)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line::documented(), "kubectl-login", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

const KUBECTL_SCRIPT: &str = "#!/bin/sh\n\
    # Completes `kubectl login`: save this as `kubectl_complete-login` on the PATH, executable.\n\
    exec kubectl-login __complete \"$@\"\n";

/// Installs a link to this program, whose name selects completion; on Windows a script.
fn install(directory: &Path) -> Result<PathBuf, NotWritten> {
    let (path, written) = if cfg!(windows) {
        let path = directory.join(format!("{KUBECTL_NAME}.cmd"));
        let text = format!("@kubectl-login {WORD} %*\r\n");
        let written = replaced(&path, |path| program::write_new(path, text.as_bytes()));
        (path, written)
    } else {
        let path = directory.join(KUBECTL_NAME);
        let written = program::path()
            .and_then(|program| replaced(&path, |path| program::link(&program, path)));
        (path, written)
    };
    let what = format!("`{}`", path.display());
    written.map(|()| path).map_err(|source| NotWritten { what, source })
}

/// Creates a file, replacing one that we created before; another program's file stays.
fn replaced(path: &Path, make: impl Fn(&Path) -> std::io::Result<()>) -> std::io::Result<()> {
    match make(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            if !is_ours(path) {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            make(path)
        }
        outcome => outcome,
    }
}

fn is_ours(path: &Path) -> bool {
    let target = std::fs::read_link(path);
    let is_link =
        target.is_ok_and(|target| target.file_stem().is_some_and(|name| name == "kubectl-login"));
    is_link
        || file::read(path, MAX_SCRIPT).is_ok_and(|text| {
            String::from_utf8_lossy(&text).contains(&format!("kubectl-login {WORD}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in ["get-token", "login", "version", "issuer-url", "client-credentials"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_replaced_and_a_foreign_file_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(KUBECTL_NAME);
        let make = |path: &Path| program::link(Path::new("/opt/bin/kubectl-login"), path);
        for _ in 0..2 {
            replaced(&path, make).unwrap();
            assert_eq!(std::fs::read_link(&path).unwrap(), Path::new("/opt/bin/kubectl-login"));
        }
        std::fs::remove_file(&path).unwrap();
        program::write_new(&path, b"#!/bin/sh\n# of another program\n").unwrap();
        assert!(replaced(&path, make).is_err());
        std::fs::remove_file(&path).unwrap();
        program::write_new(&path, KUBECTL_SCRIPT.as_bytes()).unwrap();
        replaced(&path, make).unwrap();
        assert!(install(Path::new("/dev/null/directory")).is_err());
    }
}
