//! `man`: writes the manual pages into a directory that exists.
//! Never touches other files there.

use std::{fs::File, io::Write as _, path::Path};

use clap::{Arg, ArgMatches, Command};

use super::command_line;
use crate::{report::Failure, system::System};

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
    let mut command = command_line::command();
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
        clap_mangen::Man::new(command)
            .render(&mut page)
            .and_then(|()| File::create(&path)?.write_all(&page))
            .map_err(|source| Failure::Write { what: format!("`{}`", path.display()), source })?;
    }
    Ok(())
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
            assert!(page.contains(".SH NAME"), "{name}");
        }
        assert!(write("/nonexistent/directory").is_err());
    }
}
