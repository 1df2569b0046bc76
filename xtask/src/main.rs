//! `cargo xtask …`: everything that builds, tests and measures this repository.
//! Never contains a rule of the product; no other crate may depend on it.
//!
//! One file per command; `components/` fetches the real parts the tests run, `children` and
//! `workspace` are what all commands share, `dev_server` and `cached` are the product as
//! demo, startup and bench use it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "automation reads the clock and the environment, starts children and talks to a terminal"
)]

mod children;
mod workspace;

mod cached;
mod components;
mod dev_server;

mod bench;
mod ci;
mod demo;
mod fuzz;
mod lint;
mod startup;
mod test_run;
mod tidy;

use std::process::ExitCode;

/// A command: its name, its arguments, one sentence.
const COMMANDS: [(&str, &str, &str); 8] = [
    ("demo", "[--keep]", "build both programs and show the whole loop on this machine"),
    ("test", "[FILTER…]", "fetch the real components, then run every test"),
    ("lint", "", "formatting, clippy, types on Windows, dependencies and licences, tidy"),
    ("tidy", "", "the rules of this repository that no compiler checks"),
    ("startup", "", "instructions, system calls and memory of the cached path"),
    ("bench", "[--quick] [client|server]", "speed as ratios to floors measured in the same run"),
    ("fuzz", "[--seconds N] [TARGET…]", "arbitrary bytes at every border, a minute each"),
    ("ci", "", "what `.ci/run` runs: lint, test, a short fuzz"),
];

/// The outcome of a command.
pub(crate) enum Outcome {
    Done,
    Failed,
    /// The command line was wrong: `main` prints the reason and the usage.
    Usage(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &[][..]),
    };
    let outcome = match command {
        "demo" => demo::run(rest),
        "test" => test_run::run(rest),
        "lint" => no_options(rest, lint::run),
        "tidy" => no_options(rest, tidy::run),
        "startup" => no_options(rest, startup::run),
        "bench" => bench::run(rest),
        "fuzz" => fuzz::run(rest),
        "ci" => no_options(rest, ci::run),
        // Not in the list: the demo's browser is this program, started by kubectl-login.
        demo::BROWSER => demo::browser(rest),
        "" | "help" | "-h" | "--help" => {
            print!("{}", usage());
            Ok(Outcome::Done)
        }
        unknown => Ok(Outcome::Usage(format!("unknown command `{unknown}`"))),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::Usage(problem)) => {
            eprint!("error: {problem}\n\n{}", usage());
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn no_options(
    rest: &[String],
    command: impl FnOnce() -> anyhow::Result<Outcome>,
) -> anyhow::Result<Outcome> {
    match rest.first() {
        Some(unknown) => Ok(Outcome::Usage(format!("unknown argument `{unknown}`"))),
        None => command(),
    }
}

fn usage() -> String {
    let line = |(name, arguments, sentence)| {
        let command = format!("{name} {arguments}");
        format!("  {command:<32} {sentence}\n")
    };
    format!("usage: cargo xtask COMMAND\n\n{}", COMMANDS.map(line).concat())
}
