//! The programs know every command in the documentation, with the options shown there.
//! Never executes one: each runs with `--help` at the end of its arguments.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use login_tests::command::clean;
use login_tests::scratch::{Scratch, read};

use crate::world::{Case, World, finished};

pub(crate) const CASES: &[Case] = &[("every_command_of_the_documentation_is_known", known)];

fn known(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let mut found = Vec::new();
    for page in pages()? {
        found.extend(commands(&read(&page)?));
    }
    ensure!(found.len() >= 20, "too few are found: {found:#?}");
    for (program, arguments) in &found {
        let program = match program {
            Program::Client => world.components.kubectl_login()?,
            Program::Server => world.components.login_server()?,
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--help"]).collect();
        finished(clean(program, scratch.path(), &[]), &arguments)?.success()?.saying("Usage:")?;
    }
    // An unknown argument is an error even with `--help`.
    let server =
        || Ok::<_, anyhow::Error>(clean(world.components.login_server()?, scratch.path(), &[]));
    for unknown in [&["serve", "--colour", "--help"][..], &["user", "paint", "alice", "--help"]] {
        finished(server()?, unknown)?.with_code(2)?;
    }
    Ok(())
}

/// `README.md` and every page of the book.
fn pages() -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    Ok(pages)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Client,
    Server,
}

/// The commands in code spans and in indented lines, some of which continue on the next line.
fn commands(page: &str) -> Vec<(Program, Vec<String>)> {
    let whole_lines = page.replace("\\\n", " ");
    let mut texts = Vec::new();
    for line in whole_lines.lines() {
        match line.strip_prefix("    ") {
            Some(command) => texts.push(command.trim()),
            None => texts.extend(line.split('`').skip(1).step_by(2)),
        }
    }
    let begins = [
        ("login-server ", Program::Server),
        ("kubectl-login ", Program::Client),
        ("kubectl login ", Program::Client),
    ];
    let command = |text: &str| {
        let (begin, program) = begins.into_iter().find(|(begin, _)| text.starts_with(begin))?;
        Some((program, words(text.strip_prefix(begin)?)))
    };
    texts.into_iter().filter_map(command).collect()
}

/// The words before a redirection; `…` stands for a value after an option, else for more options.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace().take_while(|word| !["<", ">", "#"].contains(word)) {
        match word {
            "…" if words.last().is_some_and(|last| last.starts_with("--")) => {
                words.push("https://x.example".to_owned());
            }
            "…" => {}
            word => words.push(word.to_owned()),
        }
    }
    words
}
