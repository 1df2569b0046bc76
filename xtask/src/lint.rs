//! `cargo xtask lint`: formatting, clippy, the client's types on Windows, dependencies, tidy.
//! Never stops at the first failure, never changes a file.

use crate::{
    Outcome, children,
    components::{cargo_deny, windows_target},
    tidy, workspace,
};
use anyhow::Result;
use std::process::Command;

pub(crate) fn run() -> Result<Outcome> {
    let mut cargo_deny = Command::new(cargo_deny::provide()?);
    // Advisories need a database that is on no package registry: see `deny.toml`.
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

    let results = [
        ("fmt", children::succeeds(&mut fmt)?),
        ("tidy", matches!(tidy::run()?, Outcome::Done)),
        ("deny", children::succeeds(&mut cargo_deny)?),
        ("clippy", children::succeeds(&mut clippy)?),
        ("windows", windows()?),
    ];
    for (name, passed) in results {
        println!("{} {name}", if passed { "✓" } else { "✗" });
    }
    let passed = results.iter().filter(|(_, passed)| *passed).count();
    println!("lint: {passed} of {} passed", results.len());
    Ok(if passed == results.len() { Outcome::Done } else { Outcome::Failed })
}

/// The client's code for Windows type-checks; true also where the target cannot be had.
fn windows() -> Result<bool> {
    match windows_target::provide() {
        Ok(None) => {
            let mut check = workspace::cargo();
            check.args(["check", "--locked", "--package", "kubectl-login", "--target"]);
            children::succeeds(check.arg(windows_target::TARGET))
        }
        Ok(Some(reason)) => {
            println!("left out: windows: {reason}");
            Ok(true)
        }
        Err(error) => {
            println!("left out: windows: {error:#}");
            Ok(!std::env::var("CI").is_ok_and(|value| value == "true"))
        }
    }
}
