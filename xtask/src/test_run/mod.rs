//! `cargo xtask test`: fetch the real components, build both programs, run every test.
//! Never hides skipped tests: they are listed, and with `CI=true` they are failures.

mod results;

use crate::{
    Outcome,
    components::{self, Components},
    workspace,
};
use anyhow::{Context as _, Result};
use results::Results;
use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

pub(crate) fn run(filters: &[String]) -> Result<Outcome> {
    if let Some(option) = filters.iter().find(|filter| filter.starts_with('-')) {
        return Ok(Outcome::Usage(format!("unknown option `{option}`")));
    }
    let components = components::provide_all()?;
    for version in &components.versions {
        println!("{version}");
    }
    for left_out in &components.left_out {
        println!("left out: {left_out}");
    }

    let scratch = tempfile::tempdir()?;
    let skipped_file = scratch.path().join("skipped");
    fs::write(&skipped_file, "")?;
    let mut results = Results::default();
    match workspace::build(&["--locked", "--package", "kubectl-login", "--package", "login-server"])
    {
        Ok(programs) => {
            let client = workspace::program(&programs, "kubectl-login")?;
            // One filter per run: not every test program here accepts several.
            let runs =
                if filters.is_empty() { vec![None] } else { filters.iter().map(Some).collect() };
            for filter in runs {
                let mut tests = tests(&components, filter);
                tests
                    .env("LOGIN_TEST_BIN_DIR", client.parent().context("a program in no folder")?)
                    .env("LOGIN_TEST_SKIPPED", &skipped_file);
                let succeeded = run_and_read(&mut tests, &mut results)?;
                results.take_exit(succeeded);
            }
            if filters.is_empty() || filters.iter().any(|filter| filter.contains("traces")) {
                let succeeded = run_and_read(&mut tests_of_traces(), &mut results)?;
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

fn tests(components: &Components, filter: Option<&String>) -> Command {
    let mut tests = workspace::cargo();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast", "--"]).args(filter);
    for (variable, path) in &components.environment {
        tests.env(variable, path);
    }
    tests
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
