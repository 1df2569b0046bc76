//! `cargo xtask test`: fetch the real components, build both programs, run every test; or, with
//! filters, only what the tests with such names need.
//! Never hides skipped tests: they are listed, and with `CI=true` they are failures.

mod results;
mod selection;

use crate::{Outcome, components, workspace};
use anyhow::{Context as _, Result};
use results::Results;
use selection::Selection;
use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
};

pub(crate) fn run(filters: &[String]) -> Result<Outcome> {
    if let Some(option) = filters.iter().find(|filter| filter.starts_with('-')) {
        return Ok(Outcome::Usage(format!("unknown option `{option}`")));
    }
    let scratch = tempfile::tempdir()?;
    let skipped_file = scratch.path().join("skipped");
    fs::write(&skipped_file, "")?;
    let mut results = Results::default();
    let mut selections = Vec::new();
    for filter in filters {
        match Selection::of(&workspace::root(), filter)? {
            selection if selection.is_empty() => {
                results.take_failure(format!("no test is called like `{filter}`"));
            }
            selection => selections.push((filter, selection)),
        }
    }
    let needed = if filters.is_empty() {
        components::ALL.into()
    } else {
        selections.iter().flat_map(|(_, it)| &it.components).copied().collect()
    };
    let components = components::provide(&needed)?;
    for version in &components.versions {
        println!("{version}");
    }
    for left_out in &components.left_out {
        println!("left out: {left_out}");
    }

    // Only the suites run the programs that are built here.
    let uses_programs =
        filters.is_empty() || selections.iter().any(|(_, it)| !it.suites.is_empty());
    let mut environment = components.environment.clone();
    environment.push(("LOGIN_TEST_SKIPPED", skipped_file.clone()));
    match programs(uses_programs) {
        Ok(folder) => {
            environment.extend(folder.map(|folder| ("LOGIN_TEST_BIN_DIR", folder)));
            let mut runs: Vec<Command> = Vec::new();
            if filters.is_empty() {
                runs.extend([all_tests(), tests_of_traces()]);
            }
            for (filter, selection) in &selections {
                runs.extend(tests_of(selection, filter));
                if filter.contains("traces") {
                    runs.push(tests_of_traces());
                }
            }
            for mut run in runs {
                run.envs(environment.iter().map(|(variable, path)| (variable, path)));
                let succeeded = run_and_read(&mut run, &mut results)?;
                results.take_exit(succeeded);
            }
        }
        Err(error) => results.take_failure(format!("{error:#}")),
    }
    if results.ran_nothing() && !filters.is_empty() {
        results.take_failure(format!("no test is called like `{}`", filters.join("`, `")));
    }
    results.take_skipped(&fs::read_to_string(&skipped_file)?);

    let ci = env::var("CI").is_ok_and(|value| value == "true");
    if ci {
        for left_out in &components.left_out {
            results.take_failure(format!("left out: {left_out}"));
        }
    }
    print!("{}", results.closing());
    Ok(if results.failed() == 0 { Outcome::Done } else { Outcome::Failed })
}

/// Builds both programs if they are needed; returns their folder.
fn programs(are_needed: bool) -> Result<Option<PathBuf>> {
    if !are_needed {
        return Ok(None);
    }
    let packages = ["--locked", "--package", "kubectl-login", "--package", "login-server"];
    let client = workspace::program(&workspace::build(&packages)?, "kubectl-login")?;
    Ok(Some(client.parent().context("a program in no folder")?.to_owned()))
}

fn all_tests() -> Command {
    let mut tests = workspace::cargo();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    tests
}

/// The tests that `filter` names in the packages and suites of `selection`.
fn tests_of<'s>(selection: &'s Selection, filter: &'s str) -> impl Iterator<Item = Command> + 's {
    let command = |arguments: Vec<&str>| {
        let mut tests = workspace::cargo();
        tests.args(["test", "--locked", "--no-fail-fast"]).args(arguments).args(["--", filter]);
        tests
    };
    let list = |option: &'static str, names: &'s BTreeSet<String>| {
        names.iter().flat_map(move |name| [option, name.as_str()]).collect::<Vec<_>>()
    };
    let packages = list("--package", &selection.packages);
    let suites = list("--test", &selection.suites);
    let of_suites = [vec!["--package", selection::SUITES_OF], suites.clone()].concat();
    [(!packages.is_empty(), packages), (!suites.is_empty(), of_suites)]
        .into_iter()
        .filter_map(move |(is_any, arguments)| is_any.then(|| command(arguments)))
}

/// Tests of what the default build leaves out. Built for the whole workspace, so that libraries
/// keep the features with which they are already built.
fn tests_of_traces() -> Command {
    let mut tests = workspace::cargo();
    tests.args(["test", "--locked", "--workspace", "--features", workspace::TRACES]);
    tests.args(["--no-fail-fast", "--lib", "--test", "server", "--", "traces"]);
    tests
}

/// Prints every line as it arrives and passes it to `results`.
fn run_and_read(tests: &mut Command, results: &mut Results) -> Result<bool> {
    let mut child = tests
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("could not start `cargo test`")?;
    let stdout = child.stdout.take().context("`cargo test` has no stdout")?;
    let mut lines = BufReader::new(stdout);
    let mut line = Vec::new();
    // Bytes, not text: a test may print anything.
    while lines.read_until(b'\n', &mut line)? > 0 {
        let mut terminal = std::io::stdout().lock();
        terminal.write_all(&line)?;
        terminal.flush()?;
        results.read_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(child.wait()?.success())
}
