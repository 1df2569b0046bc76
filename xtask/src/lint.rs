//! `cargo xtask lint`: formatting, clippy, the client's types on other systems, dependencies, tidy,
//! the book.
//! Never stops at the first failure, never changes a file.

use crate::{
    Outcome, children,
    components::{
        cargo_deny,
        foreign_targets::{Provided, System},
        mdbook,
    },
    tidy, workspace,
};
use anyhow::Result;
use std::process::Command;

pub(crate) fn run() -> Result<Outcome> {
    let mut cargo_deny = Command::new(cargo_deny::provide()?);
    // Advisories need a database that no package registry has: see `deny.toml`.
    cargo_deny.current_dir(workspace::root()).args([
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    let mut fmt = workspace::cargo();
    fmt.args(["fmt", "--all", "--check"]);
    let mut clippy = workspace::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);

    let mut with_traces = workspace::cargo();
    with_traces.args(["clippy", "--workspace", "--all-targets", "--locked"]);
    with_traces.args(["--features", workspace::TRACES, "--", "-D", "warnings"]);

    let pages = tempfile::tempdir()?;
    let mut book = Command::new(mdbook::provide()?);
    book.args(["build", "docs", "--dest-dir"]).arg(pages.path());
    book.current_dir(workspace::root());

    let mut results = vec![
        ("fmt", children::succeeds(&mut fmt)?),
        ("tidy", matches!(tidy::run()?, Outcome::Done)),
        ("book", children::succeeds(&mut book)?),
        ("deny", children::succeeds(&mut cargo_deny)?),
        ("clippy", children::succeeds(&mut clippy)?),
        ("clippy with traces", children::succeeds(&mut with_traces)?),
    ];
    for system in System::ALL {
        results.push((system.name(), types_on(system)?));
    }
    for (name, passed) in &results {
        println!("{} {name}", if *passed { "✓" } else { "✗" });
    }
    let passed = results.iter().filter(|(_, passed)| *passed).count();
    println!("lint: {passed} of {} passed", results.len());
    Ok(if passed == results.len() { Outcome::Done } else { Outcome::Failed })
}

/// Whether the client's code for that system type-checks; true also where the target is
/// unavailable.
fn types_on(system: System) -> Result<bool> {
    let name = system.name();
    match system.provide() {
        Ok(Provided::Ready(variables)) => {
            let mut check = workspace::cargo();
            check.args(["check", "--locked", "--package", "kubectl-login", "--target"]);
            children::succeeds(check.arg(system.target()).envs(variables))
        }
        Ok(Provided::LeftOut(reason)) => {
            println!("left out: {name}: {reason}");
            Ok(true)
        }
        Err(error) => {
            println!("left out: {name}: {error:#}");
            Ok(!std::env::var("CI").is_ok_and(|value| value == "true"))
        }
    }
}
